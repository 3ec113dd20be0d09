//! What is looked at and how: what keys change. Pure.

use ratatui::crossterm::event::{KeyCode, KeyEvent, KeyEventKind, KeyModifiers};

use super::view::{Row, View};

/// Longest text that rows are filtered by, in characters.
const FILTER_CHARS: usize = 64;
/// Rows that Page up and down pass over.
const PAGE: usize = 10;

/// How one view is sorted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Sort {
    pub(crate) column: usize,
    /// The largest on top.
    pub(crate) descending: bool,
}

/// How the screen stands.
#[derive(Debug)]
pub(super) struct State {
    pub(super) view: View,
    sorts: [Sort; View::ALL.len()],
    /// Only rows that have this in some cell.
    pub(super) filter: String,
    /// What is typed goes to the filter.
    pub(super) is_typing: bool,
    pub(super) is_paused: bool,
    /// Instances are told of each node.
    pub(super) per_node: bool,
    pub(super) shows_help: bool,
    /// The first row that is drawn, at most the last one.
    pub(super) scrolled: usize,
}

/// What a key asks of the program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wish {
    GoOn,
    Quit,
}

impl State {
    /// This view is sorted so, the others by what says most.
    pub(super) fn new(view: View, sort: Sort) -> Self {
        let mut sorts = View::ALL.map(View::first_sort);
        sorts[view as usize] = sort;
        Self {
            view,
            sorts,
            filter: String::new(),
            is_typing: false,
            is_paused: false,
            per_node: false,
            shows_help: false,
            scrolled: 0,
        }
    }

    pub(super) fn sort(&self) -> Sort {
        self.sorts[self.view as usize]
    }

    pub(super) fn on_key(&mut self, key: KeyEvent) -> Wish {
        if key.kind == KeyEventKind::Release {
            return Wish::GoOn;
        }
        // In its raw mode the terminal makes no signal of it.
        if key.modifiers.contains(KeyModifiers::CONTROL) && key.code == KeyCode::Char('c') {
            return Wish::Quit;
        }
        if self.is_typing {
            self.on_typed(key.code);
            return Wish::GoOn;
        }
        match key.code {
            KeyCode::Char('q') => return Wish::Quit,
            KeyCode::Esc if self.shows_help => self.shows_help = false,
            KeyCode::Esc if !self.filter.is_empty() => self.filter.clear(),
            KeyCode::Esc => return Wish::Quit,
            KeyCode::Char('?' | 'h') | KeyCode::F(1) => self.shows_help = !self.shows_help,
            KeyCode::Tab => self.look_at(View::ALL[(self.view as usize + 1) % View::ALL.len()]),
            KeyCode::BackTab => self.look_at(View::ALL[(self.view as usize + View::ALL.len() - 1) % View::ALL.len()]),
            KeyCode::Char(digit @ '1'..='3') => self.look_at(View::ALL[digit as usize - '1' as usize]),
            KeyCode::Left | KeyCode::Char('<') => self.sort_by(self.columns() - 1),
            KeyCode::Right | KeyCode::Char('>') => self.sort_by(1),
            KeyCode::Char('r') => self.sorts[self.view as usize].descending ^= true,
            KeyCode::Char('n') => self.per_node = !self.per_node,
            KeyCode::Char('p' | ' ') => self.is_paused = !self.is_paused,
            KeyCode::Char('/') => self.is_typing = true,
            KeyCode::Up => self.scrolled = self.scrolled.saturating_sub(1),
            KeyCode::Down => self.scrolled = self.scrolled.saturating_add(1),
            KeyCode::PageUp => self.scrolled = self.scrolled.saturating_sub(PAGE),
            KeyCode::PageDown => self.scrolled = self.scrolled.saturating_add(PAGE),
            KeyCode::Home => self.scrolled = 0,
            _ => {}
        }
        Wish::GoOn
    }

    /// The rows that pass the filter, sorted; what is equal stays as it was. What is scrolled past the end comes back.
    pub(super) fn arrange(&mut self, mut rows: Vec<Row>) -> Vec<Row> {
        let filter = self.filter.to_lowercase();
        let passes = |row: &Row| {
            row.cells
                .iter()
                .any(|cell| cell.shown().to_lowercase().contains(&filter))
        };
        rows.retain(passes);
        let Sort { column, descending } = self.sort();
        rows.sort_by(|one, other| {
            let order = match (one.cells.get(column), other.cells.get(column)) {
                (Some(one), Some(other)) => one.compare(other),
                _ => std::cmp::Ordering::Equal,
            };
            if descending { order.reverse() } else { order }
        });
        self.scrolled = self.scrolled.min(rows.len().saturating_sub(1));
        rows
    }

    fn on_typed(&mut self, code: KeyCode) {
        match code {
            KeyCode::Enter => self.is_typing = false,
            KeyCode::Esc => {
                self.is_typing = false;
                self.filter.clear();
            }
            KeyCode::Backspace => {
                self.filter.pop();
            }
            KeyCode::Char(typed) if self.filter.chars().count() < FILTER_CHARS && !typed.is_control() => {
                self.filter.push(typed);
            }
            _ => {}
        }
    }

    fn look_at(&mut self, view: View) {
        self.view = view;
        self.scrolled = 0;
    }

    fn columns(&self) -> usize {
        self.view.titles().len()
    }

    /// By a column so many further to the right, around the end.
    fn sort_by(&mut self, further: usize) {
        let columns = self.columns();
        let sort = &mut self.sorts[self.view as usize];
        sort.column = (sort.column + further) % columns;
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Cell;
    use super::super::view::Health;
    use super::*;

    fn press(state: &mut State, codes: &[KeyCode]) -> Wish {
        let wishes = codes.iter().map(|code| state.on_key(KeyEvent::from(*code)));
        wishes.last().unwrap()
    }

    fn typed(state: &mut State, text: &str) {
        let codes: Vec<_> = text.chars().map(KeyCode::Char).collect();
        press(state, &codes);
    }

    fn row(node: &str, published: f64) -> Row {
        let mut cells = vec![Cell::text(node), Cell::text("alive"), Cell::Age(Some(1))];
        cells.push(Cell::Rate(Some(published)));
        Row {
            cells,
            health: Health::Fine,
        }
    }

    fn nodes(rows: &[Row]) -> Vec<String> {
        rows.iter().map(|row| row.cells[0].shown().into_owned()).collect()
    }

    #[test]
    fn views_are_switched_in_a_ring_or_by_their_number() {
        let mut state = State::new(View::Members, View::Members.first_sort());
        for view in [View::Instances, View::Subscribers, View::Members] {
            press(&mut state, &[KeyCode::Tab]);
            assert_eq!(state.view, view);
        }
        press(&mut state, &[KeyCode::BackTab]);
        assert_eq!(state.view, View::Subscribers);
        typed(&mut state, "2");
        assert_eq!(state.view, View::Instances);
    }

    #[test]
    fn each_view_is_sorted_by_a_column_of_its_own_in_either_direction() {
        let mut state = State::new(View::Members, View::Members.first_sort());
        let rows = || vec![row("b", 5.0), row("a", 70.0), row("c", 5.0)];
        assert_eq!(nodes(&state.arrange(rows())), ["a", "b", "c"]);
        typed(&mut state, ">>>r");
        assert_eq!(
            state.sort(),
            Sort {
                column: 3,
                descending: true
            }
        );
        assert_eq!(nodes(&state.arrange(rows())), ["a", "b", "c"]);
        typed(&mut state, "r");
        assert_eq!(nodes(&state.arrange(rows())), ["b", "c", "a"]);
        typed(&mut state, "2");
        assert_eq!(
            state.sort(),
            Sort {
                column: 2,
                descending: true
            }
        );
        typed(&mut state, "1<<<<");
        assert_eq!(state.sort().column, View::Members.titles().len() - 1);
    }

    #[test]
    fn a_filter_is_typed_kept_and_taken_back() {
        let mut state = State::new(View::Members, View::Members.first_sort());
        let rows = || vec![row("node-b", 1.0), row("node-a", 2.0)];
        typed(&mut state, "/Node-Bx");
        press(&mut state, &[KeyCode::Backspace, KeyCode::Enter]);
        assert!(!state.is_typing);
        assert_eq!(nodes(&state.arrange(rows())), ["node-b"]);
        assert_eq!(press(&mut state, &[KeyCode::Esc]), Wish::GoOn);
        assert_eq!(state.arrange(rows()).len(), 2);
        // While it is typed, keys mean themselves, and there is an end of it.
        typed(&mut state, &format!("/q{}", "x".repeat(100)));
        assert_eq!(state.filter.chars().count(), FILTER_CHARS);
        assert_eq!(press(&mut state, &[KeyCode::Esc]), Wish::GoOn);
        assert_eq!((state.filter.as_str(), state.is_typing), ("", false));
    }

    #[test]
    fn what_is_scrolled_past_the_end_comes_back() {
        let mut state = State::new(View::Members, View::Members.first_sort());
        press(&mut state, &[KeyCode::PageDown, KeyCode::Down]);
        assert_eq!(state.scrolled, PAGE + 1);
        state.arrange(vec![row("a", 1.0), row("b", 1.0)]);
        assert_eq!(state.scrolled, 1);
        press(&mut state, &[KeyCode::Home]);
        assert_eq!(state.scrolled, 0);
        state.arrange(Vec::new());
    }

    #[test]
    fn it_is_left_paused_and_explained_by_keys() {
        let mut state = State::new(View::Members, View::Members.first_sort());
        typed(&mut state, "p?n");
        assert!(state.is_paused && state.shows_help && state.per_node);
        assert_eq!(press(&mut state, &[KeyCode::Esc]), Wish::GoOn);
        assert!(!state.shows_help);
        assert_eq!(press(&mut state, &[KeyCode::Esc]), Wish::Quit);
        assert_eq!(press(&mut state, &[KeyCode::Char('q')]), Wish::Quit);
        let interrupt = KeyEvent::new(KeyCode::Char('c'), KeyModifiers::CONTROL);
        typed(&mut state, "/");
        assert_eq!(state.on_key(interrupt), Wish::Quit);
    }
}
