//! The name of a node as a payload writes it.

use std::fmt;

use bellwether_message::NodeId;
use serde::{Deserialize, Serialize};

use crate::field::Argument;

/// The name of a node. Usually a [`NodeId`], but other systems name nodes of theirs, as `store@host`. One that is empty
/// or has a control character is refused when it is published.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct NodeName(String);

impl NodeName {
    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NodeName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.0)
    }
}

impl From<&str> for NodeName {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

impl From<String> for NodeName {
    fn from(name: String) -> Self {
        Self(name)
    }
}

impl From<&NodeId> for NodeName {
    fn from(node: &NodeId) -> Self {
        Self(node.as_str().to_owned())
    }
}

macro_rules! arguments {
    ($($type:ty),+) => {
        $(
            impl Argument<NodeName> for $type {
                fn into_field(self) -> NodeName {
                    self.into()
                }
            }

            impl Argument<Vec<NodeName>> for Vec<$type> {
                fn into_field(self) -> Vec<NodeName> {
                    self.into_iter().map(NodeName::from).collect()
                }
            }
        )+
    };
}
arguments!(&str, String, &NodeId);
