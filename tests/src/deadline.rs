//! Deadlines: how long a test waits before it says that something did not happen.

use std::time::Duration;

use tokio::time::{Instant, sleep, timeout};

/// For whatever should take well under a second. Long, because a test may share two cores with others.
pub const SOON: Duration = Duration::from_secs(20);
/// For what many messages have to do.
const PATIENCE: Duration = Duration::from_secs(90);
/// Between two looks at a condition.
const LOOK: Duration = Duration::from_millis(10);

/// What `work` gives. Panics when it is not done within [`SOON`].
pub async fn soon<T>(what: &str, work: impl Future<Output = T>) -> T {
    match timeout(SOON, work).await {
        Ok(done) => done,
        Err(_) => panic!("not within {SOON:?}: {what}"),
    }
}

/// Looks until there is something, and says how long that took. Panics when there is nothing within [`SOON`].
pub async fn eventually<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> (T, Duration) {
    let began = Instant::now();
    let found = soon(what, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(LOOK).await;
        }
    });
    (found.await, began.elapsed())
}

/// Looks until there is something. Panics when there is nothing for much longer than [`SOON`]: for loads to end and
/// to arrive.
pub async fn patiently<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let found = timeout(PATIENCE, async {
        loop {
            if let Some(found) = look().await {
                return found;
            }
            sleep(LOOK * 5).await;
        }
    });
    match found.await {
        Ok(found) => found,
        Err(_) => panic!("not within {PATIENCE:?}: {what}"),
    }
}
