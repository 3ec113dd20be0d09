//! `bellwether say`: publishes a typed message.

use crate::client::{Care, Client, TypedTarget};
use crate::failure::Failure;
use crate::input::Given;
use crate::node_url::NodeUrl;
use crate::output::{self, Format};
use crate::runtime::block_on;

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Say {
    pub(crate) node: NodeUrl,
    pub(crate) target: TypedTarget,
    pub(crate) care: Care,
    pub(crate) given: Given,
    pub(crate) format: Format,
}

impl Say {
    pub(crate) fn run(self) -> Result<(), Failure> {
        let payload = self.given.read()?;
        block_on(async {
            let mut client = Client::connect(&self.node).await?;
            let said = client.say(&self.target, &self.care, payload).await?;
            match (self.format, &said.id) {
                (Format::Json, _) => output::print(said.answer.get())?,
                (Format::Text, Ok(id)) => output::print(id)?,
                (Format::Text, Err(_)) => {}
            }
            said.id?;
            Ok(())
        })
    }
}
