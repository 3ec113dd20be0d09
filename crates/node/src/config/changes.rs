//! What differs between two configurations, and what of it a running node can take over.

use bellwether_message::Instance;
use serde::Serialize;

use super::access::{LIMIT_BOUNDS, limit_key, limit_values};
use super::definition::DEFINITIONS;
use super::layer::instance_key;
use super::{Config, INSTANCE_BOUNDS, numbers};
use crate::integration::IntegrationSettings;

/// Settings that only a node that starts looks at. Those of TLS are among them where a door would have to begin or end
/// to speak it.
const AT_START: [&str; 13] = [
    "name",
    "cluster",
    "listen",
    "advertise",
    "http",
    "nats",
    "nats_advertise",
    "socket",
    "seeds",
    "data_dir",
    "gossip_interval_ms",
    // It says that the node starts, once.
    "reporters.system",
    // The book of the alerts is read from the beginning, once.
    "alerting.enabled",
];

/// What differs between two configurations, by dotted keys as in the file; tables that are lists are one: `access`,
/// `thresholds`. The secrets are not looked at, nor what stands in files that are named.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[non_exhaustive]
pub struct Changes {
    /// What a running node takes over.
    pub live: Vec<String>,
    /// What needs a restart.
    pub at_restart: Vec<String>,
    /// How many settings are as they were.
    pub unchanged: usize,
}

impl Changes {
    fn note(&mut self, key: impl Into<String>, differs: bool, at_start: bool) {
        match (differs, at_start) {
            (false, _) => self.unchanged += 1,
            (true, false) => self.live.push(key.into()),
            (true, true) => self.at_restart.push(key.into()),
        }
    }
}

impl Config {
    /// What is another in `newer`.
    pub fn changes(&self, newer: &Self) -> Changes {
        // Taken apart, so that no field that is new can be forgotten here.
        let Self {
            name,
            cluster,
            listen,
            advertise,
            http,
            nats,
            nats_advertise,
            socket,
            tls,
            insecure_doors,
            http_hosts,
            access,
            limits,
            seeds,
            data_dir,
            secrets: _,
            gossip_interval,
            drain_timeout,
            log,
            instances,
            integration,
            origins: _,
        } = self;
        let mut changes = Changes::default();
        let certificate = |config: &Self| config.tls.as_ref().map(|files| files.certificate.clone());
        let key = |config: &Self| config.tls.as_ref().map(|files| files.key.clone());
        let [tls_certificate, tls_key] = [certificate(self) != certificate(newer), key(self) != key(newer)];
        for (key, differs) in [
            ("name", *name != newer.name),
            ("cluster", *cluster != newer.cluster),
            ("listen", *listen != newer.listen),
            ("advertise", *advertise != newer.advertise),
            ("http", *http != newer.http),
            ("nats", *nats != newer.nats),
            ("nats_advertise", *nats_advertise != newer.nats_advertise),
            ("socket", *socket != newer.socket),
            ("tls_certificate", tls_certificate),
            ("tls_key", tls_key),
            ("insecure_doors", *insecure_doors != newer.insecure_doors),
            ("http_hosts", *http_hosts != newer.http_hosts),
            ("seeds", *seeds != newer.seeds),
            ("data_dir", *data_dir != newer.data_dir),
            ("gossip_interval_ms", *gossip_interval != newer.gossip_interval),
            ("drain_timeout_ms", *drain_timeout != newer.drain_timeout),
            ("log", *log != newer.log),
            ("access", *access != newer.access),
        ] {
            let begins_or_ends = key.starts_with("tls_") && tls.is_some() != newer.tls.is_some();
            changes.note(key, differs, AT_START.contains(&key) || begins_or_ends);
        }
        let values = [limits, &newer.limits].map(|limits| limit_values(&limits.whole()));
        for (bounds, (old, new)) in LIMIT_BOUNDS.iter().zip(values[0].iter().zip(&values[1])) {
            changes.note(limit_key(bounds.key), old != new, false);
        }
        for (instance, (old, new)) in Instance::ALL.into_iter().zip(instances.iter().zip(&newer.instances)) {
            for (bounds, (old, new)) in INSTANCE_BOUNDS.iter().zip(numbers(old).into_iter().zip(numbers(new))) {
                changes.note(instance_key(instance, bounds.key), old != new, false);
            }
            changes.note(instance_key(instance, "overflow"), old.overflow != new.overflow, false);
        }
        for definition in &DEFINITIONS {
            let differs = definition.read(integration) != definition.read(&newer.integration);
            changes.note(definition.key(), differs, AT_START.contains(&definition.key()));
        }
        changes.note(
            "thresholds",
            integration.thresholds != newer.integration.thresholds,
            false,
        );
        changes
    }

    /// What holds for a node that runs by this configuration once it has taken over of `newer` what it can: the rest is as
    /// it was, the secrets too. Has it [checked](Self::check): what is right in either need not be right in both together.
    #[must_use]
    pub fn taking_over(&self, newer: &Self) -> Self {
        let mut taken = newer.clone();
        taken.name = self.name.clone();
        taken.cluster.clone_from(&self.cluster);
        taken.listen = self.listen;
        taken.advertise = self.advertise;
        taken.http = self.http;
        taken.nats = self.nats;
        taken.nats_advertise = self.nats_advertise.clone();
        taken.socket.clone_from(&self.socket);
        taken.seeds.clone_from(&self.seeds);
        taken.data_dir.clone_from(&self.data_dir);
        taken.secrets = self.secrets.clone();
        taken.gossip_interval = self.gossip_interval;
        if self.tls.is_some() != newer.tls.is_some() {
            taken.tls.clone_from(&self.tls);
        }
        taken.integration = IntegrationSettings {
            report_system: self.integration.report_system,
            ..taken.integration
        };
        taken.integration.alerting.enabled = self.integration.alerting.enabled;
        taken
    }
}
