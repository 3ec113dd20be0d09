//! Whether this thread is at work for a log bridge: what it logs then is not looked at.

use std::cell::Cell;

thread_local! {
    static IS_BUSY: Cell<bool> = const { Cell::new(false) };
}

/// While it lives, this thread's records are not looked at, by any bridge: neither those of publishing a record nor
/// those of a field that logs while it is shown.
pub(super) struct Busy(());

impl Busy {
    /// None: it is already, or the thread is about to end.
    pub(super) fn enter() -> Option<Self> {
        let was_busy = IS_BUSY.try_with(|is_busy| is_busy.replace(true)).unwrap_or(true);
        // Not made, and so not dropped, where it is busy already.
        (!was_busy).then(|| Self(()))
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        let _ = IS_BUSY.try_with(|is_busy| is_busy.set(false));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_thread_is_busy_once_and_another_is_not_by_it() {
        let busy = Busy::enter();
        assert!(busy.is_some());
        assert!(Busy::enter().is_none());
        assert!(Busy::enter().is_none(), "one that was refused ends nothing");
        let elsewhere = std::thread::spawn(|| Busy::enter().is_some());
        assert!(elsewhere.join().unwrap());
        drop(busy);
        assert!(Busy::enter().is_some());
    }
}
