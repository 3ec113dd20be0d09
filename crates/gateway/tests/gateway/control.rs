//! Orders to whoever runs the node.

use bellwether::NodeId;
use bellwether_access::{Access, Grant, Policy};
use bellwether_gateway::{Control, Order, Reloaded, Stage, Stop};
use tokio::sync::{mpsc, watch};

use crate::served::{Served, soon};

const ORDERS: [&str; 3] = ["/v1/reload", "/v1/drain", "/v1/leave"];

async fn controlled(access: Access) -> (Served, mpsc::Receiver<Order>, watch::Sender<Stage>) {
    let (control, orders, stage) = Control::new();
    let served = Served::start_as(access, |_| {}, |gateway| gateway.controlled_by(control)).await;
    (served, orders, stage)
}

#[tokio::test]
async fn a_reload_is_answered_by_what_became_of_it() {
    let (served, mut orders, _stage) = controlled(Access::open()).await;
    let mut client = served.client().await;
    let runs_the_node = async {
        let Some(Order::Reload(tell)) = orders.recv().await else {
            panic!("a reload was ordered")
        };
        let mut reloaded = Reloaded::default();
        reloaded.changed.push("access".to_owned());
        reloaded.unchanged = 7;
        tell.send(Ok(reloaded)).unwrap();
        let Some(Order::Reload(tell)) = orders.recv().await else {
            panic!("a reload was ordered")
        };
        tell.send(Err("bellwether.toml:3: unknown key".to_owned())).unwrap();
    };
    let asks = async {
        let answer = client.post("/v1/reload", "", "").await.json();
        let expected = serde_json::json!({"changed": ["access"], "needs_restart": [], "unchanged": 7});
        assert_eq!(answer, expected);
        let refused = client.post("/v1/reload", "", "").await;
        refused.expect_error(409, "bad_configuration", "bellwether.toml:3: unknown key");
    };
    soon(async { tokio::join!(runs_the_node, asks) }).await;
}

#[tokio::test]
async fn a_node_that_drains_says_how_far_it_is_and_answers_at_the_end() {
    let (served, mut orders, stage) = controlled(Access::open()).await;
    let mut looks = served.client().await;
    assert_eq!(looks.get("/v1/stopping").await.json()["stage"], "running");
    assert_eq!(looks.get("/readyz").await.status, 200);
    let ask = |path| {
        let addr = served.addr;
        tokio::spawn(async move { crate::client::Client::connect(addr).await.post(path, "", "").await })
    };
    let first = ask("/v1/drain");
    let order = soon(orders.recv()).await;
    assert!(matches!(order, Some(Order::Stop(Stop::Drain))), "{order:?}");
    let b = || vec![NodeId::new("b").unwrap()];
    stage.send_replace(Stage::HandingOver { to: b() });
    let seen = looks.get("/v1/stopping").await.json();
    assert_eq!(seen, serde_json::json!({"stage": "handing_over", "to": ["b"]}));
    assert_eq!(looks.get("/readyz").await.status, 503);
    // Who comes late hears the same, and gives no order.
    let second = ask("/v1/leave");
    stage.send_replace(Stage::Stopped { unconfirmed: b() });
    for asked in [first, second] {
        let answer = soon(asked).await.unwrap();
        assert_eq!(answer.status, 200);
        assert_eq!(answer.json(), serde_json::json!({"unconfirmed": ["b"]}));
    }
    orders.close();
    assert!(orders.recv().await.is_none());
    looks.post("/v1/reload", "", "").await.expect_error(503, "stopping", "");
}

#[tokio::test]
async fn only_who_may_administer_gives_orders() {
    let look = Grant {
        look: true,
        ..Grant::default()
    };
    let (served, mut orders, _stage) = controlled(Access::new(Policy::closed().with_anonymous(look), None)).await;
    let mut client = served.client().await;
    for path in ORDERS {
        client
            .post(path, "", "")
            .await
            .expect_error(403, "denied", "may not administer");
    }
    assert_eq!(client.get("/v1/stopping").await.status, 200);
    orders.close();
    assert!(orders.recv().await.is_none());
}

#[tokio::test]
async fn a_node_within_another_program_takes_no_orders() {
    let served = Served::start().await;
    let mut client = served.client().await;
    for path in ORDERS {
        let refused = client.post(path, "", "").await;
        refused.expect_error(501, "not_controlled", "part of another program");
    }
    assert_eq!(client.get("/v1/stopping").await.json()["stage"], "running");
}
