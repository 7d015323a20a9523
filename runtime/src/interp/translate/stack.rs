//! The operand stack during translation: where each operand is to be found.

/// Where an operand is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Provider {
    /// In the local, which has not been set since the operand was pushed.
    Local(u16),
    /// In the local, which nobody else reads, and which is not set again before this is read.
    Once(u16),
    /// Nowhere: it is this constant.
    Const(u64),
    /// In the temporary that belongs to its height.
    Temp,
}

/// An operand taken from the stack.
#[derive(Debug, Clone, Copy)]
pub(super) struct Operand {
    pub provider: Provider,
    /// The height it had.
    pub height: usize,
}

const NONE: u32 = u32::MAX;

struct Entry {
    provider: Provider,
    /// For a local: the next entry below that is the same local.
    below: u32,
}

/// Operands by height.
///
/// Those that are locals are chained by local, so that setting a local finds them without a
/// search; and those below `settled` are known to be none, so that entering a block looks at
/// each entry once. Both keep translation linear.
pub(super) struct Stack {
    entries: Vec<Entry>,
    /// For each local, the topmost entry that is it.
    tops: Vec<u32>,
    settled: usize,
}

impl Stack {
    pub fn new(locals: usize) -> Stack {
        Stack {
            entries: Vec::new(),
            tops: vec![NONE; locals],
            settled: 0,
        }
    }

    pub fn height(&self) -> usize {
        self.entries.len()
    }

    pub fn push(&mut self, provider: Provider) {
        let mut below = NONE;
        if let Provider::Local(local) = provider {
            let top = &mut self.tops[local as usize];
            below = std::mem::replace(top, self.entries.len() as u32);
        }
        self.entries.push(Entry { provider, below });
    }

    pub fn pop(&mut self) -> Operand {
        let entry = self
            .entries
            .pop()
            .expect("validation keeps operands on the stack");
        if let Provider::Local(local) = entry.provider {
            self.tops[local as usize] = entry.below;
        }
        self.settled = self.settled.min(self.entries.len());
        Operand {
            provider: entry.provider,
            height: self.entries.len(),
        }
    }

    pub fn truncate(&mut self, height: usize) {
        while self.entries.len() > height {
            self.pop();
        }
    }

    pub fn at(&self, height: usize) -> Operand {
        Operand {
            provider: self.entries[height].provider,
            height,
        }
    }

    /// Whether an operand is this local.
    pub fn uses(&self, local: u16) -> bool {
        self.tops[local as usize] != NONE
    }

    /// Makes temporaries of all operands that are this local, and yields their heights.
    pub fn detach(&mut self, local: u16) -> Vec<usize> {
        let mut heights = Vec::new();
        let mut next = std::mem::replace(&mut self.tops[local as usize], NONE);
        while next != NONE {
            let entry = &mut self.entries[next as usize];
            entry.provider = Provider::Temp;
            heights.push(next as usize);
            next = entry.below;
        }
        heights
    }

    /// Makes temporaries of all operands that are locals, and yields height and local.
    pub fn settle(&mut self) -> Vec<(usize, u16)> {
        let mut moved = Vec::new();
        for height in self.settled..self.entries.len() {
            let entry = &mut self.entries[height];
            if let Provider::Local(local) = entry.provider {
                entry.provider = Provider::Temp;
                self.tops[local as usize] = NONE;
                moved.push((height, local));
            }
        }
        self.settled = self.entries.len();
        moved
    }

    /// Makes temporaries of the topmost `count` operands, and yields what they were, lowest
    /// first.
    pub fn materialise(&mut self, count: usize) -> Vec<Operand> {
        let mut operands: Vec<Operand> = (0..count).map(|_| self.pop()).collect();
        for _ in 0..count {
            self.push(Provider::Temp);
        }
        operands.reverse();
        operands
    }
}
