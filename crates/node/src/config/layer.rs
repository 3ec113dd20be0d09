//! What one layer said: the settings as they were typed, not yet what they mean.

use std::collections::BTreeMap;
use std::path::PathBuf;

use bellwether_message::Instance;

use super::access::{AccessLayer, LimitsLayer, limit_key};
use super::definition::IntegrationLayer;
use super::origin::{Origin, Origins};
use super::secrets::SecretSource;
use super::thresholds::ThresholdLayer;

/// Every setting as one layer gave it; `None` = not given here. Texts are not yet parsed and numbers not yet checked,
/// so that only what wins is judged, once, by [`Config::resolve`](super::Config::resolve).
///
/// ```
/// use bellwether::Layer;
///
/// let file = Layer { name: Some("a".into()), cluster: Some("lab".into()), ..Layer::default() };
/// let flags = Layer { name: Some("b".into()), ..Layer::default() }.as_flags();
/// let merged = flags.over(file);
/// assert_eq!((merged.name.as_deref(), merged.cluster.as_deref()), (Some("b"), Some("lab")));
/// ```
#[derive(Clone, Debug, Default)]
pub struct Layer {
    /// The node's name, unique in the cluster. Default: the host name.
    pub name: Option<String>,
    /// The cluster's name; nodes of different clusters ignore each other. Default: `bellwether`.
    pub cluster: Option<String>,
    /// UDP address for other nodes, `IP:PORT` or `HOST:PORT`. Default: `127.0.0.1:7400`.
    pub listen: Option<String>,
    /// The address other nodes dial. Default: the listen address.
    pub advertise: Option<String>,
    /// TCP address for clients, or `off`. Default: `127.0.0.1:7480`.
    pub http: Option<String>,
    /// TCP address for NATS clients, or `off`. Default: `off`.
    pub nats: Option<String>,
    /// What NATS clients of other nodes are told to dial, `HOST:PORT`, or `off`. Default: where this node listens for them.
    pub nats_advertise: Option<String>,
    /// Path of a Unix socket for clients, or `off`. Default: `off`.
    pub socket: Option<PathBuf>,
    /// The certificate of the doors, a PEM file.
    pub tls_certificate: Option<PathBuf>,
    /// Its private key, a PEM file.
    pub tls_key: Option<PathBuf>,
    /// Whether doors may be open to other hosts without TLS and without a table `access`.
    pub insecure_doors: Option<bool>,
    /// Names under which HTTP clients may dial this node, beside its addresses. Replaces the weaker layer's list.
    pub http_hosts: Option<Vec<String>>,
    /// Where first members may be found, `HOST:PORT` each. Replaces the weaker layer's list, does not extend it.
    pub seeds: Option<Vec<String>>,
    /// Folder for what must survive a restart.
    pub data_dir: Option<PathBuf>,
    /// Where the cluster secrets are. In a file: `secret_file`.
    pub secret: Option<SecretSource>,
    /// Milliseconds between gossip rounds. Default: 200.
    pub gossip_interval_ms: Option<u64>,
    /// Milliseconds a node that stops may take to hand over what it still holds. Default: 10 000.
    pub drain_timeout_ms: Option<u64>,
    /// What is logged: a filter such as `debug`.
    pub log: Option<String>,
    /// Settings of single instances; the others keep their defaults.
    pub instances: BTreeMap<Instance, InstanceLayer>,
    /// The tables `integration`, `reporters`, `health_monitoring` and `alerting`.
    pub integration: IntegrationLayer,
    /// What metrics are measured against. Replaces the weaker layer's list, does not extend it.
    pub thresholds: Option<Vec<ThresholdLayer>>,
    /// Who may do what; without it everybody may do everything. Only a file gives one.
    pub access: Option<AccessLayer>,
    /// How much one principal may take.
    pub limits: LimitsLayer,
    /// Where the above came from. Filled by whatever made the layer; empty is fine.
    pub origins: Origins,
}

impl Layer {
    /// Marks everything given here as given by command line flags, so that errors name the flag: `--gossip-interval-ms`
    /// for `gossip_interval_ms`, `--seed` for `seeds`.
    #[must_use]
    pub fn as_flags(mut self) -> Self {
        for key in self.given() {
            let flag = match key.as_str() {
                "seeds" => "--seed".to_owned(),
                _ => format!("--{}", key.replace(['_', '.'], "-")),
            };
            self.origins.insert(key, Origin::Flag(flag));
        }
        self
    }

    /// This layer laid over a weaker one: each setting is ours where we give it, else the weaker layer's.
    #[must_use]
    pub fn over(mut self, weaker: Self) -> Self {
        self.origins.fill_from(weaker.origins, &self.given());
        for (instance, weaker) in weaker.instances {
            let ours = self.instances.entry(instance).or_default();
            *ours = std::mem::take(ours).over(weaker);
        }
        Self {
            name: self.name.or(weaker.name),
            cluster: self.cluster.or(weaker.cluster),
            listen: self.listen.or(weaker.listen),
            advertise: self.advertise.or(weaker.advertise),
            http: self.http.or(weaker.http),
            nats: self.nats.or(weaker.nats),
            nats_advertise: self.nats_advertise.or(weaker.nats_advertise),
            socket: self.socket.or(weaker.socket),
            tls_certificate: self.tls_certificate.or(weaker.tls_certificate),
            tls_key: self.tls_key.or(weaker.tls_key),
            insecure_doors: self.insecure_doors.or(weaker.insecure_doors),
            http_hosts: self.http_hosts.or(weaker.http_hosts),
            seeds: self.seeds.or(weaker.seeds),
            data_dir: self.data_dir.or(weaker.data_dir),
            secret: self.secret.or(weaker.secret),
            gossip_interval_ms: self.gossip_interval_ms.or(weaker.gossip_interval_ms),
            drain_timeout_ms: self.drain_timeout_ms.or(weaker.drain_timeout_ms),
            log: self.log.or(weaker.log),
            instances: self.instances,
            integration: self.integration.over(weaker.integration),
            thresholds: self.thresholds.or(weaker.thresholds),
            access: self.access.or(weaker.access),
            limits: self.limits.over(weaker.limits),
            origins: self.origins,
        }
    }

    /// The dotted keys of what is given here.
    fn given(&self) -> Vec<String> {
        let given = [
            self.name.is_some(),
            self.cluster.is_some(),
            self.listen.is_some(),
            self.advertise.is_some(),
            self.http.is_some(),
            self.nats.is_some(),
            self.nats_advertise.is_some(),
            self.socket.is_some(),
            self.tls_certificate.is_some(),
            self.tls_key.is_some(),
            self.insecure_doors.is_some(),
            self.http_hosts.is_some(),
            self.seeds.is_some(),
            self.data_dir.is_some(),
            self.secret.is_some(),
            self.gossip_interval_ms.is_some(),
            self.drain_timeout_ms.is_some(),
            self.log.is_some(),
        ];
        let mut keys: Vec<String> = KEYS
            .into_iter()
            .zip(given)
            .filter(|(_, given)| *given)
            .map(|(key, _)| key.to_owned())
            .collect();
        for (instance, layer) in &self.instances {
            let given = INSTANCE_KEYS.into_iter().filter(|key| layer.gives(key));
            keys.extend(given.map(|key| instance_key(*instance, key)));
        }
        keys.extend(self.integration.keys().map(str::to_owned));
        if self.thresholds.is_some() {
            keys.push("thresholds".to_owned());
        }
        if self.access.is_some() {
            keys.extend(["access".to_owned(), "access.principals".to_owned()]);
        }
        keys.extend(self.limits.keys().map(limit_key));
        keys
    }
}

/// The settings of one instance as one layer gave them; `None` = not given here. What they mean and their bounds: see
/// `bellwether config show` and [`EXAMPLE`](super::EXAMPLE).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct InstanceLayer {
    /// Messages kept for peers that fall behind, and for replay.
    pub backlog_messages: Option<u64>,
    /// Bytes kept for them.
    pub backlog_bytes: Option<u64>,
    /// Seconds a message is kept for them.
    pub backlog_age_s: Option<u64>,
    /// Messages one subscription may be behind.
    pub queue_messages: Option<u64>,
    /// Bytes one subscription may be behind.
    pub queue_bytes: Option<u64>,
    /// The largest payload that may be published.
    pub max_payload_bytes: Option<u64>,
    /// What happens to a subscription that falls further behind: `drop_oldest` or `disconnect`.
    pub overflow: Option<String>,
}

impl InstanceLayer {
    fn over(self, weaker: Self) -> Self {
        Self {
            backlog_messages: self.backlog_messages.or(weaker.backlog_messages),
            backlog_bytes: self.backlog_bytes.or(weaker.backlog_bytes),
            backlog_age_s: self.backlog_age_s.or(weaker.backlog_age_s),
            queue_messages: self.queue_messages.or(weaker.queue_messages),
            queue_bytes: self.queue_bytes.or(weaker.queue_bytes),
            max_payload_bytes: self.max_payload_bytes.or(weaker.max_payload_bytes),
            overflow: self.overflow.or(weaker.overflow),
        }
    }

    /// The place of the number called `key`; `None` where no number is called so.
    pub(super) fn number_mut(&mut self, key: &str) -> Option<&mut Option<u64>> {
        Some(match key {
            "backlog_messages" => &mut self.backlog_messages,
            "backlog_bytes" => &mut self.backlog_bytes,
            "backlog_age_s" => &mut self.backlog_age_s,
            "queue_messages" => &mut self.queue_messages,
            "queue_bytes" => &mut self.queue_bytes,
            "max_payload_bytes" => &mut self.max_payload_bytes,
            _ => return None,
        })
    }

    fn gives(&self, key: &str) -> bool {
        match key {
            "overflow" => self.overflow.is_some(),
            key => self.clone().number_mut(key).is_some_and(|number| number.is_some()),
        }
    }
}

/// The keys of a file outside the instance tables, in the order of [`Layer`]'s fields.
pub(super) const KEYS: [&str; 18] = [
    "name",
    "cluster",
    "listen",
    "advertise",
    "http",
    "nats",
    "nats_advertise",
    "socket",
    "tls_certificate",
    "tls_key",
    "insecure_doors",
    "http_hosts",
    "seeds",
    "data_dir",
    "secret_file",
    "gossip_interval_ms",
    "drain_timeout_ms",
    "log",
];

/// The keys of an instance table, in the order of [`InstanceLayer`]'s fields.
pub(super) const INSTANCE_KEYS: [&str; 7] = [
    "backlog_messages",
    "backlog_bytes",
    "backlog_age_s",
    "queue_messages",
    "queue_bytes",
    "max_payload_bytes",
    "overflow",
];

/// `instances.events.queue_bytes`
pub(super) fn instance_key(instance: Instance, key: &str) -> String {
    format!("instances.{}.{key}", instance.name())
}
