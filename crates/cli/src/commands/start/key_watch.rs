//! Tokens are verified by keys that derive from the cluster secrets: the doors follow those when they are replaced.

use bellwether::Node;
use bellwether_access::Access;

/// Gives the doors the keys of the node, now and whenever they are replaced.
pub(super) async fn follow(node: &Node, access: &Access) {
    let Some(mut ring) = node.watch_key_ring() else {
        return std::future::pending().await;
    };
    loop {
        access.replace_ring(&ring.borrow_and_update());
        if ring.changed().await.is_err() {
            return std::future::pending().await;
        }
    }
}
