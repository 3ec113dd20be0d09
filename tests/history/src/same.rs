//! Whether two runs were the same.

use std::fmt;

use crate::event::Event;

/// Whether two runs, as of one seed, wrote the same history.
///
/// # Errors
///
/// The first event that differs.
pub fn same(left: &[Event], right: &[Event]) -> Result<(), Box<Difference>> {
    let common = left.iter().zip(right).take_while(|(one, other)| one == other).count();
    match (left.get(common), right.get(common)) {
        (None, None) => Ok(()),
        (one, other) => Err(Box::new(Difference {
            at: common,
            left: one.cloned(),
            right: other.cloned(),
        })),
    }
}

/// Where two histories differ first: I16.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Difference {
    /// How many events were the same before.
    pub at: usize,
    /// The event of the one; `None` if it ended.
    pub left: Option<Event>,
    /// The event of the other.
    pub right: Option<Event>,
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let shown = |event: &Option<Event>| match event {
            Some(event) => serde_json::to_string(event).unwrap_or_else(|_| format!("{event:?}")),
            None => "(the history ends)".to_owned(),
        };
        write!(
            f,
            "I16: the two histories differ at event {}:\n  {}\n  {}",
            self.at,
            shown(&self.left),
            shown(&self.right)
        )
    }
}

impl std::error::Error for Difference {}
