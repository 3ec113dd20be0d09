//! nats-py.

use bellwether_tests::Lab;

use crate::nats_nodes::{three, url};
use crate::program::python;

#[tokio::test]
async fn what_clients_do_every_day_works_across_nodes() {
    let lab = Lab::default();
    let nodes = three(&lab).await;
    let urls = nodes.each_ref().map(url);
    python("nats_everyday.py", &urls.each_ref().map(String::as_str)).await;
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
    python("nats_moves.py", &[&url(&a), &url(&b), &a.pid().to_string(), how]).await;
}

#[tokio::test]
async fn a_client_that_stops_reading_is_cut_and_nobody_else_is_harmed() {
    let lab = Lab::default();
    let [a, b, _c] = three(&lab).await;
    python("nats_stuck.py", &[&url(&a), &url(&b)]).await;
}
