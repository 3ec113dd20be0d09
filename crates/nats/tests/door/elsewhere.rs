//! Where clients go when their node goes.

use std::time::Duration;

use tokio::net::TcpStream;

use crate::lab::{Door, meet, soon};
use crate::wire::Wire;

#[tokio::test]
async fn clients_are_told_of_other_doors_when_these_come_and_go() {
    let a = Door::start("a", &[], |settings| {
        settings.advertise = Some("a.example:4222".to_owned())
    })
    .await;
    let mut wire = a.client().await;
    let mut old = a.plain_client().await;
    assert_eq!(wire.info["connect_urls"], serde_json::json!(["a.example:4222"]));
    let b = Door::start("b", &[&a], |settings| {
        settings.advertise = Some("b.example:4222".to_owned())
    })
    .await;
    let silent = Door::start("c", &[&a], |_| {}).await;
    let both = serde_json::json!(["a.example:4222", "b.example:4222"]);
    assert_eq!(wire.next_info().await["connect_urls"], both);
    let doors = [a, b, silent];
    meet(&doors).await;
    let [a, b, silent] = doors;
    assert_eq!(a.client().await.info["connect_urls"], both);
    // A door that is not to be dialed by others passes on those that are.
    let mut wire_at_c = silent.client().await;
    while wire_at_c.info["connect_urls"] != both {
        wire_at_c.info = wire_at_c.next_info().await;
    }
    b.node.shutdown().await;
    assert_eq!(
        wire.next_info().await["connect_urls"],
        serde_json::json!(["a.example:4222"])
    );
    // It said that it does not understand that.
    old.sync().await;
}

/// It has heard of the doors that were there when it came, and says who it is when there are others.
#[tokio::test]
async fn a_client_that_connects_while_doors_come_is_told_of_them() {
    let start = async |name: &str, seeds: &[&Door]| {
        let advertise = Some(format!("{name}.example:4222"));
        Door::start(name, seeds, |settings| settings.advertise = advertise).await
    };
    let a = start("a", &[]).await;
    let mut slow = Wire::connect(a.addr).await;
    assert_eq!(slow.info["connect_urls"], serde_json::json!(["a.example:4222"]));
    let mut wire = a.client().await;
    let _b = start("b", &[&a]).await;
    let both = serde_json::json!(["a.example:4222", "b.example:4222"]);
    assert_eq!(wire.next_info().await["connect_urls"], both);
    slow.say("CONNECT {\"verbose\":false,\"protocol\":1}\r\n").await;
    assert_eq!(slow.next_info().await["connect_urls"], both);
    // Once, and who comes now has heard of it with the first line.
    slow.sync().await;
    let mut late = a.client().await;
    assert_eq!(late.info["connect_urls"], both);
    late.sync().await;
}

#[tokio::test]
async fn a_door_that_is_stopped_says_so_ends_its_clients_and_takes_no_more() {
    let door = Door::start("a", &[], |settings| settings.drain = Duration::from_millis(500)).await;
    let mut clients = Vec::new();
    for _ in 0..8 {
        let mut wire = door.client().await;
        wire.say("SUB last 1\r\n").await;
        wire.sync().await;
        clients.push(wire);
    }
    door.stop.cancel();
    for wire in &mut clients {
        assert_eq!(wire.next_info().await["ldm"], true);
        wire.expect("").await;
    }
    soon("the door ends", door.serving).await.unwrap().unwrap();
    assert!(TcpStream::connect(door.addr).await.is_err());
}

#[tokio::test]
async fn a_node_that_stops_hands_out_what_waits_and_ends_its_clients_without_a_word() {
    let door = Door::alone().await;
    let mut wire = door.plain_client().await;
    wire.say("SUB a 1\r\n").await;
    wire.sync().await;
    wire.say("PUB a 4\r\nlast\r\n").await;
    wire.expect_message("MSG a 1", "last").await;
    door.node.shutdown().await;
    wire.expect("").await;
    // Nobody is served by what is no node any more.
    let mut late = Wire::connect(door.addr).await;
    late.say("PUB a 1\r\nx\r\n").await;
    late.expect("").await;
}
