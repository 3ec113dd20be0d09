//! phoenix.js in a browser.

use bellwether_tests::Lab;

use crate::phoenix_js::two;
use crate::program::node_js;

#[tokio::test]
async fn a_page_of_the_nodes_own_joins_channels_and_one_of_another_origin_does_not() {
    let lab = Lab::default();
    let [a, b] = two(&lab).await;
    node_js("browser_phoenix.cjs", &[&a.url(), &b.url()]).await;
}
