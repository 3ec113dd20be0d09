//! What the demo publishes: a small shop with a full disk.

use bellwether::{Draft, Instance, NodeId, Topic};

/// The messages repeat after this many.
const SCENES: u64 = 8;

/// Message number `number`, published by the node at this place of `names`.
pub(super) fn message(number: u64, names: &[NodeId; 3], publisher: usize) -> (Instance, Draft) {
    let order = 1000 + number / SCENES;
    let myself = &names[publisher];
    let neighbour = &names[(publisher + 1) % names.len()];
    let about = |topic: &str, event: &'static str, json: String| {
        Draft::new(Topic::new(topic).expect("the demo's topics are valid"), event).json(json)
    };
    let of_order = |draft: Draft| draft.correlation_id(format!("order-{order}"));
    match number % SCENES {
        0 => (
            Instance::Events,
            of_order(about(
                "orders:eu:new",
                "order_placed",
                format!(
                    r#"{{"order":{order},"total":"{}.90","currency":"EUR"}}"#,
                    19 + number % 70
                ),
            )),
        ),
        1 => (
            Instance::Health,
            about(
                &format!("node_health:{myself}"),
                "node_health_updated",
                format!(
                    r#"{{"node":"{myself}","status":"healthy","load":0.{}}}"#,
                    21 + number % 60
                ),
            ),
        ),
        2 => (
            Instance::Events,
            of_order(about(
                "orders:eu:paid",
                "order_paid",
                format!(r#"{{"order":{order},"by":"card"}}"#),
            )),
        ),
        3 => (
            Instance::Alerts,
            about(
                "system_alerts:warning",
                "threshold_alert",
                format!(r#"{{"message":"disk at {} %","mount":"/var"}}"#, 80 + number % 15),
            ),
        ),
        // A monitor on one node about another: the event arose there, and is reported here.
        4 => (
            Instance::Health,
            about(
                &format!("node_health:{neighbour}"),
                "node_health_updated",
                format!(r#"{{"node":"{neighbour}","status":"degraded","seen_by":"{myself}"}}"#),
            )
            .originating_node(neighbour.clone()),
        ),
        5 => (
            Instance::Events,
            of_order(about(
                "orders:eu:shipped",
                "order_shipped",
                format!(r#"{{"order":{order},"parcels":{}}}"#, 1 + number % 3),
            )),
        ),
        6 => (
            Instance::Alerts,
            about(
                "system_alerts:critical",
                "critical_alert",
                r#"{"message":"disk full","mount":"/var"}"#.to_owned(),
            ),
        ),
        _ => (
            Instance::Events,
            of_order(
                Draft::new(
                    Topic::new("orders:eu:note").expect("the demo's topics are valid"),
                    "order_note",
                )
                .text("leave it at the door, please"),
            ),
        ),
    }
}

#[cfg(test)]
mod tests {
    use bellwether::Pattern;

    use super::super::{NAMES, WANTED};
    use super::*;

    #[test]
    fn every_message_is_valid_and_wanted_once() {
        let names = NAMES.map(|name| NodeId::new(name).unwrap());
        for number in 0..3 * SCENES {
            let (instance, draft) = message(number, &names, usize::try_from(number).unwrap() % names.len());
            draft.check(1024).unwrap();
            if draft.content_type.is_json() {
                serde_json::from_slice::<serde_json::Value>(&draft.payload).unwrap();
            }
            let wanted = WANTED.iter().filter(|(wanted, pattern)| {
                *wanted == instance && Pattern::new(pattern).unwrap().matches(draft.topic.as_str())
            });
            assert_eq!(wanted.count(), 1, "{}", draft.topic);
        }
    }
}
