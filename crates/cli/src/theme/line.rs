//! One line, in parts that have styles.

use super::columns::{CUT, beginning, columns, fits};
use super::screen::Screen;
use super::style::Style;
use crate::output::printable;

/// One line that is safe to write to a terminal.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Line {
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    text: String,
    style: Option<Style>,
}

impl Line {
    /// Goes on with `text`, in which everything that could steer a terminal is escaped.
    pub(super) fn then(mut self, style: impl Into<Option<Style>>, text: &str) -> Self {
        self.parts.push(Part {
            text: printable(text).into_owned(),
            style: style.into(),
        });
        self
    }

    /// Goes on with the parts of another line.
    pub(super) fn join(mut self, other: Self) -> Self {
        self.parts.extend(other.parts);
        self
    }

    /// The columns it takes.
    pub(super) fn columns(&self) -> usize {
        self.parts.iter().map(|part| columns(&part.text)).sum()
    }

    /// As much of it as fits, ending in `…` if that is not all.
    pub(super) fn cut(self, limit: usize) -> Self {
        if self.columns() <= limit && self.parts.iter().all(|part| fits(&part.text, limit)) {
            return self;
        }
        let mut room = limit.saturating_sub(1);
        let mut parts = Vec::new();
        for Part { text, style } in self.parts {
            if fits(&text, room) {
                room -= columns(&text);
                parts.push(Part { text, style });
            } else {
                let text = format!("{}{CUT}", beginning(&text, room));
                parts.push(Part { text, style });
                break;
            }
        }
        Self { parts }
    }

    /// What is written to `screen`: cut at its width, coloured if it has colours.
    pub(super) fn render(self, screen: Screen) -> String {
        let line = match screen.columns {
            Some(width) => self.cut(width),
            None => self,
        };
        let painted = line.parts.iter().map(|part| match part.style {
            Some(style) if screen.colours => style.paint(&part.text),
            _ => part.text.clone(),
        });
        painted.collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::style::{LABEL, TEXT};
    use super::*;

    fn line() -> Line {
        Line::default()
            .then(None, "[a] ")
            .then(LABEL, "世界")
            .then(TEXT, " says")
    }

    #[test]
    fn a_line_is_cut_in_the_part_where_the_room_ends() {
        for (columns, shown) in [
            (13, "[a] 世界 says"),
            (12, "[a] 世界 sa…"),
            (9, "[a] 世界…"),
            (8, "[a] 世…"),
            (5, "[a] …"),
            (1, "…"),
        ] {
            let rendered = line().render(Screen::plain(columns));
            assert_eq!(rendered, shown, "{columns}");
        }
        assert_eq!(line().render(Screen::PIPE), "[a] 世界 says");
    }

    #[test]
    fn colours_take_no_room_and_are_taken_back_where_a_line_is_cut() {
        let screen = Screen {
            colours: true,
            columns: Some(8),
        };
        assert_eq!(line().render(screen), "[a] \x1b[38;5;3;48;5;0m世…\x1b[0m");
    }

    #[test]
    fn what_could_steer_a_terminal_is_escaped() {
        let line = Line::default().then(None, "a\x1b[2J\nb\u{202e}");
        assert_eq!(line.render(Screen::PIPE), "a\\u{1b}[2J\\nb\\u{202e}");
    }
}
