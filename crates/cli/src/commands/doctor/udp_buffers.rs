//! Whether the kernel grants a node the socket buffers that it asks for.

use super::finding::{Finding, Verdict};

const CHECK: &str = "udp_buffers";
/// What a node asks for, each way: see the mesh's endpoint.
const ASKED_BYTES: u64 = 4 * 1024 * 1024;
const WHY: &str = "under load the kernel drops datagrams; they are sent again, at the price of delay";
const LIMITS: [&str; 2] = ["net.core.rmem_max", "net.core.wmem_max"];

pub(super) fn check() -> Finding {
    judge(LIMITS.map(|name| {
        let text = std::fs::read_to_string(format!("/proc/sys/{}", name.replace('.', "/"))).ok()?;
        text.trim().parse().ok()
    }))
}

/// By the bytes that the kernel grants at most: receiving, sending.
fn judge(granted: [Option<u64>; 2]) -> Finding {
    let mut known = Vec::new();
    let mut low = Vec::new();
    for (name, granted) in LIMITS.iter().zip(granted) {
        let Some(granted) = granted else {
            return Finding::unknown(CHECK, format!("this system does not tell {name}"));
        };
        known.push(format!("{name} is {granted} bytes"));
        if granted < ASKED_BYTES {
            low.push(format!("{name}={ASKED_BYTES}"));
        }
    }
    let found = format!("{}; a node asks for {ASKED_BYTES}", known.join(", "));
    match low[..] {
        [] => Finding::ok(CHECK, found),
        _ => {
            let advice = format!(
                "`sudo sysctl --write {}`, and the same in a file of /etc/sysctl.d to keep it; then restart the node",
                low.join(" ")
            );
            Finding::bad(CHECK, Verdict::Warning, found, WHY, advice)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_limit_that_is_too_low_is_to_be_raised() {
        assert_eq!(judge([Some(ASKED_BYTES), Some(ASKED_BYTES)]).verdict, Verdict::Ok);
        let usual = judge([Some(212_992), Some(ASKED_BYTES)]);
        assert_eq!(usual.verdict, Verdict::Warning);
        assert!(
            usual.found.starts_with("net.core.rmem_max is 212992 bytes"),
            "{usual:?}"
        );
        let advice = usual.advice.unwrap();
        assert!(
            advice.contains("net.core.rmem_max=4194304`") && !advice.contains("wmem"),
            "{advice}"
        );
        assert_eq!(judge([None, Some(ASKED_BYTES)]).verdict, Verdict::Unknown);
    }
}
