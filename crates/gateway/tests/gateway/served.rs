//! A node with its gateway, for one test.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether::{Config, Instance, Node, NodeId};
use bellwether_access::Access;
use bellwether_gateway::{Gateway, ServeError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::client::Client;

/// Longest wait for something that happens at once.
const DEADLINE: Duration = Duration::from_secs(10);

/// The limit of `events` in every test; small, so that what is too large still is small.
pub(crate) const MAX_PAYLOAD_BYTES: usize = 1000;

pub(crate) struct Served {
    pub(crate) node: Node,
    pub(crate) addr: SocketAddr,
    pub(crate) stop: CancellationToken,
    pub(crate) serving: JoinHandle<Result<(), ServeError>>,
    _data_dir: TempDir,
}

impl Served {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}, |gateway| gateway).await
    }

    pub(crate) async fn start_with(
        configure: impl FnOnce(&mut Config),
        adjust: impl FnOnce(Gateway) -> Gateway,
    ) -> Self {
        Self::start_as(Access::open(), configure, adjust).await
    }

    /// With a policy.
    pub(crate) async fn start_as(
        access: Access,
        configure: impl FnOnce(&mut Config),
        adjust: impl FnOnce(Gateway) -> Gateway,
    ) -> Self {
        let data_dir = tempfile::tempdir().unwrap();
        let mut config = Config::new(NodeId::new("a").unwrap());
        config.listen = "127.0.0.1:0".parse().unwrap();
        config.data_dir = Some(data_dir.path().to_owned());
        config.instances[Instance::Events.index()].max_payload_bytes = MAX_PAYLOAD_BYTES;
        // Says nothing by itself once its integration is switched on: what the tests publish can be counted.
        let reports = &mut config.integration;
        (reports.report_system, reports.report_health) = (false, false);
        (reports.report_members, reports.report_metrics) = (false, false);
        configure(&mut config);
        let node = Node::start(config).await.unwrap();
        let gateway = adjust(Gateway::bind("127.0.0.1:0".parse().unwrap()).unwrap());
        let addr = gateway.local_addr().unwrap();
        let stop = CancellationToken::new();
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
