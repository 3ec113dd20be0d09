//! The JavaScript client of NATS, in Node.js.

use bellwether_tests::Lab;

use crate::nats_nodes::{three, url};
use crate::program::node_js;

#[tokio::test]
async fn what_clients_do_every_day_works_across_nodes() {
    let lab = Lab::default();
    let nodes = three(&lab).await;
    let urls = nodes.each_ref().map(url);
    node_js("nats_everyday.cjs", &urls.each_ref().map(String::as_str)).await;
}

#[tokio::test]
async fn a_client_whose_node_is_killed_goes_on_at_another() {
    moves("kill").await;
}

#[tokio::test]
async fn a_client_whose_node_stops_in_good_order_goes_on_at_another() {
    moves("term").await;
}

async fn moves(how: &str) {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    node_js("nats_moves.cjs", &[&url(&a), &url(&b), &a.pid().to_string(), how]).await;
}
