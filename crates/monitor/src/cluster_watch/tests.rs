mod partitions;
mod simulation;
mod turns;

use super::*;

fn id(name: &str) -> NodeId {
    NodeId::new(name).unwrap()
}

fn ms(ms: u64) -> Duration {
    Duration::from_millis(ms)
}

/// Rows from text: `a b? c!7` are a alive, b suspect, c down in run 7; runs are 1 by default.
fn view(text: &str) -> Vec<Seen> {
    text.split_whitespace().map(row).collect()
}

fn row(text: &str) -> Seen {
    let at = text.find(['?', '!', ':']).unwrap_or(text.len());
    let (node, rest) = text.split_at(at);
    let state = match rest.chars().next() {
        Some('?') => Life::Suspect,
        Some('!') => Life::Down,
        _ => Life::Alive,
    };
    let epoch = rest.get(1..).filter(|run| !run.is_empty()).unwrap_or("1");
    Seen {
        node: id(node),
        epoch: Epoch(epoch.parse().unwrap()),
        state,
    }
}

/// One observer that has joined with a view, and the time.
struct Observer {
    watch: ClusterWatch,
    now: Duration,
}

impl Observer {
    fn joined(own: &str, members: &str) -> Self {
        let mut watch = ClusterWatch::new(id(own));
        assert_eq!(watch.on_members(&view(members), ms(0)), []);
        watch.on_joined(ms(0));
        // Old enough to be no newcomer.
        let mut observer = Self { watch, now: ms(0) };
        assert_eq!(observer.wait(60_000), "");
        observer
    }

    /// Lets time pass, in the steps that the watch asks for, and tells what it said.
    fn wait(&mut self, millis: u64) -> String {
        let until = self.now + ms(millis);
        let mut said = Vec::new();
        while let Some(next) = self.watch.next_tick().filter(|next| *next <= until) {
            self.now = self.now.max(next);
            said.extend(self.watch.tick(self.now));
        }
        self.now = until;
        said.extend(self.watch.tick(until));
        text(&said)
    }

    fn sees(&mut self, members: &str) -> String {
        text(&self.watch.on_members(&view(members), self.now))
    }

    fn hears(&mut self, news: News, text_of_row: &str) -> String {
        let of = row(text_of_row);
        let heard = Heard {
            news,
            node: of.node,
            epoch: of.epoch,
            reporter: id("zz"),
        };
        text(&self.watch.on_heard(&heard, self.now))
    }
}

/// Effects as text, one word each: `failed:c` is alert, lifecycle event and health together.
fn text(effects: &[Effect]) -> String {
    let mut words = Vec::new();
    for effect in effects {
        match effect {
            Effect::Announce(alert) => words.push(format!("{}:{}/{}", name(&alert.news), alert.node, alert.epoch)),
            Effect::Lifecycle(lifecycle) => {
                words.push(format!("{}({})", name(&lifecycle.event), lifecycle.cluster_size))
            }
            Effect::Health(health) => words.push(format!(
                "{}[{}/{}]",
                name(&health.status),
                health.healthy_nodes,
                health.total_nodes
            )),
            Effect::Membership(change) => {
                let nodes: Vec<&str> = change.affected_nodes.iter().map(NodeId::as_str).collect();
                words.push(format!("{}={}", name(&change.event), nodes.join("+")));
            }
        }
    }
    words.join(" ")
}

fn name(word: &impl serde::Serialize) -> String {
    serde_json::to_value(word).unwrap().as_str().unwrap().to_owned()
}

#[test]
fn what_was_there_before_the_first_join_is_taken_silently_and_what_comes_after_is_told() {
    let mut watch = ClusterWatch::new(id("a"));
    assert_eq!(watch.next_tick(), None);
    assert_eq!(watch.on_members(&view("b"), ms(0)), []);
    assert_eq!(watch.on_members(&view("b c d!"), ms(10)), []);
    assert_eq!(watch.tick(ms(1_000)), []);
    watch.on_joined(ms(1_100));
    assert_eq!(watch.on_members(&view("b c d!"), ms(1_200)), []);
    let said = watch.on_members(&view("b c d! e"), ms(1_300));
    assert_eq!(text(&said), "node_added=e");
}

#[test]
fn a_node_that_joins_is_told_by_the_first_in_turn_without_an_alert() {
    let mut observer = Observer::joined("a", "b");
    assert_eq!(observer.sees("b c"), "node_added=c joined(3) healthy[3/3]");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_view_in_which_nothing_changes_says_nothing() {
    let mut observer = Observer::joined("a", "b c");
    for _ in 0..5 {
        assert_eq!(observer.sees("c b a"), "");
        assert_eq!(observer.wait(1_000), "");
    }
}

#[test]
fn a_suspect_that_recovers_alarms_nobody_but_is_counted_as_degraded() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b? c d"), "");
    assert_eq!(observer.wait(2_000), "");
    let effects = observer.watch.on_members(&view("b? c! d"), observer.now);
    let health = effects.iter().find_map(|effect| match effect {
        Effect::Health(health) => Some(health.clone()),
        _ => None,
    });
    let health = health.unwrap();
    assert_eq!(health.degraded_nodes, [id("b")]);
    assert_eq!(health.unhealthy_nodes, [id("c")]);
    assert_eq!((health.healthy_nodes, health.total_nodes), (3, 4));
    assert_eq!(health.nodes, [id("a"), id("b"), id("c"), id("d")]);
    assert_eq!(health.event_type, HealthEvent::NodeDown);
    observer.wait(1_000);
    assert_eq!(observer.sees("b c! d"), "");
}

#[test]
fn a_failure_is_announced_at_once_and_the_membership_follows_within_the_window() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b c! d"), "failed:c/1 down(3) degraded[3/4]");
    assert_eq!(observer.wait(499), "");
    assert_eq!(observer.wait(1), "node_removed=c");
    assert_eq!(observer.wait(60_000), "");
}

#[test]
fn one_that_is_forgotten_after_being_down_says_nothing_more() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c! d");
    observer.wait(300_000);
    assert_eq!(observer.sees("b d"), "");
    assert_eq!(observer.wait(20_000), "");
    assert_eq!(observer.watch.census().total(), 3);
}

#[test]
fn one_that_returns_after_it_was_forgotten_is_back_all_the_same() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c! d!");
    observer.wait(300_000);
    observer.sees("b");
    observer.wait(300_000);
    assert_eq!(observer.sees("b c"), "recovered:c/1 reconnected(3) healthy[3/3]");
    assert_eq!(observer.wait(1_000), "partition_healed=c");
    assert_eq!(
        observer.sees("b c d:2"),
        "node_added=d recovered:d/2 reconnected(4) healthy[4/4]"
    );
}

#[test]
fn a_clean_leaver_is_removed_without_an_alert() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b d"), "node_removed=c left(3) healthy[3/3]");
    assert_eq!(observer.wait(20_000), "");
    assert_eq!(observer.sees("b c:2 d"), "node_added=c joined(4) healthy[4/4]");
}

#[test]
fn a_restart_is_one_recovery_and_no_second_failure() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b c! d"), "failed:c/1 down(3) degraded[3/4]");
    observer.wait(5_000);
    assert_eq!(
        observer.sees("b c:2 d"),
        "node_added=c recovered:c/2 reconnected(4) healthy[4/4]"
    );
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_restart_that_nobody_missed_is_a_new_member_and_an_old_node() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b c:2 d"), "node_added=c reconnected(4) healthy[4/4]");
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_restart_within_the_window_tells_the_loss_first() {
    let mut observer = Observer::joined("a", "b c d");
    observer.sees("b c! d");
    observer.wait(100);
    assert_eq!(
        observer.sees("b c:2 d"),
        "node_removed=c node_added=c recovered:c/2 reconnected(4) healthy[4/4]"
    );
    assert_eq!(observer.wait(20_000), "");
}

#[test]
fn a_flapping_node_is_told_once_each_way_each_time() {
    let mut observer = Observer::joined("a", "b c d");
    for _ in 0..3 {
        assert_eq!(observer.sees("b c! d"), "failed:c/1 down(3) degraded[3/4]");
        assert_eq!(observer.wait(1_000), "node_removed=c");
        assert_eq!(observer.sees("b c d"), "recovered:c/1 reconnected(4) healthy[4/4]");
        assert_eq!(observer.wait(1_000), "partition_healed=c");
    }
}

#[test]
fn flapping_inside_one_window_is_told_in_order() {
    let mut observer = Observer::joined("a", "b c d");
    assert_eq!(observer.sees("b c! d"), "failed:c/1 down(3) degraded[3/4]");
    observer.wait(100);
    assert_eq!(
        observer.sees("b c d"),
        "node_removed=c recovered:c/1 reconnected(4) healthy[4/4]"
    );
    observer.wait(100);
    assert_eq!(
        observer.sees("b c! d"),
        "partition_healed=c failed:c/1 down(3) degraded[3/4]"
    );
    assert_eq!(observer.wait(1_000), "node_removed=c");
}

#[test]
fn what_is_said_of_the_observer_and_its_own_echo_mean_nothing() {
    let mut observer = Observer::joined("b", "a c");
    observer.sees("a c!");
    let echo = Heard {
        news: News::Failed,
        node: id("c"),
        epoch: Epoch(1),
        reporter: id("b"),
    };
    observer.watch.on_heard(&echo, observer.now);
    observer.hears(News::Failed, "b");
    assert!(observer.wait(3_000).contains("failed:c"));
    assert!(!observer.watch.records.contains_key(&id("b")));
}

#[test]
fn hearsay_is_bounded_and_costs_no_member_its_place() {
    let mut observer = Observer::joined("a", "b c");
    observer.sees("b c!");
    for run in 0..3 * MAX_NODES {
        observer.hears(News::Failed, &format!("x{run}"));
    }
    assert_eq!(observer.watch.records.len(), MAX_NODES);
    assert_eq!(
        observer.sees("b c"),
        "node_removed=c recovered:c/1 reconnected(3) healthy[3/3]"
    );
}

#[test]
fn hearsay_does_not_crowd_out_what_is_still_to_be_said() {
    let mut observer = Observer::joined("b", "a c");
    observer.sees("a");
    observer.now += ms(1);
    for run in 0..3 * MAX_NODES {
        observer.hears(News::Failed, &format!("x{run}"));
    }
    assert_eq!(observer.wait(3_000), "left(2) healthy[2/2]");
}

#[test]
fn of_two_rows_of_one_node_the_higher_run_counts() {
    let mut observer = Observer::joined("a", "b c");
    assert_eq!(observer.sees("b c! c:2"), "node_added=c reconnected(3) healthy[3/3]");
    assert_eq!(observer.sees("b c:2 c!"), "");
}

#[test]
fn a_claim_about_a_run_that_nobody_has_seen_silences_nobody_for_long() {
    let mut a = Observer::joined("a", "b c");
    a.hears(News::Failed, "c!9000000000");
    assert_eq!(a.wait(10_000), "");
    let said = a.sees("b c!") + &a.wait(1_000);
    assert!(said.contains("fail"), "{said}");
    let said = a.sees("b c") + &a.wait(1_000);
    assert!(said.contains("recover"), "{said}");
}

#[test]
fn a_node_that_speaks_of_its_own_end_is_not_heard() {
    let mut a = Observer::joined("a", "b c");
    let heard = Heard {
        news: News::Failed,
        node: id("c"),
        epoch: Epoch(1),
        reporter: id("c"),
    };
    assert_eq!(text(&a.watch.on_heard(&heard, a.now)), "");
    let said = a.sees("b c!") + &a.wait(1_000);
    assert!(said.contains("fail"), "{said}");
}
