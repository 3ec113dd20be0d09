//! A net: hosts of one test, each in a network namespace of its own, whose cables can be cut.

use std::ffi::OsStr;
use std::fmt;
use std::fs::File;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::os::fd::AsFd;
use std::path::Path;
use std::process::Command;

use rustix::process::geteuid;
use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};

/// How the names of our namespaces begin; the id of the owner follows, so that what a killed owner left can be told.
const PREFIX: &str = "bellwether-test-";
/// Where `ip` keeps named namespaces.
const NAMESPACES: &str = "/run/netns";
/// The port that a node of a host listens on: every host has all of them.
const PORT: u16 = 7400;
/// What a limited cable sends at once, and how long what it cannot send waits before it is dropped.
const BURST: &str = "32kb";
const QUEUE: &str = "50ms";

/// Hosts on one switch. All of it lives in namespaces, none in the machine's own network, and goes when dropped.
#[derive(Debug)]
pub struct Net {
    name: String,
    hosts: Vec<&'static str>,
}

impl Net {
    /// One host for each name. Says so and gives `None` where the machine has no namespaces; panics there in CI.
    pub fn of(hosts: &[&'static str]) -> Option<Self> {
        if let Err(reason) = possible() {
            let in_ci = std::env::var_os("CI").is_some_and(|ci| !ci.is_empty());
            assert!(!in_ci, "CI must not skip this: {reason}");
            println!("skipped: {reason}");
            return None;
        }
        remove_leftovers();
        let name = format!("{PREFIX}{}-{:04x}", std::process::id(), rand::random::<u16>());
        let net = Self {
            name,
            hosts: hosts.to_vec(),
        };
        net.build();
        Some(net)
    }

    /// Where a node on this host listens.
    pub fn address(&self, host: &str) -> SocketAddr {
        SocketAddr::new(self.ip(host), PORT)
    }

    /// A program to be run on a host. Its process is the program itself, so that it can be sent signals.
    pub fn program(&self, host: &str, program: impl AsRef<OsStr>) -> tokio::process::Command {
        let mut command = tokio::process::Command::new("ip");
        command.args(["netns", "exec", &self.namespace(host)]).arg(program);
        command
    }

    /// Moves the calling thread to a host: what it opens and starts from now on is there. It does not come back.
    pub fn enter(&self, host: &str) {
        let file = Path::new(NAMESPACES).join(self.namespace(host));
        let namespace = File::open(&file).unwrap_or_else(|err| panic!("{}: {err}", file.display()));
        let entered = move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network));
        entered.unwrap_or_else(|err| panic!("{host} cannot be entered: {err}"));
    }

    /// Nothing passes between the two.
    pub fn cut(&self, one: &str, other: &str) {
        self.cut_one_way(one, other);
        self.cut_one_way(other, one);
    }

    /// Nothing from the one reaches the other, which still reaches the one.
    pub fn cut_one_way(&self, from: &str, to: &str) {
        let source = self.ip(from).to_string();
        self.nft(
            to,
            &["add", "rule", "inet", "cuts", "in", "ip", "saddr", &source, "drop"],
        );
    }

    /// Nothing passes between the host and any other.
    pub fn isolate(&self, host: &str) {
        for other in self.hosts.iter().filter(|other| **other != host) {
            self.cut(host, other);
        }
    }

    /// Everything passes again.
    pub fn heal(&self) {
        for host in &self.hosts {
            self.nft(host, &["flush", "chain", "inet", "cuts", "in"]);
        }
    }

    /// The host sends no more than so many megabits a second.
    pub fn limit(&self, host: &str, mbit: u32) {
        let namespace = self.namespace(host);
        let rate = format!("{mbit}mbit");
        let shape = ["qdisc", "replace", "dev", "eth0", "root", "tbf", "rate", &rate];
        run(Command::new("tc")
            .args(["-n", &namespace])
            .args(shape)
            .args(["burst", BURST, "latency", QUEUE]));
    }

    /// A switch in a namespace of its own, and a cable from it to each host.
    fn build(&self) {
        let switch = self.namespace("switch");
        self.ip_command(&["netns", "add", &switch]);
        self.ip_command(&["-n", &switch, "link", "add", "br0", "type", "bridge"]);
        self.ip_command(&["-n", &switch, "link", "set", "br0", "up"]);
        for host in &self.hosts {
            let (namespace, port) = (self.namespace(host), format!("to-{host}"));
            let address = format!("{}/24", self.ip(host));
            self.ip_command(&["netns", "add", &namespace]);
            let cable = ["type", "veth", "peer", "name", "eth0", "netns", &namespace];
            self.ip_command(&[&["-n", &switch, "link", "add", &port][..], &cable].concat());
            self.ip_command(&["-n", &switch, "link", "set", &port, "master", "br0", "up"]);
            self.ip_command(&["-n", &namespace, "addr", "add", &address, "dev", "eth0"]);
            self.ip_command(&["-n", &namespace, "link", "set", "eth0", "up"]);
            self.ip_command(&["-n", &namespace, "link", "set", "lo", "up"]);
            self.nft(host, &["add", "table", "inet", "cuts"]);
            // Dropped where they arrive: the sender must not hear of it.
            let hook = "{ type filter hook input priority 0; }";
            self.nft(host, &["add", "chain", "inet", "cuts", "in", hook]);
        }
    }

    /// The address of a host.
    pub fn ip(&self, host: &str) -> IpAddr {
        let index = self.hosts.iter().position(|each| *each == host);
        let index = index.unwrap_or_else(|| panic!("{self} has no host {host}"));
        let last = u8::try_from(index + 1).expect("a test has few hosts");
        Ipv4Addr::new(10, 78, 0, last).into()
    }

    fn namespace(&self, host: &str) -> String {
        format!("{}-{host}", self.name)
    }

    fn ip_command(&self, arguments: &[&str]) {
        run(Command::new("ip").args(arguments));
    }

    fn nft(&self, host: &str, arguments: &[&str]) {
        let inside = ["netns", "exec", &self.namespace(host), "nft"];
        run(Command::new("ip").args(inside).args(arguments));
    }
}

impl fmt::Display for Net {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.name)
    }
}

impl Drop for Net {
    fn drop(&mut self) {
        remove(|name| name.starts_with(&self.name));
    }
}

/// Whether this machine has what a net needs, or what is missing.
fn possible() -> Result<(), String> {
    if !geteuid().is_root() {
        return Err("network namespaces need root".to_owned());
    }
    for (tool, argument) in [("ip", "-Version"), ("tc", "-Version"), ("nft", "--version")] {
        if let Err(err) = Command::new(tool).arg(argument).output() {
            return Err(format!("cannot run `{tool}`: {err}"));
        }
    }
    let name = format!("{PREFIX}{}-try", std::process::id());
    let added = Command::new("ip").args(["netns", "add", &name]).output();
    let is_added = added.as_ref().is_ok_and(|output| output.status.success());
    remove(|each| each == name);
    match is_added {
        true => Ok(()),
        false => Err(format!("this machine gives no network namespaces: {added:?}")),
    }
}

/// Those of owners that no longer run.
fn remove_leftovers() {
    remove(|name| {
        let owner = name.strip_prefix(PREFIX).and_then(|rest| rest.split('-').next());
        let owner = owner.and_then(|owner| owner.parse::<u32>().ok());
        owner.is_some_and(|owner| !Path::new(&format!("/proc/{owner}")).exists())
    });
}

/// A namespace that does not go is left to the next run, which may remove it too.
fn remove(is_wanted: impl Fn(&str) -> bool) {
    let entries = std::fs::read_dir(NAMESPACES).into_iter().flatten().flatten();
    for name in entries.filter_map(|entry| entry.file_name().into_string().ok()) {
        if is_wanted(&name) {
            let _ = Command::new("ip").args(["netns", "del", &name]).output();
        }
    }
}

fn run(command: &mut Command) {
    let output = command.output();
    let is_done = output.as_ref().is_ok_and(|output| output.status.success());
    assert!(is_done, "{command:?}: {output:?}");
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reaches(net: &Net, from: &str, to: &str) -> bool {
        let (at, namespace) = (net.ip(to).to_string(), net.namespace(from));
        let connect = format!("exec 3<>/dev/tcp/{at}/9");
        let mut command = Command::new("ip");
        command.args(["netns", "exec", &namespace, "timeout", "0.3", "bash", "-c", &connect]);
        // A refusal is an answer; a cut cable gives none, and `timeout` ends with 124.
        command.status().expect("bash runs").code() != Some(124)
    }

    #[test]
    fn a_cut_cable_carries_nothing_and_a_healed_one_everything() {
        let Some(net) = Net::of(&["a", "b", "c"]) else { return };
        assert!(reaches(&net, "a", "b"));
        net.cut("a", "b");
        assert!(!reaches(&net, "a", "b"));
        assert!(reaches(&net, "a", "c"));
        net.heal();
        assert!(reaches(&net, "b", "a"));
        net.limit("a", 100);
        assert!(reaches(&net, "a", "b"));
    }

    #[test]
    fn a_net_leaves_nothing_behind() {
        let Some(net) = Net::of(&["a"]) else { return };
        let name = net.name.clone();
        let exists = || Path::new(NAMESPACES).join(format!("{name}-a")).exists();
        assert!(exists());
        drop(net);
        assert!(!exists());
    }
}
