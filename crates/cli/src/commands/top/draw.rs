//! How the screen looks. Pure: draws what it is given.

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout, Rect};
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Cell as TableCell, Clear, Paragraph, Row as TableRow, Table};

use super::cell::Cell;
use super::state::State;
use super::view::{Health, Row, View};

/// Columns between two columns.
const SPACING: u16 = 2;

const KEYS: &str = "Tab view  <> sort  r reverse  / filter  n per node  p pause  ? help  q quit";
const HELP: [&str; 12] = [
    "Tab, 1 2 3    members, instances, subscribers",
    "< > or ← →    sort by the column before or behind",
    "r             the other way round",
    "/             only rows that have some text; Enter keeps it, Esc drops it",
    "n             instances of each node, or summed over the mesh",
    "p, Space      stand still, or go on",
    "↑ ↓ PgUp PgDn Home   scroll",
    "q, Ctrl-C     quit",
    "",
    "Rates are per second, between the last two words of a node. DEEPEST and FULL: how full the fullest queue is;",
    "of each instance and node the subscriber that is furthest behind is shown. RTT is that of the slowest link.",
    "Red: a node or link is gone, or messages are lost. Yellow: it may come to that.",
];

/// What stands above the table.
#[derive(Debug)]
pub(super) struct Header {
    /// The node that is asked.
    pub(super) node: String,
    /// How the mesh stands, in short.
    pub(super) summary: String,
    /// Why nothing comes, while nothing does.
    pub(super) trouble: Option<String>,
}

/// Draws these rows, which are filtered and sorted already.
pub(super) fn draw(frame: &mut Frame<'_>, header: &Header, state: &State, rows: &[Row], with_colours: bool) {
    let paint = |colour: Color| match with_colours {
        true => Style::new().fg(colour),
        false => Style::new(),
    };
    let [top, tabs, table, bottom] = Layout::vertical([
        Constraint::Length(1),
        Constraint::Length(1),
        Constraint::Min(1),
        Constraint::Length(1),
    ])
    .areas(frame.area());

    let mut title = vec![
        Span::styled("bellwether top", Style::new().add_modifier(Modifier::BOLD)),
        Span::raw(format!("  {}  {}", header.node, header.summary)),
    ];
    if state.is_paused {
        title.push(Span::styled(
            "  paused",
            paint(Color::Yellow).add_modifier(Modifier::BOLD),
        ));
    }
    if let Some(trouble) = &header.trouble {
        title.push(Span::styled(
            format!("  {trouble}"),
            paint(Color::Red).add_modifier(Modifier::BOLD),
        ));
    }
    frame.render_widget(Line::from(title), top);
    let grid = Grid::of(state, rows, table.width.into());
    frame.render_widget(views(state, grid.hidden), tabs);
    frame.render_widget(grid.table(state, rows, &paint), table);
    let words = match (state.is_typing, state.filter.is_empty()) {
        (true, _) => format!("filter: {}_   Enter keeps it, Esc drops it", state.filter),
        (false, false) => format!("filter: {}   Esc drops it   {KEYS}", state.filter),
        (false, true) => KEYS.to_owned(),
    };
    frame.render_widget(Span::styled(words, Style::new().add_modifier(Modifier::DIM)), bottom);
    if state.shows_help {
        help(frame, table);
    }
}

fn views(state: &State, hidden: usize) -> Line<'static> {
    let views = View::ALL.into_iter().enumerate().flat_map(|(place, view)| {
        let style = match view == state.view {
            true => Style::new().add_modifier(Modifier::REVERSED),
            false => Style::new(),
        };
        [
            Span::styled(format!(" {} {} ", place + 1, view.name()), style),
            Span::raw(" "),
        ]
    });
    let more = match hidden {
        0 => String::new(),
        _ => format!(" {hidden} more columns: widen, or `>`"),
    };
    views.chain([Span::raw(more)]).collect()
}

/// The rows as text, in as many columns as there is room for.
struct Grid {
    titles: Vec<String>,
    widths: Vec<usize>,
    is_number: Vec<bool>,
    /// The columns that are drawn, and how many are not.
    drawn: Vec<usize>,
    hidden: usize,
}

impl Grid {
    fn of(state: &State, rows: &[Row], room: usize) -> Self {
        let sort = state.sort();
        let mark = |column| match (column == sort.column, sort.descending) {
            (false, _) => "",
            (true, true) => "▼",
            (true, false) => "▲",
        };
        let titles = state.view.titles().iter().enumerate();
        let titles: Vec<String> = titles
            .map(|(column, title)| format!("{title}{}", mark(column)))
            .collect();
        let cells = |column: usize| rows.iter().filter_map(move |row| row.cells.get(column));
        // Wide enough for every row, also those that are scrolled away: nothing jumps.
        let widths = titles.iter().enumerate().map(|(column, title)| {
            let widest = cells(column).map(|cell| width(&cell.shown())).max().unwrap_or(0);
            widest.max(width(title))
        });
        let widths: Vec<usize> = widths.collect();
        let drawn = drawn(&widths, sort.column, room);
        Self {
            is_number: (0..titles.len())
                .map(|column| cells(column).any(Cell::is_number))
                .collect(),
            hidden: titles.len() - drawn.len(),
            titles,
            widths,
            drawn,
        }
    }

    fn aligned(&self, column: usize, text: &str) -> String {
        let room = " ".repeat(self.widths[column].saturating_sub(width(text)));
        match self.is_number[column] {
            true => format!("{room}{text}"),
            false => format!("{text}{room}"),
        }
    }

    fn table(&self, state: &State, rows: &[Row], paint: &impl Fn(Color) -> Style) -> Table<'static> {
        let head = self.drawn.iter().map(|column| {
            let style = match *column == state.sort().column {
                true => Style::new().add_modifier(Modifier::BOLD | Modifier::UNDERLINED),
                false => Style::new().add_modifier(Modifier::BOLD),
            };
            TableCell::from(Span::styled(self.aligned(*column, &self.titles[*column]), style))
        });
        let body = rows.iter().skip(state.scrolled).map(|row| {
            let cells = self.drawn.iter().filter_map(|column| {
                let cell = row.cells.get(*column)?;
                Some(TableCell::from(self.aligned(*column, &cell.shown())))
            });
            TableRow::new(cells.collect::<Vec<_>>()).style(match row.health {
                Health::Fine => Style::new(),
                Health::Poor => paint(Color::Yellow),
                Health::Bad => paint(Color::Red),
            })
        });
        let widths = self
            .drawn
            .iter()
            .map(|column| Constraint::Length(columns(self.widths[*column])));
        Table::new(body.collect::<Vec<_>>(), widths.collect::<Vec<_>>())
            .header(TableRow::new(head.collect::<Vec<_>>()))
            .column_spacing(SPACING)
    }
}

/// The columns that there is room for: the first and the one that is sorted by, whatever the room, then from the left.
fn drawn(widths: &[usize], sorted: usize, room: usize) -> Vec<usize> {
    let taken = |drawn: &[usize]| -> usize {
        let widths = drawn.iter().filter_map(|column| widths.get(*column));
        widths.map(|width| width + usize::from(SPACING)).sum()
    };
    let mut drawn = vec![0, sorted];
    drawn.dedup();
    for column in 1..widths.len() {
        if column == sorted {
            continue;
        }
        drawn.push(column);
        // The last one needs no space behind it.
        if taken(&drawn) > room + usize::from(SPACING) {
            drawn.pop();
            break;
        }
    }
    drawn.sort_unstable();
    drawn
}

fn columns(width: usize) -> u16 {
    u16::try_from(width).unwrap_or(u16::MAX)
}

fn width(text: &str) -> usize {
    unicode_width::UnicodeWidthStr::width(text)
}

fn help(frame: &mut Frame<'_>, area: Rect) {
    let rows = columns(HELP.len() + 2);
    let widest = HELP.iter().map(|line| width(line)).max().unwrap_or(0);
    let area = area.centered(Constraint::Max(columns(widest + 4)), Constraint::Max(rows));
    frame.render_widget(Clear, area);
    let lines: Vec<Line<'_>> = HELP.iter().map(|line| Line::from(*line)).collect();
    frame.render_widget(Paragraph::new(lines).block(Block::bordered().title(" keys ")), area);
}

#[cfg(test)]
mod tests {
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;
    use ratatui::crossterm::event::{KeyCode, KeyEvent};
    use tokio::time::Instant;

    use super::super::mesh::Mesh;
    use super::super::mesh::tests::snapshot;
    use super::super::view::summary;
    use super::*;

    /// What stands on a screen of this size.
    fn screen(keys: &str, (columns, rows): (u16, u16), trouble: Option<&str>) -> Vec<String> {
        let terminal = terminal(keys, (columns, rows), trouble, true);
        let lines = terminal
            .backend()
            .buffer()
            .content()
            .chunks(columns.into())
            .map(|line| {
                let line: String = line.iter().map(|cell| cell.symbol()).collect();
                line.trim_end().to_owned()
            });
        lines.collect()
    }

    fn terminal(
        keys: &str,
        (columns, rows): (u16, u16),
        trouble: Option<&str>,
        colours: bool,
    ) -> Terminal<TestBackend> {
        let now = Instant::now();
        let mut mesh = Mesh::default();
        for node in ["a", "b"] {
            mesh.take(snapshot(node, 1, 1_000, 100), now);
            mesh.take(snapshot(node, 1, 2_000, 150), now);
        }
        let mut state = State::new(View::Members, View::Members.first_sort());
        for key in keys.chars() {
            state.on_key(KeyEvent::from(KeyCode::Char(key)));
        }
        let header = Header {
            node: "http://127.0.0.1:7480".to_owned(),
            summary: summary(&mesh, now),
            trouble: trouble.map(str::to_owned),
        };
        let rows_of = state.view.rows(&mesh, state.per_node, now);
        let shown = state.arrange(rows_of);
        let mut terminal = Terminal::new(TestBackend::new(columns, rows)).unwrap();
        terminal
            .draw(|frame| draw(frame, &header, &state, &shown, colours))
            .unwrap();
        terminal
    }

    #[test]
    fn members_are_a_table() {
        assert_eq!(
            screen("", (160, 7), None),
            [
                "bellwether top  http://127.0.0.1:7480  2 nodes, 100 published/s",
                " 1 members   2 instances   3 subscribers",
                "NODE▲  STATE  UPTIME  PUBLISHED/s  RECEIVED/s  DELIVERED/s  DROPPED/s  LINKS     RTT  LOST/s   CPU    MEMORY  FILES  ALERTS  VERSION",
                "a      alive      2s           50           0          100        5.0  1/1    210 µs       0  25 %  32.0 MiB     31       1  0.1.0",
                "b      alive      2s           50           0          100        5.0  1/1    210 µs       0  25 %  32.0 MiB     31       1  0.1.0",
                "",
                "Tab view  <> sort  r reverse  / filter  n per node  p pause  ? help  q quit",
            ]
        );
    }

    #[test]
    fn views_filters_and_troubles_are_told() {
        let shown = screen("3/b", (110, 6), Some("the node is gone"));
        assert!(shown[0].ends_with("published/s  the node is gone"), "{shown:#?}");
        assert!(shown[2].contains("FULL▼"), "{shown:#?}");
        assert!(
            shown[3].starts_with("b     alerts    system_alerts:*        9  10"),
            "{shown:#?}"
        );
        assert_eq!(shown[4], "");
        assert!(shown[5].starts_with("filter: b_"), "{shown:#?}");
        let paused = screen("2np", (110, 30), None);
        assert!(paused[0].ends_with("paused"), "{paused:#?}");
        assert!(paused[3].starts_with("alerts       a "), "{paused:#?}");
    }

    #[test]
    fn columns_without_room_are_left_out_but_for_the_one_that_is_sorted_by() {
        let widths = [4, 5, 6, 7];
        for (sorted, room, expected) in [
            (0, 28, &[0, 1, 2, 3][..]),
            (0, 27, &[0, 1, 2]),
            (3, 20, &[0, 1, 3]),
            (3, 19, &[0, 3]),
            (2, 1, &[0, 2]),
        ] {
            assert_eq!(drawn(&widths, sorted, room), expected, "{sorted} {room}");
        }
        let narrow = screen("", (80, 6), None);
        assert!(narrow[1].ends_with("7 more columns: widen, or `>`"), "{narrow:#?}");
        assert!(narrow[2].ends_with("DROPPED/s  LINKS"), "{narrow:#?}");
        let sorted = screen("<", (80, 6), None);
        assert!(sorted[2].ends_with("DROPPED/s  VERSION▲"), "{sorted:#?}");
    }

    #[test]
    fn help_covers_the_table_and_any_size_is_drawn() {
        let shown = screen("?", (120, 20), None);
        assert!(shown.iter().any(|line| line.contains("┌ keys ")), "{shown:#?}");
        assert!(
            shown.iter().any(|line| line.contains("p, Space      stand still")),
            "{shown:#?}"
        );
        for size in [(1, 1), (3, 2), (20, 4), (300, 100)] {
            for keys in ["", "2n", "3?"] {
                terminal(keys, size, None, true);
            }
        }
    }

    #[test]
    fn rows_that_need_a_look_have_a_colour_unless_nobody_wants_any() {
        let colour = |colours| terminal("2", (80, 10), None, colours).backend().buffer()[(0, 3)].fg;
        assert_eq!((colour(true), colour(false)), (Color::Red, Color::Reset));
    }
}
