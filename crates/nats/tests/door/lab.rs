//! Nodes of one test with their doors.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether::{MemberState, Node, NodeId};
use bellwether_access::Access;
use bellwether_nats::{Nats, NatsSettings, ServeError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::wire::Wire;

pub(crate) const DEADLINE: Duration = Duration::from_secs(20);
const SECRET: &str = "an example secret of more than 32 bytes";

pub(crate) struct Door {
    pub(crate) node: Node,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    _data_dir: TempDir,
}

impl Door {
    /// A node without others.
    pub(crate) async fn alone() -> Self {
        Self::start("a", &[], |_| {}).await
    }

    /// A node that is told where others are.
    pub(crate) async fn start(name: &str, seeds: &[&Self], adjust: impl FnOnce(&mut NatsSettings)) -> Self {
        Self::start_for(Access::open(), name, seeds, adjust).await
    }

    /// A node without others, for whom a policy allows it.
    pub(crate) async fn guarded(access: Access) -> Self {
        Self::start_for(access, "a", &[], |_| {}).await
    }

    async fn start_for(access: Access, name: &str, seeds: &[&Self], adjust: impl FnOnce(&mut NatsSettings)) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let builder = Node::builder(NodeId::new(name).unwrap()).secrets([SECRET]).unwrap();
        let seed = |seed: &&Self| seed.node.listen_addr().unwrap().to_string();
        let builder = seeds
            .iter()
            .map(seed)
            .fold(builder.data_dir(data_dir.path()), |builder, seed| builder.seed(seed));
        let node = builder.start().await.unwrap();
        let mut settings = NatsSettings::new("127.0.0.1:0".parse().unwrap());
        adjust(&mut settings);
        let nats = Nats::bind(settings).unwrap();
        let addr = nats.local_addr();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(nats.serve(node.clone(), access, stop.clone()));
        Self {
            node,
            addr,
            stop,
            serving,
            _data_dir: data_dir,
        }
    }

    /// Three that have met.
    pub(crate) async fn three() -> [Self; 3] {
        let a = Self::alone().await;
        let seeds = [&a];
        let (b, c) = tokio::join!(Self::start("b", &seeds, |_| {}), Self::start("c", &seeds, |_| {}));
        let doors = [a, b, c];
        meet(&doors).await;
        doors
    }

    /// A client that has said that it understands headers and wants to know when nobody hears it.
    pub(crate) async fn client(&self) -> Wire {
        self.client_that(r#"{"verbose":false,"headers":true,"no_responders":true,"protocol":1}"#)
            .await
    }

    /// A client that says so little of itself.
    pub(crate) async fn plain_client(&self) -> Wire {
        self.client_that(r#"{"verbose":false}"#).await
    }

    pub(crate) async fn client_that(&self, says: &str) -> Wire {
        let mut wire = Wire::connect(self.addr).await;
        wire.say(&format!("CONNECT {says}\r\n")).await;
        wire.sync().await;
        wire
    }
}

pub(crate) async fn meet(doors: &[Door]) {
    for door in doors {
        eventually("all see all", || {
            let members = door.node.members();
            let linked = members
                .iter()
                .filter(|m| m.inbound && m.outbound && m.state != MemberState::Down);
            members.len() == doors.len() && linked.count() == doors.len()
        })
        .await;
    }
}

pub(crate) async fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    soon(what, wait).await;
}

pub(crate) async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    let done = tokio::time::timeout(DEADLINE, work).await;
    done.unwrap_or_else(|_| panic!("not within {DEADLINE:?}: {what}"))
}
