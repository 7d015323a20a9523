//! Where a function catches exceptions: a table beside its code, which only throwing looks at.

/// No range, and no tag: an exception leaves the function, or is caught whatever it is.
pub(crate) const NONE: u32 = u32::MAX;

/// Ranges of a function's code, in the order of their starts, outer ones first. They nest.
#[derive(Debug, Default)]
pub(crate) struct Catches {
    ranges: Vec<Range>,
}

/// Code, by words of a function, and what is caught in it.
#[derive(Debug)]
struct Range {
    start: u32,
    end: u32,
    /// The range around it.
    parent: u32,
    /// Where an exception goes that it does not catch: mostly the parent.
    next: u32,
    clauses: Vec<Clause>,
}

/// What a range does with exceptions of a tag.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clause {
    /// Index of the tag in the module, or [`NONE`] for all.
    pub tag: u32,
    /// Where execution goes on.
    pub position: u32,
    /// The first slot for the values that the exception carries; none if they are dropped.
    pub values: Option<u16>,
    /// The slot for a reference to the exception; none if nobody wants it.
    pub reference: Option<u16>,
}

/// A clause, for the translator to complete.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ClauseId {
    range: u32,
    index: u32,
}

fn number(count: usize) -> u32 {
    u32::try_from(count).expect("a function's body has fewer bytes")
}

impl Catches {
    /// Opens a range at a position of the code.
    pub fn open(&mut self, start: usize, parent: u32) -> u32 {
        let range = number(self.ranges.len());
        self.ranges.push(Range {
            start: number(start),
            end: u32::MAX,
            parent,
            next: parent,
            clauses: Vec::new(),
        });
        range
    }

    /// Closes a range.
    pub fn close(&mut self, range: u32, end: usize) {
        self.ranges[range as usize].end = number(end);
    }

    /// Has exceptions that a range does not catch go on with another.
    pub fn delegate(&mut self, range: u32, next: u32) {
        self.ranges[range as usize].next = next;
    }

    /// The range around a range.
    pub fn parent(&self, range: u32) -> u32 {
        self.ranges[range as usize].parent
    }

    /// Adds a clause, tried after those before it.
    pub fn add(&mut self, range: u32, clause: Clause) -> ClauseId {
        let clauses = &mut self.ranges[range as usize].clauses;
        clauses.push(clause);
        ClauseId {
            range,
            index: number(clauses.len() - 1),
        }
    }

    /// A clause, to be changed.
    pub fn clause(&mut self, id: ClauseId) -> &mut Clause {
        &mut self.ranges[id.range as usize].clauses[id.index as usize]
    }

    /// The clause for an exception that arises at a position; `is` says whether it has the tag
    /// of that index.
    pub fn find(&self, position: usize, is: impl Fn(u32) -> bool) -> Option<Clause> {
        let position = number(position);
        let after = self.ranges.partition_point(|range| range.start <= position);
        let mut at = number(after).checked_sub(1)?;
        // Of ranges that nest, whatever contains the position is this one or around it.
        while let Some(range) = self.ranges.get(at as usize) {
            if position >= range.end {
                at = range.parent;
                continue;
            }
            let found = range.clauses.iter();
            let mut found = found.filter(|clause| clause.tag == NONE || is(clause.tag));
            match found.next() {
                Some(clause) => return Some(*clause),
                None => at = range.next,
            }
        }
        None
    }
}
