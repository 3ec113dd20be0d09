//! Which of a client's many subscriptions have something: one task looks at those only.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Wake, Waker};

/// The subscriptions that were woken, in that order, each once. At most as many as there are.
#[derive(Debug, Default)]
pub(crate) struct Ready {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    keys: VecDeque<Key>,
    task: Option<Waker>,
}

/// Which part of which subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Key {
    pub(crate) subscription: u64,
    pub(crate) part: usize,
}

/// What wakes one of them.
#[derive(Debug)]
pub(crate) struct Bell {
    key: Key,
    ready: Arc<Ready>,
    has_rung: AtomicBool,
}

impl Ready {
    /// A bell for one of them, rung at once so that it is looked at.
    pub(crate) fn bell(self: &Arc<Self>, key: Key) -> Arc<Bell> {
        let bell = Arc::new(Bell {
            key,
            ready: self.clone(),
            has_rung: AtomicBool::new(false),
        });
        bell.ring();
        bell
    }

    /// The one that has waited for longest.
    pub(crate) fn take(&self) -> Option<Key> {
        self.lock().keys.pop_front()
    }

    /// Waits until there is one. For one task only; cancel safe.
    pub(crate) async fn some(&self) {
        poll_fn(|context| {
            let mut state = self.lock();
            if !state.keys.is_empty() {
                return Poll::Ready(());
            }
            state.task = Some(context.waker().clone());
            Poll::Pending
        })
        .await;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Bell {
    /// It is looked at now; what comes from here on rings again.
    pub(crate) fn answer(&self) {
        self.has_rung.store(false, Ordering::SeqCst);
    }

    /// It has something.
    pub(crate) fn ring(&self) {
        if self.has_rung.swap(true, Ordering::SeqCst) {
            return;
        }
        let task = {
            let mut state = self.ready.lock();
            state.keys.push_back(self.key);
            state.task.take()
        };
        if let Some(task) = task {
            task.wake();
        }
    }
}

impl Wake for Bell {
    fn wake(self: Arc<Self>) {
        self.ring();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.ring();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn each_waits_once_and_the_first_comes_first() {
        let ready = Arc::new(Ready::default());
        let key = |subscription| Key { subscription, part: 0 };
        let (one, two) = (ready.bell(key(1)), ready.bell(key(2)));
        one.ring();
        ready.some().await;
        assert_eq!(
            (ready.take(), ready.take(), ready.take()),
            (Some(key(1)), Some(key(2)), None)
        );
        // Not looked at yet: what rings now is what will be seen.
        two.ring();
        assert_eq!(ready.take(), None);
        two.answer();
        two.ring();
        assert_eq!(ready.take(), Some(key(2)));
    }

    #[tokio::test]
    async fn who_waits_is_woken() {
        let ready = Arc::new(Ready::default());
        let bell = ready.bell(Key {
            subscription: 1,
            part: 3,
        });
        ready.take();
        bell.answer();
        let waiting = tokio::spawn({
            let ready = ready.clone();
            async move { ready.some().await }
        });
        tokio::task::yield_now().await;
        Waker::from(bell).wake();
        waiting.await.unwrap();
        assert_eq!(ready.take().map(|key| key.part), Some(3));
    }
}
