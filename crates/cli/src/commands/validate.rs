//! `bellwether validate`: judges a typed message, without a node.

use bellwether::catalogue::{ValidateError, validate_message};
use bellwether_message::Instance;
use serde_json::{Value, json};

use crate::commands::catalogue::tag_of;
use crate::failure::Failure;
use crate::input::Given;
use crate::output::{self, Format};

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Validate {
    pub(crate) instance: Instance,
    /// A tag, or the name of a type.
    pub(crate) tag: String,
    pub(crate) given: Given,
    pub(crate) format: Format,
}

impl Validate {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let given = self.given.read()?;
        let payload: Value =
            serde_json::from_slice(&given).map_err(|err| Failure::new(format!("the message is not JSON: {err}")))?;
        match validate_message(self.instance, tag_of(self.instance, &self.tag), payload) {
            Ok(payload) => output::print(match self.format {
                Format::Json => json!({"valid": true, "payload": payload}).to_string(),
                Format::Text => format!("{payload:#}"),
            }),
            Err(err) => {
                if self.format == Format::Json {
                    let fields: &[&str] = match &err {
                        ValidateError::Invalid(invalid) => invalid.fields(),
                        _ => &[],
                    };
                    let told = json!({
                        "valid": false, "error": err.to_string(), "reason": err.reason(), "fields": fields,
                    });
                    output::print(told.to_string())?;
                }
                Err(Failure::new(format!("{}: {err}", err.reason())))
            }
        }
    }
}
