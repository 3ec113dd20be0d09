//! Colours of the original's terminal, and what has which.

/// A foreground and a background of the 256 colours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Style {
    foreground: u8,
    background: u8,
}

/// What ends every style.
const RESET: &str = "\x1b[0m";

const BLACK: u8 = 0;
const RED: u8 = 1;
const GREEN: u8 = 2;
const YELLOW: u8 = 3;
const BLUE: u8 = 4;
const MAGENTA: u8 = 5;
const CYAN: u8 = 6;
const WHITE: u8 = 7;
const BRIGHT_WHITE: u8 = 15;
const AMBER: u8 = 214;

/// The label of an emitter, and the title of a banner.
pub(super) const LABEL: Style = Style::new(YELLOW, BLACK);
/// What is said.
pub(super) const TEXT: Style = Style::new(WHITE, BLACK);

pub(super) const WHITE_ON_GREEN: Style = Style::new(WHITE, GREEN);
pub(super) const WHITE_ON_BLUE: Style = Style::new(WHITE, BLUE);
pub(super) const WHITE_ON_RED: Style = Style::new(WHITE, RED);
pub(super) const WHITE_ON_AMBER: Style = Style::new(WHITE, AMBER);
pub(super) const WHITE_ON_CYAN: Style = Style::new(WHITE, CYAN);
pub(super) const BRIGHT_WHITE_ON_RED: Style = Style::new(BRIGHT_WHITE, RED);
pub(super) const YELLOW_ON_MAGENTA: Style = Style::new(YELLOW, MAGENTA);
pub(super) const BLUE_ON_YELLOW: Style = Style::new(BLUE, YELLOW);
pub(super) const BLACK_ON_GREEN: Style = Style::new(BLACK, GREEN);
pub(super) const BLACK_ON_CYAN: Style = Style::new(BLACK, CYAN);
pub(super) const BLACK_ON_MAGENTA: Style = Style::new(BLACK, MAGENTA);
pub(super) const BLUE_ON_BLACK: Style = Style::new(BLUE, BLACK);
pub(super) const MAGENTA_ON_BLACK: Style = Style::new(MAGENTA, BLACK);
pub(super) const GREEN_ON_BLACK: Style = Style::new(GREEN, BLACK);
pub(super) const CYAN_ON_BLACK: Style = Style::new(CYAN, BLACK);

impl Style {
    const fn new(foreground: u8, background: u8) -> Self {
        Self { foreground, background }
    }

    /// `text` in this style, and the terminal's own again after it.
    pub(super) fn paint(self, text: &str) -> String {
        let Self { foreground, background } = self;
        format!("\x1b[38;5;{foreground};48;5;{background}m{text}{RESET}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_style_is_two_of_the_256_colours_and_is_taken_back() {
        assert_eq!(WHITE_ON_AMBER.paint("x"), "\x1b[38;5;7;48;5;214mx\x1b[0m");
        assert_eq!(BRIGHT_WHITE_ON_RED.paint("x"), "\x1b[38;5;15;48;5;1mx\x1b[0m");
        assert_eq!(LABEL.paint("x"), "\x1b[38;5;3;48;5;0mx\x1b[0m");
        assert_eq!(TEXT.paint("x"), "\x1b[38;5;7;48;5;0mx\x1b[0m");
    }
}
