//! `bellwether trace`: which messages belong to one, across nodes and instances, and what led to what.

mod line;
mod story;

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::time::Duration;

use bellwether_client::{Beginning, Client, Item as StreamItem, StreamError, Subscribe, SubscribeError, Subscription};
use bellwether_message::{Instance, MessageId, Pattern};
use bytes::Bytes;
use tokio::time::{Instant, timeout_at};

use self::story::Story;
use crate::commands::subscribe::item::Item;
use crate::failure::{Failure, tell};
use crate::output::{Format, Output, Paint};
use crate::reach::Reach;
use crate::runtime::block_on;

/// Causes that are asked for one by one, since they name no other message themselves.
const CAUSES_ASKED: usize = 32;
/// Gaps that are told one by one; the others are only counted.
const GAPS_TOLD: usize = 5;
/// Time between two reports of progress on a terminal.
const PROGRESS_INTERVAL: Duration = Duration::from_secs(1);
/// The longest that following may take where no end was given: as good as none.
const ENDLESS: Duration = Duration::from_secs(365 * 24 * 60 * 60);

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Trace {
    pub(crate) node: Reach,
    /// A message's id, or what messages have as their correlation or cause.
    pub(crate) word: String,
    /// Where it is looked for.
    pub(crate) instances: Vec<Instance>,
    /// Since when.
    pub(crate) from: Beginning,
    /// Looking at what the nodes keep ends after this.
    pub(crate) within: Duration,
    /// It ends with so many messages.
    pub(crate) most: usize,
    /// Goes on with what is published, for so long if that is said.
    pub(crate) follow: Option<Option<Duration>>,
    pub(crate) format: Format,
}

/// How looking back has ended.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Complete,
    /// There are as many as were wanted.
    Full,
    TimedOut,
}

impl Trace {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let mut story = Story::new(&self.word, self.most);
            let client = self.node.connect().await?;
            let deadline = Instant::now() + self.within;
            // What it names is known before the rest is looked at.
            if let Ok(id) = self.word.parse() {
                self.ask_for(&client, &id, &mut story, deadline).await?;
            }
            let mut subscription = self.subscribe(&client).open().await.map_err(refused)?;
            let end = self.look_back(&mut subscription, &mut story, deadline).await?;
            self.ask_for_causes(&client, &mut story, deadline).await?;
            self.print(&story)?;
            self.tell_end(&end, &story);
            match self.follow {
                Some(longest) if !story.is_full() => self.go_on(&mut subscription, &mut story, longest).await,
                None if story.len() == 0 => Err(self.nothing()),
                _ => Ok(()),
            }
        })
    }

    fn subscribe(&self, client: &Client) -> Subscribe {
        let wanted = self.instances.iter().map(|instance| (*instance, everything()));
        client.subscribe(wanted).from(self.from.clone())
    }

    /// Reads what the nodes keep, until every instance is live.
    async fn look_back(
        &self,
        subscription: &mut Subscription,
        story: &mut Story,
        deadline: Instant,
    ) -> Result<End, Failure> {
        let mut notes = Notes::default();
        let mut replaying: BTreeSet<Instance> = match self.from {
            Beginning::Live => BTreeSet::new(),
            _ => self.instances.iter().copied().collect(),
        };
        let end = loop {
            if replaying.is_empty() {
                break End::Complete;
            }
            let json = match timeout_at(deadline, subscription.next_item()).await {
                Err(_) => break End::TimedOut,
                Ok(item) => match json_of(item)? {
                    Some(json) => json,
                    None => continue,
                },
            };
            match Item::of(&json) {
                Item::Message => {
                    story.absorb(&json);
                    notes.progress(story);
                }
                Item::Live(live) => {
                    replaying.remove(&live.instance);
                    if !live.incomplete.is_empty() {
                        notes.add(&Item::Live(live));
                    }
                }
                marker => notes.add(&marker),
            }
            if story.is_full() {
                break End::Full;
            }
        };
        notes.tell();
        Ok(end)
    }

    /// A message that names no others is passed over until somebody names it: those are asked for by their ids.
    async fn ask_for_causes(&self, client: &Client, story: &mut Story, deadline: Instant) -> Result<(), Failure> {
        let mut asked = BTreeSet::new();
        while let Some(id) = story.missing_causes().into_iter().find(|id| !asked.contains(id)) {
            if asked.len() == CAUSES_ASKED || story.is_full() {
                return Ok(());
            }
            if self.instances.contains(&id.instance) {
                self.ask_for(client, &id, story, deadline).await?;
            }
            asked.insert(id);
        }
        Ok(())
    }

    /// Reads the feed of a message up to it, from just before it.
    async fn ask_for(
        &self,
        client: &Client,
        id: &MessageId,
        story: &mut Story,
        deadline: Instant,
    ) -> Result<(), Failure> {
        let from = match id.seq {
            0 | 1 => Beginning::Earliest,
            seq => Beginning::After(MessageId {
                seq: seq - 1,
                ..id.clone()
            }),
        };
        let asked = client.subscribe([(id.instance, everything())]).from(from);
        let mut feed = asked.open().await.map_err(refused)?;
        let beginning = format!("{{\"id\":\"{id}\"");
        while let Ok(item) = timeout_at(deadline, feed.next_item()).await {
            let Some(json) = json_of(item)? else { continue };
            match Item::of(&json) {
                Item::Message if json.starts_with(beginning.as_bytes()) => {
                    story.absorb(&json);
                    return Ok(());
                }
                Item::Live(_) => return Ok(()),
                _ => {}
            }
        }
        Ok(())
    }

    /// Prints each message that belongs to it as it is published.
    async fn go_on(
        &self,
        subscription: &mut Subscription,
        story: &mut Story,
        longest: Option<Duration>,
    ) -> Result<(), Failure> {
        let deadline = Instant::now() + longest.unwrap_or(ENDLESS);
        let mut output = Output::stdout();
        tell("following what is published; Ctrl-C ends it");
        while let Ok(item) = timeout_at(deadline, subscription.next_item()).await {
            let Some(json) = json_of(item)? else { continue };
            match Item::of(&json) {
                Item::Message => {
                    let new = story.absorb(&json);
                    let begin = story.begin().unwrap_or_else(bellwether_message::Timestamp::now);
                    for branch in new.iter().filter_map(|key| story.place(key)) {
                        self.print_one(&mut output, &branch, begin)?;
                    }
                    output.flush()?;
                }
                marker => {
                    if let Some(text) = marker.text() {
                        tell(text);
                    }
                }
            }
            if story.is_full() {
                self.tell_end(&End::Full, story);
                return Ok(());
            }
        }
        Ok(())
    }

    fn print(&self, story: &Story) -> Result<(), Failure> {
        let Some(begin) = story.begin() else { return Ok(()) };
        let mut output = Output::stdout();
        if self.format == Format::Text {
            output.line(line::titles(Paint::for_stdout()))?;
        }
        let tree = story.tree();
        for branch in &tree {
            self.print_one(&mut output, branch, begin)?;
        }
        let has_two_clocks = |branch: &story::Branch<'_>| branch.since_cause().is_some_and(|(_, one)| !one);
        if self.format == Format::Text && (self.follow.is_some() || tree.iter().any(has_two_clocks)) {
            output.line(line::NOTE)?;
        }
        output.flush()
    }

    fn print_one(
        &self,
        output: &mut Output,
        branch: &story::Branch<'_>,
        begin: bellwether_message::Timestamp,
    ) -> Result<(), Failure> {
        match self.format {
            Format::Text => output.line(line::text(branch, Paint::for_stdout())),
            Format::Json => output.line(line::json(branch, begin).map_err(anyhow::Error::from)?),
        }
    }

    fn tell_end(&self, end: &End, story: &Story) {
        match end {
            End::Complete => {}
            End::Full => tell(format_args!(
                "ended at {} messages; there may be more: --count takes up to {}",
                self.most,
                Self::MOST
            )),
            End::TimedOut => tell(format_args!(
                "ended after {} ms, with {} messages looked at; there may be more: --within gives it more time, --from a \
                 later beginning",
                self.within.as_millis(),
                story.looked_at()
            )),
        }
        if story.overlooked() > 0 {
            tell(format_args!(
                "{} messages were passed over that may belong here, since too many others name their causes or have \
                 correlations: --from and --instance leave some out",
                story.overlooked()
            ));
        }
    }

    fn nothing(&self) -> Failure {
        Failure::with_hint(
            format!("no message that the nodes still keep is or names `{}`", self.word),
            "An id is INSTANCE/NODE/EPOCH/SEQ. --follow waits for what is published from now on.",
        )
    }

    /// The most messages of one story.
    pub(crate) const MOST: u32 = 10_000;
}

/// What is told beside the messages, once they are printed.
struct Notes {
    is_terminal: bool,
    told: Instant,
    markers: Vec<String>,
    untold: u64,
}

impl Default for Notes {
    fn default() -> Self {
        Self {
            is_terminal: std::io::stderr().is_terminal(),
            told: Instant::now(),
            markers: Vec::new(),
            untold: 0,
        }
    }
}

impl Notes {
    fn progress(&mut self, story: &Story) {
        if self.is_terminal && self.told.elapsed() >= PROGRESS_INTERVAL {
            self.told = Instant::now();
            let (looked_at, found) = (story.looked_at(), story.len());
            tell(format_args!("{looked_at} messages looked at, {found} belong together"));
        }
    }

    fn add(&mut self, marker: &Item) {
        let Some(text) = marker.text() else { return };
        match self.markers.len() < GAPS_TOLD {
            true => self.markers.push(text),
            false => self.untold += 1,
        }
    }

    fn tell(&self) {
        for marker in &self.markers {
            tell(marker);
        }
        if self.untold > 0 {
            tell(format_args!("-- and {} more of these", self.untold));
        }
    }
}

fn everything() -> Pattern {
    Pattern::new("*").expect("it is a pattern")
}

/// What came of an item: nothing if it only tells how the subscription stands.
fn json_of(item: Option<Result<StreamItem, StreamError>>) -> Result<Option<Bytes>, Failure> {
    match item {
        Some(Ok(StreamItem::Json(json))) => Ok(Some(json)),
        Some(Ok(StreamItem::Lost(loss))) => {
            tell(format_args!("{loss}; trying until it is back"));
            Ok(None)
        }
        Some(Ok(_)) => Ok(None),
        Some(Err(err)) => Err(err.into()),
        None => Err(Failure::new("the node has ended the subscription")),
    }
}

/// All is refused where one instance is not allowed.
fn refused(err: SubscribeError) -> Failure {
    match err {
        SubscribeError::Call { source } if source.reason() == Some("denied") => Failure::with_hint(
            source.to_string(),
            "Name the instances that this program may receive, such as `--instance events --instance alerts`.",
        ),
        err => err.into(),
    }
}
