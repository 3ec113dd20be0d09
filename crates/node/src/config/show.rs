//! The resolved configuration as a TOML file, for `config show`.

use std::fmt::Write;

use bellwether_access::{ANONYMOUS, Grant, Permission, Principal};
use bellwether_message::Instance;

use super::access::{LIMIT_BOUNDS, limit_key, limit_values};
use super::definition::{Value, in_table, tables};
use super::doors::NatsAdvertise;
use super::layer::instance_key;
use super::origin::Origin;
use super::thresholds::threshold_key;
use super::{Config, INSTANCE_BOUNDS, milliseconds, numbers};

impl Config {
    /// Every effective value as a configuration file, each with where it came from unless that was the program. Of the
    /// secrets only their number is shown: `# secrets: 2`, or `# secrets: none`. Except for these, the text resolves to
    /// this configuration again.
    pub fn to_toml(&self) -> String {
        let mut lines = Lines {
            config: self,
            text: String::new(),
        };
        lines.value("name", &text(self.name.to_string()));
        lines.value("cluster", &text(self.cluster.clone()));
        lines.value("listen", &text(self.listen.to_string()));
        match self.advertise {
            Some(address) => lines.value("advertise", &text(address.to_string())),
            None => lines.remark("advertise: the listen address"),
        }
        lines.value(
            "http",
            &text(
                self.http
                    .map_or_else(|| "off".to_owned(), |address| address.to_string()),
            ),
        );
        lines.doors();
        lines.value("seeds", &toml::Value::from(self.seeds.clone()).to_string());
        match &self.data_dir {
            Some(folder) => lines.value("data_dir", &text(folder.display().to_string())),
            None => lines.remark("data_dir: the state folder of this user or service"),
        }
        match self.secrets.len() {
            0 => lines.remark("secrets: none"),
            number => lines.remark(&format!("secrets: {number}{}", self.came_from("secret_file"))),
        }
        lines.value("gossip_interval_ms", &milliseconds(self.gossip_interval).to_string());
        lines.value("drain_timeout_ms", &milliseconds(self.drain_timeout).to_string());
        match &self.log {
            Some(filter) => lines.value("log", &text(filter.clone())),
            None => lines.remark("log: the life of the node"),
        }
        for instance in Instance::ALL {
            lines.instance(instance);
        }
        for table in tables() {
            lines.table(table);
        }
        lines.thresholds();
        lines.limits();
        lines.access();
        lines.text
    }

    /// `  # bellwether.toml:3`, or nothing.
    fn came_from(&self, key: &str) -> String {
        match self.origins.exactly(key) {
            None | Some(Origin::Program) => String::new(),
            Some(origin) => format!("  # {origin}"),
        }
    }
}

struct Lines<'a> {
    config: &'a Config,
    text: String,
}

impl Lines<'_> {
    fn value(&mut self, key: &str, value: &str) {
        let line = format!("{key} = {value}{}", self.config.came_from(key));
        self.push(&line);
    }

    fn remark(&mut self, remark: &str) {
        self.push(&format!("# {remark}"));
    }

    fn instance(&mut self, instance: Instance) {
        self.push(&format!("\n[instances.{}]", instance.name()));
        let settings = &self.config.instances[instance.index()];
        for (bounds, value) in INSTANCE_BOUNDS.iter().zip(numbers(settings)) {
            self.below(&instance_key(instance, bounds.key), bounds.key, &value.to_string());
        }
        let policy = text(settings.overflow.name().to_owned());
        self.below(&instance_key(instance, "overflow"), "overflow", &policy);
    }

    fn table(&mut self, table: &str) {
        self.push(&format!("\n[{table}]"));
        for definition in in_table(table) {
            let value = match definition.read(&self.config.integration) {
                Value::Flag(on) => on.to_string(),
                Value::Number(number) => number.to_string(),
                Value::Decimal(number) => decimal(number),
            };
            self.below(definition.key(), definition.name(), &value);
        }
    }

    fn thresholds(&mut self) {
        let config = self.config;
        if config.integration.thresholds.is_empty() {
            return self.push("\n# thresholds: none");
        }
        for (index, threshold) in config.integration.thresholds.iter().enumerate() {
            self.push("\n[[thresholds]]");
            let values = [
                ("id", Some(text(threshold.id.clone()))),
                ("metric_name", Some(text(threshold.metric_name.clone()))),
                ("component", threshold.component.clone().map(text)),
                ("kind", Some(text(threshold.kind.name().to_owned()))),
                ("warning", threshold.warning.map(decimal)),
                ("critical", threshold.critical.map(decimal)),
                ("sustained", Some(threshold.sustained.to_string())),
                ("hysteresis", Some(decimal(threshold.hysteresis))),
            ];
            for (key, value) in values {
                let Some(value) = value else { continue };
                self.below(&threshold_key(index, key), key, &value);
            }
        }
    }

    fn doors(&mut self) {
        let config = self.config;
        let off = || "off".to_owned();
        self.value(
            "nats",
            &text(config.nats.map_or_else(off, |address| address.to_string())),
        );
        match &config.nats_advertise {
            NatsAdvertise::Listen => self.remark("nats_advertise: where this node listens for NATS clients"),
            NatsAdvertise::Off => self.value("nats_advertise", &text(off())),
            NatsAdvertise::Address(address) => self.value("nats_advertise", &text(address.clone())),
        }
        let socket = config.socket.as_ref().map(|path| path.display().to_string());
        self.value("socket", &text(socket.unwrap_or_else(off)));
        match &config.tls {
            None => self.remark("tls_certificate, tls_key: none"),
            Some(files) => {
                self.value("tls_certificate", &text(files.certificate.display().to_string()));
                self.value("tls_key", &text(files.key.display().to_string()));
            }
        }
        self.value("insecure_doors", &config.insecure_doors.to_string());
        self.value("http_hosts", &toml::Value::from(config.http_hosts.clone()).to_string());
    }

    fn limits(&mut self) {
        self.push("\n[limits]");
        for (bounds, value) in LIMIT_BOUNDS.iter().zip(limit_values(&self.config.limits.whole())) {
            match value {
                Some(value) => self.below(&limit_key(bounds.key), bounds.key, &value.to_string()),
                None => self.remark(&format!("{}: no bound", bounds.key)),
            }
        }
    }

    fn access(&mut self) {
        let Some(access) = &self.config.access else {
            return self.push("\n# access: everybody may do everything");
        };
        self.push("\n[access]");
        let rights: Vec<String> = access.anonymous.iter().flat_map(anonymous_rights).collect();
        self.below("access.anonymous", ANONYMOUS, &toml::Value::from(rights).to_string());
        match &access.revoked_tokens {
            Some(file) => self.below(
                "access.revoked_tokens",
                "revoked_tokens",
                &text(file.display().to_string()),
            ),
            None => self.remark("revoked_tokens: none"),
        }
        for (index, principal) in access.principals.iter().enumerate() {
            self.principal(&format!("access.principals[{index}]"), principal);
        }
    }

    fn principal(&mut self, path: &str, principal: &Principal) {
        self.push("\n[[access.principals]]");
        let grant = principal.grant();
        let ids = |ids: &[u32]| toml::Value::from(ids.iter().map(|id| i64::from(*id)).collect::<Vec<_>>()).to_string();
        let list = |list: &[Permission]| {
            let texts: Vec<String> = list.iter().map(Permission::to_string).collect();
            toml::Value::from(texts).to_string()
        };
        for (key, value) in [
            ("name", text(principal.name().to_owned())),
            ("uid", ids(principal.uids())),
            ("gid", ids(principal.gids())),
            ("allow_publish", list(&grant.allow_publish)),
            ("allow_subscribe", list(&grant.allow_subscribe)),
            ("deny_publish", list(&grant.deny_publish)),
            ("deny_subscribe", list(&grant.deny_subscribe)),
            ("look", grant.look.to_string()),
            ("administer", grant.administer.to_string()),
        ] {
            self.below(&format!("{path}.{key}"), key, &value);
        }
        for (bounds, value) in LIMIT_BOUNDS.iter().zip(limit_values(principal.limits())) {
            let Some(value) = value else { continue };
            let key = limit_key(bounds.key);
            self.below(&format!("{path}.{key}"), &key, &value.to_string());
        }
    }

    /// A key below the header of its table; `path` is its whole key.
    fn below(&mut self, path: &str, key: &str, value: &str) {
        let from = self.config.came_from(path);
        self.push(&format!("{key} = {value}{from}"));
    }

    fn push(&mut self, line: &str) {
        writeln!(self.text, "{line}").expect("writing to a String cannot fail");
    }
}

/// What anonymous clients may do, as it is written.
fn anonymous_rights(grant: &Grant) -> Vec<String> {
    let flags = [("look", grant.look), ("administer", grant.administer)];
    let flags = flags.into_iter().filter(|(_, on)| *on).map(|(name, _)| name.to_owned());
    let publish = grant
        .allow_publish
        .iter()
        .map(|permission| format!("publish {permission}"));
    let subscribe = grant
        .allow_subscribe
        .iter()
        .map(|permission| format!("subscribe {permission}"));
    flags.chain(publish).chain(subscribe).collect()
}

/// With a point, as TOML asks of what is not whole.
fn decimal(number: f64) -> String {
    toml::Value::Float(number).to_string()
}

/// Quoted and escaped as TOML asks.
fn text(text: String) -> String {
    toml::Value::String(text).to_string()
}
