//! The JSON of the catalogue, the same over HTTP and on the command line: what types there are, what they say, and what
//! their topics are also called.

use bellwether::Instance;
use bellwether::catalogue::field::{Field, Kind, Presence};
use bellwether::catalogue::spelling::{Spelling, spellings};
use bellwether::catalogue::{MessageType, SCHEMA_VERSION, all_types, family_of};
use serde::Serialize;
use serde_json::Value;

/// The whole catalogue: `{"schema_version","instances":[…]}`.
#[derive(Debug, Clone, Serialize)]
pub struct CatalogueJson {
    /// The version of the shapes.
    pub schema_version: u16,
    /// The ten instances, `events` among them, which has no types.
    pub instances: Vec<InstanceJson>,
}

/// An instance.
#[derive(Debug, Clone, Serialize)]
pub struct InstanceJson {
    /// Which.
    pub instance: Instance,
    /// What is published there.
    pub purpose: &'static str,
    /// The name of its family; none for `events`.
    pub family: Option<&'static str>,
    /// The types of its family.
    pub types: Vec<TypeJson>,
    /// Its types that belong to no family.
    pub raw_types: Vec<TypeJson>,
    /// What its topics are called.
    pub spellings: Vec<SpellingJson>,
}

/// A type of messages.
#[derive(Debug, Clone, Serialize)]
pub struct TypeJson {
    /// Its name, as `NodeHealth`.
    pub name: &'static str,
    /// Its tag, as `node_health_updated`.
    pub tag: &'static str,
    /// Where it is published.
    pub instance: Instance,
    /// The topic it goes to unless its publisher names another; `{field}` stands for what that field says.
    pub topic: &'static str,
    /// What it is.
    pub doc: String,
    /// What it says.
    pub fields: Vec<FieldJson>,
}

/// A field.
#[derive(Debug, Clone, Serialize)]
pub struct FieldJson {
    /// Its name.
    pub name: &'static str,
    /// What belongs there, in words.
    pub kind: String,
    /// The words of an enumeration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub words: Option<&'static [&'static str]>,
    /// Whether publishers may send other words.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub open: bool,
    /// `required`; `nullable`, required but may be null; `optional`; `filled`, by the node if left out.
    pub presence: &'static str,
    /// What it is if left out, where that is always the same.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub default: Option<Value>,
    /// Other names under which it is read.
    pub aliases: &'static [&'static str],
    /// What it means.
    pub doc: String,
}

/// What one spelling of a topic means.
#[derive(Debug, Clone, Serialize)]
pub struct SpellingJson {
    /// In which instance.
    pub instance: Instance,
    /// As it is written; `{name}` stands for any one level.
    pub spelling: &'static str,
    /// The topic that a message published under it goes to.
    pub topic: &'static str,
    /// The patterns that a subscription to it receives.
    pub receives: Vec<&'static str>,
    /// Who writes it so.
    pub written_by: &'static str,
}

impl CatalogueJson {
    /// All there is.
    pub fn whole() -> Self {
        Self {
            schema_version: SCHEMA_VERSION,
            instances: Instance::ALL.into_iter().map(InstanceJson::new).collect(),
        }
    }
}

impl InstanceJson {
    /// What there is of one instance.
    pub fn new(instance: Instance) -> Self {
        let types = |is_family: bool| {
            let own = types_of(instance).filter(move |message| message.is_family == is_family);
            own.map(TypeJson::new).collect()
        };
        Self {
            instance,
            purpose: instance.purpose(),
            family: family_of(instance).map(|family| family.name),
            types: types(true),
            raw_types: types(false),
            spellings: spellings(instance).map(SpellingJson::new).collect(),
        }
    }
}

/// The types of an instance, those of its family first.
pub fn types_of(instance: Instance) -> impl Iterator<Item = &'static MessageType> {
    all_types().filter(move |message| message.instance == instance)
}

impl TypeJson {
    /// What there is of one type.
    pub fn new(message: &'static MessageType) -> Self {
        Self {
            name: message.name,
            tag: message.tag,
            instance: message.instance,
            topic: message.topic,
            doc: one_line(message.doc),
            fields: message.fields.iter().map(FieldJson::new).collect(),
        }
    }
}

impl FieldJson {
    fn new(field: &'static Field) -> Self {
        let (words, open) = match field.kind {
            Kind::Word { words, is_open, .. } => (Some(words), is_open),
            Kind::Words { words } => (Some(words), true),
            _ => (None, false),
        };
        let kind = match field.kind {
            Kind::Word {
                words, is_open: true, ..
            } => format!("a word such as {}", words.join(", ")),
            kind => kind.expected(),
        };
        Self {
            name: field.name,
            kind,
            words,
            open,
            presence: match field.presence {
                Presence::Required => "required",
                Presence::Nullable => "nullable",
                Presence::Optional => "optional",
                Presence::Filled => "filled",
            },
            default: field.default(),
            aliases: field.aliases,
            doc: one_line(field.doc),
        }
    }
}

impl SpellingJson {
    fn new(spelling: &'static Spelling) -> Self {
        let mut receives = spelling.receives.to_vec();
        if !spelling.is_alias() && !receives.contains(&spelling.topic) {
            receives.insert(0, spelling.topic);
        }
        Self {
            instance: spelling.instance,
            spelling: spelling.spelling,
            topic: spelling.topic,
            receives,
            written_by: spelling.written_by,
        }
    }
}

/// Documentation as the compiler has it begins with a blank and breaks its lines.
fn one_line(doc: &str) -> String {
    doc.split_whitespace().collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_type_and_every_spelling_is_told_once() {
        let whole = CatalogueJson::whole();
        let count = |of: fn(&InstanceJson) -> usize| whole.instances.iter().map(of).sum::<usize>();
        assert_eq!(count(|instance| instance.types.len()), 36);
        assert_eq!(
            count(|instance| instance.raw_types.len()),
            bellwether::catalogue::RAW_TYPES.len()
        );
        assert_eq!(
            count(|instance| instance.spellings.len()),
            bellwether::catalogue::spelling::SPELLINGS.len()
        );
        let events = &whole.instances[Instance::Events.index()];
        assert_eq!((events.family, events.types.len()), (None, 0));
    }

    #[test]
    fn a_field_says_who_gives_it_and_what_belongs_there() {
        let health = InstanceJson::new(Instance::Health);
        let node_health = health
            .types
            .iter()
            .find(|message| message.name == "NodeHealth")
            .unwrap();
        let field = |name: &str| node_health.fields.iter().find(|field| field.name == name).unwrap();
        let status = field("status");
        assert_eq!((status.presence, status.open), ("required", false));
        assert_eq!(status.words, Some(&["healthy", "degraded", "unhealthy", "unknown"][..]));
        assert_eq!(status.doc, "Its health.");
        assert_eq!(field("timestamp").presence, "filled");
        assert_eq!(field("checks").default, Some(serde_json::json!({})));
        assert!(field("checks").open && field("load_avg").default.is_none());
    }

    #[test]
    fn a_spelling_receives_its_own_topic_unless_it_is_the_name_of_another() {
        let receives = |instance, spelling: &str| {
            let found = spellings(instance).find(|found| found.spelling == spelling).unwrap();
            SpellingJson::new(found).receives
        };
        assert_eq!(receives(Instance::Health, "component_health"), ["component_health"]);
        assert_eq!(receives(Instance::Health, "cluster_health"), ["cluster:health"]);
        assert_eq!(
            receives(Instance::Metrics, "performance"),
            ["performance", "+", "performance_metrics:+"]
        );
    }
}
