//! Traces of messages, exported to a collector as the standard variables of OpenTelemetry say.
//!
//! With the feature `otel` spans go by OTLP, as protobuf over HTTP, to where `OTEL_EXPORTER_OTLP_ENDPOINT` or
//! `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` say. Without it nothing is exported, and a start with such variables says so.

#[cfg(feature = "otel")]
mod collector;
#[cfg(feature = "otel")]
mod export;
#[cfg(feature = "otel")]
mod queue;
#[cfg(feature = "otel")]
mod totals;
mod wanted;

use bellwether::Config;

use self::wanted::{Wanted, WantedError};
use crate::failure::Failure;

/// What exports the spans of this process, if anything does.
#[derive(Debug)]
pub(crate) struct Traces {
    #[cfg(feature = "otel")]
    export: Option<export::Export>,
}

impl Traces {
    /// Begins to export if the environment asks for it. Before the node starts: it takes what is set for the process then.
    pub(crate) fn start(config: &Config) -> Result<Self, Failure> {
        Self::begin(Wanted::of(|name| std::env::var(name).ok()), config)
    }

    #[cfg(feature = "otel")]
    fn begin(wanted: Result<Wanted, WantedError>, config: &Config) -> Result<Self, Failure> {
        let export = match wanted.map_err(Failure::usage)? {
            Wanted::Nothing => None,
            Wanted::No { why } => {
                tracing::info!(why, "no traces are exported, though variables of OpenTelemetry are set");
                None
            }
            Wanted::Export => Some(export::Export::start(config)?),
        };
        Ok(Self { export })
    }

    /// Whatever they say, no variable that nothing here obeys keeps a node from starting.
    #[cfg(not(feature = "otel"))]
    #[expect(clippy::unnecessary_wraps, reason = "with the feature it may fail")]
    fn begin(wanted: Result<Wanted, WantedError>, _config: &Config) -> Result<Self, Failure> {
        match wanted {
            Ok(Wanted::Nothing) => {}
            Ok(Wanted::No { why }) => {
                tracing::info!(why, "no traces are exported, though variables of OpenTelemetry are set");
            }
            Ok(Wanted::Export) | Err(_) => tracing::warn!(
                "no traces are exported, though variables of OpenTelemetry ask for it: this program was built without the \
                 feature `otel`"
            ),
        }
        Ok(Self {})
    }

    /// Hands over what waits, within a bound, and ends. Blocks: not for a thread that drives a node.
    pub(crate) fn stop(self) {
        #[cfg(feature = "otel")]
        if let Some(export) = self.export {
            export.stop();
        }
    }
}
