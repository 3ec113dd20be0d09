//! The tables that can be looked at. Pure.

use bellwether_client::{Link, Snapshot};
use bellwether_message::Instance;
use tokio::time::Instant;

use super::cell::Cell;
use super::mesh::{Known, Mesh};
use super::state::Sort;

/// A queue or backlog that is as full as this loses messages soon.
const NEARLY_FULL_PERCENT: f64 = 80.0;

/// The columns that hold no figures.
const TEXTS: [&str; 5] = ["NODE", "STATE", "VERSION", "INSTANCE", "PATTERNS"];

/// Which table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum View {
    /// The nodes
    Members,
    /// The ten instances, summed over the mesh
    Instances,
    /// Of each node and instance the subscriber that is furthest behind
    Subscribers,
}

/// How much a row deserves a look.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Health {
    Fine,
    Poor,
    Bad,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) cells: Vec<Cell>,
    pub(super) health: Health,
}

impl View {
    pub(super) const ALL: [Self; 3] = [Self::Members, Self::Instances, Self::Subscribers];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Members => "members",
            Self::Instances => "instances",
            Self::Subscribers => "subscribers",
        }
    }

    /// The titles of its columns. Rates are per second.
    pub(crate) fn titles(self) -> &'static [&'static str] {
        match self {
            Self::Members => &[
                "NODE",
                "STATE",
                "UPTIME",
                "PUBLISHED/s",
                "RECEIVED/s",
                "DELIVERED/s",
                "DROPPED/s",
                "LINKS",
                "RTT",
                "LOST/s",
                "CPU",
                "MEMORY",
                "FILES",
                "ALERTS",
                "VERSION",
            ],
            Self::Instances => &[
                "INSTANCE",
                "NODE",
                "PUBLISHED/s",
                "DELIVERED/s",
                "FORWARDED/s",
                "RECEIVED/s",
                "DROPPED/s",
                "DROPPED",
                "SUBSCRIPTIONS",
                "QUEUED",
                "DEEPEST",
                "BACKLOG",
                "BYTES",
            ],
            Self::Subscribers => &[
                "NODE",
                "INSTANCE",
                "PATTERNS",
                "WAITING",
                "OF",
                "FULL",
                "ALL QUEUED",
                "SUBSCRIPTIONS",
                "DROPPED/s",
            ],
        }
    }

    /// The column that says most, which is sorted by at first: the largest values on top.
    pub(crate) fn first_sort(self) -> Sort {
        let (column, descending) = match self {
            Self::Members => (0, false),
            Self::Instances => (2, true),
            Self::Subscribers => (5, true),
        };
        Sort { column, descending }
    }

    /// By the column with this title, whatever its capitals: figures with the largest on top, texts from a to z.
    pub(crate) fn sort_by(self, title: &str) -> Option<Sort> {
        let mut titles = self.titles().iter();
        let column = titles.position(|known| known.eq_ignore_ascii_case(title))?;
        Some(Sort {
            column,
            descending: !TEXTS.contains(self.titles().get(column)?),
        })
    }

    /// Its rows, not sorted yet. Instances are summed over the mesh, or told of each node.
    pub(super) fn rows(self, mesh: &Mesh, per_node: bool, now: Instant) -> Vec<Row> {
        match self {
            Self::Members => members(mesh, now),
            Self::Instances if per_node => {
                let nodes: Vec<_> = mesh.speaking(now).collect();
                let each = Instance::ALL.into_iter().flat_map(|instance| {
                    let row = move |known: &&Known| instance_row(instance, known.latest.node.as_str(), &[known]);
                    nodes.iter().map(row).collect::<Vec<_>>()
                });
                each.collect()
            }
            Self::Instances => {
                let nodes: Vec<_> = mesh.speaking(now).collect();
                Instance::ALL
                    .map(|instance| instance_row(instance, "all", &nodes))
                    .into()
            }
            Self::Subscribers => mesh.speaking(now).flat_map(subscribers).collect(),
        }
    }
}

fn members(mesh: &Mesh, now: Instant) -> Vec<Row> {
    let told = mesh.nodes().map(|known| member(mesh, known, now));
    let untold = mesh.untold().into_values().map(|member| {
        let mut cells = vec![
            Cell::text(member.node.as_str()),
            Cell::text(&*member.state),
            Cell::Age(None),
        ];
        cells.extend([const { Cell::Rate(None) }; 4]);
        cells.extend([
            Cell::text(""),
            Cell::Micros(None),
            Cell::Rate(None),
            Cell::Percent(None),
            Cell::Bytes(None),
        ]);
        cells.extend([Cell::text(""), Cell::text(""), Cell::text(&*member.version)]);
        Row {
            cells,
            health: Health::Bad,
        }
    });
    told.chain(untold).collect()
}

fn member(mesh: &Mesh, known: &Known, now: Instant) -> Row {
    let latest = &known.latest;
    let is_silent = known.is_silent(now);
    let rate = |total: &dyn Fn(&Snapshot) -> u64| known.rate(total).filter(|_| !is_silent);
    let total = |of: fn(&bellwether_client::InstanceSnapshot) -> u64| {
        Cell::Rate(rate(&|snapshot| snapshot.instances.iter().map(of).sum()))
    };
    let (state, mut health) = match mesh.seen(&latest.node) {
        _ if is_silent => ("silent", Health::Bad),
        Some("down") => ("down", Health::Bad),
        Some("suspect") => ("suspect", Health::Poor),
        _ if !latest.ready => ("joining", Health::Poor),
        _ => ("alive", Health::Fine),
    };
    let others: Vec<_> = latest
        .members
        .iter()
        .filter(|member| member.node != latest.node)
        .collect();
    let linked = others.iter().filter(|member| member.inbound && member.outbound).count();
    if linked < others.iter().filter(|member| member.state == "alive").count() {
        health = Health::Bad;
    }
    let dropped = rate(&|snapshot| snapshot.instances.iter().map(dropped).sum());
    if dropped.is_some_and(|rate| rate > 0.0) {
        health = health.max(Health::Poor);
    }
    let process = latest.process.as_ref();
    // A thousand milliseconds of processor time per second are one processor.
    let cpu = rate(&|snapshot| snapshot.process.as_ref().map_or(0, |process| process.cpu_ms));
    let files = process.and_then(|process| process.open_files);
    Row {
        cells: vec![
            Cell::text(latest.node.as_str()),
            Cell::text(state),
            Cell::Age(Some(latest.uptime_ms)),
            total(|of| of.published),
            total(|of| of.received),
            total(|of| of.delivered),
            Cell::Rate(dropped),
            Cell::text(format!("{linked}/{}", others.len())),
            Cell::Micros(latest.links.iter().map(|link| link.round_trip_us).max()),
            Cell::Rate(rate(&|snapshot| snapshot.links.iter().map(lost).sum())),
            Cell::Percent(cpu.map(|ms| ms / 10.0)),
            Cell::Bytes(process.and_then(|process| process.resident_bytes)),
            files.map_or(Cell::text(""), Cell::Count),
            Cell::Count(latest.open_alerts),
            Cell::text(&*latest.version),
        ],
        health,
    }
}

fn lost(link: &Link) -> u64 {
    link.lanes.iter().map(|lane| lane.lost_packets).sum()
}

fn dropped(instance: &bellwether_client::InstanceSnapshot) -> u64 {
    instance.dropped.values().sum()
}

/// One instance on these nodes together.
fn instance_row(instance: Instance, name: &str, nodes: &[&Known]) -> Row {
    let rate = |of: fn(&bellwether_client::InstanceSnapshot) -> u64| {
        let rates = nodes.iter().filter_map(|known| known.instance_rate(instance, of));
        rates.reduce(|one, other| one + other)
    };
    let snapshots = || nodes.iter().filter_map(|known| known.instance(instance));
    let sum = |of: fn(&bellwether_client::InstanceSnapshot) -> u64| snapshots().map(of).sum();
    let deepest = snapshots().map(|of| of.fullest_queue_percent as f64).reduce(f64::max);
    let dropped_now = rate(dropped);
    Row {
        cells: vec![
            Cell::text(instance.name()),
            Cell::text(name),
            Cell::Rate(rate(|of| of.published)),
            Cell::Rate(rate(|of| of.delivered)),
            Cell::Rate(rate(|of| of.forwarded)),
            Cell::Rate(rate(|of| of.received)),
            Cell::Rate(dropped_now),
            Cell::Count(sum(dropped)),
            Cell::Count(sum(|of| of.subscriptions)),
            Cell::Count(sum(|of| of.queue_messages)),
            Cell::Percent(deepest),
            Cell::Count(sum(|of| of.backlog_messages)),
            Cell::Bytes(Some(sum(|of| of.backlog_bytes))),
        ],
        health: health_of(dropped_now, deepest),
    }
}

fn subscribers(known: &Known) -> Vec<Row> {
    let with_any = known.latest.instances.iter().filter(|of| of.subscriptions > 0);
    let rows = with_any.map(|of| {
        let (patterns, waiting) = match &of.worst {
            Some(worst) => {
                let patterns: Vec<_> = worst.patterns.iter().map(|pattern| pattern.as_str()).collect();
                (patterns.join(" "), worst.queue_messages)
            }
            None => (String::new(), 0),
        };
        let full = Some(of.fullest_queue_percent as f64);
        let dropped_now = known.instance_rate(of.instance, slow);
        Row {
            cells: vec![
                Cell::text(known.latest.node.as_str()),
                Cell::text(of.instance.name()),
                Cell::text(patterns),
                Cell::Count(waiting),
                Cell::Count(of.queue_limit_messages),
                Cell::Percent(full),
                Cell::Count(of.queue_messages),
                Cell::Count(of.subscriptions),
                Cell::Rate(dropped_now),
            ],
            health: health_of(dropped_now, full),
        }
    });
    rows.collect()
}

/// What subscribers have lost since they were too slow.
fn slow(instance: &bellwether_client::InstanceSnapshot) -> u64 {
    instance.dropped.get("slow_subscriber").copied().unwrap_or(0)
}

fn health_of(dropped: Option<f64>, full: Option<f64>) -> Health {
    match (dropped, full) {
        (Some(rate), _) if rate > 0.0 => Health::Bad,
        (_, Some(percent)) if percent >= NEARLY_FULL_PERCENT => Health::Poor,
        _ => Health::Fine,
    }
}

/// What the nodes have in common, in short.
pub(super) fn summary(mesh: &Mesh, now: Instant) -> String {
    let nodes = mesh.nodes().count();
    let silent = mesh.nodes().filter(|known| known.is_silent(now)).count() + mesh.untold().len();
    let published = mesh
        .speaking(now)
        .filter_map(|known| known.rate(|snapshot: &Snapshot| snapshot.instances.iter().map(|of| of.published).sum()));
    let published = Cell::Rate(published.reduce(|one, other| one + other));
    let told = format!("{nodes} nodes, {} published/s", published.shown());
    match silent {
        0 => told,
        _ => format!("{told}, {silent} silent"),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mesh::SILENT;
    use super::super::mesh::tests::snapshot;
    use super::*;

    fn mesh(now: Instant) -> Mesh {
        let mut mesh = Mesh::default();
        for node in ["a", "b"] {
            mesh.take(snapshot(node, 1, 1_000, 100), now);
            mesh.take(snapshot(node, 1, 2_000, 150), now);
        }
        mesh
    }

    /// A row as it is shown, without what is empty behind.
    fn shown(row: &Row) -> Vec<String> {
        row.cells.iter().map(|cell| cell.shown().into_owned()).collect()
    }

    #[test]
    fn every_row_has_a_cell_for_each_title() {
        let now = Instant::now();
        let mut mesh = mesh(now);
        mesh.take(snapshot("c", 1, 1, 0), now);
        for view in View::ALL {
            for per_node in [false, true] {
                let rows = view.rows(&mesh, per_node, now);
                assert!(!rows.is_empty());
                assert!(
                    rows.iter().all(|row| row.cells.len() == view.titles().len()),
                    "{view:?}"
                );
            }
            assert!(view.first_sort().column < view.titles().len());
        }
    }

    #[test]
    fn a_member_is_what_it_says_and_what_others_see() {
        let now = Instant::now();
        let rows = View::Members.rows(&mesh(now), false, now);
        assert_eq!(
            shown(&rows[0]),
            [
                "a", "alive", "2s", "50", "0", "100", "5.0", "1/1", "210 µs", "0", "25 %", "32.0 MiB", "31", "1",
                "0.1.0"
            ]
        );
        // It drops messages.
        assert_eq!(rows[0].health, Health::Poor);
        let late = View::Members.rows(&mesh(now), false, now + SILENT);
        assert_eq!(
            (late[1].cells[1].shown().as_ref(), late[1].health),
            ("silent", Health::Bad)
        );
        assert_eq!(
            shown(&late[1])[3..7],
            ["-"; 4],
            "what it counted last is no rate of now"
        );
        assert_eq!(summary(&mesh(now), now + SILENT), "2 nodes, - published/s, 2 silent");
        assert!(View::Subscribers.rows(&mesh(now), false, now + SILENT).is_empty());

        let mut alone = Mesh::default();
        alone.take(snapshot("a", 1, 1_000, 100), now);
        let rows = View::Members.rows(&alone, false, now);
        assert_eq!(shown(&rows[1])[..3], ["b", "alive", "-"]);
        assert_eq!(rows[1].health, Health::Bad, "it has told nothing");
        assert_eq!(summary(&alone, now), "1 nodes, - published/s, 1 silent");
        assert_eq!(summary(&mesh(now), now), "2 nodes, 100 published/s");
    }

    #[test]
    fn instances_are_summed_or_told_of_each_node() {
        let now = Instant::now();
        let sums = View::Instances.rows(&mesh(now), false, now);
        assert_eq!(sums.len(), Instance::ALL.len());
        let alerts = sums.iter().find(|row| row.cells[0].shown() == "alerts").unwrap();
        assert_eq!(
            shown(alerts),
            [
                "alerts", "all", "100", "200", "100", "0", "10", "30", "4", "24", "90 %", "10", "4.0 KiB"
            ]
        );
        assert_eq!(alerts.health, Health::Bad);
        let each = View::Instances.rows(&mesh(now), true, now);
        assert_eq!(each.len(), 2 * Instance::ALL.len());
        let b = each
            .iter()
            .find(|row| row.cells[0].shown() == "alerts" && row.cells[1].shown() == "b");
        assert_eq!(shown(b.unwrap())[2..4], ["50", "100"]);
    }

    #[test]
    fn the_worst_subscriber_of_each_instance_is_shown() {
        let now = Instant::now();
        let rows = View::Subscribers.rows(&mesh(now), false, now);
        // Nobody has subscribed to events.
        assert_eq!(rows.len(), 2);
        assert_eq!(
            shown(&rows[0]),
            ["a", "alerts", "system_alerts:*", "9", "10", "90 %", "12", "2", "5.0"]
        );
    }
}
