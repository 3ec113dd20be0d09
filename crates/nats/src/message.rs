//! Writing a delivered message.
//!
//! A client that understands headers is told where a message comes from: `Bellwether-Message-Id`,
//! `-Originating-Node`, `-Reporting-Node`, `-Event`, `-Timestamp`, `-Correlation-Id`, `-Causation-Id`, and `Content-Type`
//! if the payload is not just bytes. Then come the publisher's own.
//!
//! On a subject of no instance, a message whose publisher said nothing but a payload arrives as it would from a server of
//! NATS, without headers: to read ours costs a client four times what it pays for the message itself.

use std::io::Write;

use bellwether::{ContentType, DEFAULT_EVENT, Envelope, Head, Instance, Timestamp};

use crate::headers::{self, STATUS};
use crate::subject::{FOREIGN, is_under, write_subject};
use crate::subject_pattern::SubjectPattern;

/// What writing needs and keeps from message to message of one client.
#[derive(Debug, Default)]
pub(crate) struct Scribe {
    block: Vec<u8>,
    reply: Vec<u8>,
    /// The time that was written last.
    time: Option<(Timestamp, String)>,
}

/// A topic's subject, kept while the next message has the same.
#[derive(Debug, Default)]
pub(crate) struct SubjectMemory {
    place: Option<(Instance, String)>,
    subject: Vec<u8>,
    is_asked_for: bool,
}

impl SubjectMemory {
    /// The subject of what is delivered; none if it has none, or none that the pattern asks for.
    pub(crate) fn of(&mut self, pattern: &SubjectPattern, instance: Instance, topic: &str) -> Option<&[u8]> {
        let is_known = |(known, text): &(Instance, String)| *known == instance && text == topic;
        if !self.place.as_ref().is_some_and(is_known) {
            self.subject.clear();
            self.is_asked_for =
                write_subject(instance, topic, &mut self.subject) && pattern.admits(topic, &self.subject);
            self.place = Some((instance, topic.to_owned()));
        }
        self.is_asked_for.then_some(&*self.subject)
    }
}

/// Writes a space and a number, without the machinery of formatting, which costs more than the rest of a line.
fn write_number(number: usize, out: &mut Vec<u8>) {
    let mut digits = [b' '; 21];
    let (mut at, mut rest) = (digits.len(), number);
    loop {
        at -= 1;
        if let (Some(digit), Ok(value)) = (digits.get_mut(at), u8::try_from(rest % 10)) {
            *digit = b'0' + value;
        }
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    out.extend_from_slice(digits.get(at - 1..).unwrap_or_default());
}

/// Whether a message on `events` is foreign and its publisher said nothing but a payload, and where the answer goes.
fn is_bare(head: &Head<'_>) -> bool {
    head.event == DEFAULT_EVENT
        && is_under(head.topic, FOREIGN)
        && head.headers().is_empty()
        && [head.originating_node, head.correlation_id, head.causation_id] == [None; 3]
        && head.content_type() == ContentType::Bytes
}

impl Scribe {
    /// Writes a message as `MSG`, or as `HMSG` to who understands it, unless it is bare.
    pub(crate) fn write(
        &mut self,
        subject: &[u8],
        sid: &[u8],
        envelope: &Envelope,
        with_headers: bool,
        out: &mut Vec<u8>,
    ) {
        let head = envelope.head();
        let with_headers = with_headers && !(envelope.instance() == Instance::Events && is_bare(&head));
        let payload = envelope.payload();
        let reply = head.reply_to().and_then(|reply| {
            self.reply.clear();
            let (instance, topic) = reply.split_once('/')?;
            let instance = instance.parse().ok()?;
            write_subject(instance, topic, &mut self.reply).then_some(&*self.reply)
        });
        let fields = [Some(subject), Some(sid), reply];
        out.extend_from_slice(if with_headers { b"HMSG" } else { b"MSG" });
        for field in fields.into_iter().flatten() {
            out.push(b' ');
            out.extend_from_slice(field);
        }
        if with_headers {
            let block = &mut self.block;
            block.clear();
            let carried = head.headers();
            let status = if carried.is_empty() { None } else { carried.get(STATUS) };
            headers::begin(status, block);
            let source = envelope.source();
            let (instance, node, epoch, seq) = (envelope.instance(), &source.node, source.epoch, envelope.seq());
            // Cannot fail: into memory.
            let _ = write!(block, "Bellwether-Message-Id: {instance}/{node}/{epoch}/{seq}\r\n");
            headers::write(
                "Bellwether-Originating-Node",
                head.originating_node.unwrap_or(node.as_str()),
                block,
            );
            headers::write("Bellwether-Reporting-Node", node.as_str(), block);
            headers::write("Bellwether-Event", head.event, block);
            let time = head.timestamp(source.epoch);
            if self.time.as_ref().is_none_or(|(known, _)| *known != time) {
                self.time = Some((time, time.to_string()));
            }
            if let Some((_, text)) = &self.time {
                headers::write("Bellwether-Timestamp", text, block);
            }
            if let Some(id) = head.correlation_id {
                headers::write("Bellwether-Correlation-Id", id, block);
            }
            if let Some(id) = head.causation_id {
                headers::write("Bellwether-Causation-Id", id, block);
            }
            match head.content_type() {
                ContentType::Bytes => {}
                kind => headers::write("Content-Type", kind.name(), block),
            }
            if !carried.is_empty() {
                for (name, value) in carried.iter() {
                    // Of another door, perhaps; ours are said above.
                    if name != STATUS && headers::own_name(name).is_none() {
                        headers::write(name, value, block);
                    }
                }
            }
            headers::end(block);
            write_number(block.len(), out);
            write_number(block.len() + payload.len(), out);
            out.extend_from_slice(b"\r\n");
            out.extend_from_slice(block);
        } else {
            write_number(payload.len(), out);
            out.extend_from_slice(b"\r\n");
        }
        out.extend_from_slice(payload);
        out.extend_from_slice(b"\r\n");
    }

    /// Writes that nobody hears what was published to `subject`.
    pub(crate) fn write_no_responders(&mut self, subject: &[u8], reply: &[u8], sid: &[u8], out: &mut Vec<u8>) {
        let block = &mut self.block;
        block.clear();
        headers::begin(Some("503"), block);
        block.extend_from_slice(b"Nats-Subject: ");
        block.extend_from_slice(subject);
        block.extend_from_slice(b"\r\n");
        headers::end(block);
        for part in [&b"HMSG "[..], reply, b" ", sid] {
            out.extend_from_slice(part);
        }
        let _ = write!(out, " {0} {0}\r\n", block.len());
        out.extend_from_slice(block);
        out.extend_from_slice(b"\r\n");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_they_are_read() {
        for number in [0, 7, 10, 128, 1_048_576, usize::MAX] {
            let mut out = Vec::new();
            write_number(number, &mut out);
            assert_eq!(out, format!(" {number}").into_bytes());
        }
    }
}
