//! F10 with the program: its clients sleep, or go away in the middle of a line.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::deadline::{eventually, soon};
use bellwether_tests::memory::resident;
use bellwether_tests::participant::Load;
use bellwether_tests::{Chronicle, Participant, Process, Scenario, Witness};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::Instant;

use super::load::{endless, for_a_while, seconds};

const RATE: u64 = 1_000;
/// Large enough that the buffers of TCP do not hold what a sleeper leaves.
const BYTES: usize = 4096;
const QUEUE_MESSAGES: usize = 1_024;
const QUEUE_BYTES: u64 = 8 * 1024 * 1024;
const BACKLOG_BYTES: u64 = 64 * 1024 * 1024;
/// See the participants' own bound.
const BESIDES_BYTES: u64 = 128 * 1024 * 1024;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_sleeps_gets_its_gap_and_goes_on_and_the_others_notice_nothing() {
    let scenario = Scenario::on_loopback();
    let (mut a, mut c, b, history) = two_and_the_program(&scenario).await;
    let sleeper = Witness::program(&b, history.recorder(), Instance::Events, "load:*").await;
    let neighbour = Witness::stream(&b, history.recorder(), Instance::Events, "load:*").await;
    let on_c = c.subscribe(Instance::Events, "load:*").await;
    let bound = resident(b.pid()) + 2 * QUEUE_BYTES + BACKLOG_BYTES + BESIDES_BYTES;
    a.publish(load()).await;
    sleeper.heard_until("a", 1).await;
    for_a_while(Duration::from_secs(1)).await;
    println!("awake, elsewhere: {}", c.latency(on_c).await);

    scenario.begin("a client sleeps", &["b"]);
    sleeper.pause();
    let (began, before) = (Instant::now(), neighbour.heard("a").received);
    for _ in 0..4 {
        for_a_while(seconds(6, 30) / 4).await;
        let held = history.size(&b, bound).await;
        println!("b holds {} MiB, at most {} MiB", held >> 20, bound >> 20);
    }
    let rate = (neighbour.heard("a").received - before) as f64 / began.elapsed().as_secs_f64();
    println!("asleep, beside it: {rate:.0} messages/s");
    println!("asleep, elsewhere: {}", c.latency(on_c).await);
    let asleep = sleeper.heard("a");
    sleeper.resume();
    scenario.end();
    for_a_while(Duration::from_secs(1)).await;

    let published = a.hush(Instance::Events).await;
    let feed = sleeper.heard_until("a", published.last_seq).await;
    assert_eq!((asleep.gaps.len(), feed.gaps.len()), (0, 1), "{feed:?}");
    assert_eq!(
        (feed.received + feed.missing(), feed.disordered),
        (published.count, 0),
        "{feed:?}"
    );
    let feed = neighbour.heard_until("a", published.last_seq).await;
    assert_eq!((feed.received, feed.missing()), (published.count, 0), "{feed:?}");
    let feed = c.heard_until(on_c, "a", published.last_seq).await;
    assert_eq!((feed.received, feed.missing()), (published.count, 0), "{feed:?}");
    history.size(&b, bound).await;
    sleeper.leave().await;
    neighbour.leave().await;
    finish(&scenario, a, c, b, &history).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn clients_that_go_away_in_the_middle_of_a_line_leave_nothing_behind() {
    let scenario = Scenario::on_loopback();
    let (mut a, c, b, history) = two_and_the_program(&scenario).await;
    let steady = Witness::stream(&b, history.recorder(), Instance::Events, "load:*").await;
    a.publish(load()).await;
    steady.heard_until("a", 1).await;
    for _ in 0..50 {
        soon("a piece of a stream", read_a_piece(&b)).await;
    }
    let published = a.hush(Instance::Events).await;
    let feed = steady.heard_until("a", published.last_seq).await;
    assert_eq!((feed.received, feed.missing()), (published.count, 0), "{feed:?}");
    eventually("only the steady client is left", async || {
        let all: Vec<serde_json::Value> = b.client().await.list("/v1/subscribers").await;
        let local = all.iter().filter(|each| each["node"] == "b");
        (local.count() == 1).then_some(())
    })
    .await;
    steady.leave().await;
    finish(&scenario, a, c, b, &history).await;
}

/// Reads less than a whole message, and is gone.
async fn read_a_piece(node: &Process) {
    let mut connection = TcpStream::connect(node.http()).await.expect("the node takes clients");
    let request = format!(
        "GET /v1/subscribe?pattern=events/load:* HTTP/1.1\r\nHost: {}\r\n\r\n",
        node.http()
    );
    connection
        .write_all(request.as_bytes())
        .await
        .expect("the node reads requests");
    let mut piece = vec![0; BYTES];
    connection.read_exact(&mut piece).await.expect("the node answers");
}

/// Participants a and c, and the program as b between them, with a client's history.
async fn two_and_the_program(scenario: &Scenario) -> (Participant, Participant, Process, Chronicle) {
    let [a, c] = scenario.nodes(["a", "c"], |_| {}).await;
    let config = scenario.folder().join("b.toml");
    let bounds = format!("[instances.events]\nqueue_messages = {QUEUE_MESSAGES}\nqueue_bytes = {QUEUE_BYTES}\n");
    std::fs::write(&config, bounds).expect("the folder is there");
    let start = scenario.program("b").seed(a.address()).seed(c.address());
    let b = start
        .argument("--config")
        .argument(&config.to_string_lossy())
        .start()
        .await;
    eventually("b is linked with both", async || {
        let members = b.members().await;
        (members.len() == 3 && members.iter().all(bellwether_tests::Member::is_linked)).then_some(())
    })
    .await;
    let history = scenario.chronicle();
    history.started(&b).await;
    (a, c, b, history)
}

async fn finish(scenario: &Scenario, mut a: Participant, mut c: Participant, mut b: Process, history: &Chronicle) {
    history.view(&b).await;
    scenario.quiet();
    history.stop(&mut b).await;
    a.terminate().await;
    c.terminate().await;
    println!("{}", scenario.judge());
}

fn load() -> Load {
    Load {
        bytes: BYTES,
        ..endless(Instance::Events, RATE)
    }
}
