//! A client's message as a draft.

use std::borrow::Cow;
use std::collections::HashMap;

use bellwether::{
    ContentType, DEFAULT_EVENT, Draft, DraftError, HeaderError, Headers, Instance, NodeId, PublishError, Topic,
};

use crate::fault::Fault;
use crate::headers::{self, Line, STATUS};
use crate::operation::Publish;
use crate::subject::place_of;

/// Subjects of which one client's door remembers the place; when full, all are forgotten.
const MAX_PLACES: usize = 1024;
/// A draft's buffer that has grown beyond this is given back.
const MAX_KEPT_BYTES: usize = 256 * 1024;

/// Turns messages of one client into drafts. Its memory is used again for each.
#[derive(Debug)]
pub(crate) struct Publishing {
    draft: Draft,
    places: HashMap<Box<[u8]>, (Instance, Topic), foldhash::fast::RandomState>,
    /// The subject and instance of the draft as it is.
    last: (Vec<u8>, Option<Instance>),
    is_plain: bool,
}

impl Publishing {
    pub(crate) fn new() -> Option<Self> {
        Some(Self {
            draft: Draft::new(Topic::new("$nats").ok()?, DEFAULT_EVENT),
            places: HashMap::default(),
            last: (Vec::new(), None),
            is_plain: false,
        })
    }

    /// The draft of a message but for its payload, and its instance.
    ///
    /// # Errors
    /// What is wrong with its subject, reply subject or headers.
    pub(crate) fn prepare(&mut self, message: &Publish<'_>) -> Result<(Instance, &Draft), Fault> {
        let instance = self.place(message.subject)?;
        if !self.is_plain {
            self.reset();
        }
        self.is_plain = message.reply.is_none() && message.headers.is_none();
        if let Some(reply) = message.reply {
            let (instance, topic) = place_of(reply).ok_or(Fault::PublishSubject)?;
            self.draft.reply_to = Some(format!("{instance}/{topic}"));
        }
        if let Some(block) = message.headers {
            self.read_headers(block)?;
        }
        Ok((instance, &self.draft))
    }

    /// The same draft, with the payload.
    pub(crate) fn complete(&mut self, payload: &[u8]) -> &Draft {
        if self.draft.payload.capacity() > MAX_KEPT_BYTES && payload.len() < MAX_KEPT_BYTES {
            self.draft.payload = Vec::new();
        }
        self.draft.payload.clear();
        self.draft.payload.extend_from_slice(payload);
        &self.draft
    }

    fn place(&mut self, subject: &[u8]) -> Result<Instance, Fault> {
        if let (last, Some(instance)) = &self.last
            && last == subject
        {
            return Ok(*instance);
        }
        let (instance, topic) = match self.places.get(subject) {
            Some(place) => place.clone(),
            None => {
                let place = place_of(subject).ok_or(Fault::PublishSubject)?;
                if self.places.len() >= MAX_PLACES {
                    self.places.clear();
                }
                self.places.insert(subject.into(), place.clone());
                place
            }
        };
        self.draft.topic = topic;
        self.last.0.clear();
        self.last.0.extend_from_slice(subject);
        self.last.1 = Some(instance);
        Ok(instance)
    }

    fn reset(&mut self) {
        self.draft.event = Cow::Borrowed(DEFAULT_EVENT);
        self.draft.content_type = ContentType::Bytes;
        self.draft.headers = Headers::default();
        self.draft.reply_to = None;
        self.draft.originating_node = None;
        (self.draft.correlation_id, self.draft.causation_id) = (None, None);
    }

    fn read_headers(&mut self, block: &[u8]) -> Result<(), Fault> {
        for line in headers::parse(block).ok_or(Fault::Header)? {
            let (name, value) = match line {
                Line::Status(status) => (STATUS, status),
                Line::Header(name, value) => (name, value),
            };
            if let Some(own) = headers::own_name(name) {
                self.read_own_header(own, value)?;
            } else if name.eq_ignore_ascii_case("Content-Type") && !value.is_empty() {
                self.draft.content_type = ContentType::from_name(value);
            } else {
                self.draft.headers.push(name, value).map_err(|err| match err {
                    HeaderError::TooLong { .. } => Fault::Payload,
                    _ => Fault::Header,
                })?;
            }
        }
        Ok(())
    }

    /// What a publisher may say by our names. The rest is for us to say, and is left out.
    fn read_own_header(&mut self, name: &str, value: &str) -> Result<(), Fault> {
        if name.eq_ignore_ascii_case("Event") {
            self.draft.event = Cow::Owned(value.to_owned());
        } else if name.eq_ignore_ascii_case("Originating-Node") {
            self.draft.originating_node = Some(NodeId::new(value).map_err(|_| Fault::Header)?);
        } else if name.eq_ignore_ascii_case("Correlation-Id") {
            self.draft.correlation_id = Some(value.to_owned());
        } else if name.eq_ignore_ascii_case("Causation-Id") {
            self.draft.causation_id = Some(value.to_owned());
        }
        Ok(())
    }
}

/// What a client is told when the node does not take its message.
pub(crate) fn refused(err: &PublishError) -> Fault {
    match err {
        PublishError::Draft(DraftError::PayloadTooLarge { .. }) => Fault::Payload,
        PublishError::Draft(_) => Fault::Header,
        _ => Fault::Stopping,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn message<'a>(subject: &'a str, reply: Option<&'a str>, headers: Option<&'a str>) -> Publish<'a> {
        Publish {
            subject: subject.as_bytes(),
            reply: reply.map(str::as_bytes),
            headers: headers.map(str::as_bytes),
            payload: b"",
        }
    }

    #[test]
    fn headers_say_what_a_draft_has_words_for_and_the_rest_is_carried() {
        let mut publishing = Publishing::new().unwrap();
        let block = "NATS/1.0 503\r\nBellwether-Event: critical_alert\r\nbellwether-originating-node: b\r\nContent-Type: \
                     text/plain\r\nBellwether-Correlation-Id: c1\r\nBellwether-Reporting-Node: forged\r\nX: 1\r\nX: 2\r\n\r\n";
        let (instance, draft) = publishing
            .prepare(&message("alerts.a", Some("_INBOX.x"), Some(block)))
            .unwrap();
        assert_eq!((instance, draft.topic.as_str()), (Instance::Alerts, "a"));
        assert_eq!(
            (&*draft.event, &draft.content_type),
            ("critical_alert", &ContentType::Text)
        );
        assert_eq!(draft.originating_node.as_ref().unwrap().as_str(), "b");
        assert_eq!(draft.correlation_id.as_deref(), Some("c1"));
        assert_eq!(draft.reply_to.as_deref(), Some("events/$nats:_INBOX:x"));
        let carried: Vec<_> = draft.headers.view().iter().collect();
        assert_eq!(carried, [("NATS/1.0", "503"), ("X", "1"), ("X", "2")]);
    }

    #[test]
    fn nothing_of_a_message_is_left_for_the_next() {
        let mut publishing = Publishing::new().unwrap();
        let block = "NATS/1.0\r\nBellwether-Event: e\r\nContent-Type: a/b\r\nX: 1\r\n\r\n";
        publishing.prepare(&message("a", Some("r"), Some(block))).unwrap();
        publishing.complete(b"first");
        assert_eq!(
            publishing.prepare(&message("b", Some("*"), None)).unwrap_err(),
            Fault::PublishSubject
        );
        let (instance, draft) = publishing.prepare(&message("b", None, None)).unwrap();
        assert_eq!(
            (instance, draft.topic.as_str(), &*draft.event),
            (Instance::Events, "$nats:b", DEFAULT_EVENT)
        );
        assert!(draft.headers.is_empty() && draft.reply_to.is_none());
        assert_eq!(draft.content_type, ContentType::Bytes);
        assert_eq!(publishing.complete(b"").payload, b"");
        let (_, draft) = publishing.prepare(&message("a", None, None)).unwrap();
        assert_eq!(draft.topic.as_str(), "$nats:a");
    }

    #[test]
    fn what_cannot_be_carried_is_refused() {
        let mut publishing = Publishing::new().unwrap();
        let mut fault =
            |subject: &str, headers: Option<&str>| publishing.prepare(&message(subject, None, headers)).unwrap_err();
        assert_eq!(fault("a.*", None), Fault::PublishSubject);
        assert_eq!(fault("a", Some("x")), Fault::Header);
        assert_eq!(
            fault("a", Some("NATS/1.0\r\nBellwether-Originating-Node: B!\r\n\r\n")),
            Fault::Header
        );
        let large = format!("NATS/1.0\r\nX: {}\r\n\r\n", "x".repeat(4100));
        assert_eq!(fault("a", Some(&large)), Fault::Payload);
    }

    #[test]
    fn more_subjects_than_are_remembered_are_no_matter() {
        let mut publishing = Publishing::new().unwrap();
        for _ in 0..2 {
            for number in 0..MAX_PLACES + 10 {
                let subject = format!("s.{number}");
                let (_, draft) = publishing.prepare(&message(&subject, None, None)).unwrap();
                assert_eq!(draft.topic.as_str(), format!("$nats:s:{number}"));
            }
        }
    }
}
