//! The participant: its node, what it publishes and what it reads.

use std::collections::BTreeMap;

use anyhow::{Context, bail};
use bellwether::{Instance, MemberState, Node, NodeId, Pattern};
use bellwether_history::Kind;
use bellwether_tests::participant::{Answer, MemberSeen, Order, Reading, Setup};
use bellwether_tests::{Recorder, SECRET};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::signal::unix::{SignalKind, signal};

use crate::memory::Memory;
use crate::publisher::Publisher;
use crate::reader::Reader;
use crate::watch;

/// Bytes in the backlog for each message in it: the messages of the scenarios are small.
const BACKLOG_BYTES_PER_MESSAGE: usize = 512;
const LEAST_BYTES: usize = 1024 * 1024;

pub(crate) struct Participant {
    node: Node,
    recorder: Recorder,
    memory: Memory,
    publishers: BTreeMap<Instance, Publisher>,
    readers: BTreeMap<u64, Reader>,
    subscribed: u64,
}

impl Participant {
    pub(crate) async fn start(setup: Setup) -> anyhow::Result<Self> {
        let mut builder = Node::builder(NodeId::new(&setup.name)?)
            .secrets([SECRET])?
            .listen(setup.listen)
            .data_dir(&setup.data);
        for seed in &setup.seeds {
            builder = builder.seed(seed.to_string());
        }
        for instance in Instance::ALL {
            builder = builder.instance(instance, |bounds| {
                bounds.max_payload_bytes = LEAST_BYTES;
                bounds.backlog_messages = setup.backlog_messages;
                bounds.backlog_bytes = (setup.backlog_messages * BACKLOG_BYTES_PER_MESSAGE).max(LEAST_BYTES);
                bounds.queue_messages = setup.queue_messages;
                bounds.queue_bytes = setup.queue_bytes.max(LEAST_BYTES);
            });
        }
        let node = builder.start().await?;
        let recorder = Recorder::open(&setup.history, &setup.name, node.epoch().0)?;
        recorder.write(Kind::Start {});
        tokio::spawn(watch::run(node.clone(), recorder.clone()));
        say(&Answer::Started { epoch: node.epoch().0 })?;
        Ok(Self {
            node,
            recorder,
            memory: Memory::now(),
            publishers: BTreeMap::new(),
            readers: BTreeMap::new(),
            subscribed: 0,
        })
    }

    /// Obeys until it is told to stop or nobody is left to tell it anything; gives whether it lost nothing.
    pub(crate) async fn run(mut self) -> anyhow::Result<bool> {
        let mut orders = BufReader::new(tokio::io::stdin()).lines();
        let mut terminate = signal(SignalKind::terminate())?;
        loop {
            tokio::select! {
                order = orders.next_line() => match order? {
                    Some(order) => say(&self.obey(serde_json::from_str(&order)?).await?)?,
                    None => break,
                },
                _ = terminate.recv() => break,
                reason = self.node.failed() => bail!("the node cannot go on: {reason}"),
            }
        }
        self.stop().await
    }

    async fn obey(&mut self, order: Order) -> anyhow::Result<Answer> {
        Ok(match order {
            Order::Subscribe(instance, pattern) => self.subscribe(instance, &pattern).await?,
            Order::Unsubscribe(sub) => {
                self.readers
                    .remove(&sub)
                    .context("no such subscription")?
                    .unsubscribe()
                    .await;
                Answer::Done
            }
            Order::Read(sub, reading) => {
                self.reader(sub)?.read(reading);
                Answer::Done
            }
            Order::Publish(load) => {
                let instance = load.instance;
                let publisher = Publisher::start(self.node.clone(), self.recorder.clone(), load)?;
                self.publishers.insert(instance, publisher);
                Answer::Done
            }
            Order::Progress(instance) => Answer::Published(self.publisher(instance)?.published()),
            Order::Hush(instance) => Answer::Published(self.publisher(instance)?.hush().await),
            Order::Hear(sub) => Answer::Heard(self.reader(sub)?.tally().heard()),
            Order::Latency(sub) => Answer::Latency(self.reader(sub)?.tally().take_latency()),
            Order::Members => Answer::Members(self.members()),
            Order::Memory => {
                let (value, bound) = self.memory.measure(&self.node);
                let what = "resident bytes".into();
                self.recorder.write(Kind::Size { what, value, bound });
                Answer::Memory { value, bound }
            }
        })
    }

    async fn subscribe(&mut self, instance: Instance, pattern: &str) -> anyhow::Result<Answer> {
        // Unique in the history, as no two processes of a run have one id.
        let sub = u64::from(std::process::id()) << 16 | self.subscribed;
        self.subscribed += 1;
        let pattern = Pattern::new(pattern)?;
        let patterns = [pattern.as_str()];
        self.recorder
            .write(Kind::subscribe_call(sub, instance, patterns, "live"));
        let (subscription, live) = self.node.subscribe(instance, [pattern]).await?;
        let unconfirmed = live.not_yet.iter().map(|node| node.as_str().into()).collect();
        self.recorder.write(Kind::SubscribeOk { sub, unconfirmed });
        if !live.is_complete() {
            let (confirmed, recorder) = (self.node.became_live(&subscription), self.recorder.clone());
            tokio::spawn(async move {
                confirmed.await;
                for node in live.not_yet {
                    let source = node.as_str().into();
                    recorder.write(Kind::Confirmed { sub, source });
                }
            });
        }
        self.readers
            .insert(sub, Reader::start(sub, subscription, self.recorder.clone()));
        Ok(Answer::Subscribed { sub, live: live.live })
    }

    fn members(&self) -> Vec<MemberSeen> {
        let seen = |member: bellwether::Member| MemberSeen {
            node: member.node.to_string(),
            epoch: member.epoch.0,
            is_linked: member.inbound
                && member.outbound
                && matches!(member.state, MemberState::Own | MemberState::Alive),
            is_down: member.state == MemberState::Down,
        };
        self.node.members().into_iter().map(seen).collect()
    }

    /// Stops in good order, and gives whether all peers have confirmed everything.
    async fn stop(mut self) -> anyhow::Result<bool> {
        for reader in self.readers.values_mut() {
            reader.read(Reading::Fast);
        }
        let stopped = self.node.shutdown().await;
        for publisher in self.publishers.values_mut() {
            publisher.hush().await;
        }
        for reader in self.readers.into_values() {
            reader.ended().await;
        }
        let unconfirmed = stopped.unconfirmed.iter().map(|node| node.as_str().into()).collect();
        self.recorder.write(Kind::Stop { unconfirmed });
        Ok(stopped.unconfirmed.is_empty())
    }

    fn reader(&mut self, sub: u64) -> anyhow::Result<&mut Reader> {
        self.readers.get_mut(&sub).context("no such subscription")
    }

    fn publisher(&mut self, instance: Instance) -> anyhow::Result<&mut Publisher> {
        self.publishers.get_mut(&instance).context("nothing is published there")
    }
}

/// One line on standard output, which passes lines on as they come.
fn say(answer: &Answer) -> anyhow::Result<()> {
    println!("{}", serde_json::to_string(answer)?);
    Ok(())
}
