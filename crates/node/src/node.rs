//! A node: one running member of the mesh, with its local broker.

use std::borrow::Cow;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use bellwether_broker::{Broker, Counters, PublishError, SubscribeError, TopicCount};
use bellwether_catalogue::spelling::{canonical_patterns, canonical_topic};
use bellwether_mesh::{Member, MemberState, Mesh, MeshError, MeshSettings, Supervisor};
use bellwether_message::{
    Draft, Epoch, Instance, KeyRing, MessageId, NodeId, Pattern, SecretError, Source, Timestamp, Topic, WallClock,
};
use serde::Serialize;
use tokio::sync::mpsc;

use crate::alerts::AlertsState;
use crate::builder::NodeBuilder;
use crate::config::{Config, ConfigError, default_data_dir, milliseconds};
use crate::emitters::EmitterPools;
use crate::epoch_file;
use crate::figures::Figures;
use crate::host::Host;
use crate::instance_info::InstanceInfo;
use crate::integration::IntegrationState;
use crate::readiness::{LiveReport, Readiness};
use crate::replay::{self, FeedPosition, ReplayFrom};
use crate::reporters;
use crate::spans::Spans;
use crate::subscriber::Subscriber;
use crate::subscription::Subscription;
use crate::subscription_health::{self, HealthShell};

/// A subscription waits so long for the known nodes to confirm.
const LIVE_WITHIN: Duration = Duration::from_secs(2);
/// And before that so long for a node with seeds to join for the first time.
const JOIN_WITHIN: Duration = Duration::from_secs(5);
/// A node that leaves at once has its peers confirm within this.
const LEAVE_WITHIN: Duration = Duration::from_secs(1);
/// How often the broker is told the time, for the age bound of its backlogs.
const TICK: Duration = Duration::from_secs(1);

/// A running node. Cheap to clone; it runs until [`shutdown`](Self::shutdown), whoever holds it.
#[derive(Debug, Clone)]
pub struct Node {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    cluster: String,
    broker: Broker,
    supervisor: Supervisor,
    /// `None`: no secret, so local clients only.
    mesh: Option<Mesh>,
    address: SocketAddr,
    data_dir: PathBuf,
    /// In milliseconds.
    drain_timeout: AtomicU64,
    started: tokio::time::Instant,
    clock: WallClock,
    integration: IntegrationState,
    alerts: AlertsState,
    figures: Figures,
    health_shell: HealthShell,
    emitter_pools: EmitterPools,
    spans: Spans,
}

impl Node {
    /// A node with this id and every default: loopback, a free port, no secret yet.
    pub fn builder(name: NodeId) -> NodeBuilder {
        NodeBuilder::new(name)
    }

    /// Starts a node. With the feature `otel` its spans go to the tracer provider that is set for the process by then.
    ///
    /// Its tasks run on the tokio runtime this is called on; a current-thread runtime costs least.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(config: Config) -> Result<Self, StartError> {
        let spans = Spans::global(&config.name);
        Self::start_on(config, Host::default(), spans).await
    }

    pub(crate) async fn start_on(config: Config, host: Host, spans: Spans) -> Result<Self, StartError> {
        config.check()?;
        let clock = host.clock;
        let data_dir = match &config.data_dir {
            Some(directory) => directory.clone(),
            None => default_data_dir(std::env::vars_os(), &config.name),
        };
        let epoch = take_epoch(&data_dir, clock);
        let source = Source {
            node: config.name.clone(),
            epoch,
        };
        let ring = match config.secrets.is_empty() {
            true => None,
            false => Some(Arc::new(KeyRing::new(&config.cluster, config.secrets.iter())?)),
        };
        let broker = Broker::with_clock(&config.cluster, source, ring.as_deref(), &config.instances, clock);
        let supervisor = Supervisor::default();
        let mesh = match ring {
            Some(ring) => Some(start_mesh(&config, ring, &broker, &supervisor, host).await?),
            None => {
                tracing::warn!(
                    node = %config.name,
                    "no secret is configured: this node serves local clients only, and its messages are unsigned"
                );
                None
            }
        };
        let ticking = broker.clone();
        supervisor.spawn_forever("tick", async move {
            let started = tokio::time::Instant::now();
            let mut interval = tokio::time::interval(TICK);
            loop {
                interval.tick().await;
                ticking.tick(started.elapsed());
            }
        });
        let (address, drain_timeout) = (config.listen, AtomicU64::new(milliseconds(config.drain_timeout)));
        let node = Self {
            inner: Arc::new(Inner {
                cluster: config.cluster,
                broker,
                supervisor,
                mesh,
                address,
                data_dir,
                drain_timeout,
                started: tokio::time::Instant::now(),
                clock,
                alerts: AlertsState::new(&config.integration.alerting),
                figures: Figures::new(&config.integration.thresholds),
                health_shell: HealthShell::new(config.integration.health_monitoring.rules()),
                integration: IntegrationState::new(config.integration),
                emitter_pools: EmitterPools::default(),
                spans,
            }),
        };
        reporters::spawn(&node);
        subscription_health::spawn(&node);
        Ok(node)
    }

    /// Publishes to every interested subscription of the mesh. From any thread; never blocks, never panics. A topic that
    /// is another [spelling](bellwether_catalogue::spelling) of one goes to that one.
    ///
    /// When it returns, the message is in this node's memory, numbered, and on its way.
    ///
    /// # Errors
    /// [`PublishError`]; nothing was published.
    pub fn publish(&self, instance: Instance, draft: &Draft) -> Result<MessageId, PublishError> {
        let id = match canonical_topic(instance, &draft.topic) {
            Cow::Borrowed(_) => self.publish_canonical(instance, draft),
            Cow::Owned(topic) => self.publish_canonical(instance, &with_topic(draft, topic)),
        }?;
        if instance == Instance::Metrics {
            self.note_figure(draft);
        }
        Ok(id)
    }

    /// Subscribes to what matches any of `patterns` in `instance`, on every node. A message that several of them match
    /// comes once. [Spellings](bellwether_catalogue::spelling) are resolved here: the subscription's own patterns are
    /// those of the topics that they mean.
    ///
    /// When it returns, the subscription is live: whatever is published later, on any node that the report counts as
    /// live, is delivered or is told as a gap. It waits up to 2 s for the known nodes to confirm (a node that has not
    /// joined yet first waits up to 5 s for that) and names those that have not. Cancelling it unsubscribes.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn subscribe(
        &self,
        instance: Instance,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> Result<(Subscription, LiveReport), SubscribeError> {
        self.subscribe_from(instance, patterns, ReplayFrom::Live).await
    }

    /// The same without waiting for any other node: the subscription is live on this node, and
    /// [`became_live`](Self::became_live) waits until it is on every other.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub fn subscribe_at_once(
        &self,
        instance: Instance,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> Result<Subscription, SubscribeError> {
        let subscription = self.anchor(instance, patterns)?;
        Ok(Subscription::live(subscription).traced(self.spans()))
    }

    fn anchor(
        &self,
        instance: Instance,
        patterns: impl IntoIterator<Item = Pattern>,
    ) -> Result<bellwether_broker::Subscription, SubscribeError> {
        let meant = patterns
            .into_iter()
            .flat_map(|pattern| canonical_patterns(instance, &pattern));
        self.inner.broker.subscribe(instance, meant)
    }

    /// The same, beginning with what the nodes still keep. Each node is asked for its own feed; their messages are merged
    /// by time, each feed in its order, and go over into what is published now without a hole or a double. What is no
    /// longer kept, or was published by a run that is over, is told as a gap; [`Delivery::Live`](crate::Delivery::Live)
    /// stands between, and names the nodes that could not be asked.
    ///
    /// # Errors
    /// [`SubscribeError`].
    pub async fn subscribe_from(
        &self,
        instance: Instance,
        patterns: impl IntoIterator<Item = Pattern>,
        from: ReplayFrom,
    ) -> Result<(Subscription, LiveReport), SubscribeError> {
        let subscription = self.anchor(instance, patterns)?;
        if from != ReplayFrom::Live && subscription.patterns().iter().any(|pattern| pattern.queue().is_some()) {
            return Err(SubscribeError::QueueReplay);
        }
        if let Some(mesh) = &self.inner.mesh {
            let _ = tokio::time::timeout(JOIN_WITHIN, mesh.joined()).await;
            let _ = tokio::time::timeout(LIVE_WITHIN, mesh.confirmed(instance, subscription.patterns())).await;
        }
        let report = self.live_report(instance, subscription.patterns());
        let subscription = match from {
            ReplayFrom::Live => Subscription::live(subscription),
            from => self.replay(subscription, from),
        };
        Ok((subscription.traced(self.spans()), report))
    }

    fn replay(&self, mut anchor: bellwether_broker::Subscription, from: ReplayFrom) -> Subscription {
        anchor.stop_reading();
        let (items, inbox) = mpsc::channel(replay::AHEAD);
        let had = match &from {
            ReplayFrom::Resume(positions) => positions
                .iter()
                .filter(|position| position.instance == anchor.instance() && position.seq != FeedPosition::LIVE)
                .map(|position| (position.source.clone(), position.seq))
                .collect(),
            _ => Vec::new(),
        };
        let subscription = Subscription::replaying(anchor.instance(), anchor.patterns().into(), inbox, had);
        let replaying = replay::run(self.clone(), anchor, from, items);
        self.inner.supervisor.spawn("replay", replaying);
        subscription
    }

    /// Waits until this node has joined and every known node has confirmed the subscription. Does not borrow it; cancel safe.
    pub fn became_live(&self, subscription: &Subscription) -> impl Future<Output = LiveReport> + Send + use<> {
        let (this, instance, patterns) = (self.clone(), subscription.instance(), subscription.patterns().to_vec());
        async move {
            if let Some(mesh) = this.mesh() {
                mesh.joined().await;
                mesh.confirmed(instance, &patterns).await;
            }
            this.live_report(instance, &patterns)
        }
    }

    /// The largest payload that an instance takes, as it is set now.
    pub fn max_payload_bytes(&self, instance: Instance) -> usize {
        self.inner.broker.max_payload_bytes(instance)
    }

    /// This node's time, for people to read.
    pub(crate) fn now(&self) -> Timestamp {
        (self.inner.clock)()
    }

    pub(crate) fn supervisor(&self) -> &Supervisor {
        &self.inner.supervisor
    }

    pub(crate) fn drain_timeout_ms(&self) -> &AtomicU64 {
        &self.inner.drain_timeout
    }

    /// Where the node keeps what must survive a restart.
    pub(crate) fn data_dir(&self) -> &Path {
        &self.inner.data_dir
    }

    pub(crate) fn integration_state(&self) -> &IntegrationState {
        &self.inner.integration
    }

    pub(crate) fn figures(&self) -> &Figures {
        &self.inner.figures
    }

    pub(crate) fn alerts_state(&self) -> &AlertsState {
        &self.inner.alerts
    }

    pub(crate) fn health_shell(&self) -> &HealthShell {
        &self.inner.health_shell
    }

    pub(crate) fn emitter_state(&self) -> &EmitterPools {
        &self.inner.emitter_pools
    }

    pub(crate) fn cluster(&self) -> &str {
        &self.inner.cluster
    }

    pub(crate) fn spans(&self) -> &Spans {
        &self.inner.spans
    }

    pub(crate) fn broker(&self) -> &Broker {
        &self.inner.broker
    }

    pub(crate) fn mesh(&self) -> Option<&Mesh> {
        self.inner.mesh.as_ref()
    }

    /// The clock by which the broker judges who has stopped reading: the mesh's, which asks it too. It only rises, and is
    /// the same for all who ask this node.
    pub fn uptime(&self) -> Duration {
        self.mesh().map_or_else(|| self.inner.started.elapsed(), Mesh::uptime)
    }

    fn live_report(&self, instance: Instance, patterns: &[Pattern]) -> LiveReport {
        let Some(mesh) = &self.inner.mesh else {
            return LiveReport {
                live: 1,
                nodes: 1,
                not_yet: Vec::new(),
                joined: true,
            };
        };
        let not_yet = mesh.unconfirmed(instance, patterns);
        let nodes = mesh
            .members()
            .iter()
            .filter(|member| member.state != MemberState::Down)
            .count();
        LiveReport {
            live: nodes.saturating_sub(not_yet.len()),
            nodes,
            not_yet,
            joined: mesh.has_joined(),
        }
    }

    /// The membership view, this node included, by node id.
    pub fn members(&self) -> Vec<Member> {
        if let Some(mesh) = &self.inner.mesh {
            return mesh.members();
        }
        vec![Member {
            node: self.id().clone(),
            epoch: self.epoch(),
            address: self.inner.address,
            state: MemberState::Own,
            inbound: true,
            outbound: true,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }]
    }

    /// The ten instances with their totals and bounds.
    pub fn instances(&self) -> Vec<InstanceInfo> {
        Instance::ALL
            .into_iter()
            .map(|instance| InstanceInfo::of(&self.inner.broker, instance))
            .collect()
    }

    /// The topics of an instance with the most messages, published here or received, those first.
    pub fn busiest_topics(&self, instance: Instance, most: usize) -> Vec<TopicCount> {
        self.inner.broker.busiest_topics(instance, most)
    }

    /// The running totals of one instance.
    pub fn counters(&self, instance: Instance) -> &Counters {
        self.inner.broker.counters(instance)
    }

    /// Subscriptions of this node, and what peers have announced interest in; all, or those of one instance, or those
    /// that a message on one topic would reach.
    pub fn subscribers(&self, instance: Option<Instance>, topic: Option<&Topic>) -> Vec<Subscriber> {
        let wanted = Instance::ALL
            .into_iter()
            .filter(|each| instance.is_none_or(|instance| instance == *each));
        let local = wanted
            .clone()
            .flat_map(|instance| self.inner.broker.subscriptions(instance))
            .map(|info| Subscriber {
                node: self.id().clone(),
                instance: info.instance,
                patterns: info.patterns,
                queue_messages: Some(info.queue_messages),
                queue_bytes: Some(info.queue_bytes),
            });
        let remote = wanted.clone().flat_map(|instance| {
            let peers = self
                .inner
                .mesh
                .as_ref()
                .map(|mesh| mesh.interest(instance))
                .unwrap_or_default();
            let subscriber = move |(node, patterns)| Subscriber {
                node,
                instance,
                patterns,
                queue_messages: None,
                queue_bytes: None,
            };
            peers.into_iter().map(subscriber)
        });
        let wants = |subscriber: &Subscriber| {
            topic.is_none_or(|topic| subscriber.wants(&canonical_topic(subscriber.instance, topic)))
        };
        local.chain(remote).filter(wants).collect()
    }

    /// Whether any subscription of the mesh wants what is published on the topic now. True as well while the interest of a
    /// living member is not known: rather a silence than a false "nobody".
    pub fn is_wanted(&self, instance: Instance, topic: &str) -> bool {
        let topic = match Topic::new(topic) {
            Ok(topic) => canonical_topic(instance, &topic).into_owned(),
            Err(_) => return false,
        };
        let elsewhere = || {
            let mesh = self.inner.mesh.as_ref();
            mesh.is_some_and(|mesh| mesh.may_want(instance, topic.as_str()))
        };
        self.inner.broker.is_wanted(instance, topic.as_str()) || elsewhere()
    }

    /// Waits for the first join; not at all where there is no mesh, or there are no seeds. Cancel safe.
    pub async fn joined(&self) {
        if let Some(mesh) = &self.inner.mesh {
            mesh.joined().await;
        }
    }

    /// Whether the node is ready to serve.
    pub fn readiness(&self) -> Readiness {
        let joined = self.inner.mesh.as_ref().is_none_or(Mesh::has_joined);
        let waiting_for = if joined {
            ""
        } else {
            "the first join: no seed has answered yet, or links are not up both ways"
        };
        Readiness {
            ready: joined,
            waiting_for: waiting_for.to_owned(),
        }
    }

    /// How many connection attempts by strangers were refused.
    pub fn strangers(&self) -> u64 {
        self.inner
            .mesh
            .as_ref()
            .map_or(0, |mesh| mesh.strangers().connections())
    }

    /// How many datagrams reached the mesh's port that were not QUIC.
    pub fn foreign_datagrams(&self) -> u64 {
        self.inner.mesh.as_ref().map_or(0, |mesh| mesh.strangers().datagrams())
    }

    /// Bytes written to the data streams of each link that is up: what no interest asked for is not among them.
    pub fn data_stream_bytes(&self) -> Vec<(NodeId, u64)> {
        self.inner
            .mesh
            .as_ref()
            .map(Mesh::data_stream_bytes)
            .unwrap_or_default()
    }

    /// The node's id.
    pub fn id(&self) -> &NodeId {
        &self.inner.broker.source().node
    }

    /// The number of this run.
    pub fn epoch(&self) -> Epoch {
        self.inner.broker.source().epoch
    }

    /// Whether messages are signed. False: no secret is configured, so there is no mesh.
    pub fn is_signed(&self) -> bool {
        self.inner.mesh.is_some()
    }

    /// The mesh's UDP address, if there is a mesh.
    pub fn listen_addr(&self) -> Option<SocketAddr> {
        self.inner.mesh.as_ref().map(Mesh::address)
    }

    /// Stops in good order: refuses publishes, flushes links until peers have confirmed or the drain time is over, ends
    /// subscriptions (each hands out what waits for it and then ends).
    pub async fn shutdown(&self) -> Stopped {
        let within = self.inner.drain_timeout.load(Ordering::Relaxed);
        self.stop_within(Duration::from_millis(within)).await
    }

    /// The same, but leaves at once: peers have at most a second to confirm, or the drain time if that is less.
    pub async fn leave(&self) -> Stopped {
        let within = self.inner.drain_timeout.load(Ordering::Relaxed);
        self.stop_within(Duration::from_millis(within).min(LEAVE_WITHIN)).await
    }

    async fn stop_within(&self, within: Duration) -> Stopped {
        let inner = &self.inner;
        reporters::stopping(self);
        reporters::stopped(self);
        inner.broker.refuse_publishes();
        let unconfirmed = match &inner.mesh {
            Some(mesh) => mesh.drain(within).await,
            None => Vec::new(),
        };
        // What is held back for somebody's health goes too.
        inner.health_shell.begin_anew(self.uptime());
        inner.broker.end_subscriptions();
        inner.emitter_pools.end_all();
        inner.supervisor.stop().await;
        Stopped { unconfirmed }
    }

    /// While the node stops, the other nodes that have not confirmed everything yet; before, all that are there.
    pub fn owed(&self) -> Vec<NodeId> {
        self.inner.mesh.as_ref().map(Mesh::undrained).unwrap_or_default()
    }

    /// Waits until the node cannot go on; gives the reason in words. Cancel safe.
    pub async fn failed(&self) -> String {
        let reason = self.inner.supervisor.failed().await;
        if let Some(newer) = self.inner.mesh.as_ref().and_then(Mesh::newer_run) {
            // The next start must be above what peers know, whatever the clock says.
            let raised = epoch_file::raise(&self.inner.data_dir, newer);
            if let Err(err) = raised {
                tracing::warn!(err = &err as &dyn std::error::Error, "cannot raise this node's epoch");
            }
        }
        reason
    }
}

/// How a node stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Stopped {
    /// Peers that had not confirmed everything when the drain time was over.
    pub unconfirmed: Vec<NodeId>,
}

/// Why a node did not start. Nothing is left running.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StartError {
    /// The configuration does not hold together.
    #[error(transparent)]
    Config(#[from] ConfigError),
    /// A secret is not usable.
    #[error("the cluster secret is not usable")]
    Secret(#[from] SecretError),
    /// There is no mesh.
    #[error(transparent)]
    Mesh(#[from] MeshError),
}

/// The number of this run. Without a directory that can be written the clock must do.
fn take_epoch(directory: &Path, clock: WallClock) -> Epoch {
    epoch_file::next(directory, clock).unwrap_or_else(|err| {
        let err = &err as &dyn std::error::Error;
        tracing::warn!(
            err,
            "this run's epoch comes from the clock alone; it must not be set back before the next start"
        );
        epoch_file::from_clock(clock)
    })
}

/// The same message on another topic.
pub(crate) fn with_topic(draft: &Draft, topic: Topic) -> Draft {
    Draft { topic, ..draft.clone() }
}

async fn start_mesh(
    config: &Config,
    ring: Arc<KeyRing>,
    broker: &Broker,
    supervisor: &Supervisor,
    host: Host,
) -> Result<Mesh, StartError> {
    let mut settings = MeshSettings::new(&config.cluster, ring, config.listen);
    settings.advertise = config.advertise;
    settings.seeds = config.seeds.clone();
    settings.gossip_interval = config.gossip_interval;
    env!("CARGO_PKG_VERSION").clone_into(&mut settings.program);
    Ok(Mesh::start(settings, broker.clone(), supervisor.clone(), host.sockets).await?)
}
