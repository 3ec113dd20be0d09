//! Whether a pool can start.

use std::time::Duration;

use bellwether_catalogue::topics::TopicsError;
use bellwether_message::MAX_TOPIC_BYTES;
use bellwether_monitor::subscription_health::MAX_NAME_BYTES;

use super::{EmitterSettings, MAX_POOLS, MAX_STREAMS, MAX_WORKERS, SelectorError};

/// The least and the longest interval that a pool can keep.
const LEAST_INTERVAL: Duration = Duration::from_millis(10);
const LONGEST_INTERVAL: Duration = Duration::from_secs(86_400);

/// What can be said against settings before anything is made of them.
pub(super) fn check(settings: &EmitterSettings) -> Result<(), StartPoolError> {
    let bytes = settings.name.len();
    // Its health is told on a topic that has the store's name, too.
    let health = format!("subscription_health:{}:{}", settings.store, settings.name);
    if bytes == 0 || bytes > MAX_NAME_BYTES || health.len() > MAX_TOPIC_BYTES {
        return Err(StartPoolError::Name { bytes });
    }
    let workers = settings.pool_size.get();
    if workers > MAX_WORKERS {
        return Err(StartPoolError::Workers { workers });
    }
    let streams = settings.start_after.len();
    if streams > MAX_STREAMS {
        return Err(StartPoolError::Streams { streams });
    }
    let intervals = [Some(settings.check_interval), settings.metrics_interval];
    if intervals
        .into_iter()
        .flatten()
        .any(|interval| !(LEAST_INTERVAL..=LONGEST_INTERVAL).contains(&interval))
    {
        return Err(StartPoolError::Interval);
    }
    Ok(())
}

/// Why a pool did not start. Nothing is left running.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StartPoolError {
    /// The selector selects nothing.
    #[error(transparent)]
    Selector(#[from] SelectorError),
    /// The store's name makes no topic.
    #[error(transparent)]
    Topic(#[from] TopicsError),
    /// The subscription's name is empty or too long.
    #[error(
        "the subscription's name has {bytes} bytes: it must have 1 to {MAX_NAME_BYTES}, and with the store's name fit into \
         a topic of {MAX_TOPIC_BYTES}"
    )]
    Name {
        /// Its length.
        bytes: usize,
    },
    /// It is to have too many workers.
    #[error("{workers} workers are too many: a pool has 1 to {MAX_WORKERS}")]
    Workers {
        /// So many.
        workers: usize,
    },
    /// It is to begin in the middle of too many streams.
    #[error("`start_after` names {streams} streams: at most {MAX_STREAMS}")]
    Streams {
        /// So many.
        streams: usize,
    },
    /// An interval is too short or too long.
    #[error("an interval is shorter than 10 ms or longer than a day: write another, or no `metrics_interval` at all")]
    Interval,
    /// Its events are emitted already.
    #[error("a pool of this node already emits to {topic}: stop it first, or give the subscription another name")]
    AlreadyRunning {
        /// Where to.
        topic: String,
    },
    /// The node has as many as it may.
    #[error("this node already has {MAX_POOLS} emitter pools")]
    TooMany,
    /// There is no tokio runtime.
    #[error("an emitter pool needs a tokio runtime: start it from a task")]
    NoRuntime,
}
