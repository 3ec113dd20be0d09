//! `bellwether top`: every node of the mesh at a glance, live, through any of them.

mod cell;
mod draw;
mod feed;
mod mesh;
mod plain;
mod screen;
mod state;
mod view;

use std::collections::{BTreeMap, BTreeSet};
use std::io::IsTerminal;
use std::time::Duration;

use anyhow::Context;
use bellwether_client::{Client, Member};
use bellwether_message::NodeId;
use ratatui::crossterm::event::{self, Event as TerminalEvent};
use serde_json::value::RawValue;
use tokio::time::{Instant, MissedTickBehavior, interval, timeout_at};

use self::draw::Header;
use self::feed::{Event, Feed};
use self::mesh::Mesh;
use self::screen::Screen;
pub(crate) use self::state::Sort;
use self::state::{State, Wish};
pub(crate) use self::view::View;
use self::view::summary;
use crate::failure::{Failure, tell};
use crate::output::{self, Format, Output, Paint};
use crate::reach::Reach;
use crate::runtime::{StopSignals, block_on};

/// Between two looks at the keyboard: below what people notice.
const KEYS: Duration = Duration::from_millis(50);
/// The longest between two drawings, so that nodes that fall silent are seen to.
const DRAWING: Duration = Duration::from_millis(500);
/// Keys that are taken before it is drawn again.
const KEYS_AT_ONCE: usize = 64;
/// Without a screen: the longest that nodes may take to tell how they stand twice.
const ONCE: Duration = Duration::from_secs(4);

/// The command.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Top {
    pub(crate) node: Reach,
    /// What is looked at first.
    pub(crate) view: View,
    /// How that is sorted at first.
    pub(crate) sort: Sort,
    /// Prints one table and ends, on a terminal too.
    pub(crate) once: bool,
    pub(crate) format: Format,
}

impl Top {
    pub(crate) fn run(self) -> Result<(), Failure> {
        block_on(async {
            let client = self.node.connect().await?;
            match self.format {
                Format::Json => {
                    let all: Box<RawValue> = client.get("/v1/mesh?format=json").await?;
                    output::print(all.get())
                }
                Format::Text if self.once || !std::io::stdout().is_terminal() => self.print(client).await,
                Format::Text => self.show(client).await,
            }
        })
    }

    /// One table: with rates, if the nodes tell how they stand twice in time.
    async fn print(&self, client: Client) -> Result<(), Failure> {
        let members = client.members().await?;
        let is_there = |member: &&Member| matches!(member.state.as_str(), "self" | "alive");
        let mut waited_for: BTreeSet<NodeId> = members
            .iter()
            .filter(is_there)
            .map(|member| member.node.clone())
            .collect();
        let mut counts: BTreeMap<NodeId, u64> = BTreeMap::new();
        let mut mesh = Mesh::default();
        let mut feed = Feed::open(client).await?;
        let deadline = Instant::now() + ONCE;
        while !waited_for.is_empty() {
            match timeout_at(deadline, feed.next()).await {
                Err(_) => break,
                Ok(Some(Event::Snapshot(snapshot))) => {
                    let count = counts.entry(snapshot.node.clone()).or_default();
                    *count += 1;
                    if *count == 2 {
                        waited_for.remove(&snapshot.node);
                    }
                    mesh.take(*snapshot, Instant::now());
                }
                Ok(Some(Event::Lost(words))) => return Err(Failure::new(words)),
                Ok(None) => return Err(Failure::new("what the nodes tell cannot be read")),
            }
        }
        let now = Instant::now();
        let mut state = State::new(self.view, self.sort);
        let rows = state.arrange(self.view.rows(&mesh, false, now));
        tell(summary(&mesh, now));
        let mut output = Output::stdout();
        output.text(&plain::render(self.view, &rows, Paint::for_stdout()))?;
        output.flush()
    }

    /// Until a key or a signal ends it.
    async fn show(&self, client: Client) -> Result<(), Failure> {
        let mut signals = StopSignals::new()?;
        let node = client.node().to_string();
        let mut feed = Feed::open(client).await?;
        let mut live = Live {
            header: Header {
                node,
                summary: String::new(),
                trouble: Some("waiting for the nodes to tell how they stand".to_owned()),
            },
            state: State::new(self.view, self.sort),
            mesh: Mesh::default(),
            paused: None,
            with_colours: output::wanted(),
            // Opened last: what fails before it is told on a screen that nobody has taken over.
            screen: Screen::open()?,
        };
        let mut keys = interval(KEYS);
        keys.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut drawn = Instant::now();
        live.draw()?;
        loop {
            let is_changed = tokio::select! {
                _ = signals.next() => return Ok(()),
                event = feed.next() => match event {
                    Some(event) => live.on_event(event),
                    None => return Err(Failure::new("what the nodes tell cannot be read")),
                },
                _ = keys.tick() => match live.on_keys()? {
                    (Wish::Quit, _) => return Ok(()),
                    (Wish::GoOn, is_pressed) => is_pressed || drawn.elapsed() >= DRAWING,
                },
            };
            if is_changed {
                live.draw()?;
                drawn = Instant::now();
            }
        }
    }
}

/// A screen and what is on it.
struct Live {
    header: Header,
    state: State,
    mesh: Mesh,
    /// While it stands still: since when.
    paused: Option<Instant>,
    with_colours: bool,
    screen: Screen,
}

impl Live {
    /// Whether it is to be drawn at once: snapshots wait for the next drawing.
    fn on_event(&mut self, event: Event) -> bool {
        match event {
            Event::Snapshot(snapshot) => {
                if !self.state.is_paused {
                    self.mesh.take(*snapshot, Instant::now());
                }
                self.header.trouble.take().is_some()
            }
            Event::Lost(words) => {
                self.header.trouble = Some(format!("{}; trying until it is back", output::printable(&words)));
                true
            }
        }
    }

    /// Takes the keys that were pressed. Whether there were any, or the terminal has another size.
    fn on_keys(&mut self) -> Result<(Wish, bool), Failure> {
        let mut is_pressed = false;
        for _ in 0..KEYS_AT_ONCE {
            if !event::poll(Duration::ZERO).context("the keyboard cannot be read")? {
                break;
            }
            is_pressed = true;
            if let TerminalEvent::Key(key) = event::read().context("the keyboard cannot be read")?
                && self.state.on_key(key) == Wish::Quit
            {
                return Ok((Wish::Quit, true));
            }
        }
        Ok((Wish::GoOn, is_pressed))
    }

    fn draw(&mut self) -> Result<(), Failure> {
        let now = match self.state.is_paused {
            true => *self.paused.get_or_insert_with(Instant::now),
            false => {
                self.paused = None;
                Instant::now()
            }
        };
        self.header.summary = summary(&self.mesh, now);
        let rows = self.state.view.rows(&self.mesh, self.state.per_node, now);
        let rows = self.state.arrange(rows);
        let (header, state, with_colours) = (&self.header, &self.state, self.with_colours);
        let draw = |frame: &mut ratatui::Frame<'_>| draw::draw(frame, header, state, &rows, with_colours);
        self.screen
            .terminal
            .draw(draw)
            .context("the terminal cannot be drawn on")?;
        Ok(())
    }
}
