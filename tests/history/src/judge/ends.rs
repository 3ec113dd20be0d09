//! Ends of feeds: that they are told, and at the right seq.

use super::track::{Ended, Track};
use crate::rules::{Rules, micros};
use crate::world::{How, Ledger, Subscription, World};

/// I8: the seq that an end names, against what was published and what was `delivered` last.
pub(super) fn judge_last_seq(
    rules: &Rules,
    ledger: &Ledger,
    ended: Ended,
    delivered: Option<u64>,
) -> Result<(), String> {
    let last_seq = ended.last_seq;
    if let Some(delivered) = delivered.filter(|delivered| *delivered > last_seq) {
        return Err(format!(
            "the feed ended with seq {last_seq}, but seq {delivered} had come"
        ));
    }
    if !ended.tail_unknown && last_seq < ledger.acked_head() {
        let acked = ledger.acked_head();
        return Err(format!(
            "the feed ended cleanly with seq {last_seq}, but seq {acked} was acknowledged"
        ));
    }
    let highest = ledger.head().saturating_add(ledger.unplaced);
    if rules.complete_feeds && last_seq > highest {
        return Err(format!(
            "the feed ended with seq {last_seq}, but no more than {highest} were published"
        ));
    }
    Ok(())
}

/// I3, of a run that has ended: a subscription that knew its feed must be told.
pub(super) fn judge_end_is_told(
    world: &World<'_>,
    rules: &Rules,
    subscription: &Subscription,
    track: &Track,
) -> Result<(), (usize, String)> {
    let ledger = &world.ledgers[track.ledger];
    let (Some(quiet), Some(life)) = (world.quiet, ledger.life.map(|life| world.lives.get(life))) else {
        return Ok(());
    };
    let Some(end) = life.end.as_ref().filter(|end| end.moment.at < quiet.at) else {
        return Ok(());
    };
    if !subscription.is_open_at(quiet) || track.ended.is_some() || !track.is_known() {
        return Ok(());
    }
    let is_gone = rules
        .gone_after
        .is_some_and(|gone| quiet.t.saturating_sub(end.moment.t) >= micros(gone));
    let is_due = life.handed_over_to(world.run_of(subscription), world.has_views)
        || world.lives.is_followed(life, quiet)
        || is_gone;
    if !is_due {
        return Ok(());
    }
    let how = match end.how {
        How::Stopped { .. } => "stopped",
        How::Dead => "died",
    };
    let words = format!("the run {how} here, but the subscriber was not told of the feed's end");
    Err((end.moment.at, words))
}
