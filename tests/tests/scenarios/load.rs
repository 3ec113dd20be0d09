//! The load that the scenarios have in common.

use std::time::Duration;

use bellwether::Instance;
use bellwether_tests::participant::Load;

/// Whether to take the time of the long forms: `scripts/soak` says so.
pub(super) fn is_soak() -> bool {
    std::env::var_os("BELLWETHER_TESTS_SOAK").is_some()
}

/// So many seconds, or so many in the long form.
pub(super) fn seconds(short: u64, soak: u64) -> Duration {
    Duration::from_secs(if is_soak() { soak } else { short })
}

/// Messages of 128 bytes on `load:all` of an instance, at this rate until it is hushed.
pub(super) fn endless(instance: Instance, rate: u64) -> Load {
    Load {
        instance,
        topic: "load:all".to_owned(),
        count: u64::MAX,
        rate,
        waits: false,
        bytes: 128,
    }
}

/// The same, with back-pressure.
pub(super) fn waiting(instance: Instance, rate: u64) -> Load {
    Load {
        waits: true,
        ..endless(instance, rate)
    }
}

/// Lets the load flow. The scenarios are about what happens during a time, so this is one of the things that they
/// cannot wait for by a condition.
pub(super) async fn for_a_while(duration: Duration) {
    tokio::time::sleep(duration).await;
}
