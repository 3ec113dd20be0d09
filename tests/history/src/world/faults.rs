//! Faults: what the driver did to the nodes, and when.

/// All faults of a run.
#[derive(Debug, Default)]
pub(crate) struct Faults {
    list: Vec<Fault>,
}

/// One fault.
#[derive(Debug)]
struct Fault {
    /// Its index among the names.
    name: usize,
    /// Sorted; none means all.
    nodes: Vec<usize>,
    begin: u64,
    end: Option<u64>,
}

impl Faults {
    pub(crate) fn begin(&mut self, name: usize, nodes: Vec<usize>, t: u64) {
        self.list.push(Fault {
            name,
            nodes,
            begin: t,
            end: None,
        });
    }

    /// Ends the fault of this name and these nodes. False if none goes on.
    pub(crate) fn end(&mut self, name: usize, nodes: &[usize], t: u64) -> bool {
        let open = self.list.iter_mut().rev();
        let mut open = open.filter(|fault| fault.end.is_none() && fault.name == name && fault.nodes == nodes);
        match open.next() {
            Some(fault) => {
                fault.end = Some(t);
                true
            }
            None => false,
        }
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// Whether a fault, or its grace, concerns one of the two nodes at `t`.
    pub(crate) fn excuse(&self, pair: [usize; 2], t: u64, grace: u64) -> bool {
        self.touching(pair, grace).any(|(begin, end)| begin <= t && t < end)
    }

    /// The longest part of `from..to` in which no fault, nor its grace, concerns one of the two nodes.
    pub(crate) fn longest_calm(&self, pair: [usize; 2], from: u64, to: u64, grace: u64) -> u64 {
        // Faults are in the order of their begins.
        let (mut calm_from, mut longest) = (from, 0);
        for (begin, end) in self.touching(pair, grace) {
            longest = longest.max(begin.min(to).saturating_sub(calm_from));
            calm_from = calm_from.max(end);
        }
        longest.max(to.saturating_sub(calm_from))
    }

    fn touching(&self, pair: [usize; 2], grace: u64) -> impl Iterator<Item = (u64, u64)> {
        self.list
            .iter()
            .filter(move |fault| fault.nodes.is_empty() || pair.iter().any(|node| fault.nodes.contains(node)))
            .map(move |fault| {
                let end = fault.end.map_or(u64::MAX, |end| end.saturating_add(grace));
                (fault.begin, end)
            })
    }
}
