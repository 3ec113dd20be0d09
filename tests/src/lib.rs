//! What the whole-mesh tests share: they start the program as a user does and look at it from outside, over its command
//! line, its HTTP listener, its log and its exit code. And what the benchmarks share: how they tell what they measured.
//!
//! Nothing here waits for time to pass: every wait is for a condition, with a [deadline]. What goes wrong is a panic
//! that says what was expected, and the logs of the test's nodes follow it.

pub mod benchmark;
mod chronicle;
mod client;
pub mod clock;
pub mod deadline;
mod lab;
mod log;
pub mod memory;
mod net;
pub mod participant;
pub mod port;
mod process;
pub mod program;
mod recorder;
mod relay;
mod scenario;
mod stream;
mod talker;
mod traffic;
mod witness;

pub use self::chronicle::Chronicle;
pub use self::client::{Answer, Client};
pub use self::lab::{Lab, SECRET, all_see_all};
pub use self::log::Log;
pub use self::net::Net;
pub use self::participant::Participant;
pub use self::process::{Member, Process, Start};
pub use self::recorder::{Recorder, fingerprint};
pub use self::relay::Relay;
pub use self::scenario::{Scenario, meet};
pub use self::stream::{Item, Message, Stream};
pub use self::talker::Talker;
pub use self::traffic::Traffic;
pub use self::witness::Witness;
