//! The world of a run: all nodes on their hosts, and how they start and end.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use bellwether::{Host, Node, NodeBuilder, NodeId, Secrets};
use bellwether_history::Kind;
use tokio::sync::{Mutex, MutexGuard, watch};

use crate::clock;
use crate::fault::REPLACEMENT;
use crate::life::{Life, OnFailure};
use crate::net::{HostSockets, SimNet, address_of};
use crate::plan::{NodePlan, Plan, name};
use crate::record::Record;
use crate::subscriber::Pace;

/// A service manager starts a node that failed again after this time.
const RESTART_AFTER: Duration = Duration::from_secs(1);

/// Everything that takes part in a run.
#[derive(Debug)]
pub struct World {
    /// What is to happen.
    pub plan: Plan,
    /// What has happened.
    pub record: Record,
    /// What connects the nodes.
    pub net: SimNet,
    /// Whether publishers publish.
    pub load: watch::Sender<bool>,
    directory: PathBuf,
    places: BTreeMap<usize, Mutex<Place>>,
    /// The number of the secret that all nodes share. Whoever holds it is the only one to replace it.
    secret: Mutex<u64>,
}

/// Where one node is at home.
#[derive(Debug)]
pub struct Place {
    plan: NodePlan,
    /// The host it runs on: its own, or that of its replacement.
    host: usize,
    /// What is in its key file.
    secrets: Secrets,
    life: Option<Life>,
    /// Its highest run so far.
    highest: u64,
}

impl World {
    /// The world of a plan, in which nothing runs yet. Nodes keep their data under `directory`.
    pub fn new(plan: Plan, net: SimNet, directory: &Path) -> Arc<Self> {
        let place = |node: &NodePlan| {
            let place = Place {
                plan: node.clone(),
                host: node.number,
                secrets: secrets(&[0]),
                life: None,
                highest: 0,
            };
            (node.number, Mutex::new(place))
        };
        Arc::new(Self {
            places: plan.nodes.iter().map(place).collect(),
            secret: Mutex::default(),
            record: Record::default(),
            net,
            load: watch::Sender::new(true),
            directory: directory.to_owned(),
            plan,
        })
    }

    /// The numbers of all nodes.
    pub fn numbers(&self) -> Vec<usize> {
        self.places.keys().copied().collect()
    }

    /// One node's place. Whoever holds it is the only one to start or end the node.
    ///
    /// # Panics
    /// If there is no such node.
    pub async fn place(&self, number: usize) -> MutexGuard<'_, Place> {
        self.places.get(&number).expect("a node of the plan").lock().await
    }

    /// Starts a node that is not running.
    pub async fn start(self: &Arc<Self>, number: usize) {
        let mut place = self.place(number).await;
        if place.life.is_none() {
            self.start_in(number, &mut place).await;
        }
    }

    /// The same, by whoever holds its place.
    pub async fn start_in(self: &Arc<Self>, number: usize, place: &mut Place) {
        let sockets = HostSockets::new(&self.net);
        let builder = self
            .builder(place.host, place, &sockets)
            .data_dir(self.data_dir(place.host));
        let node = match builder.start().await {
            Ok(node) => node,
            Err(err) => {
                let words = format!("{} does not start: {err}", name(number));
                return self.record.violation(words);
            }
        };
        let mut life = Life::new(node, sockets, &self.record);
        let epoch = life.run.epoch;
        // It will be refused; nobody publishes on it meanwhile, as on a node that is not ready.
        let is_stale = epoch <= place.highest;
        let clock_ms = u64::try_from(clock::of(place.host)().as_millis()).unwrap_or(0);
        if !is_stale {
            if epoch > clock_ms {
                self.record.reached("epoch above the clock");
            }
            place.highest = epoch;
            life.inhabit(&place.plan, self.plan.seed, &self.load.subscribe());
        }
        life.on_failure(self.clone().restart(number, epoch, is_stale));
        place.life = Some(life);
    }

    /// A node on a host, with everything but a place for its data.
    pub fn builder(&self, host: usize, place: &Place, sockets: &HostSockets) -> NodeBuilder {
        let plan = &place.plan;
        let id = NodeId::new(&plan.name()).expect("names of plans are valid");
        let host = (
            host,
            Host {
                sockets: Arc::new(sockets.clone()),
                clock: clock::of(host),
            },
        );
        let builder = Node::builder(id)
            .secrets(place.secrets.iter())
            .expect("long secrets")
            .listen(address_of(host.0))
            .gossip_interval(self.plan.gossip_interval)
            .drain_timeout(self.plan.drain_timeout)
            .host(host.1);
        let seeds = plan.seeds.iter().flat_map(|seed| self.plan.hosts_of(*seed));
        let builder = seeds.fold(builder, |builder, host| builder.seed(address_of(host).to_string()));
        plan.limits.iter().fold(builder, |builder, limits| {
            builder.instance(limits.instance, |settings| limits.apply(settings))
        })
    }

    /// Starts again what runs under a number that was once exceeded: where everybody who knew has lost it, too, nobody
    /// refuses it. Whoever runs the mesh puts the number right.
    pub async fn restart_stale(self: &Arc<Self>) {
        for (number, place) in &self.places {
            let mut place = place.lock().await;
            if place.is_stale() {
                self.kill_in(&mut place);
                let file = self.data_dir(place.host).join("epoch");
                if let Err(err) = fs::write(&file, place.highest.to_string()) {
                    self.record.violation(format!("cannot write {}: {err}", file.display()));
                }
            }
            if place.life.is_none() {
                self.start_in(*number, &mut place).await;
            }
        }
    }

    /// Where a host keeps what survives its processes.
    pub fn data_dir(&self, host: usize) -> PathBuf {
        self.directory.join(format!("host{host}"))
    }

    /// Replaces the secret of all nodes, of those that are not running in their key files. No node takes a step before all
    /// have taken the one before.
    pub async fn rotate(&self, each: Duration) {
        let mut secret = self.secret.lock().await;
        let (old, new) = (*secret, *secret + 1);
        for step in [&[old, new][..], &[new, old], &[new]] {
            for place in self.places.values() {
                let mut place = place.lock().await;
                place.secrets = secrets(step);
                if let Some(life) = &place.life
                    && let Err(err) = life.node.replace_secrets(&place.secrets)
                {
                    let words = format!("{} does not take another secret: {err}", place.plan.name());
                    self.record.violation(words);
                }
                drop(place);
                tokio::time::sleep(each).await;
            }
        }
        *secret = new;
        self.record.reached("secret replaced on all nodes");
    }

    /// Kills a node that is running, by whoever holds its place.
    pub fn kill_in(&self, place: &mut Place) {
        let Some(life) = place.life.take() else { return };
        if life.run.epoch == place.highest {
            self.record.of(&life.run, Kind::Kill {});
        }
        life.kill();
    }

    /// Stops a node in good order.
    pub async fn stop_in(&self, place: &mut Place) {
        let Some(life) = place.life.take() else { return };
        if life.run.epoch != place.highest {
            return life.kill();
        }
        let stopped = life.stop().await;
        self.record.reached(match stopped.unconfirmed.is_empty() {
            true => "drained under load",
            false => "drain ran out of time",
        });
    }

    /// From now on the node is at home on another host, without its data.
    pub fn move_in(&self, place: &mut Place) {
        if place.host == place.plan.number {
            place.host += REPLACEMENT;
            self.record.reached("node replaced on another host");
        }
    }

    /// Tells the readers of a node how fast to read.
    pub async fn set_pace(&self, number: usize, pace: Pace) {
        if let Some(life) = &self.place(number).await.life {
            life.set_pace(pace);
        }
    }

    /// Does something on every running node.
    pub async fn on_each(&self, mut action: impl FnMut(&Life)) {
        for place in self.places.values() {
            let place = place.lock().await;
            match &place.life {
                Some(life) if !place.is_stale() => action(life),
                _ => self.record.violation(format!("{} is not running", place.plan.name())),
            }
        }
    }

    /// What follows when a node cannot go on. Boxed, since it starts the next run, for which the same holds.
    fn restart(self: Arc<Self>, number: usize, epoch: u64, is_stale: bool) -> OnFailure {
        Box::new(move |reason| Box::pin(async move { self.on_failure(number, epoch, is_stale, &reason).await }))
    }

    /// The node cannot go on: its process ends, and a service manager starts it again.
    async fn on_failure(self: Arc<Self>, number: usize, epoch: u64, is_stale: bool, reason: &str) {
        {
            let mut place = self.place(number).await;
            if place.life.as_ref().is_none_or(|life| life.run.epoch != epoch) {
                return;
            }
            self.kill_in(&mut place);
        }
        if is_stale && reason.starts_with("stale_epoch") {
            self.record.reached("epoch below a known one refused");
        } else {
            self.record
                .violation(format!("{}/{epoch} failed: {reason}", name(number)));
        }
        tokio::time::sleep(RESTART_AFTER).await;
        // The end of a fault may want it, too: whoever comes second finds it running.
        self.start(number).await;
    }
}

/// The secrets of these numbers.
fn secrets(numbers: &[u64]) -> Secrets {
    let secret = |number: &u64| format!("secret number {number} of a simulated cluster, long enough");
    Secrets::new(numbers.iter().map(secret)).expect("long secrets")
}

impl Place {
    /// The host it runs on.
    pub fn host(&self) -> usize {
        self.host
    }

    /// How its node is planned.
    pub fn plan(&self) -> &NodePlan {
        &self.plan
    }

    /// Whether its node has found others.
    pub fn has_company(&self) -> bool {
        self.life
            .as_ref()
            .is_some_and(|life| life.node.readiness().ready && life.node.members().len() > 1)
    }

    /// Whether its node runs under a number that others know to be over.
    fn is_stale(&self) -> bool {
        self.life.as_ref().is_some_and(|life| life.run.epoch < self.highest)
    }

    /// Whether its node is running.
    pub fn is_running(&self) -> bool {
        self.life.is_some()
    }
}
