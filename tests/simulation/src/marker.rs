//! Markers: rare places that some seed must have reached, or the simulation tests less than it says.

use std::fmt;

macro_rules! markers {
    ($($(#[doc = $doc:literal])+ $name:ident => $words:literal,)+) => {
        /// A rare place.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Marker {
            $($(#[doc = $doc])+ $name,)+
        }

        impl Marker {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$name,)+];

            /// Its name in a report.
            pub const fn words(self) -> &'static str {
                match self {
                    $(Self::$name => $words,)+
                }
            }
        }
    };
}

markers! {
    /// A link came back and went on at a seq above 1.
    Resumed => "resume hit",
    /// The backlog had moved past a link that was down.
    BacklogOverrun => "backlog overrun",
    /// The backlog moved past a link that was up.
    LinkOverrun => "link overrun",
    /// A subscription read too slowly.
    SlowSubscriber => "slow subscriber gap",
    /// A newer run took the place of an older one that had told no end.
    EpochBump => "epoch bump",
    /// A second node of a taken name was refused.
    DuplicateNodeId => "duplicate id",
    /// An older run was asked whether it lives.
    OlderRunAsked => "older run asked",
    /// A node stopped in good order while others published, and all had confirmed.
    DrainedUnderLoad => "drain under load",
    /// A drain was over before all had confirmed.
    DrainDeadline => "drain deadline",
    /// More changes than are remembered: the whole interest was told again.
    InterestOverflow => "interest log overflow, whole told",
    /// A lane was opened while its link was up.
    LateLane => "late lane",
    /// A lane died and took its link with it.
    LaneLost => "lane died alone",
    /// A frame came in pieces.
    CutFrame => "frame in pieces",
    /// A newer link replaced one that was up.
    Replaced => "link replaced",
    /// The peer's process knew nothing of a connection.
    Reset => "reset",
    /// A connection died of silence.
    IdleTimeout => "idle time-out",
    /// A suspect answered a ping.
    SuspectAnswered => "suspect answered",
    /// A member was taken for down.
    MemberDown => "member down",
    /// A member that was down for five minutes left the view.
    MemberExpired => "member expired",
    /// A run that had been told to be gone came back.
    CameBack => "gone run came back",
    /// Unwanted messages were told as skipped.
    Skipped => "skip mark",
    /// A confirmation came after the subscription had returned.
    LateConfirmation => "late confirmation",
    /// An end of a feed was told cleanly.
    CleanEnd => "clean end",
    /// An end was told whose tail is unknown.
    UnknownEnd => "unknown tail",
    /// A writer waited for room on its stream.
    WindowFull => "window full",
    /// A stream went on under another key.
    KeyReplaced => "key rotation mid-stream",
}

/// How often each marker was reached.
#[derive(Debug, Clone)]
pub struct Markers([u64; Marker::ALL.len()]);

impl Default for Markers {
    fn default() -> Self {
        Self([0; Marker::ALL.len()])
    }
}

impl Markers {
    /// Once more.
    pub fn reach(&mut self, marker: Marker) {
        self.0[marker as usize] += 1;
    }

    /// Adds those of another run.
    pub fn add(&mut self, other: &Self) {
        self.0.iter_mut().zip(other.0).for_each(|(all, more)| *all += more);
    }

    /// Those that were never reached.
    pub fn missing(&self) -> Vec<Marker> {
        Marker::ALL
            .iter()
            .copied()
            .filter(|marker| self.0[*marker as usize] == 0)
            .collect()
    }
}

impl fmt::Display for Markers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for marker in Marker::ALL {
            writeln!(f, "{:>12}  {}", self.0[*marker as usize], marker.words())?;
        }
        Ok(())
    }
}
