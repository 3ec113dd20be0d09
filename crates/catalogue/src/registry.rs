//! The registry: which families and types there are, and whether a message is one of them.

use bellwether_message::Instance;
use serde_json::Value;

use crate::families;
use crate::invalid::Invalid;
use crate::message_type::MessageType;

/// The family of an instance.
#[derive(Debug, Clone, Copy)]
pub struct Family {
    /// Its instance.
    pub instance: Instance,
    /// Its name in the original, as `HealthMessages`.
    pub name: &'static str,
    /// Its types.
    pub types: &'static [&'static MessageType],
}

/// The nine families, in the order of the instances.
pub const FAMILIES: [Family; 9] = [
    family(Instance::System, "SystemMessages", families::system::TYPES),
    family(Instance::Health, "HealthMessages", families::health::TYPES),
    family(Instance::Metrics, "MetricsMessages", families::metrics::TYPES),
    family(Instance::Lifecycle, "LifecycleMessages", families::lifecycle::TYPES),
    family(Instance::Alerts, "AlertMessages", families::alerts::TYPES),
    family(Instance::Audit, "AuditMessages", families::audit::TYPES),
    family(
        Instance::Diagnostics,
        "DiagnosticsMessages",
        families::diagnostics::TYPES,
    ),
    family(Instance::Security, "SecurityMessages", families::security::TYPES),
    family(Instance::Logging, "LoggingMessages", families::logging::TYPES),
];

/// The types that belong to no family.
pub const RAW_TYPES: &[&MessageType] = families::raw::TYPES;

const fn family(instance: Instance, name: &'static str, types: &'static [&'static MessageType]) -> Family {
    Family { instance, name, types }
}

/// Every type, those of the families first.
pub fn all_types() -> impl Iterator<Item = &'static MessageType> {
    let typed = FAMILIES.into_iter().flat_map(|family| family.types.iter());
    typed.chain(RAW_TYPES.iter()).copied()
}

/// The instances that have a family: all but `events`.
pub fn supported_instances() -> [Instance; 9] {
    FAMILIES.map(|family| family.instance)
}

/// The family of an instance; none for `events`.
pub fn family_of(instance: Instance) -> Option<&'static Family> {
    FAMILIES.iter().find(|family| family.instance == instance)
}

/// The type of that tag in an instance.
pub fn type_of(instance: Instance, tag: &str) -> Option<&'static MessageType> {
    all_types().find(|message| message.instance == instance && message.tag == tag)
}

/// The types with that tag or name, whatever their instance.
pub fn types_named(name: &str) -> Vec<&'static MessageType> {
    all_types()
        .filter(|message| message.tag == name || message.name == name)
        .collect()
}

/// Whether a message is what its tag says, in its present shape: the payload with known names and one form of each time.
///
/// # Errors
/// [`ValidateError`].
pub fn validate_message(instance: Instance, tag: &str, payload: Value) -> Result<Value, ValidateError> {
    if !instance.has_typed_messages() {
        return Err(ValidateError::UnknownInstance { instance });
    }
    let message = type_of(instance, tag).ok_or_else(|| unknown_type(instance, tag))?;
    Ok(message.validate(payload)?)
}

/// The error for a tag that an instance does not have.
pub fn unknown_type(instance: Instance, tag: &str) -> ValidateError {
    let known = all_types().filter(|message| message.instance == instance);
    ValidateError::UnknownType {
        instance,
        given: tag.chars().filter(|c| !c.is_control()).take(64).collect(),
        known: known.map(|message| message.tag).collect::<Vec<_>>().join(", "),
    }
}

/// Why a message is none of the catalogue.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ValidateError {
    /// The instance has no typed messages.
    #[error("{instance} has no typed messages: what is published there is the users' own")]
    UnknownInstance {
        /// The instance.
        instance: Instance,
    },
    /// The instance has no such type.
    #[error("{instance} has no message type `{given}`; it has {known}")]
    UnknownType {
        /// The instance.
        instance: Instance,
        /// The tag.
        given: String,
        /// The tags that it has.
        known: String,
    },
    /// The payload is not what the tag says.
    #[error(transparent)]
    Invalid(#[from] Invalid),
}

impl ValidateError {
    /// The word that programs tell it by.
    pub fn reason(&self) -> &'static str {
        match self {
            Self::UnknownInstance { .. } => "unknown_instance",
            Self::UnknownType { .. } => "unknown_type",
            Self::Invalid(invalid) => invalid.reason().name(),
        }
    }
}
