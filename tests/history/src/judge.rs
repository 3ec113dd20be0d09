//! What is asked of a world, one promise per file.

mod coverage;
mod deliveries;
mod downs;
mod ends;
mod exits;
mod gaps;
mod levels;
mod promise;
mod queues;
mod track;
mod views;

pub(crate) use self::deliveries::judge_deliveries;
pub(crate) use self::downs::judge_downs;
pub(crate) use self::exits::judge_exits;
pub(crate) use self::levels::{judge_idle, judge_size};
pub(crate) use self::views::judge_views;
