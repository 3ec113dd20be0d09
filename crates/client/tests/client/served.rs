//! Nodes with their gateways, and waiting for what they do.

use std::net::SocketAddr;
use std::time::Duration;

use bellwether::{InstanceSettings, Node, NodeId};
use bellwether_access::Access;
use bellwether_client::{Client, ContentType, Delivery, Draft, Instance, Message, Pattern, Subscription, Topic};
use bellwether_gateway::{Gateway, ServeError};
use tempfile::TempDir;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

/// Longest wait for something that happens soon.
const DEADLINE: Duration = Duration::from_secs(20);
const SECRET: &str = "an example secret of more than 32 bytes";

/// A folder for the nodes of one test.
pub(crate) struct Lab(TempDir);

/// A node that is served.
pub(crate) struct Served {
    pub(crate) node: Node,
    pub(crate) addr: SocketAddr,
    stop: CancellationToken,
    serving: JoinHandle<Result<(), ServeError>>,
}

impl Lab {
    pub(crate) fn new() -> Self {
        Self(tempfile::tempdir().unwrap())
    }

    pub(crate) async fn start(&self, name: &str, seeds: &[&Served]) -> Served {
        self.start_at(
            name,
            "127.0.0.1:0".parse().unwrap(),
            "127.0.0.1:0".parse().unwrap(),
            seeds,
            |_| {},
        )
        .await
    }

    /// The node, with `events` changed so, at these addresses.
    pub(crate) async fn start_at(
        &self,
        name: &str,
        listen: SocketAddr,
        http: SocketAddr,
        seeds: &[&Served],
        events: impl FnOnce(&mut InstanceSettings),
    ) -> Served {
        let builder = Node::builder(NodeId::new(name).unwrap())
            .secrets([SECRET])
            .unwrap()
            .listen(listen)
            .data_dir(self.0.path().join(name))
            .drain_timeout(Duration::from_secs(5))
            .instance(Instance::Events, events);
        let builder = seeds.iter().fold(builder, |builder, seed| {
            builder.seed(seed.node.listen_addr().unwrap().to_string())
        });
        let node = builder.start().await.unwrap();
        let gateway = Gateway::bind(http).unwrap();
        let addr = gateway.local_addr().unwrap();
        let stop = CancellationToken::new();
        let serving = tokio::spawn(gateway.serve(node.clone(), Access::open(), stop.clone()));
        Served {
            node,
            addr,
            stop,
            serving,
        }
    }
}

impl Served {
    pub(crate) fn url(&self) -> String {
        format!("http://{}", self.addr)
    }

    pub(crate) async fn client(&self) -> Client {
        Client::connect(self.url()).await.unwrap()
    }

    pub(crate) async fn shutdown(self) {
        self.node.shutdown().await;
        self.stop.cancel();
        self.serving.await.unwrap().unwrap();
    }
}

/// Waits until a condition holds.
pub(crate) async fn until(what: &str, condition: impl Fn() -> bool) {
    let wait = async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait)
        .await
        .unwrap_or_else(|_| panic!("still not so: {what}"));
}

/// A future that must be done soon.
pub(crate) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future)
        .await
        .expect("this takes too long")
}

pub(crate) fn pattern(text: &str) -> Pattern {
    Pattern::new(text).unwrap()
}

pub(crate) fn draft(topic: &str, payload: impl Into<String>) -> Draft {
    Draft::new(Topic::new(topic).unwrap(), "tag").text(payload)
}

/// What a client hears from here on.
pub(crate) async fn hears(client: &Client, instance: Instance, topics: &str) -> Subscription {
    let subscribe = client.subscribe([(instance, pattern(topics))]);
    subscribe.open().await.unwrap()
}

/// Payloads of every kind.
pub(crate) fn payloads() -> [(ContentType, &'static [u8]); 5] {
    [
        (ContentType::Json, br#"{"n": 1.0}"#),
        (ContentType::Text, "é\n\"".as_bytes()),
        (ContentType::Bytes, b"\0\xff"),
        (ContentType::from_name("text/csv"), b"1;2"),
        (ContentType::from_name("image/png"), b"\x89PNG"),
    ]
}

/// The next message; whatever else is told is passed over, but a gap must not be.
pub(crate) async fn next_message(subscription: &mut Subscription) -> Message {
    loop {
        match soon(subscription.next()).await.expect("it goes on").unwrap() {
            Delivery::Message(message) => return message,
            Delivery::Gap(gap) => panic!("{gap:?}"),
            _ => {}
        }
    }
}
