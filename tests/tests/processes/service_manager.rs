//! What a node tells a service manager, as systemd hears it.

use std::path::PathBuf;

use bellwether_tests::deadline::soon;
use bellwether_tests::{Lab, Start};
use rustix::time::{ClockId, clock_gettime};
use tokio::net::UnixDatagram;

/// The manager's end.
struct Manager {
    path: PathBuf,
    socket: UnixDatagram,
}

impl Manager {
    fn new(lab: &Lab) -> Self {
        let path = lab.folder().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        Self { path, socket }
    }

    fn starts(&self, node: Start) -> Start {
        node.variable("NOTIFY_SOCKET", self.path.to_str().unwrap())
    }

    async fn next(&self) -> String {
        let mut buffer = [0; 4096];
        let bytes = soon("the node tells something", self.socket.recv(&mut buffer))
            .await
            .unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    }

    /// The next that says this, whatever comes before.
    async fn until(&self, words: &str) -> String {
        loop {
            let said = self.next().await;
            if said.contains(words) {
                return said;
            }
        }
    }
}

#[tokio::test]
async fn a_first_node_is_ready_reloads_and_stops() {
    let lab = Lab::default();
    let manager = Manager::new(&lab);
    let config = lab.folder().join("a.toml");
    std::fs::write(&config, "").unwrap();
    let node = lab.node("a").argument("--config").argument(config.to_str().unwrap());
    let mut a = manager.starts(node).start().await;
    assert_eq!(manager.next().await, "READY=1\nSTATUS=serves");

    let began = clock_gettime(ClockId::Monotonic);
    a.hang_up();
    let reloading = manager.next().await;
    let lines: Vec<&str> = reloading.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "RELOADING=1"), "{reloading}");
    let usec: i64 = lines[1].strip_prefix("MONOTONIC_USEC=").unwrap().parse().unwrap();
    assert!(usec >= began.tv_sec * 1_000_000, "{reloading}");
    assert_eq!(manager.next().await, "READY=1\nSTATUS=serves");

    std::fs::write(&config, "nme = \"a\"").unwrap();
    a.hang_up();
    assert!(manager.next().await.starts_with("RELOADING=1\n"));
    let ready = manager.next().await;
    assert!(
        ready.starts_with("READY=1\nSTATUS=serves as before; its configuration is wrong"),
        "{ready}"
    );
    assert!(ready.contains("a.toml:1: unknown key `nme`"), "{ready}");

    assert_eq!(a.terminate().await, 0);
    let stopping = manager.next().await;
    let lines: Vec<&str> = stopping.lines().collect();
    assert_eq!((lines.len(), lines[0]), (3, "STOPPING=1"), "{stopping}");
    let usec: u64 = lines[1].strip_prefix("EXTEND_TIMEOUT_USEC=").unwrap().parse().unwrap();
    assert!(usec > 0 && lines[2].starts_with("STATUS="), "{stopping}");
}

/// It serves its clients, so it has started; that no seed is there yet is in the status.
#[tokio::test]
async fn a_node_whose_seeds_are_not_there_is_ready_all_the_same() {
    let lab = Lab::default();
    let manager = Manager::new(&lab);
    let seed = bellwether_tests::port::free_on(&["127.0.0.1".parse().unwrap()]);
    let a = manager
        .starts(lab.node("a").seed(format!("127.0.0.1:{seed}")))
        .start()
        .await;
    assert_eq!(
        manager.next().await,
        "READY=1\nSTATUS=serves clients; still looks for other nodes"
    );
    assert_eq!(a.client().await.get("/readyz").await.status, 503);
    let _seed = lab.node("b").listen(format!("127.0.0.1:{seed}")).start().await;
    assert_eq!(manager.next().await, "STATUS=serves");
}

#[tokio::test]
async fn a_watchdog_hears_the_node_until_it_ends() {
    let lab = Lab::default();
    let manager = Manager::new(&lab);
    let node = manager.starts(lab.node("a")).variable("WATCHDOG_USEC", "100000");
    let mut a = node.start().await;
    for _ in 0..5 {
        manager.until("WATCHDOG=1").await;
    }
    // What is asked of the node itself goes on meanwhile.
    a.client().await.publish("events", "t", "x").await;
    manager.until("WATCHDOG=1").await;
    let stopping = async {
        manager.until("STOPPING=1").await;
    };
    let (code, ()) = tokio::join!(a.terminate(), stopping);
    assert_eq!(code, 0);
}
