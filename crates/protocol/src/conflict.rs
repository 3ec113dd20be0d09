//! Two living runs under one node id: which of them has to go.

use bellwether_message::Epoch;

/// What is known of a run.
#[derive(Debug, Clone, Copy)]
pub struct Run {
    /// Its number.
    pub epoch: Epoch,
    /// Whether it has been in a mesh. A newcomer has not.
    pub joined: bool,
}

/// True if `first` has to go, false if `second` has. Symmetric, so that both ends come to the same answer: a newcomer
/// goes before one that has been in a mesh (the name is taken); of two equals, as when two meshes heal into one, the
/// lower epoch goes.
pub fn first_goes(first: Run, second: Run) -> bool {
    match (first.joined, second.joined) {
        (false, true) => true,
        (true, false) => false,
        _ => first.epoch < second.epoch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_ends_agree_on_who_goes() {
        let run = |epoch, joined| Run {
            epoch: Epoch(epoch),
            joined,
        };
        let runs = [run(1, false), run(1, true), run(2, false), run(2, true)];
        for first in runs {
            for second in runs.iter().copied().filter(|second| second.epoch != first.epoch) {
                assert_ne!(
                    first_goes(first, second),
                    first_goes(second, first),
                    "{first:?} {second:?}"
                );
            }
        }
        assert!(
            first_goes(run(9, false), run(1, true)),
            "the newcomer goes though its epoch is higher"
        );
        assert!(
            first_goes(run(1, true), run(9, true)),
            "of two that have joined the lower epoch goes"
        );
    }
}
