//! Which line an offset is on.

/// The starts of the lines of a text.
#[derive(Clone, Debug)]
pub(super) struct Lines {
    starts: Vec<u32>,
}

impl Lines {
    /// Reads a text of less than 4 GiB.
    pub(super) fn new(text: &str) -> Self {
        let ends = text.bytes().enumerate().filter(|(_, b)| *b == b'\n');
        let next = ends.map(|(at, _)| u32::try_from(at + 1).unwrap_or(u32::MAX));
        Self { starts: std::iter::once(0).chain(next).collect() }
    }

    /// The line of an offset, from 1.
    pub(super) fn of(&self, offset: u32) -> u32 {
        u32::try_from(self.starts.partition_point(|start| *start <= offset)).unwrap_or(u32::MAX)
    }

    /// Where the line of an offset starts.
    pub(super) fn start(&self, offset: u32) -> u32 {
        let line = self.starts.partition_point(|start| *start <= offset);
        self.starts.get(line.wrapping_sub(1)).copied().unwrap_or_default()
    }
}
