//! A lab: what the nodes of one test have in common.

use std::borrow::Borrow;
use std::path::Path;

use tempfile::TempDir;

use crate::deadline::eventually;
use crate::log::Log;
use crate::process::{Process, Start};

/// It protects the tests' own meshes, and is no secret.
pub const SECRET: &str = "a secret of the tests that has more than 32 bytes";

/// A temporary folder for data and logs, and a secret. Both go with it.
#[derive(Debug)]
pub struct Lab {
    folder: TempDir,
}

impl Default for Lab {
    fn default() -> Self {
        Self {
            folder: TempDir::with_prefix("bellwether-test-").expect("a temporary folder"),
        }
    }
}

impl Lab {
    /// A node to be started: with the lab's secret, without seeds, on free ports of 127.0.0.1. Its name also says where
    /// its data and log are, so that a second start with the same name is a restart.
    pub fn node(&self, name: &str) -> Start {
        Start::new(name, &self.folder.path().join(name), self.log(name)).secret(SECRET)
    }

    /// Three nodes, a, b and c, that have met.
    pub async fn three(&self) -> [Process; 3] {
        let a = self.node("a").start().await;
        let (b, c) = tokio::join!(
            self.node("b").seed(a.mesh()).start(),
            self.node("c").seed(a.mesh()).start(),
        );
        let nodes = [a, b, c];
        all_see_all(&nodes).await;
        nodes
    }

    /// Where files of the test may be.
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The log of the node of this name.
    pub fn log(&self, name: &str) -> Log {
        Log::new(self.folder.path().join(format!("{name}.log")))
    }
}

/// Waits until each of the nodes has links from and to each other one and knows no further node.
pub async fn all_see_all<N: Borrow<Process>>(nodes: &[N]) {
    for node in nodes.iter().map(Borrow::borrow) {
        eventually(&format!("{} is linked with all others", node.name()), async || {
            let members = node.members().await;
            let linked = members.iter().filter(|member| member.is_linked()).count();
            (members.len() == nodes.len() && linked == nodes.len()).then_some(())
        })
        .await;
    }
}
