//! The channels of one socket: what a client's frames ask for, and who is joined.
//!
//! Rules only: no socket, no node; time is passed in. Whoever holds it carries out the effects and tells what became of them.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::time::Duration;

use bellwether_delivery::Beginning;

use crate::frame::{ClientFrame, Outgoing, Payload, Status};
use crate::join;
use crate::refusal::{Reason, Refusal};
use crate::topic::ChannelTopic;

/// Channels of one socket at once, those that are joining included; a further join is refused.
pub const MAX_CHANNELS: usize = 100;
/// Pushes of one socket that wait, for room or for peers; a further one is refused.
pub const MAX_OUTSTANDING: usize = 64;
/// A socket from which nothing was heard for so long is closed. Clients send a heartbeat every 30 s.
pub const IDLE: Duration = Duration::from_secs(60);

/// The topic of heartbeats, which is no channel's.
const PHOENIX: &str = "phoenix";

/// One join of a channel. Never used again on its socket, so that what comes late for it finds nobody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelId(u64);

/// The channels of one socket. A topic has at most one.
#[derive(Debug, Default)]
pub struct Channels {
    channels: BTreeMap<ChannelId, Channel>,
    by_topic: HashMap<Arc<str>, ChannelId>,
    next_id: u64,
    outstanding: usize,
    /// When the client was last heard of.
    heard: Duration,
}

#[derive(Debug)]
struct Channel {
    /// As the client wrote it: its frames must carry it so.
    topic: Arc<str>,
    join_ref: Option<Box<str>>,
    /// What the answer to the join is to name, until it was answered.
    joining: Option<Option<Box<str>>>,
    served: Arc<ChannelTopic>,
}

/// What is to be done, in this order.
#[derive(Debug, PartialEq, Eq)]
pub enum Effect<'a> {
    /// To be written to the client.
    Write(Outgoing),
    /// To subscribe; then [`Channels::joined`] or [`Channels::refused`].
    Begin {
        /// For whom.
        channel: ChannelId,
        /// To what.
        topic: Arc<ChannelTopic>,
        /// From where on.
        from: Beginning,
    },
    /// To unsubscribe, or to subscribe no more.
    End(ChannelId),
    /// To publish, and to answer.
    Publish {
        /// How it is answered.
        answer: Answer,
        /// The channel's.
        topic: Arc<ChannelTopic>,
        /// The push's.
        event: String,
        /// The push's.
        payload: Payload<'a>,
    },
}

/// Where the answer to a push goes. A push without a ref gets none.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    join_ref: Option<Box<str>>,
    reference: Option<Box<str>>,
    topic: Arc<str>,
}

impl Answer {
    /// It was done; the response is JSON.
    pub fn ok(&self, response: &str) -> Option<Outgoing> {
        self.reply(Status::Ok, response)
    }

    /// It was not.
    pub fn refused(&self, refusal: &Refusal) -> Option<Outgoing> {
        self.reply(Status::Error, &refusal.json())
    }

    fn reply(&self, status: Status, response: &str) -> Option<Outgoing> {
        let reference = Some(self.reference.as_deref()?);
        Some(Outgoing::reply(
            self.join_ref.as_deref(),
            reference,
            &self.topic,
            status,
            response,
        ))
    }
}

impl Channels {
    /// Of a socket that was opened now. `now` is any clock that only rises, the same at each call.
    pub fn new(now: Duration) -> Self {
        Self {
            heard: now,
            ..Self::default()
        }
    }

    /// The client was heard of, by whatever.
    pub fn heard(&mut self, now: Duration) {
        self.heard = now;
    }

    /// Whether the client was silent for [`IDLE`].
    pub fn is_idle(&self, now: Duration) -> bool {
        now.saturating_sub(self.heard) >= IDLE
    }

    /// How many channels there are, those that are joining included.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// The client has sent this.
    pub fn on_frame<'a>(&mut self, frame: ClientFrame<'a>) -> Vec<Effect<'a>> {
        if frame.topic == PHOENIX && frame.event == "heartbeat" {
            return vec![Effect::Write(reply(&frame, Status::Ok, "{}"))];
        }
        let known = self.by_topic.get(&*frame.topic).copied();
        match (&*frame.event, known) {
            ("phx_join", _) => self.on_join(&frame, known),
            ("phx_leave", None) => vec![Effect::Write(reply(&frame, Status::Ok, "{}"))],
            (_, None) => {
                let words = "no channel with this topic is joined on this socket; join it first";
                vec![unmatched(&frame, words)]
            }
            (_, Some(channel)) if !self.is_current(channel, &frame) => Vec::new(),
            ("phx_leave", Some(channel)) => self.on_leave(&frame, channel),
            (_, Some(channel)) => self.on_push(frame, channel),
        }
    }

    /// The channel is live: answers its join with this response, which is JSON. `None` if it is there no more.
    pub fn joined(&mut self, channel: ChannelId, response: &str) -> Option<Outgoing> {
        let found = self.channels.get_mut(&channel)?;
        let reference = found.joining.take()?;
        Some(found.reply(reference.as_deref(), Status::Ok, response))
    }

    /// The channel cannot be: answers its join, and forgets it.
    pub fn refused(&mut self, channel: ChannelId, refusal: &Refusal) -> Option<Outgoing> {
        let mut found = self.remove(channel)?;
        let reference = found.joining.take()?;
        Some(found.reply(reference.as_deref(), Status::Error, &refusal.json()))
    }

    /// Something for the channel's handlers; the payload is JSON. `None` if it is there no more.
    pub fn push(&self, channel: ChannelId, event: &str, payload: &str) -> Option<Outgoing> {
        let found = self.channels.get(&channel)?;
        Some(Outgoing::push(found.join_ref.as_deref(), &found.topic, event, payload))
    }

    /// The same, of any bytes.
    pub fn push_bytes(&self, channel: ChannelId, event: &str, data: &[u8]) -> Option<Outgoing> {
        let found = self.channels.get(&channel)?;
        Outgoing::push_bytes(found.join_ref.as_deref(), &found.topic, event, data)
    }

    /// The channel cannot go on, and is forgotten; its client joins again after a while.
    pub fn failed(&mut self, channel: ChannelId) -> Option<Outgoing> {
        let found = self.remove(channel)?;
        Some(found.end("phx_error"))
    }

    /// The same, for all.
    pub fn all_failed(&mut self) -> Vec<Outgoing> {
        self.by_topic.clear();
        let all = std::mem::take(&mut self.channels);
        all.into_values().map(|channel| channel.end("phx_error")).collect()
    }

    /// A push is going to wait; to be followed by [`done`](Self::done).
    ///
    /// # Errors
    /// [`MAX_OUTSTANDING`] of them wait.
    pub fn wait(&mut self) -> Result<(), Refusal> {
        if self.outstanding >= MAX_OUTSTANDING {
            let words = format!("{MAX_OUTSTANDING} pushes of this socket wait, which is the most; push it again later");
            return Err(Refusal::new(Reason::Busy, words));
        }
        self.outstanding += 1;
        Ok(())
    }

    /// A push waits no more.
    pub fn done(&mut self) {
        self.outstanding = self.outstanding.saturating_sub(1);
    }

    fn on_join<'a>(&mut self, frame: &ClientFrame<'a>, known: Option<ChannelId>) -> Vec<Effect<'a>> {
        let mut effects = Vec::new();
        // The first of two has to go, whatever becomes of the second.
        if let Some(channel) = known
            && let Some(first) = self.remove(channel)
        {
            effects.push(Effect::Write(first.end("phx_close")));
            effects.push(Effect::End(channel));
        }
        match self.begin(frame) {
            Ok(begin) => effects.push(begin),
            Err(refusal) => effects.push(Effect::Write(reply(frame, Status::Error, &refusal.json()))),
        }
        effects
    }

    fn begin<'a>(&mut self, frame: &ClientFrame<'a>) -> Result<Effect<'a>, Refusal> {
        let served =
            ChannelTopic::parse(&frame.topic).map_err(|err| Refusal::new(Reason::UnmatchedTopic, err.to_string()))?;
        if self.channels.len() >= MAX_CHANNELS {
            let words = format!("a socket has at most {MAX_CHANNELS} channels; use wildcards, or a second socket");
            return Err(Refusal::new(Reason::TooManyChannels, words));
        }
        let from = join::beginning(frame.payload)?;
        let id = ChannelId(self.next_id);
        self.next_id += 1;
        let topic: Arc<str> = (&*frame.topic).into();
        let served = Arc::new(served);
        let channel = Channel {
            topic: topic.clone(),
            join_ref: frame.join_ref.as_deref().map(Into::into),
            joining: Some(frame.reference.as_deref().map(Into::into)),
            served: served.clone(),
        };
        self.channels.insert(id, channel);
        self.by_topic.insert(topic, id);
        Ok(Effect::Begin {
            channel: id,
            topic: served,
            from,
        })
    }

    fn on_leave<'a>(&mut self, frame: &ClientFrame<'a>, channel: ChannelId) -> Vec<Effect<'a>> {
        let Some(found) = self.remove(channel) else {
            return Vec::new();
        };
        vec![
            Effect::Write(found.reply(frame.reference.as_deref(), Status::Ok, "{}")),
            Effect::Write(found.end("phx_close")),
            Effect::End(channel),
        ]
    }

    fn on_push<'a>(&mut self, frame: ClientFrame<'a>, channel: ChannelId) -> Vec<Effect<'a>> {
        let Some(found) = self.channels.get(&channel) else {
            return Vec::new();
        };
        vec![Effect::Publish {
            answer: Answer {
                join_ref: found.join_ref.clone(),
                reference: frame.reference.as_deref().map(Into::into),
                topic: found.topic.clone(),
            },
            topic: found.served.clone(),
            event: frame.event.into_owned(),
            payload: frame.payload,
        }]
    }

    /// Whether a frame is for this join of its topic: it says so, or says nothing.
    fn is_current(&self, channel: ChannelId, frame: &ClientFrame<'_>) -> bool {
        let found = self.channels.get(&channel);
        let current = found.and_then(|channel| channel.join_ref.as_deref());
        frame.join_ref.is_none() || frame.join_ref.as_deref() == current
    }

    fn remove(&mut self, channel: ChannelId) -> Option<Channel> {
        let found = self.channels.remove(&channel)?;
        self.by_topic.remove(&found.topic);
        Some(found)
    }
}

impl Channel {
    fn reply(&self, reference: Option<&str>, status: Status, response: &str) -> Outgoing {
        Outgoing::reply(self.join_ref.as_deref(), reference, &self.topic, status, response)
    }

    fn end(&self, event: &str) -> Outgoing {
        Outgoing::end(self.join_ref.as_deref(), &self.topic, event)
    }
}

/// An answer to what no channel has to do with.
fn reply(frame: &ClientFrame<'_>, status: Status, response: &str) -> Outgoing {
    let (join_ref, reference) = (frame.join_ref.as_deref(), frame.reference.as_deref());
    Outgoing::reply(join_ref, reference, &frame.topic, status, response)
}

fn unmatched<'a>(frame: &ClientFrame<'_>, words: &str) -> Effect<'a> {
    let refusal = Refusal::new(Reason::UnmatchedTopic, words);
    Effect::Write(reply(frame, Status::Error, &refusal.json()))
}

#[cfg(test)]
mod tests;
