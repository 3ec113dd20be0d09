use super::*;

const fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

fn source(node: &str, epoch: u64) -> Source {
    Source {
        node: NodeId::new(node).unwrap(),
        epoch: Epoch(epoch),
    }
}

fn address(port: u16) -> SocketAddr {
    ([127, 0, 0, 1], port).into()
}

fn roster() -> Roster {
    let node = NodeId::new("m").unwrap();
    let version = String::new();
    let own = Member {
        node,
        epoch: Epoch(1),
        address: address(1),
        state: MemberState::Own,
        inbound: true,
        outbound: true,
        version,
    };
    Roster::new(own, ms(600))
}

fn gossiped(node: &str, epoch: u64, port: u16) -> Gossiped {
    Gossiped {
        source: source(node, epoch),
        address: address(port),
    }
}

fn states(roster: &Roster) -> Vec<(String, MemberState)> {
    roster
        .members()
        .into_iter()
        .map(|member| (member.node.to_string(), member.state))
        .collect()
}

fn state(roster: &Roster, node: &str) -> Option<MemberState> {
    states(roster)
        .into_iter()
        .find(|(id, _)| id == node)
        .map(|(_, state)| state)
}

/// Time passes as it does in a node that runs.
fn pass(roster: &mut Roster, from: u64, to: u64) {
    (from..=to).step_by(100).for_each(|now| drop(roster.tick(ms(now))));
}

#[test]
fn gossip_tells_where_to_dial_and_a_link_makes_a_member() {
    let mut roster = roster();
    roster.on_gossip(
        vec![gossiped("b", 1, 2), gossiped("b", 3, 4), gossiped("m", 9, 9)],
        ms(0),
    );
    assert_eq!(
        roster.dials(),
        [(NodeId::new("b").unwrap(), address(4))].into(),
        "the newest run, and not ourselves"
    );
    assert_eq!(states(&roster), [("m".to_owned(), MemberState::Own)]);
    roster.on_linked(Direction::Out, &source("b", 3), address(4), "1", ms(1));
    assert_eq!(
        states(&roster),
        [("b".to_owned(), MemberState::Alive), ("m".to_owned(), MemberState::Own)]
    );
}

#[test]
fn a_silent_member_that_does_not_answer_is_down_after_a_second() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(10));
    roster.on_gossip(vec![], ms(1000));
    assert_eq!(state(&roster, "b"), Some(MemberState::Suspect));
    assert_eq!(roster.asks(), [NodeId::new("b").unwrap()]);
    roster.tick(ms(1900));
    assert!(roster.asks().is_empty());
    assert_eq!(state(&roster, "b"), Some(MemberState::Suspect));
    roster.tick(ms(2000));
    assert_eq!(state(&roster, "b"), Some(MemberState::Down));
    assert_eq!(roster.tick(ms(2000) + KEEP_DOWN), [source("b", 1)]);
    assert_eq!(state(&roster, "b"), None);
}

#[test]
fn a_silent_member_that_answers_stays_alive_and_is_asked_again() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(10));
    roster.on_gossip(vec![], ms(1000));
    roster.on_pong(&source("b", 1), ms(1500));
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
    roster.asks();
    roster.tick(ms(2400));
    assert!(roster.asks().is_empty());
    roster.tick(ms(2500));
    assert_eq!(roster.asks(), [NodeId::new("b").unwrap()]);
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(2600));
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
    roster.tick(ms(9000));
    assert!(roster.asks().is_empty());
}

#[test]
fn a_member_never_heard_gossiping_lives_by_its_links() {
    let mut roster = roster();
    roster.on_linked(Direction::In, &source("b", 1), address(2), "1", ms(0));
    pass(&mut roster, 0, 10_000);
    assert!(roster.asks().is_empty());
    roster.on_unlinked(Direction::In, &source("b", 1), ms(10_000));
    pass(&mut roster, 10_000, 11_000);
    assert_eq!(state(&roster, "b"), Some(MemberState::Down));
    roster.on_linked(Direction::In, &source("b", 1), address(2), "1", ms(12_000));
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
}

#[test]
fn a_restart_replaces_the_row_and_the_older_run_means_nothing() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_linked(Direction::In, &source("b", 5), address(2), "1", ms(10));
    roster.on_unlinked(Direction::Out, &source("b", 1), ms(20));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(30));
    let members = roster.members();
    assert_eq!(
        (members[0].epoch, members[0].inbound, members[0].outbound),
        (Epoch(5), true, false)
    );
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
    assert_eq!(roster.known_epoch(&NodeId::new("b").unwrap()), Some(Epoch(5)));
}

#[test]
fn a_clean_leaver_vanishes_though_its_gossip_lingers() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(10));
    roster.on_leaving(&source("b", 1));
    roster.on_left(&source("b", 1));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(20));
    assert_eq!(state(&roster, "b"), None);
    assert!(roster.dials().is_empty());
    roster.on_gossip(vec![gossiped("b", 2, 2)], ms(30));
    assert_eq!(roster.dials().len(), 1, "its next run is welcome");
}

#[test]
fn a_link_that_stays_one_way_is_told_once() {
    let mut roster = roster();
    roster.on_linked(Direction::In, &source("b", 1), address(2), "1", ms(0));
    assert!(roster.one_way(ms(0)).is_empty());
    assert!(roster.one_way(ms(4999)).is_empty());
    assert_eq!(roster.one_way(ms(5000)), [(NodeId::new("b").unwrap(), true)]);
    assert!(roster.one_way(ms(9000)).is_empty());
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(9001));
    assert!(roster.one_way(ms(20_000)).is_empty());
}

#[test]
fn a_leaver_whose_last_words_are_lost_is_no_alarm() {
    let mut roster = roster();
    roster.on_linked(Direction::In, &source("b", 1), address(2), "1", ms(0));
    roster.on_leaving(&source("b", 1));
    roster.on_unlinked(Direction::In, &source("b", 1), ms(10));
    assert_eq!(state(&roster, "b"), None);
    assert_eq!(roster.tick(ms(20)), [source("b", 1)]);
}

#[test]
fn an_address_taken_over_by_a_living_node_is_dialed_for_that_node_alone() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("y-old", 1), address(2), "1", ms(0));
    roster.on_unlinked(Direction::Out, &source("y-old", 1), ms(10));
    pass(&mut roster, 0, 2000);
    assert_eq!(state(&roster, "y-old"), Some(MemberState::Down));
    assert_eq!(roster.dials().len(), 1);
    roster.on_gossip(vec![gossiped("b-new", 1, 2)], ms(2001));
    assert_eq!(roster.dials(), [(NodeId::new("b-new").unwrap(), address(2))].into());
}

#[test]
fn the_first_join_is_done_when_all_that_gossip_names_is_linked_both_ways() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("seed", 1), address(2), "1", ms(0));
    roster.on_linked(Direction::In, &source("seed", 1), address(2), "1", ms(1));
    assert!(!roster.is_joined(ms(2)), "gossip has not told of the others yet");
    roster.on_gossip(vec![gossiped("seed", 1, 2), gossiped("c", 1, 3)], ms(3));
    assert!(!roster.is_joined(ms(4)));
    roster.on_linked(Direction::Out, &source("c", 1), address(3), "1", ms(5));
    assert!(!roster.is_joined(ms(6)));
    assert!(
        roster.is_joined(ms(5001)),
        "one that cannot be reached does not put it off for ever"
    );
    roster.on_linked(Direction::In, &source("c", 1), address(3), "1", ms(7));
    assert!(!roster.is_joined(ms(602)), "gossip may yet name others");
    assert!(roster.is_joined(ms(603)));
}

#[test]
fn a_run_is_over_when_it_was_reset_or_is_down_or_unknown() {
    let mut roster = roster();
    assert!(roster.is_over(&source("b", 1)));
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    assert!(!roster.is_over(&source("b", 1)));
    roster.on_reset(&source("b", 1));
    assert!(roster.is_over(&source("b", 1)));
}

#[test]
fn a_node_that_was_paused_accuses_nobody_at_once() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(10));
    pass(&mut roster, 100, 1000);
    // Thirty seconds stopped: its links are lost, and it has heard nobody.
    roster.on_unlinked(Direction::Out, &source("b", 1), ms(31_000));
    roster.on_gossip(vec![], ms(31_010));
    pass(&mut roster, 31_100, 33_900);
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
    assert!(roster.asks().is_empty());
    pass(&mut roster, 34_000, 35_000);
    assert_eq!(
        state(&roster, "b"),
        Some(MemberState::Down),
        "it is silent all the same"
    );
}

#[test]
fn a_member_that_only_others_reach_is_down_until_a_link_is_back() {
    let mut roster = roster();
    roster.on_linked(Direction::Out, &source("b", 1), address(2), "1", ms(0));
    roster.on_gossip(vec![gossiped("b", 1, 2)], ms(10));
    pass(&mut roster, 100, 1000);
    roster.on_unlinked(Direction::Out, &source("b", 1), ms(1000));
    pass(&mut roster, 1100, 2900);
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive), "it may be dialing again");
    pass(&mut roster, 3000, 9000);
    assert_eq!(state(&roster, "b"), Some(MemberState::Down));
    assert_eq!(roster.dials().len(), 1, "it is dialed on");
    roster.on_linked(Direction::In, &source("b", 1), address(2), "1", ms(9000));
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
    pass(&mut roster, 9100, 12_000);
    assert_eq!(state(&roster, "b"), Some(MemberState::Alive));
}
