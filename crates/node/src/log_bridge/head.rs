//! What a record is judged by: its level, what wrote it, and its words.

use std::borrow::Cow;
use std::fmt::{self, Write};

use bellwether_monitor::log_level::LogLevel;
use tracing::field::{Field, Visit};
use tracing::{Event, Level};

use super::bounded_text::BoundedText;

/// Bytes of a message as JSON; it is cut there.
pub(super) const MAX_MESSAGE_BYTES: usize = 8 * 1024;
/// Bytes of a target, a file's path and a function's name as JSON; they are cut there.
const MAX_PLACE_BYTES: usize = 256;
/// The target of all records that come by way of the `log` crate; their own is in a field.
const LOG_CRATE: &str = "log";

/// The head of a record.
#[derive(Debug)]
pub(super) struct Head {
    pub(super) level: LogLevel,
    /// The target.
    pub(super) module: Cow<'static, str>,
    pub(super) message: String,
    pub(super) file: Option<String>,
    pub(super) line: Option<u64>,
    pub(super) function: Option<String>,
    /// It came by way of the `log` crate.
    pub(super) is_foreign: bool,
}

impl Head {
    pub(super) fn of(event: &Event<'_>) -> Self {
        let metadata = event.metadata();
        let mut visitor = HeadVisitor {
            is_foreign: metadata.target() == LOG_CRATE,
            message: BoundedText::new(MAX_MESSAGE_BYTES),
            ..HeadVisitor::default()
        };
        event.record(&mut visitor);
        let target = match metadata.target() {
            target if target.len() <= MAX_PLACE_BYTES => Cow::Borrowed(target),
            target => Cow::Owned(BoundedText::of(target, MAX_PLACE_BYTES)),
        };
        let file = metadata.file().map(|file| BoundedText::of(file, MAX_PLACE_BYTES));
        Self {
            level: level(*metadata.level()),
            module: visitor.target.map_or(target, Cow::Owned),
            message: visitor.message.finish(),
            file: visitor.file.or(file),
            line: visitor.line.or(metadata.line().map(u64::from)),
            function: visitor.function,
            is_foreign: visitor.is_foreign,
        }
    }

    /// Which fields are told here, and not among the others.
    pub(super) fn tells(&self) -> fn(&str) -> bool {
        match self.is_foreign {
            true => |name| is_head(name) || name.starts_with("log."),
            false => is_head,
        }
    }
}

fn is_head(name: &str) -> bool {
    matches!(name, "message" | "function")
}

/// As the catalogue names it; it has no `trace`.
fn level(level: Level) -> LogLevel {
    match level {
        Level::ERROR => LogLevel::Error,
        Level::WARN => LogLevel::Warn,
        Level::INFO => LogLevel::Info,
        Level::DEBUG | Level::TRACE => LogLevel::Debug,
    }
}

struct HeadVisitor {
    is_foreign: bool,
    message: BoundedText,
    function: Option<String>,
    target: Option<String>,
    file: Option<String>,
    line: Option<u64>,
}

impl Default for HeadVisitor {
    fn default() -> Self {
        Self {
            is_foreign: false,
            message: BoundedText::new(0),
            function: None,
            target: None,
            file: None,
            line: None,
        }
    }
}

impl Visit for HeadVisitor {
    fn record_u64(&mut self, field: &Field, value: u64) {
        match field.name() {
            "log.line" if self.is_foreign => self.line = Some(value),
            _ => self.record_debug(field, &value),
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        let place = || {
            let mut text = BoundedText::new(MAX_PLACE_BYTES);
            let _ = write!(text, "{value:?}");
            Some(text.finish())
        };
        match field.name() {
            // What fails to be written was cut.
            "message" => drop(write!(self.message, "{value:?}")),
            "function" => self.function = place(),
            "log.target" if self.is_foreign => self.target = place(),
            "log.file" if self.is_foreign => self.file = place(),
            _ => {}
        }
    }
}
