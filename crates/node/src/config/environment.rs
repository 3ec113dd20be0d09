//! The middle layer: environment variables; and what else is asked of the environment.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs;
use std::path::PathBuf;
use std::str::FromStr;

use bellwether_message::{Instance, NodeId};
use zeroize::Zeroizing;

use super::access::{LIMIT_BOUNDS, limit_key};
use super::definition::{DEFINITIONS, Definition, Form, Value};
use super::error::{ConfigError, hint, nearest};
use super::layer::{INSTANCE_KEYS, Layer, instance_key};
use super::origin::{Origin, Setting};
use super::secrets::SecretSource;

/// What all our variables begin with, the two of the secret excepted.
const PREFIX: &str = "BELLWETHER_";

/// The variables after [`PREFIX`], each with the key it sets, or none where it is not ours to use: the file to read
/// and the node a client talks to concern the program, not a node.
const VARIABLES: [(&str, Option<&str>); 19] = [
    ("NAME", Some("name")),
    ("CLUSTER", Some("cluster")),
    ("LISTEN", Some("listen")),
    ("ADVERTISE", Some("advertise")),
    ("HTTP", Some("http")),
    ("NATS", Some("nats")),
    ("NATS_ADVERTISE", Some("nats_advertise")),
    ("SOCKET", Some("socket")),
    ("TLS_CERTIFICATE", Some("tls_certificate")),
    ("TLS_KEY", Some("tls_key")),
    ("INSECURE_DOORS", Some("insecure_doors")),
    ("HTTP_HOSTS", Some("http_hosts")),
    ("SEEDS", Some("seeds")),
    ("DATA_DIR", Some("data_dir")),
    ("GOSSIP_INTERVAL_MS", Some("gossip_interval_ms")),
    ("DRAIN_TIMEOUT_MS", Some("drain_timeout_ms")),
    ("CONFIG", None),
    ("NODE", None),
    ("LOG", Some("log")),
];

impl Layer {
    /// Reads what environment variables give: `BELLWETHER_NAME`, `_CLUSTER`, `_LISTEN`, `_ADVERTISE`, `_HTTP`, `_NATS`,
    /// `_NATS_ADVERTISE`, `_SOCKET`, `_TLS_CERTIFICATE`, `_TLS_KEY`, `_INSECURE_DOORS`, `_HTTP_HOSTS` and `_SEEDS`
    /// (separated by commas; empty means none), `_DATA_DIR`, `_GOSSIP_INTERVAL_MS`, `_DRAIN_TIMEOUT_MS`, `_LOG`, the settings of
    /// an instance by its name and theirs (`BELLWETHER_EVENTS_OVERFLOW`, `BELLWETHER_EVENTS_QUEUE_MESSAGES`), those of the
    /// integration by their table and key (`BELLWETHER_INTEGRATION_ENABLED`, `BELLWETHER_REPORTERS_HEALTH`; thresholds
    /// and who may do what only stand in a file), limits by theirs (`BELLWETHER_LIMITS_CONNECTIONS`), and one of `SECRET_KEY_BASE` and `SECRET_KEY_BASE_FILE`. `BELLWETHER_CONFIG` and
    /// `_NODE` are left to the program, as are all variables that are not ours, Unicode or not.
    ///
    /// Give it `std::env::vars_os()`: `vars()` panics when any variable is not Unicode.
    ///
    /// # Errors
    /// Any other variable that begins with `BELLWETHER_`, except what Kubernetes makes up for a service of that name;
    /// a number or flag that is none; a value that is not Unicode; both variables of the secret.
    pub fn from_environment<K, V>(vars: impl IntoIterator<Item = (K, V)>) -> Result<Self, ConfigError>
    where
        K: Into<OsString>,
        V: Into<OsString>,
    {
        let mut layer = Self::default();
        for (name, value) in vars {
            // A name that is not Unicode is none of ours.
            let Ok(name) = name.into().into_string() else { continue };
            layer.take_variable(&name, value.into())?;
        }
        Ok(layer)
    }

    fn take_variable(&mut self, name: &str, value: OsString) -> Result<(), ConfigError> {
        let key = match name {
            "SECRET_KEY_BASE" => {
                self.take_secret(SecretSource::Value(Zeroizing::new(value.into_encoded_bytes())))?;
                "secret_file"
            }
            "SECRET_KEY_BASE_FILE" => {
                self.take_secret(SecretSource::File(value.into()))?;
                "secret_file"
            }
            _ => {
                let Some(short) = name.strip_prefix(PREFIX) else {
                    return Ok(());
                };
                if let Some((instance, key)) = instance_setting(short) {
                    self.take_instance_key(instance, key, name, value)?;
                    self.origins
                        .insert(instance_key(instance, key), Origin::Variable(name.to_owned()));
                    return Ok(());
                }
                if let Some(definition) = Definition::of_variable(short) {
                    let value = typed(definition, name, &unicode(name, value)?)?;
                    self.integration.insert(definition, value);
                    self.origins.insert(definition.key(), Origin::Variable(name.to_owned()));
                    return Ok(());
                }
                if let Some(key) = limit_setting(short) {
                    let given = number(&limit_key(key), name, &unicode(name, value)?)?;
                    self.limits.insert(key, given);
                    self.origins.insert(limit_key(key), Origin::Variable(name.to_owned()));
                    return Ok(());
                }
                let Some((_, key)) = VARIABLES.iter().find(|(known, _)| *known == short) else {
                    return unknown_variable(name, short, &value);
                };
                let Some(key) = *key else { return Ok(()) };
                if key == "log" && value.to_str().is_some_and(|text| text.trim().is_empty()) {
                    // As good as not given, as for the program's other commands.
                    return Ok(());
                }
                self.take_key(key, name, value)?;
                key
            }
        };
        self.origins.insert(key, Origin::Variable(name.to_owned()));
        Ok(())
    }

    fn take_secret(&mut self, source: SecretSource) -> Result<(), ConfigError> {
        match self.secret.replace(source) {
            None => Ok(()),
            Some(_) => Err(ConfigError::SecretTwice),
        }
    }

    fn take_key(&mut self, key: &str, variable: &str, value: OsString) -> Result<(), ConfigError> {
        let path = match key {
            "data_dir" => Some(&mut self.data_dir),
            "socket" => Some(&mut self.socket),
            "tls_certificate" => Some(&mut self.tls_certificate),
            "tls_key" => Some(&mut self.tls_key),
            _ => None,
        };
        if let Some(path) = path {
            *path = Some(value.into());
            return Ok(());
        }
        let text = unicode(variable, value)?;
        match key {
            "name" => self.name = Some(text),
            "cluster" => self.cluster = Some(text),
            "listen" => self.listen = Some(text),
            "advertise" => self.advertise = Some(text),
            "http" => self.http = Some(text),
            "nats" => self.nats = Some(text),
            "nats_advertise" => self.nats_advertise = Some(text),
            "insecure_doors" => self.insecure_doors = Some(parsed(key, variable, &text, "true or false")?),
            "http_hosts" => self.http_hosts = Some(list(&text)),
            "seeds" => self.seeds = Some(list(&text)),
            "gossip_interval_ms" => self.gossip_interval_ms = Some(number(key, variable, &text)?),
            "drain_timeout_ms" => self.drain_timeout_ms = Some(number(key, variable, &text)?),
            "log" => self.log = Some(text),
            _ => unreachable!("VARIABLES names no other key, as a test shows"),
        }
        Ok(())
    }

    fn take_instance_key(
        &mut self,
        instance: Instance,
        key: &str,
        variable: &str,
        value: OsString,
    ) -> Result<(), ConfigError> {
        let text = unicode(variable, value)?;
        let layer = self.instances.entry(instance).or_default();
        match layer.number_mut(key) {
            Some(place) => *place = Some(number(&instance_key(instance, key), variable, &text)?),
            None => layer.overflow = Some(text),
        }
        Ok(())
    }
}

/// The instance and its key that a variable after [`PREFIX`] names: `EVENTS_QUEUE_BYTES`.
fn instance_setting(short: &str) -> Option<(Instance, &'static str)> {
    let (instance, rest) = short.split_once('_')?;
    let is_named = |name: &str, given: &str| name.to_uppercase() == given;
    let instance = Instance::ALL
        .into_iter()
        .find(|known| is_named(known.name(), instance))?;
    let key = INSTANCE_KEYS.into_iter().find(|key| is_named(key, rest))?;
    Some((instance, key))
}

fn unicode(variable: &str, value: OsString) -> Result<String, ConfigError> {
    value.into_string().map_err(|_| ConfigError::NotUnicode {
        variable: variable.to_owned(),
    })
}

fn list(text: &str) -> Vec<String> {
    if text.trim().is_empty() {
        return Vec::new();
    }
    text.split(',').map(|item| item.trim().to_owned()).collect()
}

/// The limit that a variable after [`PREFIX`] names: `LIMITS_CONNECTIONS`.
fn limit_setting(short: &str) -> Option<&'static str> {
    let named = short.strip_prefix("LIMITS_")?;
    let mut keys = LIMIT_BOUNDS.iter().map(|bounds| bounds.key);
    keys.find(|key| key.to_uppercase() == named)
}

fn number(key: &str, variable: &str, text: &str) -> Result<u64, ConfigError> {
    parsed(key, variable, text, "a whole number, 0 or more")
}

/// The value of a variable, as the definition of its setting asks.
fn typed(definition: &Definition, variable: &str, text: &str) -> Result<Value, ConfigError> {
    let key = definition.key();
    match definition.form() {
        Form::Flag => parsed(key, variable, text, "true or false").map(Value::Flag),
        Form::Number => number(key, variable, text).map(Value::Number),
        Form::Decimal => parsed(key, variable, text, "a number").map(Value::Decimal),
    }
}

fn parsed<T: FromStr>(key: &str, variable: &str, text: &str, expected: &str) -> Result<T, ConfigError> {
    text.parse().map_err(|_| ConfigError::WrongType {
        setting: Setting {
            key: key.to_owned(),
            origin: Origin::Variable(variable.to_owned()),
        },
        expected: expected.to_owned(),
        found: format!("`{text}`"),
    })
}

fn unknown_variable(name: &str, short: &str, value: &OsString) -> Result<(), ConfigError> {
    if made_by_kubernetes(short, value) {
        return Ok(());
    }
    Err(ConfigError::UnknownVariable {
        variable: name.to_owned(),
        hint: variable_hint(short),
    })
}

/// The nearest of all variables; where none is near, those that stand alone and how the others are made.
fn variable_hint(short: &str) -> String {
    if short.starts_with("THRESHOLD") {
        return "thresholds stand in the configuration file, each in a table [[thresholds]]".to_owned();
    }
    if short.starts_with("ACCESS") {
        return "who may do what stands in the configuration file, in the table [access]".to_owned();
    }
    let plain = VARIABLES.into_iter().map(|(known, _)| known);
    let mut tabled: Vec<String> = DEFINITIONS.iter().map(Definition::variable).collect();
    for instance in Instance::ALL {
        tabled.extend(INSTANCE_KEYS.map(|key| format!("{}_{key}", instance.name()).to_uppercase()));
    }
    tabled.extend(
        LIMIT_BOUNDS
            .iter()
            .map(|bounds| format!("LIMITS_{}", bounds.key.to_uppercase())),
    );
    let all = plain.clone().chain(tabled.iter().map(String::as_str));
    match nearest(short, all) {
        Some(near) => hint(PREFIX, short, [near]),
        None => format!(
            "{}, and the settings of tables, such as {PREFIX}INTEGRATION_ENABLED and {PREFIX}EVENTS_QUEUE_BYTES",
            hint(PREFIX, short, plain)
        ),
    }
}

/// Whether this is a variable that Kubernetes (and Docker's links before it) sets in every container for a service
/// whose name begins with `bellwether`: `…SERVICE_HOST`, `…SERVICE_PORT`, `…SERVICE_PORT_HTTP`, `…PORT_7480_TCP…`, and
/// `…PORT` with a URL for a value. To refuse those would be to refuse to start in the most usual deployment.
fn made_by_kubernetes(short: &str, value: &OsString) -> bool {
    let name = format!("_{short}");
    let numbered = |rest: &str| rest.starts_with(|c: char| c.is_ascii_digit());
    name.ends_with("_SERVICE_HOST")
        || name.contains("_SERVICE_PORT")
        || name.split("_PORT_").skip(1).any(numbered)
        || name.ends_with("_PORT") && value.to_string_lossy().contains("://")
}

/// The folder for what must survive a restart, where none is configured: `$STATE_DIRECTORY` (set by systemd, whose
/// first entry is taken), else `$XDG_STATE_HOME/bellwether/<name>`, else `~/.local/state/bellwether/<name>`, else,
/// without a home, `/var/lib/bellwether/<name>`. Empty variables count as unset, and so does a relative
/// `$XDG_STATE_HOME`, as the XDG specification asks. Nothing is created here.
pub fn default_data_dir<K, V>(vars: impl IntoIterator<Item = (K, V)>, name: &NodeId) -> PathBuf
where
    K: Into<OsString>,
    V: Into<OsString>,
{
    let vars: BTreeMap<OsString, OsString> = vars
        .into_iter()
        .map(|(name, value)| (name.into(), value.into()))
        .collect();
    let path = |name: &str| {
        vars.get(&OsString::from(name))
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };

    if let Some(state) = path("STATE_DIRECTORY") {
        return std::env::split_paths(&state).next().unwrap_or(state);
    }
    let base = path("XDG_STATE_HOME")
        .filter(|state| state.is_absolute())
        .or_else(|| path("HOME").map(|home| home.join(".local/state")))
        .unwrap_or_else(|| PathBuf::from("/var/lib"));
    base.join("bellwether").join(name.to_string())
}

/// The node's name where none is configured: the host name, as far as it can be one.
pub(super) fn host_name() -> NodeId {
    let name = ["/proc/sys/kernel/hostname", "/etc/hostname"]
        .into_iter()
        .filter_map(|file| fs::read_to_string(file).ok())
        .map(|text| text.trim().to_owned())
        .find(|name| !name.is_empty() && name != "(none)");
    NodeId::from_host_name(name.as_deref().unwrap_or("node"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_variable_that_names_a_key_sets_it() {
        for (short, key) in VARIABLES {
            let Some(key) = key else { continue };
            let variable = format!("{PREFIX}{short}");
            let value = if key == "insecure_doors" { "true" } else { "1" };
            let layer = Layer::from_environment([(variable.clone(), value)]).unwrap();
            assert_eq!(layer.origins.of(key), Origin::Variable(variable));
        }
    }
}
