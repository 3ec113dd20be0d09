//! `bellwether catalogue`: the types of messages, what they say, and what topics are called. Needs no node.

use bellwether::catalogue::{MessageType, all_types, types_named};
use bellwether_gateway::catalogue_json::{CatalogueJson, FieldJson, InstanceJson, SpellingJson, TypeJson, types_of};
use bellwether_message::Instance;
use serde::Serialize;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::nearest::nearest;
use crate::output::{Colour, Format, Output, Paint};
use crate::table::{self, Column, Row};

const TYPES: [Column; 5] = [
    Column::new("INSTANCE", "instance"),
    Column::new("TYPE", "name"),
    Column::new("TAG", "tag"),
    Column::new("TOPIC", "topic"),
    Column::new("FAMILY", "family"),
];
const SPELLINGS: [Column; 5] = [
    Column::new("INSTANCE", "instance"),
    Column::new("SPELLING", "spelling"),
    Column::new("TOPIC", "topic"),
    Column::new("ALSO RECEIVES", "also"),
    Column::new("WRITTEN BY", "written_by"),
];
const FIELDS: [Column; 5] = [
    Column::new("FIELD", "name"),
    Column::new("GIVEN", "given"),
    Column::new("DEFAULT", "default"),
    Column::new("VALUE", "kind"),
    Column::new("MEANING", "doc"),
];

/// The command.
#[derive(Debug)]
pub(crate) struct Catalogue {
    pub(crate) subject: Subject,
    pub(crate) form: Form,
}

/// What is looked up.
#[derive(Debug, Clone)]
pub(crate) enum Subject {
    Everything,
    Instance(Instance),
    /// At least one: those that have one tag or name.
    Types(Vec<&'static MessageType>),
}

/// How it is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    Description(Format),
    JsonSchema,
    Example,
}

impl Subject {
    /// By the name of an instance, a tag, or the name of a type.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        if let Ok(instance) = text.parse() {
            return Ok(Self::Instance(instance));
        }
        let types = types_named(text);
        if !types.is_empty() {
            return Ok(Self::Types(types));
        }
        let names = all_types().flat_map(|message| [message.tag, message.name]);
        let known = Instance::ALL.into_iter().map(Instance::name).chain(names);
        Err(match nearest(text, known) {
            Some(name) => format!("no instance, tag or type is called so; did you mean `{name}`?"),
            None => "no instance, tag or type is called so; `bellwether catalogue` lists them".to_owned(),
        })
    }

    fn types(&self) -> Vec<&'static MessageType> {
        match self {
            Self::Everything => all_types().collect(),
            Self::Instance(instance) => types_of(*instance).collect(),
            Self::Types(types) => types.clone(),
        }
    }

    fn instances(&self) -> Vec<InstanceJson> {
        match self {
            Self::Everything => CatalogueJson::whole().instances,
            Self::Instance(instance) => vec![InstanceJson::new(*instance)],
            Self::Types(_) => Vec::new(),
        }
    }
}

/// The tag that a tag or a name stands for; text that is neither stands for itself.
pub(crate) fn tag_of(instance: Instance, name: &str) -> &str {
    types_of(instance)
        .find(|message| message.tag == name || message.name == name)
        .map_or(name, |message| message.tag)
}

impl Catalogue {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let text = match self.form {
            Form::Description(Format::Text) => self.text(Paint::for_stdout()),
            Form::Description(Format::Json) => self.json(),
            Form::JsonSchema => self.each(MessageType::json_schema),
            Form::Example => self.each(MessageType::example),
        };
        let mut output = Output::stdout();
        output.text(&text)?;
        output.flush()
    }

    /// One by itself, several as a list.
    fn each(&self, form: fn(&MessageType) -> Value) -> String {
        let types = self.subject.types();
        match (&self.subject, types.as_slice()) {
            (Subject::Types(_), [only]) => format!("{:#}\n", form(only)),
            _ => format!("{:#}\n", types.into_iter().map(form).collect::<Value>()),
        }
    }

    /// The same as over HTTP.
    fn json(&self) -> String {
        let types = self.subject.types();
        let value = match (&self.subject, types.as_slice()) {
            (Subject::Everything, _) => value_of(&CatalogueJson::whole()),
            (Subject::Instance(instance), _) => value_of(&InstanceJson::new(*instance)),
            (Subject::Types(_), [only]) => value_of(&TypeJson::new(only)),
            (Subject::Types(_), several) => several.iter().map(|only| value_of(&TypeJson::new(only))).collect(),
        };
        format!("{value}\n")
    }

    fn text(&self, paint: Paint) -> String {
        let instances = self.subject.instances();
        if let Subject::Types(types) = &self.subject {
            let types = types.iter().map(|message| described(&TypeJson::new(message), paint));
            return types.collect::<Vec<_>>().join("\n");
        }
        let mut text = table::render(&TYPES, &instances.iter().flat_map(types_in).collect::<Vec<_>>(), paint);
        if let [only] = instances.as_slice() {
            for message in only.types.iter().chain(&only.raw_types) {
                text.push('\n');
                text.push_str(&described(message, paint));
            }
        }
        let spellings = instances.iter().flat_map(|instance| &instance.spellings);
        text.push('\n');
        text.push_str(&table::render(
            &SPELLINGS,
            &spellings.map(spelling).collect::<Vec<_>>(),
            paint,
        ));
        text
    }
}

/// Its name, tag and topic, what it is, and its fields.
fn described(message: &TypeJson, paint: Paint) -> String {
    let name = paint.paint(Colour::Bold, message.name);
    format!(
        "{name}  {}  {}/{}\n{}\n\n{}",
        message.tag,
        message.instance,
        message.topic,
        message.doc,
        indented(&table::render(
            &FIELDS,
            &message.fields.iter().map(field).collect::<Vec<_>>(),
            Paint::NONE
        ))
    )
}

fn indented(text: &str) -> String {
    text.lines().map(|line| format!("  {line}\n")).collect()
}

fn types_in(instance: &InstanceJson) -> Vec<Row> {
    let family = instance.family;
    let row = |message: &TypeJson, family: Option<&str>| {
        row(json!({
            "instance": message.instance, "name": message.name, "tag": message.tag, "topic": message.topic,
            "family": family,
        }))
    };
    let typed = instance.types.iter().map(|message| row(message, family));
    typed
        .chain(instance.raw_types.iter().map(|message| row(message, None)))
        .collect()
}

fn field(field: &FieldJson) -> Row {
    let given = match field.presence {
        "nullable" => "required, or null",
        "filled" => "filled in",
        "optional" if field.default.is_some() => "default",
        presence => presence,
    };
    let mut doc = field.doc.clone();
    if !field.aliases.is_empty() {
        doc.push_str(&format!(" Also read as {}.", field.aliases.join(", ")));
    }
    row(json!({
        "name": field.name, "given": given, "default": field.default.as_ref().map(Value::to_string),
        "kind": field.kind, "doc": doc.trim(),
    }))
}

fn spelling(spelling: &SpellingJson) -> Row {
    let also = spelling.receives.iter().filter(|pattern| **pattern != spelling.topic);
    row(json!({
        "instance": spelling.instance, "spelling": spelling.spelling, "topic": spelling.topic,
        "also": also.copied().collect::<Vec<_>>().join(", "), "written_by": spelling.written_by,
    }))
}

fn row(value: Value) -> Row {
    match value {
        Value::Object(row) => row,
        _ => Row::new(),
    }
}

fn value_of(form: &impl Serialize) -> Value {
    serde_json::to_value(form).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(subject: &str) -> String {
        let catalogue = Catalogue {
            subject: Subject::parse(subject).unwrap(),
            form: Form::Description(Format::Text),
        };
        catalogue.text(Paint::NONE)
    }

    #[test]
    fn a_type_is_described_with_its_fields() {
        let text = shown("NodeHealth");
        assert_eq!(text, shown("node_health_updated"));
        assert!(
            text.starts_with("NodeHealth  node_health_updated  health/cluster:health\nThe health of a node.\n\n"),
            "{text}"
        );
        let line = |field: &str| {
            let found = text.lines().find(|line| line.trim_start().starts_with(field)).unwrap();
            found.split_whitespace().collect::<Vec<_>>().join(" ")
        };
        assert_eq!(line("FIELD"), "FIELD GIVEN DEFAULT VALUE MEANING");
        assert_eq!(
            line("status"),
            "status required - one of healthy, degraded, unhealthy, unknown Its health."
        );
        assert!(
            line("checks").starts_with("checks default {} an object of words"),
            "{text}"
        );
        assert!(line("load_avg").starts_with("load_avg optional - a number"), "{text}");
        assert!(line("timestamp").starts_with("timestamp filled in - a time"), "{text}");
    }

    #[test]
    fn an_instance_has_its_types_their_fields_and_its_spellings_only() {
        let text = shown("ex_esdb_health");
        for part in [
            "NodeHealth",
            "SubscriptionHealth",
            "quorum_status",
            "cluster_health  ",
            "quick reference",
        ] {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert!(!text.contains("SystemAlert"), "{text}");
        let spellings = shown("metrics");
        let line = spellings
            .lines()
            .find(|line| line.starts_with("metrics   performance  "))
            .unwrap();
        assert!(line.contains("  +, performance_metrics:+  "), "{line}");
    }

    #[test]
    fn everything_is_two_tables() {
        let catalogue = Catalogue {
            subject: Subject::Everything,
            form: Form::Description(Format::Text),
        };
        let text = catalogue.text(Paint::NONE);
        let (types, spellings) = text.split_once("\n\n").unwrap();
        assert_eq!(types.lines().count(), 1 + all_types().count());
        assert_eq!(
            spellings.lines().count(),
            1 + bellwether::catalogue::spelling::SPELLINGS.len()
        );
    }

    #[test]
    fn a_name_that_nothing_has_is_told_with_the_nearest() {
        for (text, words) in [
            ("node_helth_updated", "did you mean `node_health_updated`?"),
            ("Nodehealth", "did you mean `NodeHealth`?"),
            ("helth", "did you mean `health`?"),
            ("qqq", "`bellwether catalogue` lists them"),
        ] {
            let err = Subject::parse(text).unwrap_err();
            assert!(err.contains(words), "{text}: {err}");
        }
    }
}
