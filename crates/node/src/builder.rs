//! Building a node in a program, without files or variables.

use std::net::{Ipv4Addr, SocketAddr};
use std::path::PathBuf;
#[cfg(feature = "otel")]
use std::sync::Arc;
use std::time::Duration;

use bellwether_broker::InstanceSettings;
use bellwether_message::{Instance, NodeId};

use crate::config::{Config, ConfigError, Secrets};
use crate::host::Host;
use crate::integration::IntegrationSettings;
use crate::node::{Node, StartError};
use crate::spans::Spans;

/// Collects what a node is to be; [`start`](Self::start) starts it.
///
/// By default it listens on a free port of the loopback interface, has no secret (so serves this process alone) and
/// keeps its epoch in the user's state directory.
#[derive(Debug, Clone)]
#[must_use = "nothing runs until `start` is called"]
pub struct NodeBuilder {
    config: Config,
    host: Host,
    #[cfg(feature = "otel")]
    tracer: Option<Arc<opentelemetry::global::BoxedTracer>>,
}

impl NodeBuilder {
    pub(crate) fn new(name: NodeId) -> Self {
        let mut config = Config::new(name);
        config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        Self {
            config,
            host: Host::default(),
            #[cfg(feature = "otel")]
            tracer: None,
        }
    }

    /// The cluster's name; nodes of another never link. Default `bellwether`.
    pub fn cluster(mut self, cluster: impl Into<String>) -> Self {
        self.config.cluster = cluster.into();
        self
    }

    /// The cluster secret, at least 32 bytes; several for a rotation: the first signs, all verify.
    ///
    /// # Errors
    /// [`ConfigError`] if one is too short or a single repeated byte.
    pub fn secrets<S: AsRef<[u8]>>(mut self, secrets: impl IntoIterator<Item = S>) -> Result<Self, ConfigError> {
        self.config.secrets = Secrets::new(secrets.into_iter().map(|secret| secret.as_ref().to_vec()))?;
        Ok(self)
    }

    /// Where to listen for other nodes (UDP); port 0 takes a free one.
    pub fn listen(mut self, listen: SocketAddr) -> Self {
        self.config.listen = listen;
        self
    }

    /// Where others dial this node, if not where it listens.
    pub fn advertise(mut self, advertise: SocketAddr) -> Self {
        self.config.advertise = Some(advertise);
        self
    }

    /// An address, `host:port`, where the first member may be found. May be called several times.
    pub fn seed(mut self, seed: impl Into<String>) -> Self {
        self.config.seeds.push(seed.into());
        self
    }

    /// Where the node keeps its epoch.
    pub fn data_dir(mut self, directory: impl Into<PathBuf>) -> Self {
        self.config.data_dir = Some(directory.into());
        self
    }

    /// How often it gossips: 50 ms to 10 s, default 200 ms.
    pub fn gossip_interval(mut self, interval: Duration) -> Self {
        self.config.gossip_interval = interval;
        self
    }

    /// How long a stop may wait for peers to confirm; default 10 s.
    pub fn drain_timeout(mut self, timeout: Duration) -> Self {
        self.config.drain_timeout = timeout;
        self
    }

    /// Changes the bounds of one instance.
    #[expect(clippy::indexing_slicing, reason = "one place per instance, indexed by the instance")]
    pub fn instance(mut self, instance: Instance, change: impl FnOnce(&mut InstanceSettings)) -> Self {
        change(&mut self.config.instances[instance.index()]);
        self
    }

    /// Changes what the node tells of itself; by default nothing.
    pub fn integration(mut self, change: impl FnOnce(&mut IntegrationSettings)) -> Self {
        change(&mut self.config.integration);
        self
    }

    /// What it takes from its host: for simulations.
    pub fn host(mut self, host: Host) -> Self {
        self.host = host;
        self
    }

    /// What makes its spans; default: the tracer provider that is set for the process when the node starts.
    #[cfg(feature = "otel")]
    pub fn tracer(mut self, tracer: opentelemetry::global::BoxedTracer) -> Self {
        self.tracer = Some(Arc::new(tracer));
        self
    }

    /// Starts the node on the current tokio runtime.
    ///
    /// # Errors
    /// [`StartError`]; nothing is left running.
    pub async fn start(self) -> Result<Node, StartError> {
        #[cfg(feature = "otel")]
        let spans = match self.tracer {
            Some(tracer) => Spans::new(tracer, &self.config.name),
            None => Spans::global(&self.config.name),
        };
        #[cfg(not(feature = "otel"))]
        let spans = Spans::global(&self.config.name);
        Node::start_on(self.config, self.host, spans).await
    }
}
