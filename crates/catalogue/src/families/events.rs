//! `events`: records of a store. No family: a message is a batch, a list of records under the tag `events`.

use bellwether_message::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::field::{Argument, Object};
use crate::stamp::Stamp;

/// The event tag of a batch.
pub const BATCH: &str = "events";

/// One event of a stream.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[non_exhaustive]
pub struct EventRecord {
    /// Its stream.
    pub event_stream_id: String,
    /// Its place in the stream, from 0.
    pub event_number: u64,
    /// Its own id.
    pub event_id: String,
    /// What happened, as `temperature_measured:v1`.
    pub event_type: String,
    /// What `data` is; 1 is JSON. Null: nobody says.
    #[serde(default)]
    pub data_content_type: Option<u64>,
    /// What `metadata` is.
    #[serde(default)]
    pub metadata_content_type: Option<u64>,
    /// What it says.
    #[serde(default)]
    pub data: Value,
    /// What is said about it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Value>,
    /// When it happened. Left out: when it is published.
    #[serde(default, skip_serializing_if = "Option::is_none", deserialize_with = "time")]
    pub created: Option<Timestamp>,
    /// The same in microseconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_epoch: Option<i64>,
    /// Fields that this version does not know, as they came.
    #[serde(flatten)]
    pub extra: Object,
}

impl EventRecord {
    /// An event of a stream with what it says.
    pub fn new(
        event_stream_id: impl Argument<String>,
        event_number: u64,
        event_id: impl Argument<String>,
        event_type: impl Argument<String>,
        data: Value,
    ) -> Self {
        Self {
            event_stream_id: event_stream_id.into_field(),
            event_number,
            event_id: event_id.into_field(),
            event_type: event_type.into_field(),
            data_content_type: None,
            metadata_content_type: None,
            data,
            metadata: None,
            created: None,
            created_epoch: None,
            extra: Object::new(),
        }
    }

    /// What is said about it.
    #[must_use]
    pub fn metadata(mut self, metadata: Value) -> Self {
        self.metadata = Some(metadata);
        self
    }

    /// Fills in when it happened.
    pub fn complete(&mut self, stamp: &Stamp) {
        let created = *self.created.get_or_insert(stamp.now);
        self.created_epoch
            .get_or_insert(created.as_millis().saturating_mul(1000));
    }

    /// The batch of this one record, as the original sends each.
    pub fn batch(&self) -> Vec<Self> {
        vec![self.clone()]
    }
}

/// A batch as it was received.
///
/// # Errors
/// What serde says of a payload that is no list of records.
pub fn read_batch(payload: &[u8]) -> Result<Vec<EventRecord>, serde_json::Error> {
    serde_json::from_slice(payload)
}

/// RFC 3339, or whole milliseconds since 1970.
fn time<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<Option<Timestamp>, D::Error> {
    #[derive(Deserialize)]
    #[serde(untagged)]
    enum Form {
        Text(Timestamp),
        Millis(i64),
    }
    Ok(Option::<Form>::deserialize(deserializer)?.map(|form| match form {
        Form::Text(time) => time,
        Form::Millis(ms) => Timestamp::from_millis(ms),
    }))
}
