//! `bellwether say`: publishes a typed message.

use bellwether_client::{Assurance, TypedDraft};

use crate::failure::Failure;
use crate::input::Given;
use crate::output::{self, Format};
use crate::reach::Reach;
use crate::runtime::block_on;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Say {
    pub(crate) node: Reach,
    /// What is published, but for its fields.
    pub(crate) target: TypedDraft,
    pub(crate) care: Assurance,
    pub(crate) given: Given,
    pub(crate) format: Format,
}

impl Say {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let payload = self.given.read()?;
        block_on(async {
            let client = self.node.connect().await?;
            let draft = TypedDraft {
                json: payload,
                ..self.target.clone()
            };
            let said = client.publish_typed(&draft, &self.care).await?;
            match (self.format, &said.published) {
                (Format::Json, _) => output::print(said.answer.get())?,
                (Format::Text, Ok(published)) => output::print(published.id.to_string())?,
                (Format::Text, Err(_)) => {}
            }
            said.published?;
            Ok(())
        })
    }
}
