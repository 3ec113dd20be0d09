//! I4: gaps tell the truth.

use super::track::{Told, Track};
use crate::rules::Rules;
use crate::world::Ledger;

/// Whether a gap is one at all.
pub(super) fn judge_gap(gap: Told) -> Result<(), String> {
    let Told { first, last, count, .. } = gap;
    if first == 0 || first > last {
        return Err(format!("a gap from seq {first} to {last} is none"));
    }
    if count == 0 || count - 1 > last - first {
        return Err(format!("a gap from seq {first} to {last} cannot miss {count} messages"));
    }
    Ok(())
}

/// All gaps of one feed against what was published, what was delivered, and each other. Gives events and words.
pub(super) fn judge_gaps(rules: &Rules, ledger: &Ledger, matching: &[u32], track: &Track) -> Vec<(usize, String)> {
    let mut found = Vec::new();
    let mut gaps: Vec<(bool, Told)> = Vec::with_capacity(track.gaps.len());
    for (index, gap) in track.gaps.iter().enumerate() {
        let is_new = index >= track.judged.gaps;
        gaps.push((is_new, *gap));
        found.extend(judge_delivered(*gap, is_new, track));
        if is_new && judge_gap(*gap).is_ok() {
            found.extend(judge_count(rules, ledger, matching, *gap));
        }
    }
    gaps.sort_by_key(|(_, gap)| (gap.first, gap.at));
    // The widest so far, not the neighbour: one wide gap can lie over several.
    let mut widest: Option<Told> = None;
    for (_, gap) in gaps {
        if let Some(before) = widest.filter(|before| before.last >= gap.first) {
            let later = before.at.max(gap.at);
            if later >= first_new_event(track) {
                let words = format!(
                    "the gap from seq {} to {} overlaps that from {} to {}",
                    gap.first, gap.last, before.first, before.last
                );
                found.push((later, words));
            }
        }
        widest = widest.filter(|before| before.last >= gap.last).or(Some(gap));
    }
    found
}

/// The event of the first gap that was not judged with an earlier subscription.
fn first_new_event(track: &Track) -> usize {
    track.gaps.get(track.judged.gaps).map_or(usize::MAX, |gap| gap.at)
}

fn judge_delivered(gap: Told, is_new: bool, track: &Track) -> Option<(usize, String)> {
    // Of an earlier subscription's gap only what this one got is news.
    let from = if is_new { 0 } else { track.judged.delivered };
    let delivered = track.delivered.get(from..)?;
    let place = delivered.partition_point(|seq| *seq < gap.first);
    let inside = delivered.get(place).filter(|seq| **seq <= gap.last)?;
    let words = format!(
        "the gap from seq {} to {} contains seq {inside}, which was delivered",
        gap.first, gap.last
    );
    Some((gap.at, words))
}

fn judge_count(rules: &Rules, ledger: &Ledger, matching: &[u32], gap: Told) -> Option<(usize, String)> {
    let Told { first, last, count, .. } = gap;
    let seq = |index: &u32| ledger.messages[*index as usize].seq;
    let begin = matching.partition_point(|index| seq(index) < first);
    let end = matching.partition_point(|index| seq(index) <= last);
    let known = (end - begin) as u64;
    // Publishes whose seq nobody told may be in it.
    let most = if rules.complete_feeds {
        known + ledger.unplaced
    } else {
        u64::MAX
    };
    let words = if count < known {
        format!("the gap from seq {first} to {last} misses {count} messages: {known} that match were published")
    } else if gap.exact && count > most {
        format!("the gap from seq {first} to {last} misses exactly {count} messages: {most} that match were published")
    } else {
        return None;
    };
    Some((gap.at, words))
}
