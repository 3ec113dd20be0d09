//! Simulations: the run of one seed, from its plan to the judgement of its history.

use std::io;
use std::path::Path;
use std::thread;
use std::time::Duration;

use bellwether_history::{Checker, Event, Report, Rules};
use tokio::runtime::Builder;

use crate::draw::Draw;
use crate::marker::Markers;
use crate::net::{Packets, SimNet};
use crate::plan::Plan;
use crate::world::World;
use crate::{clock, driver, randomness};

/// A member that is down stays in view for five minutes; a little later it is told to be gone.
const GONE_AFTER: Duration = Duration::from_secs(310);

/// What came of a seed.
#[derive(Debug)]
pub struct Simulated {
    /// Everything that happened.
    pub events: Vec<Event>,
    /// Everything that was sent.
    pub packets: Packets,
    /// Everything that the mesh did not keep.
    pub violations: Vec<String>,
    /// What the run consisted of, if the mesh kept everything.
    pub report: Report,
    /// Which rare branches it reached.
    pub markers: Markers,
    /// How long it was, by its own clock.
    pub simulated: Duration,
}

/// Runs a plan on a thread of its own, whose randomness follows from the seed.
///
/// Repeats exactly only as the first simulation of its process: tokio counts the runtimes of a process, and `select!`
/// draws by that count.
///
/// # Errors
/// There is no thread, or no runtime.
///
/// # Panics
/// If the simulation itself does.
pub fn simulate(plan: Plan, directory: &Path, keep_packets: bool) -> io::Result<Simulated> {
    let directory = directory.to_owned();
    let name = format!("seed {}", plan.seed);
    let run = move || {
        randomness::seed_this_thread(Draw::of(plan.seed, "randomness").next());
        let runtime = Builder::new_current_thread().enable_all().start_paused(true).build()?;
        Ok(runtime.block_on(run(plan, &directory, keep_packets)))
    };
    let thread = thread::Builder::new().name(name).spawn(run)?;
    match thread.join() {
        Ok(simulated) => simulated,
        Err(panic) => std::panic::resume_unwind(panic),
    }
}

async fn run(plan: Plan, directory: &Path, keep_packets: bool) -> Simulated {
    clock::begin();
    let net = SimNet::new(plan.seed, plan.path, keep_packets);
    tokio::spawn(net.clone().run());
    let world = World::new(plan, net, directory);
    let view_within = driver::run(&world).await;
    let (events, mut violations, mut markers) = world.record.take();
    let packets = world.net.packets();
    let simulated = Duration::from_micros(clock::elapsed_micros());
    markers.find(&events);
    if packets.totals().lost > 0 {
        markers.reached("packet lost");
    }
    if packets.totals().doubled > 0 {
        markers.reached("packet doubled");
    }
    let is_calm = world.plan.faults.is_empty();
    if is_calm && markers.has("link lost to a member that is not down") {
        violations.push("a link was lost in a run without any fault".to_owned());
    }
    let rules = Rules {
        gone_after: Some(GONE_AFTER),
        view_within,
        ..Rules::default()
    };
    let report = match Checker::new(rules).check(&events) {
        Ok(report) => report,
        Err(broken) => {
            violations.extend(broken.iter().map(ToString::to_string));
            Report::default()
        }
    };
    if is_calm && violations.is_empty() {
        markers.reached("perfect without faults");
    }
    Simulated {
        events,
        packets,
        violations,
        report,
        markers,
        simulated,
    }
}
