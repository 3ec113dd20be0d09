//! Configuration: what was typed ([`Layer`]) and what it means ([`Config`]).
//!
//! Three layers of rising strength, a TOML file, the environment and command line flags, are laid over each other and
//! resolved once; nothing later looks at a file, a variable or a flag again. Whatever is wrong is a [`ConfigError`]
//! that names the file and line, the variable or the flag. Nothing here opens a socket or creates a file.
//!
//! ```
//! use std::path::Path;
//! use bellwether::config::{Config, Layer};
//!
//! let file = Layer::from_toml("name = \"a\"\ncluster = \"lab\"\n", Path::new("bellwether.toml"))?;
//! let environment = Layer::from_environment([("BELLWETHER_CLUSTER", "staging")])?;
//! let flags = Layer { listen: Some("127.0.0.1:0".into()), ..Layer::default() }.as_flags();
//!
//! let config = Config::resolve(flags.over(environment).over(file))?;
//! assert_eq!((config.name.to_string().as_str(), config.cluster.as_str()), ("a", "staging"));
//! # Ok::<(), bellwether::ConfigError>(())
//! ```

mod access;
mod address;
mod changes;
mod definition;
mod doors;
mod environment;
mod error;
mod file;
mod layer;
mod origin;
mod secrets;
mod show;
mod thresholds;

use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};
use std::path::PathBuf;
use std::time::Duration;

use bellwether_access::Limits;
use bellwether_broker::{InstanceSettings, Overflow};
use bellwether_message::{Instance, MAX_PAYLOAD_BYTES, NodeId};

use crate::integration::IntegrationSettings;

pub use self::access::{AccessLayer, AccessProblem, AccessSettings, LimitsLayer, PrincipalLayer};
pub use self::address::AddressProblem;
pub use self::changes::Changes;
use self::definition::DEFINITIONS;
pub use self::definition::IntegrationLayer;
pub use self::doors::{DoorProblem, NatsAdvertise, TlsFiles};
pub use self::environment::default_data_dir;
pub use self::error::ConfigError;
pub use self::layer::{InstanceLayer, Layer};
pub use self::origin::{Origin, Origins, Setting};
pub use self::secrets::{SecretSource, Secrets};
pub use self::thresholds::{ThresholdLayer, ThresholdProblem};

/// A configuration file with every key, its meaning, unit, bounds and default, all commented out: as it is, it changes
/// nothing.
pub const EXAMPLE: &str = include_str!("config/example.toml");

/// Where a node listens for others (UDP) unless told otherwise: this host only.
pub const DEFAULT_LISTEN: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7400));
/// Where a node started as a program listens for clients (TCP) unless told otherwise: this host only.
pub const DEFAULT_HTTP: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::LOCALHOST, 7480));

const DEFAULT_CLUSTER: &str = "bellwether";
const DEFAULT_GOSSIP_INTERVAL: Duration = Duration::from_millis(200);
const DEFAULT_DRAIN_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest cluster name, in bytes: it travels in the header of every stream.
const CLUSTER_BYTES_MAX: usize = 64;

/// What a number may be.
struct Bounds {
    key: &'static str,
    min: u64,
    max: u64,
    unit: &'static str,
}

impl Bounds {
    fn judge(&self, value: u64, setting: impl FnOnce() -> Setting) -> Result<(), ConfigError> {
        let Self { min, max, unit, .. } = *self;
        if (min..=max).contains(&value) {
            return Ok(());
        }
        Err(ConfigError::OutOfRange {
            setting: setting(),
            value,
            min,
            max,
            unit,
        })
    }

    /// What is no number is out of bounds too.
    fn judge_decimal(&self, value: f64, setting: impl FnOnce() -> Setting) -> Result<(), ConfigError> {
        let Self { min, max, unit, .. } = *self;
        if (min as f64..=max as f64).contains(&value) {
            return Ok(());
        }
        Err(ConfigError::DecimalOutOfRange {
            setting: setting(),
            value,
            min,
            max,
            unit,
        })
    }
}

/// Gossip faster than 20 times a second only costs; slower than every 10 s it is no failure detector.
const GOSSIP_INTERVAL: Bounds = Bounds {
    key: "gossip_interval_ms",
    min: 50,
    max: 10_000,
    unit: "milliseconds",
};
/// 0 stops at once. An hour is longer than any service manager waits before it kills.
const DRAIN_TIMEOUT: Bounds = Bounds {
    key: "drain_timeout_ms",
    min: 0,
    max: 3_600_000,
    unit: "milliseconds",
};

const MESSAGES_MAX: u64 = 16_777_216;
/// The least a queue or backlog may hold, so that a small one still holds more than a handful.
const BYTES_MIN: u64 = 64 << 10;
const BYTES_MAX: u64 = 16 << 30;
/// A year: beyond it, the bounds in messages and bytes always come first.
const AGE_S_MAX: u64 = 31_536_000;

/// The bounds of an instance's numbers, in the order of [`numbers`].
const INSTANCE_BOUNDS: [Bounds; 6] = [
    Bounds {
        key: "backlog_messages",
        min: 1,
        max: MESSAGES_MAX,
        unit: "messages",
    },
    Bounds {
        key: "backlog_bytes",
        min: BYTES_MIN,
        max: BYTES_MAX,
        unit: "bytes",
    },
    Bounds {
        key: "backlog_age_s",
        min: 1,
        max: AGE_S_MAX,
        unit: "seconds",
    },
    Bounds {
        key: "queue_messages",
        min: 1,
        max: MESSAGES_MAX,
        unit: "messages",
    },
    Bounds {
        key: "queue_bytes",
        min: BYTES_MIN,
        max: BYTES_MAX,
        unit: "bytes",
    },
    Bounds {
        key: "max_payload_bytes",
        min: 1,
        max: MAX_PAYLOAD_BYTES as u64,
        unit: "bytes",
    },
];

/// Everything a node needs to know before it starts: parsed, within bounds, defaults filled in.
///
/// Made by [`Config::resolve`] from what a user typed, or by [`Config::new`] in a program, which then sets the fields
/// it wants to differ and has them judged by [`Config::check`].
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Config {
    /// This node's name, unique in the cluster. Default: the host name.
    pub name: NodeId,
    /// The cluster's name, 1 to 64 of `a-z`, `0-9` and `-`; nodes of another cluster are strangers. Default:
    /// `bellwether`.
    pub cluster: String,
    /// UDP address for other nodes. Default: [`DEFAULT_LISTEN`]. Beyond loopback it needs [`secrets`](Self::secrets);
    /// an unspecified one needs [`advertise`](Self::advertise). Port 0: any free one.
    pub listen: SocketAddr,
    /// The address other nodes dial. Default, `None`: the listen address. Never unspecified, never port 0.
    pub advertise: Option<SocketAddr>,
    /// TCP address for clients; `None`: no clients. Default: [`DEFAULT_HTTP`] when resolved, `None` from
    /// [`Config::new`].
    pub http: Option<SocketAddr>,
    /// TCP address for NATS clients; `None`, the default: none.
    pub nats: Option<SocketAddr>,
    /// What NATS clients of other nodes are told to dial when they lose theirs.
    pub nats_advertise: NatsAdvertise,
    /// Path of a Unix socket for clients, who speak HTTP there; `None`, the default: none. Its folder must exist.
    pub socket: Option<PathBuf>,
    /// What the doors for HTTP and NATS are locked with; `None`, the default: they speak without TLS, and so on loopback
    /// only, unless [`insecure_doors`](Self::insecure_doors).
    pub tls: Option<TlsFiles>,
    /// Whether doors may be open to other hosts without TLS and without [`access`](Self::access). Default: no.
    pub insecure_doors: bool,
    /// Names under which HTTP clients may dial this node, beside its addresses and `localhost`. Default: none.
    pub http_hosts: Vec<String>,
    /// Who may do what; `None`, the default: everybody may do everything.
    pub access: Option<AccessSettings>,
    /// How much one principal may take, unless its own limits differ.
    pub limits: Limits,
    /// Where first members may be found: `host:port`, `ip:port` or `[ipv6]:port`, resolved when dialed. Default: none.
    /// Any needs [`secrets`](Self::secrets).
    pub seeds: Vec<String>,
    /// Folder for what must survive a restart. Default, `None`: see [`default_data_dir`].
    pub data_dir: Option<PathBuf>,
    /// The cluster secrets. Default: none, and therefore no mesh.
    pub secrets: Secrets,
    /// Time between gossip rounds, 50 ms to 10 s. Default: 200 ms. Shorter notices failures sooner and costs more.
    pub gossip_interval: Duration,
    /// How long a node that stops may take to hand over what it still holds, at most an hour. Default: 10 s.
    pub drain_timeout: Duration,
    /// What is logged, as `tracing`'s filters say it: `info,bellwether_mesh=debug`. For the program that runs the node; the
    /// node itself looks at nothing of it. Default, `None`: the program's own.
    pub log: Option<String>,
    /// Settings per instance, at [`Instance::index`]. Queue and backlog must each have room for the largest payload.
    pub instances: [InstanceSettings; 10],
    /// What the node tells of itself, and how often. Default: nothing from [`Config::new`], everything when resolved.
    pub integration: IntegrationSettings,
    /// Where the above came from; what is not in it came from the program.
    origins: Origins,
}

impl Config {
    /// All defaults: this host only, no secret, no seeds, no clients over HTTP. Such a configuration is valid.
    pub fn new(name: NodeId) -> Self {
        Self {
            name,
            cluster: DEFAULT_CLUSTER.to_owned(),
            listen: DEFAULT_LISTEN,
            advertise: None,
            http: None,
            nats: None,
            nats_advertise: NatsAdvertise::default(),
            socket: None,
            tls: None,
            insecure_doors: false,
            http_hosts: Vec::new(),
            access: None,
            limits: Limits::default(),
            seeds: Vec::new(),
            data_dir: None,
            secrets: Secrets::default(),
            gossip_interval: DEFAULT_GOSSIP_INTERVAL,
            drain_timeout: DEFAULT_DRAIN_TIMEOUT,
            log: None,
            instances: Instance::ALL.map(InstanceSettings::default_for),
            integration: IntegrationSettings::default(),
            origins: Origins::default(),
        }
    }

    /// What the merged layers mean. Reads the secret file and the host name, and asks the resolver for listen,
    /// advertise and HTTP addresses given by name; so it may block, and belongs before the runtime.
    ///
    /// # Errors
    /// The first thing that is wrong, with where it was given. What a stronger layer replaced is not looked at.
    pub fn resolve(mut layer: Layer) -> Result<Self, ConfigError> {
        let origins = std::mem::take(&mut layer.origins);
        let address = |key: &str, text: &str| address::socket(|| origins.setting(key), text);

        let name = match layer.name.take() {
            None => environment::host_name(),
            Some(name) => NodeId::new(&name).map_err(|source| ConfigError::Name {
                setting: origins.setting("name"),
                name,
                source,
            })?,
        };
        let mut config = Self::new(name);
        config.integration.enabled = true;
        config.take_doors(&mut layer, &origins)?;
        config.take_limits(&layer.limits, &origins)?;
        if let Some(cluster) = layer.cluster {
            config.cluster = cluster;
        }
        if let Some(text) = layer.listen {
            config.listen = address("listen", &text)?;
        }
        config.advertise = layer.advertise.map(|text| address("advertise", &text)).transpose()?;
        config.http = match layer.http.as_deref() {
            None => Some(DEFAULT_HTTP),
            Some("off") => None,
            Some(text) => Some(address("http", text)?),
        };
        config.seeds = layer.seeds.unwrap_or_default();
        config.data_dir = layer.data_dir;
        if let Some(ms) = layer.gossip_interval_ms {
            config.gossip_interval = Duration::from_millis(ms);
        }
        if let Some(ms) = layer.drain_timeout_ms {
            config.drain_timeout = Duration::from_millis(ms);
        }
        config.log = layer.log;
        for (instance, layer) in layer.instances {
            let settings = &mut config.instances[instance.index()];
            if let Some(given) = &layer.overflow {
                settings.overflow = Overflow::from_name(given).ok_or_else(|| ConfigError::Overflow {
                    setting: origins.setting(&layer::instance_key(instance, "overflow")),
                    given: given.clone(),
                })?;
            }
            apply(&layer, settings);
        }
        for definition in &DEFINITIONS {
            if let Some(value) = layer.integration.value(definition) {
                definition.write(&mut config.integration, value, || origins.setting(definition.key()))?;
            }
        }
        thresholds::take(&mut config.integration, layer.thresholds.unwrap_or_default(), &origins)?;
        config.access = layer.access.map(|access| access.resolve(&origins)).transpose()?;
        if let Some(source) = layer.secret {
            config.secrets = Secrets::load(&source, &origins.of("secret_file"))?;
        }
        config.origins = origins;
        config.check()?;
        Ok(config)
    }

    /// Whether a node can start with this. [`Config::resolve`] has already asked; a program that set fields itself asks
    /// before it starts.
    ///
    /// # Errors
    /// The first rule that is broken: a number out of bounds, a queue or backlog smaller than a payload, a threshold
    /// that measures nothing, a cluster name or seed that is none, a mesh without a secret, an address that nobody can
    /// dial, a door that is open to others.
    pub fn check(&self) -> Result<(), ConfigError> {
        self.check_numbers()?;
        self.check_integration()?;
        self.check_thresholds()?;
        self.check_cluster()?;
        self.check_seeds()?;
        self.check_secret()?;
        self.check_dialable()?;
        self.check_doors()
    }

    fn check_numbers(&self) -> Result<(), ConfigError> {
        self.check_bounds(
            &GOSSIP_INTERVAL,
            GOSSIP_INTERVAL.key,
            milliseconds(self.gossip_interval),
        )?;
        self.check_bounds(&DRAIN_TIMEOUT, DRAIN_TIMEOUT.key, milliseconds(self.drain_timeout))?;
        for instance in Instance::ALL {
            let settings = &self.instances[instance.index()];
            for (bounds, value) in INSTANCE_BOUNDS.iter().zip(numbers(settings)) {
                self.check_bounds(bounds, &layer::instance_key(instance, bounds.key), value)?;
            }
            for (key, value) in [
                ("backlog_bytes", settings.backlog_bytes),
                ("queue_bytes", settings.queue_bytes),
            ] {
                self.check_holds_payload(instance, key, value)?;
            }
        }
        Ok(())
    }

    fn check_bounds(&self, bounds: &Bounds, key: &str, value: u64) -> Result<(), ConfigError> {
        bounds.judge(value, || self.origins.setting(key))
    }

    fn check_holds_payload(&self, instance: Instance, key: &str, value: usize) -> Result<(), ConfigError> {
        let max_payload_bytes = self.instances[instance.index()].max_payload_bytes;
        if value >= max_payload_bytes {
            return Ok(());
        }
        let setting = self.origins.setting(&layer::instance_key(instance, key));
        Err(ConfigError::SmallerThanPayload {
            setting,
            value,
            max_payload_bytes,
        })
    }

    fn check_integration(&self) -> Result<(), ConfigError> {
        for definition in &DEFINITIONS {
            let value = definition.read(&self.integration);
            definition.judge(value, || self.origins.setting(definition.key()))?;
        }
        let (warning, critical) = (self.integration.resource_warning, self.integration.resource_critical);
        if warning < critical {
            return Ok(());
        }
        // The one that was given is to blame, rather than a default.
        let keys = [
            "reporters.resource_warning_percent",
            "reporters.resource_critical_percent",
        ];
        let [warns, is_critical] = keys.map(|key| self.origins.setting(key));
        Err(ConfigError::WarningNotBelowCritical {
            setting: if warns.origin == Origin::Program {
                is_critical
            } else {
                warns
            },
            warning,
            critical,
        })
    }

    fn check_cluster(&self) -> Result<(), ConfigError> {
        let allowed = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if (1..=CLUSTER_BYTES_MAX).contains(&self.cluster.len()) && self.cluster.bytes().all(allowed) {
            return Ok(());
        }
        Err(ConfigError::Cluster {
            setting: self.origins.setting("cluster"),
            cluster: self.cluster.clone(),
        })
    }

    fn check_seeds(&self) -> Result<(), ConfigError> {
        for (index, seed) in self.seeds.iter().enumerate() {
            address::check_seed(seed).map_err(|problem| ConfigError::Address {
                setting: self.origins.setting(&format!("seeds[{index}]")),
                address: seed.clone(),
                problem,
            })?;
        }
        Ok(())
    }

    fn check_secret(&self) -> Result<(), ConfigError> {
        let missing = |key, why| {
            Err(ConfigError::SecretMissing {
                setting: self.origins.setting(key),
                why,
            })
        };
        if !self.secrets.is_empty() {
            Ok(())
        } else if !self.seeds.is_empty() {
            missing("seeds", "asks to join other nodes")
        } else if !self.listen.ip().to_canonical().is_loopback() {
            missing("listen", "is open to other hosts")
        } else {
            Ok(())
        }
    }

    fn check_dialable(&self) -> Result<(), ConfigError> {
        let unspecified = |address: &SocketAddr| address.ip().to_canonical().is_unspecified();
        match self.advertise {
            Some(address) if unspecified(&address) || address.port() == 0 => Err(ConfigError::Undialable {
                setting: self.origins.setting("advertise"),
                address,
            }),
            None if unspecified(&self.listen) => Err(ConfigError::AdvertiseMissing {
                setting: self.origins.setting("listen"),
                listen: self.listen,
            }),
            _ => Ok(()),
        }
    }

    /// Where a setting was given, by its dotted key as in the file: `listen`, `secret_file`,
    /// `instances.events.queue_bytes`, `thresholds[0].kind`. [`Origin::Program`] for defaults and for what a program set itself.
    pub fn origin(&self, key: &str) -> Origin {
        self.origins.of(key)
    }
}

/// The numbers of an instance, in the order of [`INSTANCE_BOUNDS`].
fn numbers(settings: &InstanceSettings) -> [u64; 6] {
    [
        settings.backlog_messages as u64,
        settings.backlog_bytes as u64,
        settings.backlog_age.as_secs(),
        settings.queue_messages as u64,
        settings.queue_bytes as u64,
        settings.max_payload_bytes as u64,
    ]
}

/// Takes the numbers over.
fn apply(layer: &InstanceLayer, settings: &mut InstanceSettings) {
    // Where `usize` has 32 bits, more than it can count becomes all it can count.
    let size = |given: Option<u64>, default| given.map_or(default, |n| usize::try_from(n).unwrap_or(usize::MAX));
    settings.backlog_messages = size(layer.backlog_messages, settings.backlog_messages);
    settings.backlog_bytes = size(layer.backlog_bytes, settings.backlog_bytes);
    settings.backlog_age = layer.backlog_age_s.map_or(settings.backlog_age, Duration::from_secs);
    settings.queue_messages = size(layer.queue_messages, settings.queue_messages);
    settings.queue_bytes = size(layer.queue_bytes, settings.queue_bytes);
    settings.max_payload_bytes = size(layer.max_payload_bytes, settings.max_payload_bytes);
}

pub(crate) fn milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
