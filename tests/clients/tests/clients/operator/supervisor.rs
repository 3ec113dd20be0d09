//! A supervisor: does for the node of a host what systemd does by the unit in `deploy/systemd`. It hears from the node
//! itself that it serves, and starts it again when it has crashed.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use bellwether_tests::Net;
use bellwether_tests::deadline::{patiently, soon};
use bellwether_tests::program::{bellwether_at, signal};
use rustix::process::Signal;
use tokio::net::UnixDatagram;
use tokio::process::Command;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;

/// `RestartSec=` of the unit.
const RESTART_AFTER: Duration = Duration::from_secs(2);
/// `WatchdogSec=` of it, in microseconds. That a node which hangs is replaced is shown under systemd itself.
const WATCHDOG_USEC: &str = "30000000";
/// A longer notification is cut.
const NOTIFICATION_BYTES: usize = 1024;

/// A node that is looked after. It is killed when dropped.
pub(super) struct Service {
    name: &'static str,
    orders: mpsc::Sender<Order>,
    /// How many runs have said that they serve.
    served: watch::Receiver<u64>,
    task: JoinHandle<()>,
}

#[derive(Debug)]
enum Order {
    /// The node's process is killed, and nothing else is done.
    Crash,
    /// The host goes without a word, its supervisor with it.
    PowerOff,
    PowerOn,
    Stop,
}

impl Service {
    /// The node of a host, with these arguments of `bellwether start`.
    pub(super) fn start(net: &Net, host: &'static str, arguments: &[&str], secret: &Path, folder: &Path) -> Self {
        let socket: PathBuf = folder.join(format!("{host}.notify"));
        let notifications = UnixDatagram::bind(&socket).expect("a socket in the test's folder");
        let mut command = bellwether_at(net, host);
        command.arg("start").args(["--name", host]).args(arguments);
        command.arg("--data-dir").arg(folder.join(host));
        command.env("SECRET_KEY_BASE_FILE", secret);
        command.env("NOTIFY_SOCKET", socket).env("WATCHDOG_USEC", WATCHDOG_USEC);
        command.stdin(Stdio::null()).stdout(Stdio::null());
        command.stderr(File::create(folder.join(format!("{host}.log"))).expect("a file in the test's folder"));
        command.kill_on_drop(true);
        let (tell, served) = watch::channel(0);
        let (orders, ordered) = mpsc::channel(1);
        let task = tokio::spawn(supervise(command, notifications, tell, ordered));
        let name = host;
        Self {
            name,
            orders,
            served,
            task,
        }
    }

    /// Waits until so many runs of it have served.
    pub(super) async fn serves(&self, runs: u64) {
        let mut served = self.served.clone();
        patiently(&format!("{} serves as its run {runs}", self.name), async || {
            (*served.borrow_and_update() >= runs).then_some(())
        })
        .await;
    }

    pub(super) async fn crash(&self) {
        self.order(Order::Crash).await;
    }

    pub(super) async fn power_off(&self) {
        self.order(Order::PowerOff).await;
    }

    pub(super) async fn power_on(&self) {
        self.order(Order::PowerOn).await;
    }

    /// Has it stopped; it must end well.
    pub(super) async fn stop(&mut self) {
        self.order(Order::Stop).await;
        soon(&format!("{} stops", self.name), &mut self.task)
            .await
            .expect("it ends well");
    }

    async fn order(&self, order: Order) {
        self.orders.send(order).await.expect("its supervisor lives");
    }
}

async fn supervise(
    mut command: Command,
    notifications: UnixDatagram,
    served: watch::Sender<u64>,
    mut orders: mpsc::Receiver<Order>,
) {
    let mut notification = [0; NOTIFICATION_BYTES];
    let mut child = command.spawn().expect("the program is built");
    loop {
        tokio::select! {
            ended = child.wait() => {
                let ended = ended.expect("it can be waited for");
                assert_eq!(ended.code(), None, "ended, but not by a signal: {ended}");
                tokio::time::sleep(RESTART_AFTER).await;
                child = command.spawn().expect("the program is built");
            }
            received = notifications.recv(&mut notification) => {
                let bytes = received.expect("the socket is there");
                let said = String::from_utf8_lossy(&notification[..bytes]);
                if said.lines().any(|line| line == "READY=1") {
                    served.send_modify(|runs| *runs += 1);
                }
            }
            order = orders.recv() => match order {
                Some(Order::Crash) => signal(&child, Signal::KILL),
                Some(Order::PowerOff) => {
                    child.kill().await.expect("it can be killed");
                    assert!(matches!(orders.recv().await, Some(Order::PowerOn)), "a host that is off must be switched on");
                    child = command.spawn().expect("the program is built");
                }
                Some(Order::PowerOn) => panic!("it is on"),
                Some(Order::Stop) => {
                    signal(&child, Signal::TERM);
                    let ended = child.wait().await.expect("it can be waited for");
                    assert!(ended.success(), "{ended}");
                    return;
                }
                // The test is over, and the node goes with its supervisor.
                None => return,
            }
        }
    }
}
