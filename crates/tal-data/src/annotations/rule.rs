//! Annotations that end before they start, or have no length: one rule for all readers.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::{Mutex, PoisonError};

use tal_core::Segment;

use super::Place;

/// Most annotations that a warning names.
const MAX_NAMED: usize = 5;

/// Why an annotation says nothing about when something happens.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum SegmentFault {
    /// It ends where it starts.
    Empty,
    /// It ends before it starts.
    Reversed,
}

/// The fault of an annotation's segment with finite ends; `None` if it has a length.
pub fn segment_fault(segment: Segment) -> Option<SegmentFault> {
    let length = segment.length();
    if length < 0.0 {
        Some(SegmentFault::Reversed)
    } else if length == 0.0 {
        Some(SegmentFault::Empty)
    } else {
        None
    }
}

/// What becomes of an annotation with a fault.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Treatment {
    /// It stays as it is.
    Kept,
    /// It is left out, and one warning for the whole file says so.
    LeftOut,
    /// It is an error.
    Refused,
}

/// What becomes of annotations without length and of reversed ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct SegmentRule {
    /// Those that end where they start.
    pub empty: Treatment,
    /// Those that end before they start.
    pub reversed: Treatment,
}

impl SegmentRule {
    /// The usual rule: both are left out.
    pub const USUAL: Self = Self {
        empty: Treatment::LeftOut,
        reversed: Treatment::LeftOut,
    };
    /// For an evaluation, whose dialects have rules of their own for annotations without length.
    pub const EVALUATION: Self = Self {
        empty: Treatment::Kept,
        reversed: Treatment::LeftOut,
    };
    /// Both are errors.
    pub const STRICT: Self = Self {
        empty: Treatment::Refused,
        reversed: Treatment::Refused,
    };
    /// For a check that lists faults by itself: reversed ones are errors.
    pub const AUDIT: Self = Self {
        empty: Treatment::Kept,
        reversed: Treatment::Refused,
    };
    /// Both stay, for a reader that leaves them out by itself.
    pub const ALL: Self = Self {
        empty: Treatment::Kept,
        reversed: Treatment::Kept,
    };

    pub(super) fn of(self, fault: SegmentFault) -> Treatment {
        match fault {
            SegmentFault::Empty => self.empty,
            SegmentFault::Reversed => self.reversed,
        }
    }
}

/// Annotations of a file that were left out.
#[derive(Default)]
pub(super) struct LeftOut {
    num_reversed: usize,
    num_empty: usize,
    named: Vec<String>,
}

impl LeftOut {
    pub(super) fn add(&mut self, fault: SegmentFault, place: &Place, segment: Segment) {
        match fault {
            SegmentFault::Empty => self.num_empty += 1,
            SegmentFault::Reversed => self.num_reversed += 1,
        }
        if self.named.len() < MAX_NAMED {
            let index = place.annotation.unwrap_or_default();
            let Segment { start, end } = segment;
            let id = &place.recording;
            self.named
                .push(format!("{id:?} annotation {index} ({start} to {end} s)"));
        }
    }

    /// What was left out, in one sentence; `None` if nothing was.
    pub(super) fn sentence(&self, path: &Path) -> Option<String> {
        let counts: Vec<String> = [
            (self.num_reversed, "that end before they start"),
            (self.num_empty, "without length"),
        ]
        .into_iter()
        .filter(|(num, _)| *num > 0)
        .map(|(num, words)| format!("{num} {words}"))
        .collect();
        if counts.is_empty() {
            return None;
        }
        let more = match self.num_reversed + self.num_empty - self.named.len() {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        Some(format!(
            "{}: annotations left out: {}: {}{more}",
            path.display(),
            counts.join(", "),
            self.named.join(", ")
        ))
    }

    /// Warns, but not twice of the same: a run reads its annotations several times.
    pub(super) fn warn(&self, path: &Path) {
        static SAID: Mutex<BTreeSet<String>> = Mutex::new(BTreeSet::new());
        if let Some(sentence) = self.sentence(path) {
            let mut said = SAID.lock().unwrap_or_else(PoisonError::into_inner);
            if !said.contains(&sentence) {
                tracing::warn!("{sentence}");
                said.insert(sentence);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_out_is_counted_and_some_of_it_named() {
        let path = Path::new("a.json");
        let mut left_out = LeftOut::default();
        assert_eq!(left_out.sentence(path), None);
        left_out.add(
            SegmentFault::Reversed,
            &Place::of(path, "b", Some(2)),
            Segment::new(22.0, 15.5),
        );
        assert_eq!(
            left_out.sentence(path).unwrap(),
            "a.json: annotations left out: 1 that end before they start: \"b\" annotation 2 (22 to 15.5 s)"
        );
        for index in 0..20_000 {
            let place = Place::of(path, "c", Some(index));
            left_out.add(SegmentFault::Empty, &place, Segment::new(1.0, 1.0));
        }
        let sentence = left_out.sentence(path).unwrap();
        assert!(sentence.len() < 400, "{sentence}");
        assert!(sentence.contains("20000 without length") && sentence.ends_with("and 19996 more"));
    }
}
