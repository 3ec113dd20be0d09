//! A node with the door, for one test.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether::{Config, Draft, Instance, MessageId, Node, NodeId, Topic};
use bellwether_access::Access;
use bellwether_gateway::{DEFAULT_MAX_CONNECTIONS, Gateway, ServeError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;

/// Longest wait for something that happens at once.
const DEADLINE: Duration = Duration::from_secs(10);

/// The limit of `events` and of every other instance; small, so that what is too large still is small.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 100_000;

pub(crate) struct Served {
    pub(crate) node: Node,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    _data_dir: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(configure: impl FnOnce(&mut Config)) -> Self {
        Self::start_for(DEFAULT_MAX_CONNECTIONS, configure).await
    }

    /// For at most so many connections.
    pub(crate) async fn start_for(max_connections: usize, configure: impl FnOnce(&mut Config)) -> Self {
        Self::launch(max_connections, Access::open(), configure).await
    }

    /// With a policy.
    pub(crate) async fn start_as(access: Access) -> Self {
        Self::launch(DEFAULT_MAX_CONNECTIONS, access, |_| {}).await
    }

    async fn launch(max_connections: usize, access: Access, configure: impl FnOnce(&mut Config)) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(NodeId::new("a").unwrap());
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.data_dir = Some(data_dir.path().to_owned());
        for instance in &mut config.instances {
            instance.max_payload_bytes = MAX_PAYLOAD_BYTES;
        }
        // Says nothing by itself: what the tests publish can be counted.
        let reports = &mut config.integration;
        (reports.report_system, reports.report_health) = (false, false);
        (reports.report_members, reports.report_metrics) = (false, false);
        configure(&mut config);
        let node = Node::start(config).await.unwrap();
        let stop = CancellationToken::new();
        let gateway = Gateway::bind("127.0.0.1:0".parse().unwrap())
            .unwrap()
            .max_connections(max_connections);
        let addr = gateway.local_addr().unwrap();
        let serving = tokio::spawn(gateway.serve(node.clone(), access, stop.clone()));
        Self {
            node,
            addr,
            stop,
            serving,
            _data_dir: data_dir,
        }
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.addr).await
    }

    pub(crate) fn publish(
        &self,
        instance: Instance,
        topic: &str,
        event: &'static str,
        json: impl Into<String>,
    ) -> MessageId {
        let draft = Draft::new(Topic::new(topic).unwrap(), event).json(json);
        self.node.publish(instance, &draft).unwrap()
    }
}

impl Drop for Served {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let started = tokio::time::Instant::now();
    while !condition() {
        assert!(started.elapsed() < DEADLINE, "still not so: {what}");
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// A future that must be done soon.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("this takes too long")
}
