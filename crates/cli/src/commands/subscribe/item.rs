//! What a subscription can be told, read from its JSON and put in words.

use bellwether_client::{Delivery, EpochEnded, Gap, Live, Subscribed};
use bellwether_message::NodeId;
use bytes::Bytes;

use crate::output::printable;

/// What one item of the stream is.
#[derive(Debug)]
pub(in crate::commands) enum Item {
    Message,
    Subscribed(Subscribed),
    Gap(Gap),
    EpochEnded(EpochEnded),
    Live(Live),
    /// Something that a newer node says.
    Unknown,
}

impl Item {
    pub(in crate::commands) fn of(json: &Bytes) -> Self {
        // A message begins with its id. Looking there first spares most items from being parsed at all.
        if json.starts_with(b"{\"id\":") {
            return Self::Message;
        }
        match Delivery::of(json) {
            Delivery::Message(_) => Self::Message,
            Delivery::Subscribed(report) => Self::Subscribed(report),
            Delivery::Gap(gap) => Self::Gap(gap),
            Delivery::EpochEnded(ended) => Self::EpochEnded(ended),
            Delivery::Live(live) => Self::Live(live),
            _ => Self::Unknown,
        }
    }

    /// Its line for people, if it is a marker that has one.
    pub(in crate::commands) fn text(&self) -> Option<String> {
        match self {
            Self::Gap(gap) => Some(gap_text(gap)),
            Self::EpochEnded(ended) => Some(ended_text(ended)),
            Self::Live(live) => Some(live_text(live)),
            Self::Message | Self::Subscribed(_) | Self::Unknown => None,
        }
    }
}

pub(in crate::commands) fn subscribed_text(report: &Subscribed) -> String {
    let text = format!("live on {} of {} nodes", report.live, report.nodes);
    match report.not_yet[..] {
        [] if report.joined => text,
        [] => format!("{text} (this node has not joined its mesh yet)"),
        _ => format!("{text} (not yet: {})", names(&report.not_yet)),
    }
}

fn gap_text(gap: &Gap) -> String {
    let Gap {
        instance,
        node,
        first,
        last,
        count,
        ..
    } = gap;
    let bound = if gap.exact { "" } else { "up to " };
    let cause = match gap.cause.as_str() {
        "slow_subscriber" => "this subscriber read too slowly",
        "disconnected" => "this subscriber read too slowly and is disconnected",
        "link_overrun" => "the link to this node fell too far behind",
        "backlog_overrun" => "the node no longer keeps them",
        "restarted" => "the node has restarted and forgotten them",
        "unverified" => "they arrived with a wrong signature",
        other => &printable(other),
    };
    format!("-- missing: {bound}{count} messages of {instance} from node {node} (seq {first} to {last}): {cause}")
}

fn ended_text(ended: &EpochEnded) -> String {
    let EpochEnded {
        instance,
        node,
        last_seq,
        ..
    } = ended;
    if ended.tail_unknown {
        format!(
            "-- node {node} is gone: its last message of {instance} seen here has seq {last_seq}, later ones may be \
             lost with it"
        )
    } else {
        format!("-- node {node} has stopped: its last message of {instance} has seq {last_seq}")
    }
}

fn live_text(live: &Live) -> String {
    let Live { instance, replayed, .. } = live;
    let text = format!("-- {instance} is live: {replayed} messages were from before");
    match live.incomplete[..] {
        [] => text,
        _ => format!("{text}; nodes that could not be asked: {}", names(&live.incomplete)),
    }
}

fn names(nodes: &[NodeId]) -> String {
    let names: Vec<_> = nodes.iter().map(NodeId::as_str).collect();
    names.join(", ")
}

#[cfg(test)]
mod tests {
    use bellwether::LiveReport;

    use super::*;

    #[test]
    fn a_live_report_is_read_as_it_is_written() {
        let report = LiveReport {
            live: 1,
            nodes: 2,
            not_yet: vec![NodeId::new("b").unwrap()],
            joined: true,
        };
        let read: Subscribed = serde_json::from_str(&serde_json::to_string(&report).unwrap()).unwrap();
        assert_eq!(subscribed_text(&read), "live on 1 of 2 nodes (not yet: b)");
        let alone: Subscribed = serde_json::from_str(r#"{"live":1,"nodes":1,"not_yet":[],"joined":false}"#).unwrap();
        assert_eq!(
            subscribed_text(&alone),
            "live on 1 of 1 nodes (this node has not joined its mesh yet)"
        );
    }

    #[test]
    fn every_marker_is_said_in_words() {
        for (json, text) in [
            (
                r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"slow_subscriber","exact":true}}"#,
                Some("-- missing: 12 messages of events from node a (seq 5 to 16): this subscriber read too slowly"),
            ),
            (
                r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"restarted","exact":false}}"#,
                Some(
                    "-- missing: up to 12 messages of events from node a (seq 5 to 16): the node has restarted and forgotten them",
                ),
            ),
            (
                r#"{"gap":{"instance":"events","node":"a","epoch":1,"first":5,"last":16,"count":12,"cause":"new\ncause","exact":false}}"#,
                Some("-- missing: up to 12 messages of events from node a (seq 5 to 16): new\\ncause"),
            ),
            (
                r#"{"epoch_ended":{"instance":"alerts","node":"b","epoch":1,"last_seq":7,"tail_unknown":false}}"#,
                Some("-- node b has stopped: its last message of alerts has seq 7"),
            ),
            (
                r#"{"live":{"instance":"alerts","replayed":12,"incomplete":[]}}"#,
                Some("-- alerts is live: 12 messages were from before"),
            ),
            (
                r#"{"live":{"instance":"alerts","replayed":0,"incomplete":["b","c"]}}"#,
                Some("-- alerts is live: 0 messages were from before; nodes that could not be asked: b, c"),
            ),
            (r#"{"novelty":1}"#, None),
        ] {
            assert_eq!(
                Item::of(&Bytes::copy_from_slice(json.as_bytes())).text().as_deref(),
                text,
                "{json}"
            );
        }
    }

    #[test]
    fn every_cause_has_words_of_its_own() {
        use bellwether::GapCause;
        for cause in [
            GapCause::SlowSubscriber,
            GapCause::Disconnected,
            GapCause::LinkOverrun,
            GapCause::BacklogOverrun,
            GapCause::Restarted,
            GapCause::Unverified,
        ] {
            let json = format!(
                r#"{{"gap":{{"instance":"events","node":"a","first":1,"last":1,"count":1,"cause":"{cause}","exact":true}}}}"#
            );
            let Item::Gap(gap) = Item::of(&Bytes::copy_from_slice(json.as_bytes())) else {
                panic!("{json}")
            };
            assert!(!gap_text(&gap).ends_with(&format!(": {cause}")), "{}", gap_text(&gap));
            assert_eq!(gap.is_disconnection(), cause == GapCause::Disconnected);
        }
    }
}
