//! The whole mesh, from any node.

use std::collections::BTreeSet;
use std::time::Duration;

use bellwether_client::{Client, Instance, Snapshot};

use crate::served::Lab;

/// Longest wait for two nodes that meet and tell how they stand.
const DEADLINE: Duration = Duration::from_secs(20);

#[tokio::test]
async fn every_node_tells_how_it_stands_to_whoever_watches_one() {
    let lab = Lab::new();
    let a = lab.start("a", &[]).await;
    let b = lab.start("b", &[&a]).await;
    let client = Client::connect(format!("http://{}", b.addr)).await.unwrap();
    let mut watch = client.watch_mesh().await.unwrap();
    let linked = async {
        let mut linked = BTreeSet::new();
        while linked.len() < 2 {
            let json = watch.next_json().await.unwrap();
            let snapshot: Snapshot = serde_json::from_slice(&json).unwrap();
            assert_eq!((snapshot.instances.len(), snapshot.signed), (Instance::ALL.len(), true));
            if snapshot.members.len() == 2 && snapshot.links.iter().any(|link| !link.lanes.is_empty()) {
                linked.insert(snapshot.node.to_string());
            }
        }
        linked
    };
    let linked = tokio::time::timeout(DEADLINE, linked).await.unwrap();
    assert_eq!(linked, BTreeSet::from(["a".to_owned(), "b".to_owned()]));
}
