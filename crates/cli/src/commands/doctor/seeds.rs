//! Whether the names of the seeds are known, and whether they can reach this node.

use std::io;
use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::lookup_host;
use tokio::time::timeout;

use super::finding::{Finding, Verdict};

const CHECK: &str = "seeds";
/// The longest that one name may take.
const LOOKUP: Duration = Duration::from_secs(5);

/// What a seed's name stands for.
type Looked = (String, io::Result<Vec<SocketAddr>>);

/// Of a node that listens there, or says so.
pub(super) async fn check(seeds: &[String], listen: SocketAddr) -> Finding {
    let mut looked = Vec::new();
    for seed in seeds {
        let addresses = match timeout(LOOKUP, lookup_host(seed)).await {
            Ok(addresses) => addresses.map(Iterator::collect),
            Err(_) => Err(io::Error::new(
                io::ErrorKind::TimedOut,
                "nobody has told its address in time",
            )),
        };
        looked.push((seed.clone(), addresses));
    }
    judge(&looked, listen)
}

fn judge(looked: &[Looked], listen: SocketAddr) -> Finding {
    if looked.is_empty() {
        return Finding::ok(CHECK, "none is given: others have to name this node as theirs");
    }
    let known = |(seed, looked): &Looked| {
        let addresses = looked.as_ref().ok().filter(|addresses| !addresses.is_empty())?;
        let addresses: Vec<_> = addresses.iter().map(ToString::to_string).collect();
        Some(match addresses[..] == [seed.clone()] {
            true => seed.clone(),
            false => format!("{seed} is {}", addresses.join(" ")),
        })
    };
    let unknown = |(seed, looked): &Looked| match looked {
        Ok(addresses) if addresses.is_empty() => Some(format!("{seed} has no address")),
        Ok(_) => None,
        Err(err) => Some(format!("{seed} is not known: {err}")),
    };
    let known: Vec<_> = looked.iter().filter_map(known).collect();
    let unknown: Vec<_> = looked.iter().filter_map(unknown).collect();
    if !unknown.is_empty() {
        let verdict = match known.is_empty() {
            true => Verdict::Critical,
            false => Verdict::Warning,
        };
        return Finding::bad(
            CHECK,
            verdict,
            unknown.join("; "),
            "a node finds its mesh by the seeds; without any it stays alone",
            "correct the name in `seeds`, or what this host asks for names",
        );
    }
    let mut addresses = looked.iter().filter_map(|(_, looked)| looked.as_ref().ok()).flatten();
    if let Some(far) = addresses.find(|address| !address.ip().is_loopback())
        && listen.ip().is_loopback()
    {
        return Finding::bad(
            CHECK,
            Verdict::Critical,
            format!("this node says that it is at {listen}, and its seed is at {far}"),
            "another host cannot dial an address of loopback: no link to this node comes about",
            "listen on an address that other hosts can reach, or give it as `advertise`",
        );
    }
    Finding::ok(CHECK, known.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seed(name: &str, addresses: &[&str]) -> Looked {
        let addresses = addresses.iter().map(|address| address.parse().unwrap());
        (name.to_owned(), Ok(addresses.collect()))
    }

    fn lost(name: &str) -> Looked {
        (name.to_owned(), Err(io::Error::other("no such host")))
    }

    #[test]
    fn a_seed_is_known_and_can_reach_us() {
        let here = "192.0.2.1:7400".parse().unwrap();
        let near = "127.0.0.1:7400".parse().unwrap();
        let far = || seed("b:7400", &["192.0.2.2:7400", "[2001:db8::2]:7400"]);
        assert_eq!(judge(&[], here).verdict, Verdict::Ok);
        let known = judge(&[far(), seed("192.0.2.3:7400", &["192.0.2.3:7400"])], here);
        assert_eq!(known.verdict, Verdict::Ok);
        assert_eq!(
            known.found,
            "b:7400 is 192.0.2.2:7400 [2001:db8::2]:7400; 192.0.2.3:7400"
        );
        assert_eq!(judge(&[far(), lost("c:7400")], here).verdict, Verdict::Warning);
        assert_eq!(
            judge(&[lost("c:7400"), seed("d:7400", &[])], here).verdict,
            Verdict::Critical
        );
        assert_eq!(judge(&[far()], near).verdict, Verdict::Critical);
        assert_eq!(
            judge(&[seed("127.0.0.2:7400", &["127.0.0.2:7400"])], near).verdict,
            Verdict::Ok
        );
    }

    #[tokio::test]
    async fn literal_addresses_need_nobody_to_ask() {
        let finding = check(&["127.0.0.1:7400".to_owned()], "127.0.0.1:7401".parse().unwrap()).await;
        assert_eq!(
            (finding.verdict, finding.found.as_str()),
            (Verdict::Ok, "127.0.0.1:7400")
        );
    }
}
