//! Planted bugs: what the simulation must find. None of them exists in a build without `--cfg planted`.

#[cfg(planted)]
use std::sync::atomic::{AtomicUsize, Ordering};

macro_rules! planted {
    ($($(#[doc = $doc:literal])+ $name:ident,)+) => {
        /// A bug, as somebody could have written it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Planted {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Planted {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];
        }
    };
}

planted! {
    /// The backlog moved past a link, and no gap is told.
    GapMarkNotSent,
    /// A resume asks for the last message again, and takes it.
    TwiceAfterResume,
    /// Two messages of a batch change places.
    SwappedInBatch,
    /// A newer run is there, and what the older one sent still counts.
    OldRunDelivers,
    /// A link that comes back goes on at the newest message.
    ResumeForgotten,
    /// An exact gap says one too many.
    GapCountOff,
    /// A gap begins one seq too early.
    GapTooWide,
    /// A queue that nobody reads grows for ever.
    QueueUnbounded,
    /// A backlog grows for ever.
    BacklogUnbounded,
    /// After a resume, patterns are live from then on and not from where they were.
    LiveFromIgnored,
    /// A run that died is told to nobody.
    EndNotTold,
    /// A clean end names a message that there never was.
    EndTooHigh,
    /// An end that is told again breaks the link.
    EndRefusedAgain,
    /// What has not arrived is acknowledged.
    AckAhead,
    /// Of several patterns of a subscription only the first is routed.
    SecondPatternForgotten,
    /// Who unsubscribes takes the pattern from everybody.
    PatternTakenFromOthers,
    /// A suspect is down without having been asked.
    SuspectNotAsked,
    /// A change of interest is passed over.
    InterestChangeLost,
    /// A queue group chooses a peer, and one of its own as well.
    QueueChoosesTwo,
    /// A peer that has left a queue group is chosen on.
    QueueSeatKept,
    /// A confirmation of a pattern counts for the same pattern subscribed again.
    StaleConfirmation,
    /// What an older key has signed is sent as it lies in the backlog.
    OldSignatureKept,
    /// Another key signs, and peers are not told.
    NewKeyNotTold,
}

/// Whether a bug is in this build: never, unless it was planted.
#[cfg(not(planted))]
#[inline(always)]
pub const fn is_planted(_bug: Planted) -> bool {
    false
}

/// The bug in force, counted from 1; 0 is none.
#[cfg(planted)]
static IN_FORCE: AtomicUsize = AtomicUsize::new(0);

/// Whether a bug is in force.
#[cfg(planted)]
pub fn is_planted(bug: Planted) -> bool {
    IN_FORCE.load(Ordering::Relaxed) == bug as usize + 1
}

/// Puts a bug in force, in place of any other.
#[cfg(planted)]
pub fn plant(bug: Option<Planted>) {
    IN_FORCE.store(bug.map_or(0, |bug| bug as usize + 1), Ordering::Relaxed);
}
