//! The keeper of a pool: follows the subscription's health, tells what there is to tell, and sees the pool to its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bellwether_monitor::emission::Emission;
use tokio::sync::{mpsc, watch};
use tokio::time::{Instant, Interval};

use super::core::{Core, value};
use super::{PoolEnd, told};
use crate::subscription_health::EmissionWatch;
use crate::ticks::every;

/// How long what waits may take to go when a pool is stopped, as in the original.
const DRAIN: Duration = Duration::from_secs(5);

/// Keeps a pool until its workers have ended. `workers` ends when the last of them has.
pub(super) async fn run(core: Arc<Core>, mut workers: mpsc::Receiver<()>, ended: watch::Sender<Option<PoolEnd>>) {
    let settings = &core.settings;
    let health = core.node.subscription_health();
    let mut emission = settings
        .health_aware
        .then(|| health.watch(&settings.store, &settings.name));
    if let Some(emission) = &emission {
        core.set_emission(emission.last());
    }
    let mut checks = every(settings.check_interval);
    let mut figures = settings.metrics_interval.map(every);
    let mut pace = Pace::new();
    let mut stop = core.stop.subscribe();
    // It may have been stopped before this task first ran.
    let mut drained_by = stop.borrow().is_some().then(|| Instant::now() + DRAIN);
    loop {
        tokio::select! {
            none = workers.recv() => if none.is_none() { break },
            now = changed(&mut emission) => core.set_emission(now),
            _ = checks.tick() => core.check(),
            () = tick(&mut figures) => pace.tell(&core),
            _ = stop.changed() => drained_by = drained_by.or(Some(Instant::now() + DRAIN)),
            () = until(drained_by) => core.stop_draining(),
        }
        if stop.borrow().as_ref().is_some_and(|stop| stop.is_at_once) {
            drained_by = None;
        }
    }
    // Workers end only when they are told to; one that panicked takes the node with it.
    let (reason, is_failure) = match &*stop.borrow() {
        Some(stop) => (stop.reason.to_string(), stop.is_failure),
        None => ("its workers have ended".to_owned(), true),
    };
    let waiting = core.held();
    if waiting > 0 {
        core.lose(waiting);
    }
    core.check_last();
    let end = PoolEnd {
        delivered: value(&core.counts.delivered),
        lost: value(&core.counts.lost),
        reason,
    };
    told::pool_stopped(&core, &end, is_failure);
    core.breaker.forget();
    core.node.emitter_state().remove(&core);
    ended.send_replace(Some(end));
}

/// How much a pool emits.
struct Pace {
    delivered: u64,
    measured_at: Instant,
}

impl Pace {
    /// From the pool's beginning: its workers may have been at work before this is made.
    fn new() -> Self {
        Self {
            delivered: 0,
            measured_at: Instant::now(),
        }
    }

    fn tell(&mut self, core: &Core) {
        let delivered = value(&core.counts.delivered);
        let emitted = delivered.saturating_sub(self.delivered);
        let seconds = self.measured_at.elapsed().as_secs_f64();
        (self.delivered, self.measured_at) = (delivered, Instant::now());
        let per_second = emitted as f64 / seconds.max(f64::EPSILON);
        core.counts.pace.store((per_second * 1_000.0) as u64, Ordering::Relaxed);
        told::figures(core, emitted, seconds, core.node.emitter_state().totals(core));
    }
}

async fn changed(watch: &mut Option<EmissionWatch>) -> Emission {
    match watch {
        Some(watch) => watch.changed().await,
        None => std::future::pending().await,
    }
}

async fn tick(interval: &mut Option<Interval>) {
    match interval {
        Some(interval) => drop(interval.tick().await),
        None => std::future::pending().await,
    }
}

async fn until(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
