//! What to tell whoever wrote a key that means nothing where it stands.

use bellwether_message::Instance;

use crate::config::access::{ACCESS_KEYS, LIMIT_BOUNDS, PRINCIPAL_KEYS};
use crate::config::definition::{DEFINITIONS, Definition, in_table as defined_in, tables};
use crate::config::error::hint;
use crate::config::layer::{INSTANCE_KEYS, KEYS, instance_key};
use crate::config::thresholds::THRESHOLD_KEYS;

/// The instance that a table is named after, else what to tell. The original's prefixed names are not taken: a file has
/// one spelling, so that no instance occurs twice.
pub(super) fn instance(name: &str) -> Result<Instance, String> {
    let meant = match name.parse::<Instance>() {
        Ok(instance) if instance.name() == name => return Ok(instance),
        Ok(instance) => Some(instance),
        Err(error) => error.meant(),
    };
    Err(match meant {
        Some(instance) => format!("did you mean `{instance}`?"),
        None => format!("the ten are {}", Instance::ALL.map(Instance::name).join(", ")),
    })
}

/// For a key outside all tables.
pub(super) fn above_the_tables(key: &str) -> String {
    if let Ok(instance) = key.parse::<Instance>() {
        let table = format!("the table of that instance is `instances.{instance}`");
        return match places(key).as_slice() {
            [] => table,
            places => format!("{table}, and its reporter is {}", places.join(" or ")),
        };
    }
    let rest = ["instances", "thresholds", "access", "limits"]
        .into_iter()
        .chain(tables());
    elsewhere(key).unwrap_or_else(|| hint("", key, KEYS.into_iter().chain(rest)))
}

/// For a key in the table of an instance.
pub(super) fn in_instance(instance: Instance, key: &str) -> String {
    elsewhere(key).unwrap_or_else(|| hint(&instance_key(instance, ""), key, INSTANCE_KEYS))
}

/// For a key in a table whose settings are defined.
pub(super) fn in_table(table: &str, key: &str) -> String {
    let known = defined_in(table).map(Definition::name);
    elsewhere(key).unwrap_or_else(|| hint(&format!("{table}."), key, known))
}

/// For a key of a threshold.
pub(super) fn in_threshold(key: &str) -> String {
    elsewhere(key).unwrap_or_else(|| hint("thresholds.", key, THRESHOLD_KEYS))
}

/// For a key of the table `access`.
pub(super) fn in_access(key: &str) -> String {
    if PRINCIPAL_KEYS.contains(&key) {
        return format!("`{key}` belongs in a table [[access.principals]]");
    }
    elsewhere(key).unwrap_or_else(|| hint("access.", key, ACCESS_KEYS))
}

/// For a key of a principal.
pub(super) fn in_principal(key: &str) -> String {
    elsewhere(key).unwrap_or_else(|| hint("access.principals.", key, PRINCIPAL_KEYS))
}

/// For a key of limits, those of all or of a principal.
pub(super) fn in_limits(prefix: &str, key: &str) -> String {
    let known = LIMIT_BOUNDS.iter().map(|bounds| bounds.key);
    elsewhere(key).unwrap_or_else(|| hint(prefix, key, known))
}

/// Where a key belongs that is right in another place.
fn elsewhere(key: &str) -> Option<String> {
    if KEYS.contains(&key) {
        return Some(format!("`{key}` belongs above the first [table] of the file"));
    }
    if tables().contains(&key) {
        return Some(format!("the table is [{key}], and stands in no other"));
    }
    if INSTANCE_KEYS.contains(&key) {
        return Some(format!(
            "it belongs in the table of an instance, such as `instances.events.{key}`"
        ));
    }
    if THRESHOLD_KEYS.contains(&key) {
        return Some(format!("`{key}` belongs in a table [[thresholds]]"));
    }
    match places(key).as_slice() {
        [] => None,
        places => Some(format!("there is {}", places.join(" and "))),
    }
}

/// The dotted keys of all settings of a name, each in backticks.
fn places(name: &str) -> Vec<String> {
    let named = DEFINITIONS.iter().filter(|definition| definition.name() == name);
    named.map(|definition| format!("`{}`", definition.key())).collect()
}
