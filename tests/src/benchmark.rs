//! How benchmarks tell what they have measured: figures of several passes, in Markdown for people and in JSON lines for
//! scripts, with the machine they hold for.

mod form;
mod machine;
mod measurement;
mod percentile;
mod report;
mod spread;
mod status_line;

pub use self::form::{count, hundredths, mebibytes, microseconds, milliseconds, nanoseconds, per_cent};
pub use self::machine::Machine;
pub use self::measurement::Measurement;
pub use self::percentile::percentile;
pub use self::report::{Report, cells};
pub use self::spread::Spread;
pub use self::status_line::StatusLine;
