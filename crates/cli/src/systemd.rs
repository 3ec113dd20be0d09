//! What a service manager is told of a node: `sd_notify(3)`, one datagram each time.
//!
//! By hand: a socket, a few lines of text and one clock. The crates for it bring `libc` and functions that are not safe,
//! for what is not needed here.

use std::ffi::OsString;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};
use std::sync::Arc;
use std::time::Duration;

use rustix::time::{ClockId, clock_gettime};
use tokio::time::{MissedTickBehavior, interval, sleep};

/// Between two tries to tell a manager whose queue is full what it must hear.
const AGAIN: Duration = Duration::from_millis(100);
/// The longest text of a status, in bytes: it is one line of `systemctl status`.
const MAX_STATUS_BYTES: usize = 500;

/// A node that hands over for longer than the manager's own bound is given so much time from each time that it says so.
const MORE_TIME: Duration = Duration::from_secs(20);

/// The way to the service manager; to none, if there is none. Cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Systemd {
    socket: Option<Arc<(UnixDatagram, SocketAddr)>>,
    /// Within which it wants to hear that the node still runs.
    watchdog: Option<Duration>,
}

impl Systemd {
    /// As `NOTIFY_SOCKET`, `WATCHDOG_USEC` and `WATCHDOG_PID` say.
    pub(crate) fn from_environment() -> Self {
        Self::given(|name| std::env::var_os(name), std::process::id())
    }

    fn given(variable: impl Fn(&str) -> Option<OsString>, own_pid: u32) -> Self {
        let Some(path) = variable("NOTIFY_SOCKET").filter(|path| !path.is_empty()) else {
            return Self::default();
        };
        let number = |name: &str| variable(name)?.to_str()?.parse::<u64>().ok();
        // It may be meant for a process that started this one.
        let is_ours = variable("WATCHDOG_PID").is_none() || number("WATCHDOG_PID") == Some(own_pid.into());
        let watchdog = number("WATCHDOG_USEC").filter(|usec| is_ours && *usec > 0);
        let opened = address(path.as_bytes()).and_then(|address| {
            let socket = UnixDatagram::unbound()?;
            // A manager that does not read must not stop the node.
            socket.set_nonblocking(true)?;
            Ok((socket, address))
        });
        match opened {
            Ok(opened) => Self {
                socket: Some(Arc::new(opened)),
                watchdog: watchdog.map(Duration::from_micros),
            },
            Err(err) => {
                tracing::warn!(%err, "the service manager cannot be told anything: NOTIFY_SOCKET is no socket of ours");
                Self::default()
            }
        }
    }

    /// The node serves. The manager waits for this, so it is said until there is room for it.
    pub(crate) async fn ready(&self, status: &str) {
        while !self.tell(&format!("READY=1\n{}", status_line(status))) {
            sleep(AGAIN).await;
        }
    }

    /// It is how it is.
    pub(crate) fn status(&self, status: &str) {
        self.tell(&status_line(status));
    }

    /// It reads its configuration again. [`ready`](Self::ready) follows, whatever becomes of it.
    pub(crate) fn reloading(&self) {
        let now = clock_gettime(ClockId::Monotonic);
        let usec = i128::from(now.tv_sec) * 1_000_000 + i128::from(now.tv_nsec) / 1_000;
        self.tell(&format!(
            "RELOADING=1\nMONOTONIC_USEC={usec}\nSTATUS=reading its configuration"
        ));
    }

    /// It is about to end, and says so again as long as it takes longer.
    pub(crate) fn stopping(&self, status: &str) {
        let usec = MORE_TIME.as_micros();
        self.tell(&format!(
            "STOPPING=1\nEXTEND_TIMEOUT_USEC={usec}\n{}",
            status_line(status)
        ));
    }

    /// Says that it still runs, twice as often as is asked for, for ever. To be run where a standstill is to be noticed.
    pub(crate) async fn keep_alive(self) {
        let Some(within) = self.watchdog else { return };
        let mut ticks = interval((within / 2).max(Duration::from_millis(1)));
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            ticks.tick().await;
            self.tell("WATCHDOG=1");
        }
    }

    /// Whether there was room for it, or nobody to hear it.
    fn tell(&self, text: &str) -> bool {
        let Some(socket) = &self.socket else { return true };
        let Err(err) = socket.0.send_to_addr(text.as_bytes(), &socket.1) else {
            return true;
        };
        tracing::debug!(%err, "the service manager was not told");
        err.kind() != ErrorKind::WouldBlock
    }
}

/// A path, or with an `@` before it a name that is in no folder.
fn address(given: &[u8]) -> std::io::Result<SocketAddr> {
    match given.strip_prefix(b"@") {
        #[cfg(any(target_os = "linux", target_os = "android"))]
        Some(name) => {
            use std::os::linux::net::SocketAddrExt;
            SocketAddr::from_abstract_name(name)
        }
        _ => SocketAddr::from_pathname(std::ffi::OsStr::from_bytes(given)),
    }
}

/// What is said of it may have several lines, which would be others of the protocol's.
fn status_line(status: &str) -> String {
    let mut line = String::from("STATUS=");
    for word in status.split_whitespace() {
        if line.len() + " ".len() + word.len() > MAX_STATUS_BYTES {
            line.push('…');
            break;
        }
        if !line.ends_with('=') {
            line.push(' ');
        }
        line.push_str(word);
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(pairs: &[(&str, &str)]) -> Systemd {
        let variable = |name: &str| {
            pairs
                .iter()
                .find(|(known, _)| *known == name)
                .map(|(_, value)| value.into())
        };
        Systemd::given(variable, 7)
    }

    fn heard(socket: &UnixDatagram) -> String {
        let mut buffer = [0; 2048];
        let bytes = socket.recv(&mut buffer).unwrap();
        String::from_utf8(buffer[..bytes].to_vec()).unwrap()
    }

    #[tokio::test]
    async fn the_manager_hears_it_at_a_path_and_by_a_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("@bellwether-test-{}", std::process::id());
        let at_path = UnixDatagram::bind(&path).unwrap();
        let by_name = UnixDatagram::bind_addr(&address(name.as_bytes()).unwrap()).unwrap();
        for (socket, given_as) in [(at_path, path.to_str().unwrap()), (by_name, &name)] {
            let systemd = given(&[("NOTIFY_SOCKET", given_as)]);
            systemd.ready("serves").await;
            assert_eq!(heard(&socket), "READY=1\nSTATUS=serves");
            systemd.reloading();
            let reloading = heard(&socket);
            let usec = reloading.lines().find_map(|line| line.strip_prefix("MONOTONIC_USEC="));
            assert!(usec.unwrap().parse::<u64>().unwrap() > 0);
            assert!(reloading.starts_with("RELOADING=1\n"), "{reloading}");
            systemd.stopping("a\nREADY=1\n b");
            assert_eq!(
                heard(&socket),
                "STOPPING=1\nEXTEND_TIMEOUT_USEC=20000000\nSTATUS=a READY=1 b"
            );
            systemd.status(&"long ".repeat(1000));
            let long = heard(&socket);
            assert!(long.ends_with("long…") && long.len() <= MAX_STATUS_BYTES + '…'.len_utf8());
        }
    }

    #[tokio::test]
    async fn a_watchdog_is_ours_unless_it_is_anothers() {
        for (pairs, watchdog) in [
            (&[("WATCHDOG_USEC", "2000000")][..], Some(Duration::from_secs(2))),
            (
                &[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "7")],
                Some(Duration::from_secs(2)),
            ),
            (&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "8")], None),
            (&[("WATCHDOG_USEC", "2000000"), ("WATCHDOG_PID", "x")], None),
            (&[("WATCHDOG_USEC", "0")], None),
            (&[("WATCHDOG_USEC", "soon")], None),
            (&[], None),
        ] {
            let socket = [("NOTIFY_SOCKET", "/run/none")];
            assert_eq!(given(&[&socket, pairs].concat()).watchdog, watchdog, "{pairs:?}");
            // Nobody listens, and nothing comes of it.
            given(&[&socket, pairs].concat()).ready("").await;
            assert_eq!(given(pairs).watchdog, None, "without a socket");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_manager_that_is_busy_hears_in_the_end_that_the_node_serves() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let systemd = given(&[("NOTIFY_SOCKET", path.to_str().unwrap())]);
        // A queue of datagrams is short; what finds no room there is lost.
        let mut waiting = 0;
        while systemd.tell("WATCHDOG=1") {
            waiting += 1;
        }
        let telling = tokio::spawn(async move { systemd.ready("serves").await });
        sleep(AGAIN * 3).await;
        assert!(!telling.is_finished());
        for _ in 0..waiting {
            assert_eq!(heard(&socket), "WATCHDOG=1");
        }
        telling.await.unwrap();
        assert_eq!(heard(&socket), "READY=1\nSTATUS=serves");
    }

    #[tokio::test(start_paused = true)]
    async fn it_says_that_it_runs_twice_as_often_as_is_asked_for() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = UnixDatagram::bind(&path).unwrap();
        let pairs = [("NOTIFY_SOCKET", path.to_str().unwrap()), ("WATCHDOG_USEC", "10000000")];
        let alive = tokio::time::timeout(Duration::from_secs(29), given(&pairs).keep_alive());
        assert!(alive.await.is_err(), "for ever");
        socket.set_nonblocking(true).unwrap();
        let mut buffer = [0; 64];
        let times = std::iter::from_fn(|| socket.recv(&mut buffer).ok()).count();
        assert_eq!(times, 6);
    }
}
