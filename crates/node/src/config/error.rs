//! What can be wrong with a configuration, in words that say what to do about it.

use std::io;
use std::net::SocketAddr;
use std::path::PathBuf;

use bellwether_broker::Overflow;
use bellwether_message::{MIN_SECRET_BYTES, NodeIdError};

use super::access::AccessProblem;
use super::address::AddressProblem;
use super::doors::DoorProblem;
use super::origin::{Origin, Setting};
use super::thresholds::ThresholdProblem;

/// Why a configuration was refused. Nothing has been started or written when one of these is returned.
///
/// Each variant prints itself only; where there is a cause, it is the [source](std::error::Error::source). No variant
/// holds or prints a secret.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConfigError {
    /// The configuration file could not be read.
    #[error("cannot read the configuration file {}", file.display())]
    Unreadable {
        /// The file.
        file: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The file is not TOML.
    #[error("{}:{line}: this is not valid TOML: {message}", file.display())]
    Syntax {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// What the parser expected. Not its excerpt of the file, which may show a misplaced secret.
        message: String,
    },
    /// The file has a key that means nothing here.
    #[error("{}:{line}: unknown key `{key}`; {hint}", file.display())]
    UnknownKey {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The dotted key.
        key: String,
        /// The nearest known key, or the known keys.
        hint: String,
    },
    /// The file has a table for an instance that does not exist.
    #[error("{}:{line}: there is no instance `{name}`; {hint}", file.display())]
    UnknownInstance {
        /// The file.
        file: PathBuf,
        /// The line, from 1.
        line: usize,
        /// The name given.
        name: String,
        /// The nearest instance, or all ten.
        hint: String,
    },
    /// The environment has a `BELLWETHER_` variable that means nothing here.
    #[error("unknown environment variable {variable}; {hint}")]
    UnknownVariable {
        /// The variable.
        variable: String,
        /// The nearest known variable, or all of them.
        hint: String,
    },
    /// An environment variable of ours is not Unicode.
    #[error("{variable} is not valid UTF-8")]
    NotUnicode {
        /// The variable.
        variable: String,
    },
    /// A value of the wrong type, such as a text where a number belongs.
    #[error("{setting} must be {expected}, found {found}")]
    WrongType {
        /// The setting.
        setting: Setting,
        /// What belongs there.
        expected: String,
        /// What stands there.
        found: String,
    },
    /// A number outside its bounds.
    #[error("{setting} is {value}, but must be between {min} and {max} {unit}")]
    OutOfRange {
        /// The setting.
        setting: Setting,
        /// The value given.
        value: u64,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// A number that may have a fraction, outside its bounds.
    #[error("{setting} is {value}, but must be between {min} and {max} {unit}")]
    DecimalOutOfRange {
        /// The setting.
        setting: Setting,
        /// The value given.
        value: f64,
        /// The smallest value accepted.
        min: u64,
        /// The largest value accepted.
        max: u64,
        /// What is counted.
        unit: &'static str,
    },
    /// Resources that would be critical before they warn.
    #[error(
        "{setting}: resources warn at {warning} percent and are critical at {critical}; \
         `reporters.resource_warning_percent` must be below `reporters.resource_critical_percent`"
    )]
    WarningNotBelowCritical {
        /// The one of the two that was given.
        setting: Setting,
        /// Percent from which on an alert warns.
        warning: f64,
        /// Percent from which on it is critical.
        critical: f64,
    },
    /// A threshold that cannot be one.
    #[error("{setting}: {problem}")]
    Threshold {
        /// The setting: the threshold, or a key of it.
        setting: Setting,
        /// What is wrong with it.
        problem: ThresholdProblem,
    },
    /// More thresholds than a node compares values with.
    #[error("{setting}: there are {given} thresholds, but at most {max} may be; remove some")]
    TooManyThresholds {
        /// The first that is too many.
        setting: Setting,
        /// So many there are.
        given: usize,
        /// So many may be.
        max: usize,
    },
    /// A door that cannot be as it is given.
    #[error("{setting}: {problem}")]
    Door {
        /// The setting.
        setting: Setting,
        /// What is wrong with it.
        problem: DoorProblem,
    },
    /// Something in the table `access` that means nothing.
    #[error("{setting}: {problem}")]
    Access {
        /// The setting.
        setting: Setting,
        /// What is wrong with it.
        problem: AccessProblem,
    },
    /// A store that could not hold one message of the largest size its instance accepts.
    #[error(
        "{setting} is {value} bytes, less than one message of that instance may have (`max_payload_bytes` is \
         {max_payload_bytes}); raise it, or lower `max_payload_bytes`"
    )]
    SmallerThanPayload {
        /// The setting: a `queue_bytes` or a `backlog_bytes`.
        setting: Setting,
        /// Its value.
        value: usize,
        /// The payload limit of the same instance.
        max_payload_bytes: usize,
    },
    /// A policy that there is not.
    #[error(
        "{setting}: `{given}` is no policy; write `{}` or `{}`",
        Overflow::DropOldest.name(),
        Overflow::Disconnect.name()
    )]
    Overflow {
        /// The setting.
        setting: Setting,
        /// What was given.
        given: String,
    },
    /// A node name that cannot be a node id.
    #[error("{setting}: `{name}` cannot be the name of a node")]
    Name {
        /// The setting.
        setting: Setting,
        /// The name given.
        name: String,
        /// The rule it breaks.
        source: NodeIdError,
    },
    /// A cluster name that is empty, too long, or has other characters than allowed.
    #[error("{setting}: `{cluster}` cannot be the name of a cluster; use 1 to 64 characters out of a-z, 0-9 and -")]
    Cluster {
        /// The setting.
        setting: Setting,
        /// The name given.
        cluster: String,
    },
    /// A listen, advertised, HTTP or seed address that does not read as one.
    #[error("{setting}: `{address}` is not an address: {problem}; write HOST:PORT, IP:PORT or [IPv6]:PORT")]
    Address {
        /// The setting.
        setting: Setting,
        /// The address given.
        address: String,
        /// What is wrong with it.
        problem: AddressProblem,
    },
    /// A listen, advertised or HTTP address whose host name does not resolve here. Seeds are never resolved here.
    #[error("{setting}: cannot find the address of `{address}`; check the name, or give an IP address")]
    Unresolved {
        /// The setting.
        setting: Setting,
        /// The address given.
        address: String,
        /// What the resolver said.
        source: io::Error,
    },
    /// An advertised address that nobody can dial.
    #[error("{setting}: others cannot reach `{address}`; give the IP address and port under which they can")]
    Undialable {
        /// The setting.
        setting: Setting,
        /// The address given: unspecified, or with port 0.
        address: SocketAddr,
    },
    /// Listening on every address, and none to tell others.
    #[error(
        "{setting} is {listen}, every address of this host, so say which one other nodes dial: --advertise IP:PORT, \
         BELLWETHER_ADVERTISE or `advertise` in the file"
    )]
    AdvertiseMissing {
        /// The listen setting.
        setting: Setting,
        /// The listen address.
        listen: SocketAddr,
    },
    /// A mesh was asked for without the secret that protects it.
    #[error(
        "{setting} {why}, which needs a cluster secret: make one with `bellwether secret new` and give the same to \
         every node as SECRET_KEY_BASE, or in a file named by SECRET_KEY_BASE_FILE or `secret_file`"
    )]
    SecretMissing {
        /// The setting that asks for a mesh.
        setting: Setting,
        /// How it does.
        why: &'static str,
    },
    /// Both `SECRET_KEY_BASE` and `SECRET_KEY_BASE_FILE` are set.
    #[error("SECRET_KEY_BASE and SECRET_KEY_BASE_FILE are both set; pick one and unset the other")]
    SecretTwice,
    /// A secret that is empty or too short to be one.
    #[error(
        "{origin}: {}; make one with `bellwether secret new`",
        if *bytes == 0 { "the secret is empty".to_owned() }
        else { format!("the secret has {bytes} bytes, at least {MIN_SECRET_BYTES} are needed") }
    )]
    SecretTooShort {
        /// Where it was given.
        origin: Origin,
        /// Its length.
        bytes: usize,
    },
    /// A secret that repeats a single byte.
    #[error(
        "{origin}: the secret is one character over and over, which anyone can guess; make one with \
         `bellwether secret new`"
    )]
    SecretUniform {
        /// Where it was given.
        origin: Origin,
    },
    /// `SECRET_KEY_BASE` with more than one line.
    #[error(
        "{origin} has several lines, but takes one secret; put several into a file, one per line, and name it in \
         SECRET_KEY_BASE_FILE"
    )]
    SecretLines {
        /// Where it was given.
        origin: Origin,
    },
    /// The secret file could not be read.
    #[error("cannot read the secret file {file}")]
    SecretFileUnreadable {
        /// The file; withheld where the "path" looks like a secret put in the wrong place.
        file: String,
        /// What the system said.
        source: io::Error,
    },
    /// The secret file may be read or changed by others.
    #[error(
        "the secret file {file} has mode {mode:04o}, so other users could read or change it; run `chmod 600 {file}` \
         (or mode 0440 where a container or systemd delivers it)",
        file = file.display()
    )]
    SecretFileMode {
        /// The file.
        file: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// The secret file has no secret in it.
    #[error("the secret file {} has no secret in it; put one there with `bellwether secret new`", file.display())]
    SecretFileEmpty {
        /// The file.
        file: PathBuf,
    },
    /// The secret file is far larger than secrets are.
    #[error("the secret file {} has more than {limit} bytes; is it the right file?", file.display())]
    SecretFileTooLarge {
        /// The file.
        file: PathBuf,
        /// The most we read.
        limit: usize,
    },
}

/// The end of an "unknown …" sentence: the nearest known word if one is near, else all of them. `prefix` is what
/// `given` and `known` have in common and come without; it is printed, not compared, else all would look alike.
pub(super) fn hint<'a>(prefix: &str, given: &str, known: impl IntoIterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.into_iter().collect();
    nearest(given, known.iter().copied()).map_or_else(
        || {
            let known: Vec<_> = known.iter().map(|word| format!("{prefix}{word}")).collect();
            format!("known are {}", known.join(", "))
        },
        |word| format!("did you mean `{prefix}{word}`?"),
    )
}

/// The word most like the given one, if any is much like it.
pub(super) fn nearest<'a>(given: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    known
        .into_iter()
        .map(|word| (strsim::jaro(given, word), word))
        .filter(|(likeness, _)| *likeness >= LIKENESS_MIN)
        .max_by(|(a, _), (b, _)| a.total_cmp(b))
        .map(|(_, word)| word)
}

/// How alike (Jaro, 0 to 1) two words must be to suggest one for the other; the figure and the measure are clap's:
/// strsim's Jaro-Winkler takes words with ten letters in common at the front for equal (clap issue 4660).
const LIKENESS_MIN: f64 = 0.7;
