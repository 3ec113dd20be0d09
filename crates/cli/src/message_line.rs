//! A message as one line for people.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use crate::output::{Colour, Paint, printable};

/// Widths of the columns, chosen for the names in the original's catalogue; longer text pushes the rest to the right.
const INSTANCE_WIDTH: usize = 11;
const TOPIC_WIDTH: usize = 24;
const EVENT_WIDTH: usize = 22;
const NODES_WIDTH: usize = 15;
const RECEIVED_ON_WIDTH: usize = 3;

/// What is shown of a message's JSON form.
#[derive(Deserialize)]
struct Message<'a> {
    #[serde(borrow)]
    instance: Cow<'a, str>,
    #[serde(borrow)]
    topic: Cow<'a, str>,
    #[serde(borrow)]
    event: Cow<'a, str>,
    #[serde(borrow)]
    originating_node: Cow<'a, str>,
    #[serde(borrow)]
    reporting_node: Cow<'a, str>,
    #[serde(borrow)]
    timestamp: Cow<'a, str>,
    received_on: Option<Cow<'a, str>>,
    #[serde(borrow)]
    payload: Option<&'a RawValue>,
    payload_base64: Option<Cow<'a, str>>,
}

/// The titles over messages that have `received_on`.
pub(crate) fn titles(paint: Paint) -> String {
    let titles = format!(
        "{:<13}  {:<RECEIVED_ON_WIDTH$}  {:<INSTANCE_WIDTH$}  {:<TOPIC_WIDTH$}  {:<EVENT_WIDTH$}  {:<NODES_WIDTH$}  PAYLOAD",
        "TIME (UTC)", "ON", "INSTANCE", "TOPIC", "EVENT", "ORIGIN→REPORTER"
    );
    paint.paint(Colour::Bold, titles).into_owned()
}

/// One message, given in its JSON form: time, the node that received it where that is said, instance, topic, event,
/// `originating→reporting` node and payload.
pub(crate) fn render(json: &[u8], paint: Paint) -> Result<String, serde_json::Error> {
    let message: Message<'_> = serde_json::from_slice(json)?;
    let nodes = message.nodes();
    let mut cells = vec![column(paint, Colour::Dim, time_of_day(&message.timestamp), 13)];
    if let Some(node) = &message.received_on {
        cells.push(column(paint, node_colour(node), node, RECEIVED_ON_WIDTH));
    }
    cells.extend([
        column(
            paint,
            instance_colour(&message.instance),
            &message.instance,
            INSTANCE_WIDTH,
        ),
        column(paint, Colour::Bold, &message.topic, TOPIC_WIDTH),
        column(paint, Colour::Cyan, &message.event, EVENT_WIDTH),
        column(paint, node_colour(&message.reporting_node), &nodes, NODES_WIDTH),
        printable(&message.payload()).into_owned(),
    ]);
    Ok(cells.join("  "))
}

/// The same in as few columns as it takes, for lines that begin with something else.
pub(crate) fn compact(json: &[u8]) -> Result<String, serde_json::Error> {
    let message: Message<'_> = serde_json::from_slice(json)?;
    let nodes = message.nodes();
    let payload = message.payload();
    let time = std::iter::once(time_of_day(&message.timestamp));
    let rest = [&*message.instance, &*message.topic, &*message.event, &*nodes, &*payload];
    let cells = time.chain(message.received_on.as_deref()).chain(rest);
    Ok(cells.map(printable).collect::<Vec<_>>().join(" "))
}

impl Message<'_> {
    /// `originating→reporting`.
    fn nodes(&self) -> String {
        format!(
            "{}→{}",
            printable(&self.originating_node),
            printable(&self.reporting_node)
        )
    }

    /// Text as it is, JSON as it was written, bytes in base64.
    fn payload(&self) -> Cow<'_, str> {
        match (self.payload, &self.payload_base64) {
            (_, Some(base64)) => Cow::Owned(format!("base64:{base64}")),
            (None, None) => Cow::Borrowed("null"),
            (Some(value), None) => match serde_json::from_str::<String>(value.get()) {
                Ok(text) => Cow::Owned(text),
                Err(_) => Cow::Borrowed(value.get()),
            },
        }
    }
}

/// Padded first and coloured then: a terminal's colour codes have no width.
fn column(paint: Paint, colour: Colour, text: &str, width: usize) -> String {
    let text = printable(text);
    paint.paint(colour, format!("{text:<width$}")).into_owned()
}

/// `10:57:54.123Z` of `2026-11-21T10:57:54.123Z`.
pub(crate) fn time_of_day(timestamp: &str) -> &str {
    timestamp.split_once('T').map_or(timestamp, |(_, time)| time)
}

/// One colour per node, so that the eye follows it: by the name's first letter, which differs where names were given
/// with care.
pub(crate) fn node_colour(node: &str) -> Colour {
    match node.bytes().next().unwrap_or_default() % 4 {
        0 => Colour::Magenta,
        1 => Colour::Green,
        2 => Colour::Yellow,
        _ => Colour::Blue,
    }
}

fn instance_colour(instance: &str) -> Colour {
    match instance {
        "alerts" | "security" => Colour::Red,
        _ => Colour::Dim,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message(rest: &str) -> String {
        format!(
            "{{\"id\":\"alerts/a/1/1\",\"instance\":\"alerts\",\"topic\":\"system_alerts:critical\",\
             \"event\":\"critical_alert\",\"originating_node\":\"b\",\"reporting_node\":\"a\",\
             \"timestamp\":\"2026-11-21T10:57:54.123Z\",\"correlation_id\":null,\"signed\":true,{rest}}}"
        )
    }

    #[test]
    fn a_message_is_one_aligned_line() {
        let line = render(
            message(r#""received_on":"c","payload":{"message":"disk full"}"#).as_bytes(),
            Paint::NONE,
        );
        assert_eq!(
            line.unwrap(),
            "10:57:54.123Z  c    alerts       system_alerts:critical    critical_alert          b→a              {\"message\":\"disk full\"}"
        );
    }

    #[test]
    fn a_compact_line_has_the_same_fields() {
        let line = compact(message(r#""received_on":"c","payload":{"message":"disk full"}"#).as_bytes());
        assert_eq!(
            line.unwrap(),
            "10:57:54.123Z c alerts system_alerts:critical critical_alert b→a {\"message\":\"disk full\"}"
        );
    }

    #[test]
    fn every_kind_of_payload_is_shown() {
        for (rest, shown) in [
            (r#""payload":"two\nlines""#, "two\\nlines"),
            (r#""payload":null"#, "null"),
            (r#""payload":[1, 2]"#, "[1, 2]"),
            (r#""payload_base64":"/w==""#, "base64:/w=="),
        ] {
            let line = render(message(rest).as_bytes(), Paint::NONE).unwrap();
            assert!(line.ends_with(&format!("  {shown}")), "{line}");
        }
    }
}
