//! A chronicle: what a test records in the name of nodes and clients of the program, which record nothing themselves.

use bellwether_history::Kind;

use crate::memory::resident;
use crate::process::Process;
use crate::recorder::Recorder;

/// One part of a scenario's history.
#[derive(Debug)]
pub struct Chronicle {
    recorder: Recorder,
}

impl Chronicle {
    pub(crate) fn new(recorder: Recorder) -> Self {
        Self { recorder }
    }

    /// For clients of the nodes.
    pub fn recorder(&self) -> &Recorder {
        &self.recorder
    }

    /// A node has started.
    pub async fn started(&self, node: &Process) {
        self.of(node).await.write(Kind::Start {});
    }

    /// Has a node stop, as service managers do; it must end well.
    pub async fn stop(&self, node: &mut Process) {
        let recorder = self.of(node).await;
        let code = node.terminate().await;
        assert_eq!(code, 0, "{}", node.log().text());
        let unconfirmed = Vec::new();
        recorder.write(Kind::Stop { unconfirmed });
        recorder.write(Kind::Exit { code: Some(code) });
    }

    /// Whom a node sees alive.
    pub async fn view(&self, node: &Process) {
        let members = node.members().await.into_iter();
        let living = members.filter(|member| member.state != "down");
        let members = living.map(|member| member.node.into()).collect();
        self.of(node).await.write(Kind::View { members });
    }

    /// Bytes that a node has in use, and at most; gives the first.
    pub async fn size(&self, node: &Process, bound: u64) -> u64 {
        let value = resident(node.pid());
        let what = "resident bytes".into();
        self.of(node).await.write(Kind::Size { what, value, bound });
        value
    }

    async fn of(&self, node: &Process) -> Recorder {
        self.recorder.of(node.name(), node.epoch().await)
    }
}
