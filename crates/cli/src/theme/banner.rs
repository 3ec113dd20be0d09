//! Several lines in a box.

use super::columns::columns;
use super::line::Line;
use super::screen::Screen;
use super::style::{LABEL, TEXT};

/// Narrower terminals get the lines without a box.
const MIN_COLUMNS: usize = 20;
/// As much of a line is shown where no terminal ends it: a box repeats its width on every line.
const MAX_CONTENT_COLUMNS: usize = 200;
/// What is free on both sides between the box and its content.
const INDENT: usize = 2;

/// A title and rows, in a box.
#[derive(Debug)]
pub(super) struct Banner {
    pub(super) frame: Frame,
    pub(super) title: &'static str,
    /// `[pid]`, behind the title: what is cut off first.
    pub(super) speaker: Line,
    pub(super) rows: Vec<Row>,
}

/// One line below the title.
#[derive(Debug)]
pub(super) enum Row {
    Text(String),
    /// Its name and value.
    Field(&'static str, String),
}

/// What a box is drawn with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Frame {
    SingleLine,
    DoubleLine,
    HeavyLine,
    /// No sides.
    Rules,
}

/// The characters of a frame: its line, then the ends of its top, middle and bottom, then its sides.
struct Glyphs {
    line: &'static str,
    top: [&'static str; 2],
    middle: [&'static str; 2],
    bottom: [&'static str; 2],
    side: &'static str,
}

impl Frame {
    /// Columns between the corners, where the terminal has room for them.
    fn inner_columns(self) -> usize {
        match self {
            Self::SingleLine | Self::DoubleLine => 70,
            Self::HeavyLine => 72,
            Self::Rules => 63,
        }
    }

    fn glyphs(self) -> Glyphs {
        let glyphs = |line, top, middle, bottom, side| Glyphs {
            line,
            top,
            middle,
            bottom,
            side,
        };
        match self {
            Self::SingleLine => glyphs("─", ["┌", "┐"], ["├", "┤"], ["└", "┘"], "│"),
            Self::DoubleLine => glyphs("═", ["╔", "╗"], ["╠", "╣"], ["╚", "╝"], "║"),
            Self::HeavyLine => glyphs("━", ["┏", "┓"], ["┣", "┫"], ["┗", "┛"], "┃"),
            Self::Rules => glyphs("═", ["", ""], ["", ""], ["", ""], ""),
        }
    }

    /// Columns of both sides.
    fn sides(self) -> usize {
        2 * columns(self.glyphs().side)
    }
}

impl Banner {
    /// Its lines: as wide as it always is on a terminal that has room, as wide as that terminal or, elsewhere, as its
    /// content otherwise. What does not fit is cut.
    pub(super) fn lines(self, screen: Screen) -> Vec<Line> {
        let frame = self.frame;
        let content = self.content();
        let inner = match screen.columns {
            Some(columns) if columns < MIN_COLUMNS => return content,
            Some(columns) => frame.inner_columns().min(columns.saturating_sub(frame.sides())),
            None => {
                let widest = content.iter().map(Line::columns).max().unwrap_or_default();
                widest.min(MAX_CONTENT_COLUMNS) + 2 * INDENT
            }
        };
        boxed(content, frame, inner)
    }

    fn content(self) -> Vec<Line> {
        let title = Line::default()
            .then(LABEL, self.title)
            .then(None, " ")
            .join(self.speaker);
        let names = self.rows.iter().filter_map(Row::name);
        let name_columns = names.map(|name| name.len() + 1).max().unwrap_or_default();
        let rows = self.rows.iter().map(|row| row.line(name_columns));
        std::iter::once(title).chain(rows).collect()
    }
}

impl Row {
    fn name(&self) -> Option<&'static str> {
        match self {
            Self::Field(name, _) => Some(name),
            Self::Text(_) => None,
        }
    }

    fn line(&self, name_columns: usize) -> Line {
        match self {
            Self::Text(text) => Line::default().then(TEXT, text),
            Self::Field(name, value) => {
                let name = format!("{name}:");
                Line::default().then(TEXT, &format!("{name:<name_columns$} {value}"))
            }
        }
    }
}

/// The first line of the content is its title.
fn boxed(content: Vec<Line>, frame: Frame, inner: usize) -> Vec<Line> {
    let glyphs = frame.glyphs();
    let rule =
        |[left, right]: [&str; 2]| Line::default().then(None, &format!("{left}{}{right}", glyphs.line.repeat(inner)));
    let mut lines = vec![rule(glyphs.top)];
    for (place, line) in content.into_iter().enumerate() {
        if place == 1 {
            lines.push(rule(glyphs.middle));
        }
        lines.push(between_sides(line, &glyphs, inner));
    }
    lines.push(rule(glyphs.bottom));
    lines
}

fn between_sides(line: Line, glyphs: &Glyphs, inner: usize) -> Line {
    let line = line.cut(inner.saturating_sub(2 * INDENT));
    let indent = " ".repeat(INDENT);
    let left = Line::default().then(None, &format!("{}{indent}", glyphs.side));
    if glyphs.side.is_empty() {
        return left.join(line);
    }
    let free = " ".repeat(inner.saturating_sub(INDENT + line.columns()));
    left.join(line).then(None, &format!("{free}{}", glyphs.side))
}
