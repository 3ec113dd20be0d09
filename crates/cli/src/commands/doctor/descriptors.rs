//! How many files and sockets programs may have open that are started from here.

use rustix::process::{Resource, getrlimit};

use super::finding::{Finding, Verdict};

const CHECK: &str = "file_descriptors";
/// Lanes to a hundred peers and some hundred clients.
const FEW: u64 = 1024;
const TOO_FEW: u64 = 256;
const WHY: &str = "each client and each lane takes one; where there are none left, clients are turned away";

pub(super) fn check() -> Finding {
    judge(getrlimit(Resource::Nofile).current)
}

/// None: without a limit.
fn judge(limit: Option<u64>) -> Finding {
    let Some(limit) = limit else {
        return Finding::ok(
            CHECK,
            "programs that are started from here may have any number of files open",
        );
    };
    let found = format!("programs that are started from here may have {limit} files and sockets open");
    let verdict = match limit {
        0..TOO_FEW => Verdict::Critical,
        TOO_FEW..FEW => Verdict::Warning,
        _ => return Finding::ok(CHECK, found),
    };
    let advice = "`ulimit -n 65536` before `bellwether start`, or `LimitNOFILE=65536` in its unit";
    Finding::bad(CHECK, verdict, found, WHY, advice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn some_hundred_are_few() {
        for (limit, verdict) in [
            (None, Verdict::Ok),
            (Some(1024), Verdict::Ok),
            (Some(1023), Verdict::Warning),
            (Some(256), Verdict::Warning),
            (Some(255), Verdict::Critical),
        ] {
            assert_eq!(judge(limit).verdict, verdict, "{limit:?}");
        }
    }
}
