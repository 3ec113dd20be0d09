//! One step of a story as a line for people, or as JSON. Pure.

use std::borrow::Cow;

use bellwether_message::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::story::{Branch, Cause};
use crate::message_line::{node_colour, time_of_day};
use crate::output::{Colour, Paint, printable};

/// Width of `+123.456 s*`, and of the title.
const DELAY_WIDTH: usize = 11;
const NODE_WIDTH: usize = 8;
/// Deeper steps are drawn at this depth: beyond it nobody can tell the lines apart.
const DRAWN_DEPTH: usize = 16;
/// As much of a payload is shown.
const PAYLOAD_CHARS: usize = 200;
/// Marks delays between two clocks.
const TWO_CLOCKS: char = '*';

/// What the mark says.
pub(super) const NOTE: &str =
    "* by the clocks of two nodes: where these are on two hosts, it is no better than their clocks agree";

/// What is shown of a message's JSON form.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
}

/// A step as JSON.
#[derive(Serialize)]
struct Form<'a> {
    /// 0 where nothing led to it that is here.
    depth: usize,
    cause: Option<String>,
    cause_found: bool,
    since_first_ms: i64,
    since_cause_ms: Option<i64>,
    two_clocks: bool,
    message: &'a RawValue,
}

/// The titles over the lines.
pub(super) fn titles(paint: Paint) -> String {
    let titles = format!(
        "{:<13}  {:>DELAY_WIDTH$}  {:<NODE_WIDTH$}  MESSAGE",
        "TIME (UTC)", "AFTER CAUSE", "NODE"
    );
    paint.paint(Colour::Bold, titles).into_owned()
}

/// Time, delay behind what led to it, node, and the message at its place in the tree.
pub(super) fn text(branch: &Branch<'_>, paint: Paint) -> String {
    let step = branch.step;
    let timestamp = step.timestamp.to_string();
    let delay = match branch.since_cause() {
        None => "-".to_owned(),
        Some((ms, true)) => delay_text(ms),
        Some((ms, false)) => format!("{}{TWO_CLOCKS}", delay_text(ms)),
    };
    let node = format!("{:<NODE_WIDTH$}", step.id.node.as_str());
    let mut line = format!(
        "{}  {delay:>DELAY_WIDTH$}  {}  {}{}",
        paint.paint(Colour::Dim, time_of_day(&timestamp)),
        paint.paint(node_colour(step.id.node.as_str()), node),
        paint.paint(Colour::Dim, twig(&branch.is_last)),
        paint.paint(Colour::Bold, step.id.to_string()),
    );
    if let Ok(message) = serde_json::from_slice::<Message<'_>>(&step.json) {
        let (topic, event) = (printable(&message.topic), printable(&message.event));
        line += &format!("  {topic}  {}", paint.paint(Colour::Cyan, event));
        if let Some(payload) = message.payload {
            line += "  ";
            line += &printable(&beginning(payload.get()));
        }
    }
    if let Cause::Unknown(word) = branch.cause {
        let words = format!("  (caused by {}, which was not found)", printable(word));
        line += &paint.paint(Colour::Yellow, words);
    }
    line
}

/// The same for programs.
pub(super) fn json(branch: &Branch<'_>, begin: Timestamp) -> Result<String, serde_json::Error> {
    let since = branch.since_cause();
    serde_json::to_string(&Form {
        depth: branch.is_last.len(),
        cause: branch.cause.name(),
        cause_found: matches!(branch.cause, Cause::Step(_)),
        since_first_ms: branch.step.timestamp.as_millis().saturating_sub(begin.as_millis()),
        since_cause_ms: since.map(|(ms, _)| ms),
        two_clocks: since.is_some_and(|(_, one_clock)| !one_clock),
        message: serde_json::from_slice(&branch.step.json)?,
    })
}

/// `+7 ms`, `+1.500 s`, `-3 ms`.
fn delay_text(ms: i64) -> String {
    let sign = if ms < 0 { '-' } else { '+' };
    match ms.unsigned_abs() {
        ms @ 0..1_000 => format!("{sign}{ms} ms"),
        ms => format!("{sign}{}.{:03} s", ms / 1_000, ms % 1_000),
    }
}

/// The lines of the tree in front of a step.
fn twig(is_last: &[bool]) -> String {
    let drawn = is_last.get(..DRAWN_DEPTH).unwrap_or(is_last);
    let Some((last, above)) = drawn.split_last() else {
        return String::new();
    };
    let above = above.iter().map(|is_last| if *is_last { "   " } else { "│  " });
    above.chain([if *last { "└─ " } else { "├─ " }]).collect()
}

fn beginning(text: &str) -> Cow<'_, str> {
    match text.char_indices().nth(PAYLOAD_CHARS) {
        None => Cow::Borrowed(text),
        Some((end, _)) => Cow::Owned(format!("{}…", &text[..end])),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::story::Story;
    use super::*;

    fn story() -> Story {
        let mut story = Story::new("events/a/1/1", 10);
        for (id, ms, causation) in [
            ("events/a/1/1", 0, None),
            ("events/b/1/1", -3, Some("events/a/1/1")),
            ("alerts/a/1/1", 1_500, Some("events/a/1/1")),
            ("events/c/1/1", 7, Some("events/b/1/1")),
            ("events/c/1/2", 9, Some("elsewhere")),
        ] {
            let correlation = id.ends_with('2').then_some("events/a/1/1");
            let message = json!({
                "id": id, "timestamp": Timestamp::from_millis(1_000_000 + ms), "correlation_id": correlation,
                "causation_id": causation, "topic": "t", "event": "e", "payload": {"n": 1},
            });
            story.absorb(message.to_string().as_bytes());
        }
        story
    }

    #[test]
    fn a_story_is_a_tree_with_delays() {
        let story = story();
        let lines: Vec<_> = story.tree().iter().map(|branch| text(branch, Paint::NONE)).collect();
        assert_eq!(
            lines,
            [
                "00:16:40.000Z            -  a         events/a/1/1  t  e  {\"n\":1}",
                "00:16:39.997Z       -3 ms*  b         ├─ events/b/1/1  t  e  {\"n\":1}",
                "00:16:40.007Z      +10 ms*  c         │  └─ events/c/1/1  t  e  {\"n\":1}",
                "00:16:41.500Z     +1.500 s  a         └─ alerts/a/1/1  t  e  {\"n\":1}",
                "00:16:40.009Z            -  c         events/c/1/2  t  e  {\"n\":1}  (caused by elsewhere, which was not found)",
            ]
        );
        assert_eq!(titles(Paint::NONE), "TIME (UTC)     AFTER CAUSE  NODE      MESSAGE");
    }

    #[test]
    fn programs_get_the_message_and_its_place() {
        let story = story();
        let begin = story.begin().unwrap();
        let tree = story.tree();
        let of = |place: usize| -> Value { serde_json::from_str(&json(&tree[place], begin).unwrap()).unwrap() };
        let effect = of(2);
        assert_eq!(effect["message"]["id"], "events/c/1/1");
        let place = [
            "depth",
            "cause",
            "cause_found",
            "since_first_ms",
            "since_cause_ms",
            "two_clocks",
        ];
        let expected = [
            json!(2),
            json!("events/b/1/1"),
            json!(true),
            json!(10),
            json!(10),
            json!(true),
        ];
        for (key, expected) in place.iter().zip(expected) {
            assert_eq!(effect[key], expected, "{key}");
        }
        let root = of(4);
        assert_eq!(
            (
                &root["depth"],
                &root["cause"],
                &root["cause_found"],
                &root["since_cause_ms"]
            ),
            (&json!(0), &json!("elsewhere"), &json!(false), &Value::Null)
        );
    }

    #[test]
    fn what_is_too_deep_or_too_long_is_cut() {
        assert_eq!(twig(&[true; 40]).chars().count(), 3 * DRAWN_DEPTH);
        assert_eq!(beginning(&"é".repeat(300)).chars().count(), PAYLOAD_CHARS + 1);
    }
}
