//! `bellwether demo`: three nodes in this process that find each other, publish and receive.

mod ledger;
mod story;

use std::net::{Ipv4Addr, SocketAddr};
use std::pin::pin;
use std::time::Duration;

use anyhow::Context;
use bellwether::{
    Config, Delivery, Instance, Member, MemberState, MessageId, MessageJson, Node, NodeId, Pattern, Secrets,
    Subscription,
};
use tempfile::TempDir;
use tokio::sync::mpsc;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use self::ledger::Ledger;
use crate::commands::secret;
use crate::failure::{Failure, tell};
use crate::message_line;
use crate::output::{Format, Output, Paint};
use crate::runtime::{StopSignals, block_on};
use crate::theme::{Classic, Theme};

/// Deliveries of all nodes that wait to be printed. When full, they wait in the subscriptions' own queues.
const DELIVERIES_QUEUE: usize = 256;
/// Time between two published messages.
const PUBLISH_INTERVAL: Duration = Duration::from_millis(500);
/// The nodes must have found each other by then.
const MEET_TIMEOUT: Duration = Duration::from_secs(10);
/// How often we look whether they have.
const MEET_CHECK: Duration = Duration::from_millis(10);
/// How long the last messages may take to arrive.
const LAST_DELIVERIES_TIMEOUT: Duration = Duration::from_secs(3);
/// How long the nodes may take to say goodbye.
const DRAIN_TIMEOUT: Duration = Duration::from_secs(2);

const NAMES: [&str; 3] = ["a", "b", "c"];

/// What each node subscribes to.
const WANTED: [(Instance, &str); 3] = [
    (Instance::Alerts, "system_alerts:*"),
    (Instance::Health, "*"),
    (Instance::Events, "orders:*"),
];

const WHERE_NEXT: &str = "
The same as three real processes, each in a terminal of its own after `export SECRET_KEY_BASE=...` of one secret:
  bellwether secret new                 makes that secret
  bellwether start --name a --listen 127.0.0.1:7400 --http 127.0.0.1:7480
  bellwether start --name b --listen 127.0.0.2:7400 --http 127.0.0.2:7480 --seed 127.0.0.1:7400
  bellwether start --name c --listen 127.0.0.3:7400 --http 127.0.0.3:7480 --seed 127.0.0.1:7400
  bellwether --node http://127.0.0.3:7480 sub alerts 'system_alerts:*'
  bellwether --node http://127.0.0.1:7480 pub alerts system_alerts:critical '{\"message\":\"disk full\"}'";

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Demo {
    /// Until Ctrl-C otherwise.
    pub(crate) duration: Option<Duration>,
    pub(crate) format: Format,
    /// How text looks.
    pub(crate) theme: Theme,
}

impl Demo {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let mut signals = StopSignals::new()?;
            tell(
                "Three nodes, a, b and c, in this process: real gossip and real QUIC on 127.0.0.1, protected by a random \
                 secret of their own.",
            );
            let nodes = Nodes::start().await?;
            let outcome = self.show(&nodes, &mut signals).await;
            nodes.stop().await;
            outcome
        })
    }

    async fn show(&self, nodes: &Nodes, signals: &mut StopSignals) -> Result<(), Failure> {
        tokio::select! {
            met = nodes.meet() => met?,
            _ = signals.next() => return Err(Failure::new("stopped before the nodes had found each other")),
        }
        let mut deliveries = nodes.subscribe().await?;
        tell("Each publishes in turn, two messages a second, and every node receives all of them. Ctrl-C ends it.\n");

        let mut printer = Printer::new(self.format, self.theme)?;
        let mut ledger = Ledger::new(nodes.all.len());
        let mut ticks = interval(PUBLISH_INTERVAL);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut end = pin!(at_the_end_of(self.duration));
        let mut number = 0;
        loop {
            tokio::select! {
                biased;
                _ = signals.next() => break,
                () = &mut end => break,
                Some(delivered) = deliveries.recv() => printer.on_delivered(&delivered, &mut ledger)?,
                _ = ticks.tick() => {
                    ledger.on_published(nodes.publish(number)?);
                    number += 1;
                }
            }
        }
        let last_deliveries = async {
            while ledger.missing() > 0
                && let Some(delivered) = deliveries.recv().await
            {
                printer.on_delivered(&delivered, &mut ledger)?;
            }
            Ok::<_, Failure>(())
        };
        if let Ok(printed) = timeout(LAST_DELIVERIES_TIMEOUT, last_deliveries).await {
            printed?;
        }
        tell(format_args!("\n{ledger}"));
        if ledger.is_clean() {
            tell(WHERE_NEXT);
            return Ok(());
        }
        Err(Failure::new("not every message came to every node once and in order"))
    }
}

/// Pends for ever where no duration is given.
async fn at_the_end_of(duration: Option<Duration>) {
    match duration {
        Some(duration) => sleep(duration).await,
        None => std::future::pending().await,
    }
}

/// The three, and the folder that goes when they do.
struct Nodes {
    all: [Node; 3],
    names: [NodeId; 3],
    started: Instant,
    _data: TempDir,
}

impl Nodes {
    async fn start() -> Result<Self, Failure> {
        let started = Instant::now();
        let data = TempDir::with_prefix("bellwether-demo-").context("cannot make a temporary folder")?;
        let secret = secret::random()?;
        let names = NAMES.map(|name| NodeId::new(name).expect("the demo's names are valid"));
        let start = async |name: &NodeId, seeds: Vec<String>| {
            let mut config = Config::new(name.clone());
            config.listen = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
            config.seeds = seeds;
            config.secrets = Secrets::new([secret.as_str()])?;
            config.data_dir = Some(data.path().join(name.as_str()));
            config.drain_timeout = DRAIN_TIMEOUT;
            Node::start(config)
                .await
                .with_context(|| format!("cannot start node {name}"))
        };
        let a = start(&names[0], Vec::new()).await?;
        let address = a.listen_addr().context("node a has no address")?;
        let seeds = vec![address.to_string()];
        let b = start(&names[1], seeds.clone()).await?;
        let c = start(&names[2], seeds).await?;
        tell(format_args!(
            "a listens at {address}; b and c know nothing but that address."
        ));
        Ok(Self {
            all: [a, b, c],
            names,
            started,
            _data: data,
        })
    }

    /// Waits until each sees all, over links in both directions.
    async fn meet(&self) -> Result<(), Failure> {
        let deadline = self.started + MEET_TIMEOUT;
        while !self.all.iter().all(sees_all) {
            if Instant::now() >= deadline {
                return Err(self.not_met());
            }
            sleep(MEET_CHECK).await;
        }
        tell(format_args!(
            "They have found each other by gossip in {:.1} s, each linked with each.",
            self.started.elapsed().as_secs_f64()
        ));
        Ok(())
    }

    fn not_met(&self) -> Failure {
        let views = self.all.iter().map(|node| {
            let others = node.members().into_iter().filter(|member| member.node != *node.id());
            let seen: Vec<_> = others.map(|member| member.node.to_string()).collect();
            match seen.is_empty() {
                true => format!("{} sees nobody", node.id()),
                false => format!("{} sees {}", node.id(), seen.join(" and ")),
            }
        });
        let views = views.collect::<Vec<_>>().join(", ");
        let seconds = MEET_TIMEOUT.as_secs();
        Failure::with_hint(
            format!("the nodes have not found each other in {seconds} s: {views}"),
            "Does a firewall stop UDP on 127.0.0.1? `BELLWETHER_LOG=debug bellwether demo` tells more.",
        )
    }

    /// Subscribes on each node and gives what all of them receive.
    async fn subscribe(&self) -> Result<mpsc::Receiver<Delivered>, Failure> {
        let (sender, deliveries) = mpsc::channel(DELIVERIES_QUEUE);
        let patterns = WANTED
            .map(|(instance, pattern)| format!("{instance} {pattern}"))
            .join(", ");
        for (receiver, node) in self.all.iter().enumerate() {
            let mut live = Vec::new();
            for (instance, pattern) in WANTED {
                let pattern = Pattern::new(pattern).expect("the demo's patterns are valid");
                let subscribed = node.subscribe(instance, [pattern]).await;
                let (subscription, report) =
                    subscribed.with_context(|| format!("cannot subscribe on {}", node.id()))?;
                live.push(format!("{} of {}", report.live, report.nodes));
                tokio::spawn(hand_on(subscription, receiver, node.id().clone(), sender.clone()));
            }
            live.dedup();
            tell(format_args!(
                "{} subscribes to {patterns}: live on {} nodes.",
                node.id(),
                live.join(", ")
            ));
        }
        Ok(deliveries)
    }

    /// Publishes message `number` on the node whose turn it is.
    fn publish(&self, number: u64) -> Result<MessageId, Failure> {
        let turn = usize::try_from(number % NAMES.len() as u64).unwrap_or_default();
        let (instance, draft) = story::message(number, &self.names, turn);
        let published = self.all[turn].publish(instance, &draft);
        Ok(published.with_context(|| format!("cannot publish on {}", self.names[turn]))?)
    }

    async fn stop(&self) {
        let [a, b, c] = &self.all;
        tokio::join!(a.shutdown(), b.shutdown(), c.shutdown());
    }
}

fn sees_all(node: &Node) -> bool {
    let members = node.members();
    let linked = |member: &Member| match member.state {
        MemberState::Own => true,
        MemberState::Alive => member.inbound && member.outbound,
        _ => false,
    };
    members.len() == NAMES.len() && members.iter().all(linked) && node.readiness().ready
}

/// One delivery, and which node received it.
struct Delivered {
    /// Its place among the nodes.
    receiver: usize,
    node: NodeId,
    delivery: Delivery,
}

/// Hands one subscription's deliveries on until either end is gone.
async fn hand_on(mut subscription: Subscription, receiver: usize, node: NodeId, sender: mpsc::Sender<Delivered>) {
    while let Some(delivery) = subscription.next().await {
        let delivered = Delivered {
            receiver,
            node: node.clone(),
            delivery,
        };
        if sender.send(delivered).await.is_err() {
            return;
        }
    }
}

/// Prints deliveries on stdout.
struct Printer {
    format: Format,
    output: Output,
    paint: Paint,
    /// Draws messages, where they are not lines in columns.
    classic: Option<Classic>,
}

impl Printer {
    fn new(format: Format, theme: Theme) -> Result<Self, Failure> {
        let mut printer = Self {
            format,
            output: Output::stdout(),
            paint: Paint::for_stdout(),
            classic: theme.classic(),
        };
        if format == Format::Text && printer.classic.is_none() {
            printer.output.line(message_line::titles(printer.paint))?;
            printer.output.flush()?;
        }
        Ok(printer)
    }

    fn on_delivered(&mut self, delivered: &Delivered, ledger: &mut Ledger) -> Result<(), Failure> {
        let envelope = match &delivered.delivery {
            Delivery::Message(envelope) => envelope,
            Delivery::Gap(gap) => {
                // The messages themselves stay missing in the ledger.
                tell(format_args!(
                    "{}: {} messages are missing: {}",
                    delivered.node, gap.count, gap.cause
                ));
                return Ok(());
            }
            _ => return Ok(()),
        };
        ledger.on_delivered(delivered.receiver, &envelope.id());
        let json = MessageJson::new(envelope).received_on(delivered.node.as_str());
        let json = serde_json::to_string(&json).context("cannot write JSON")?;
        match self.format {
            Format::Json => self.output.line(json)?,
            Format::Text => {
                let text = match &mut self.classic {
                    Some(classic) => classic.render(json.as_bytes()),
                    None => message_line::render(json.as_bytes(), self.paint),
                };
                self.output.line(text.context("cannot read our own JSON")?)?;
            }
        }
        self.output.flush()
    }
}
