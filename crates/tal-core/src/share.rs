//! The share of a process in a batch.

use std::ops::Range;

/// Part `index` of `count` parts, such as the share of one process in every batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// Number of the part, from 0.
    pub index: usize,
    /// Number of parts, at least 1.
    pub count: usize,
}

impl Share {
    /// All there is.
    pub const WHOLE: Share = Share { index: 0, count: 1 };

    /// The part of `len` things in a row. The parts cover all of them once and differ by at most one thing in length.
    pub fn range(self, len: usize) -> Range<usize> {
        self.index * len / self.count..(self.index + 1) * len / self.count
    }
}

impl Default for Share {
    fn default() -> Self {
        Share::WHOLE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parts_cover_everything_once() {
        for (len, count) in [(4, 3), (4, 4), (16, 5), (7, 1)] {
            let parts = (0..count).flat_map(|index| Share { index, count }.range(len));
            assert!(parts.eq(0..len), "{len} over {count}");
            let mut lens = (0..count).map(|index| Share { index, count }.range(len).len());
            assert!(lens.all(|part| part.abs_diff(len / count) <= 1));
        }
        assert_eq!(Share::WHOLE.range(5), 0..5);
    }
}
