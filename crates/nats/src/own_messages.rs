//! What a client has published itself, for clients that do not want to hear it (`echo:false`).

use std::collections::VecDeque;

use bellwether::Instance;

/// Runs of seqs that are remembered per instance; the oldest go, and come back to their publisher if they still wait then.
const MAX_RUNS: usize = 16_384;

/// The seqs of one client's messages in the feeds of its node.
#[derive(Debug, Default)]
pub(crate) struct OwnMessages {
    /// Per instance, rising: first and last of each run without a hole.
    runs: [VecDeque<(u64, u64)>; Instance::COUNT],
}

impl OwnMessages {
    /// It has published this.
    pub(crate) fn note(&mut self, instance: Instance, seq: u64) {
        let Some(runs) = self.runs.get_mut(instance.index()) else {
            return;
        };
        match runs.back_mut() {
            Some((_, last)) if *last + 1 == seq => *last = seq,
            _ => {
                if runs.len() == MAX_RUNS {
                    runs.pop_front();
                }
                runs.push_back((seq, seq));
            }
        }
    }

    /// Whether it has.
    pub(crate) fn has(&self, instance: Instance, seq: u64) -> bool {
        let Some(runs) = self.runs.get(instance.index()) else {
            return false;
        };
        let behind = runs.partition_point(|(first, _)| *first <= seq);
        let run = behind.checked_sub(1).and_then(|index| runs.get(index));
        run.is_some_and(|(_, last)| seq <= *last)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_noted_is_known_and_nothing_else() {
        let mut own = OwnMessages::default();
        let noted = [1, 2, 3, 7, 9, 10, 400];
        for seq in noted {
            own.note(Instance::Events, seq);
        }
        for seq in 0..500 {
            assert_eq!(own.has(Instance::Events, seq), noted.contains(&seq), "{seq}");
            assert!(!own.has(Instance::Health, seq));
        }
    }

    #[test]
    fn the_oldest_go() {
        let mut own = OwnMessages::default();
        for seq in 0..=MAX_RUNS as u64 {
            own.note(Instance::Events, seq * 2);
        }
        assert!(!own.has(Instance::Events, 0));
        assert!(own.has(Instance::Events, 2));
        assert!(own.has(Instance::Events, 2 * MAX_RUNS as u64));
    }
}
