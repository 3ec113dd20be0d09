//! The driver: lets a seed's world run, does it harm as planned, and lets it come to rest.

use std::sync::Arc;
use std::time::Duration;

use bellwether_history::Kind;
use tokio::task::JoinSet;
use tokio::time::Instant;

use crate::clock;
use crate::fault::{Fault, FaultPlan, REPLACEMENT};
use crate::net::{HostSockets, address_of};
use crate::plan::{PROBE_TOPIC, PROBES, name};
use crate::subscriber::Pace;
use crate::world::World;

/// After the last fault the mesh has so long to come to one view.
const VIEWS_WITHIN: Duration = Duration::from_secs(10);
/// And so long if a node has not found its mesh by then: it looks for seeds that never answered every 15 s.
const FOUND_WITHIN: Duration = Duration::from_secs(17);
/// Views are looked at now and then.
const SPARE: Duration = Duration::from_millis(500);
/// When nothing is published any more, everything due has come after this time.
const LAST_MESSAGES: Duration = Duration::from_secs(5);
/// Probes are published at once on all nodes, and heard within less than this time.
const PROBES_HEARD: Duration = Duration::from_secs(3);
/// When all is quiet there are so many tasks for each pair of nodes, or fewer, whatever went wrong before: with three
/// lanes each way about 25.
const TASKS_PER_PAIR: u64 = 30;
/// Tasks of nodes that have stopped or were killed end within this time: quinn keeps a connection that it closes for
/// three probe time-outs, which have grown where nobody answered.
const TASKS_END_WITHIN: Duration = Duration::from_secs(60);
/// A fault that takes so long is stuck, whatever it is.
const STUCK: Duration = Duration::from_secs(600);
/// How long a run of a crash loop lives.
const LOOP_LIFE: (u64, u64) = (50, 1500);
/// A second node of one name is refused within this time.
const REFUSED_WITHIN: Duration = Duration::from_secs(4);

/// Runs the plan of a world to its end. Returns how long the nodes may take after the last fault to come to one view.
pub async fn run(world: &Arc<World>) -> Duration {
    let mut starting = JoinSet::new();
    for node in &world.plan.nodes {
        let (world, number, after) = (world.clone(), node.number, node.starts_after);
        starting.spawn(async move {
            tokio::time::sleep(after).await;
            world.start(number).await;
        });
    }
    let began = Instant::now();
    tokio::time::sleep(world.plan.warm_up).await;
    let mut faults = JoinSet::new();
    for fault in world.plan.faults.clone() {
        let world = world.clone();
        faults.spawn(async move {
            tokio::time::sleep(fault.after).await;
            suffer(&world, fault).await;
        });
    }
    let all = async {
        while faults.join_next().await.is_some() {}
        while starting.join_next().await.is_some() {}
    };
    if tokio::time::timeout(STUCK, all).await.is_err() {
        world
            .record
            .violation("a fault has not ended: a start, kill or stop is stuck");
    }
    tokio::time::sleep_until(began + world.plan.warm_up + world.plan.load).await;
    rest(world).await
}

/// Ends the load, lets everything arrive, and probes whether all hear all.
async fn rest(world: &Arc<World>) -> Duration {
    world.restart_stale().await;
    let mut all_joined = true;
    world.on_each(|life| all_joined &= life.node.readiness().ready).await;
    let within = if all_joined { VIEWS_WITHIN } else { FOUND_WITHIN };
    tokio::time::sleep(within + SPARE).await;
    world.on_each(|life| life.measure()).await;
    world.load.send_replace(false);
    world.on_each(|life| life.set_pace(Pace::Full)).await;
    tokio::time::sleep(LAST_MESSAGES).await;
    world.on_each(|life| life.look()).await;
    world.on_each(|life| life.measure()).await;
    world.record.driver(Kind::Size {
        what: "tasks of all nodes".into(),
        value: tasks(),
        bound: TASKS_PER_PAIR * (world.plan.nodes.len() as u64).pow(2),
    });
    world.record.driver(Kind::Quiet {});
    world
        .on_each(|life| {
            life.publisher.publish(PROBES, PROBE_TOPIC, 16);
        })
        .await;
    tokio::time::sleep(PROBES_HEARD).await;
    // Says that the history went on for so long.
    world.record.driver(Kind::Quiet {});
    end(world).await;
    within
}

/// Stops all nodes at once. Nothing of them, nor of those that were killed before, may be left.
async fn end(world: &Arc<World>) {
    let mut stopping = JoinSet::new();
    for number in world.numbers() {
        let world = world.clone();
        stopping.spawn(async move {
            let mut place = world.place(number).await;
            world.stop_in(&mut place).await;
        });
    }
    while stopping.join_next().await.is_some() {}
    tokio::time::sleep(TASKS_END_WITHIN).await;
    world.record.driver(Kind::Size {
        what: "tasks when all nodes have stopped".into(),
        value: tasks(),
        bound: 1,
    });
}

/// Tasks of the whole simulation; one is the network's.
fn tasks() -> u64 {
    tokio::runtime::Handle::current().metrics().num_alive_tasks() as u64
}

/// Lets a fault happen, from its begin to its end.
async fn suffer(world: &Arc<World>, plan: FaultPlan) {
    let (fault, nodes) = (plan.fault.name(), plan.fault.nodes());
    let names: Vec<Arc<str>> = nodes.iter().map(|node| name(*node).into()).collect();
    world.record.driver(Kind::FaultBegin {
        fault: fault.into(),
        nodes: names.clone(),
    });
    let conditions = plan.fault.conditions();
    match plan.fault {
        Fault::Flapping { each, .. } => {
            let until = Instant::now() + plan.stays;
            while Instant::now() < until {
                let imposed = world.net.impose(conditions.clone());
                tokio::time::sleep(each).await;
                world.net.lift(imposed);
                tokio::time::sleep(each).await;
            }
        }
        Fault::Crash { nodes } => crash(world, &nodes, plan.stays).await,
        Fault::Replace { node, clock_ms } => replace(world, node, clock_ms, plan.stays).await,
        Fault::CrashLoop { node, times } => {
            for turn in 0..times {
                let (shortest, longest) = LOOP_LIFE;
                let lives = shortest + (longest - shortest) * (turn % 4) / 3;
                crash(world, &[node], Duration::from_millis(20)).await;
                tokio::time::sleep(Duration::from_millis(lives)).await;
            }
        }
        Fault::Clock { node, by_ms, restart } => {
            let host = world.place(node).await.host();
            clock::set(host, by_ms);
            tokio::time::sleep(plan.stays / 2).await;
            if restart {
                crash(world, &[node], Duration::from_millis(300)).await;
            }
            tokio::time::sleep(plan.stays / 2).await;
            clock::set(host, -by_ms);
        }
        Fault::Duplicate { node } => duplicate(world, node).await,
        Fault::NoReading { node } => {
            world.set_pace(node, Pace::Stopped).await;
            tokio::time::sleep(plan.stays).await;
            world.set_pace(node, Pace::Planned).await;
        }
        Fault::Stop { nodes } => {
            for node in nodes {
                let mut place = world.place(node).await;
                world.stop_in(&mut place).await;
                tokio::time::sleep(plan.stays).await;
                if !place.is_running() {
                    world.start_in(node, &mut place).await;
                }
                drop(place);
                tokio::time::sleep(plan.stays).await;
            }
        }
        Fault::Rotate { each } => world.rotate(each).await,
        Fault::Rough(_)
        | Fault::Narrow { .. }
        | Fault::Partition { .. }
        | Fault::OneWay { .. }
        | Fault::Pair { .. } => {
            let imposed = world.net.impose(conditions);
            tokio::time::sleep(plan.stays).await;
            world.net.lift(imposed);
        }
    }
    world.record.driver(Kind::FaultEnd {
        fault: fault.into(),
        nodes: names,
    });
}

/// Kills nodes at once, and starts them again after a while.
async fn crash(world: &Arc<World>, nodes: &[usize], away: Duration) {
    let mut places = Vec::new();
    for node in nodes {
        let mut place = world.place(*node).await;
        world.kill_in(&mut place);
        places.push((*node, place));
    }
    if away.is_zero() {
        world.record.reached("restart at once");
    }
    tokio::time::sleep(away).await;
    for (node, mut place) in places {
        world.start_in(node, &mut place).await;
    }
}

async fn replace(world: &Arc<World>, node: usize, clock_ms: i64, away: Duration) {
    let mut place = world.place(node).await;
    world.kill_in(&mut place);
    tokio::time::sleep(away).await;
    world.move_in(&mut place);
    let host = place.host();
    clock::set(host, clock_ms);
    world.start_in(node, &mut place).await;
    clock::set(host, -clock_ms);
}

/// Starts a second node of the same name elsewhere. It must be refused, and the first must not notice.
async fn duplicate(world: &Arc<World>, node: usize) {
    let place = world.place(node).await;
    // Of two that have not joined the lower epoch goes, and a lone one cannot tell others of the second.
    if !place.has_company() {
        return;
    }
    let (host, sockets) = (node + REPLACEMENT, HostSockets::new(&world.net));
    let builder = world.builder(host, &place, &sockets);
    drop(place);
    let second = builder
        .seed(address_of(node).to_string())
        .data_dir(world.data_dir(host))
        .start()
        .await;
    let second = match second {
        Ok(second) => second,
        Err(err) => {
            return world
                .record
                .violation(format!("a second {} does not start: {err}", name(node)));
        }
    };
    match tokio::time::timeout(REFUSED_WITHIN, second.failed()).await {
        Ok(reason) if reason.starts_with("duplicate_node_id") => world.record.reached("duplicate id refused"),
        Ok(reason) => world
            .record
            .violation(format!("a second {} failed for another reason: {reason}", name(node))),
        Err(_) => world
            .record
            .violation(format!("a second {} was not refused in {REFUSED_WITHIN:?}", name(node))),
    }
    sockets.kill();
    second.shutdown().await;
}
