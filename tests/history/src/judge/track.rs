//! Tracks: what came to one subscription of one feed.

/// What came of a feed. A subscription that resumes another goes on with its tracks.
#[derive(Clone, Debug)]
pub(super) struct Track {
    pub(super) ledger: usize,
    /// Rising.
    pub(super) delivered: Vec<u64>,
    pub(super) gaps: Vec<Told>,
    /// The end that was told last. One with an unknown tail is forgotten when more comes: the run was only cut off.
    pub(super) ended: Option<Ended>,
    /// The last seqs of ends with an unknown tail, also of those that the run came back from.
    pub(super) tails: Vec<u64>,
    /// The lowest seq that came or was told.
    pub(super) first: Option<u64>,
    /// Seqs that a `live` event said would not come whole: above the first, below the second.
    pub(super) torn: Option<(u64, u64)>,
    /// What was judged with the subscription that this one goes on for.
    pub(super) judged: Judged,
}

/// How much of a track an earlier subscription had.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Judged {
    pub(super) delivered: usize,
    pub(super) gaps: usize,
    /// The highest seq that came or was told; `None` if none did.
    pub(super) last: Option<u64>,
}

/// A gap as it was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Told {
    pub(super) first: u64,
    pub(super) last: u64,
    pub(super) count: u64,
    pub(super) exact: bool,
    pub(super) at: usize,
}

/// An end as it was told.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ended {
    pub(super) last_seq: u64,
    pub(super) tail_unknown: bool,
    pub(super) at: usize,
}

impl Track {
    pub(super) fn new(ledger: usize) -> Self {
        Self {
            ledger,
            delivered: Vec::new(),
            gaps: Vec::new(),
            ended: None,
            tails: Vec::new(),
            first: None,
            torn: None,
            judged: Judged::default(),
        }
    }

    /// The same for a subscription that goes on from here.
    pub(super) fn resumed(&self) -> Self {
        let judged = Judged {
            delivered: self.delivered.len(),
            gaps: self.gaps.len(),
            last: self.last(),
        };
        Self { judged, ..self.clone() }
    }

    /// Something came or was told from `first` on.
    pub(super) fn came(&mut self, first: u64) {
        self.first = Some(self.first.map_or(first, |known| known.min(first)));
        if let Some((_, below)) = &mut self.torn {
            *below = (*below).min(first);
        }
        self.ended = self.ended.filter(|ended| !ended.tail_unknown);
    }

    /// The past of the origin did not come whole: the hole before the next thing is no surprise.
    pub(super) fn tear(&mut self) {
        self.torn = self.last().map(|last| (last, u64::MAX));
    }

    /// The highest seq that came or was told.
    pub(super) fn last(&self) -> Option<u64> {
        let gap = self.gaps.iter().map(|gap| gap.last).max();
        let ended = self.ended.map(|ended| ended.last_seq);
        let tail = self.tails.iter().copied().max();
        self.delivered.last().copied().max(gap).max(ended).max(tail)
    }

    /// Whether a message or a gap came, so that the subscriber knows of the feed.
    pub(super) fn is_known(&self) -> bool {
        !self.delivered.is_empty() || !self.gaps.is_empty()
    }
}
