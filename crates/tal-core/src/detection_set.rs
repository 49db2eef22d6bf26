//! Detections of several recordings, in the order in which they came.

use std::collections::HashMap;
use std::ops::Index;

use crate::Detection;

/// Detections by recording id. Recordings keep the order in which they were added, the detections of a recording their own.
///
/// The order decides between equal scores in an evaluation. [`DetectionSet::push`] also remembers how the rows of several
/// recordings alternate, as in a table that is sorted by score; any other change forgets that, and the rows then count as
/// grouped by recording.
#[derive(Debug, Clone, Default)]
pub struct DetectionSet {
    recordings: Vec<(String, Vec<Detection>)>,
    places: HashMap<String, usize>,
    /// Place of the recording of each row, if the rows of a recording do not all follow one another.
    alternation: Vec<u32>,
    /// Place of the recording of the last row: the next row mostly belongs to the same one.
    last: usize,
}

impl DetectionSet {
    /// A set without recordings.
    pub fn new() -> Self {
        Self::default()
    }

    /// Number of recordings.
    pub fn len(&self) -> usize {
        self.recordings.len()
    }

    /// Whether there is no recording.
    pub fn is_empty(&self) -> bool {
        self.recordings.is_empty()
    }

    /// Whether a recording is there, be it without detections.
    pub fn contains_key(&self, id: &str) -> bool {
        self.places.contains_key(id)
    }

    /// The detections of a recording.
    pub fn get(&self, id: &str) -> Option<&Vec<Detection>> {
        let place = self.places.get(id)?;
        Some(&self.recordings[*place].1)
    }

    /// Sets the detections of a recording and returns those that it had; a new recording comes last.
    pub fn insert(&mut self, id: String, detections: Vec<Detection>) -> Option<Vec<Detection>> {
        self.alternation.clear();
        if let Some(place) = self.places.get(&id) {
            let known = &mut self.recordings[*place].1;
            return Some(std::mem::replace(known, detections));
        }
        self.places.insert(id.clone(), self.recordings.len());
        self.recordings.push((id, detections));
        None
    }

    /// Adds one row behind all others; a new recording comes last.
    pub fn push(&mut self, id: &str, detection: Detection) {
        let place = self.place(id);
        if !self.alternation.is_empty() {
            self.alternation.push(place as u32);
        } else if place + 1 < self.recordings.len() {
            // The first row that goes back to an earlier recording: so far they came one after the other.
            let rows = self.recordings.iter().map(|(_, rows)| rows.len());
            self.alternation = (0..)
                .zip(rows)
                .flat_map(|(place, num)| std::iter::repeat_n(place, num))
                .collect();
            self.alternation.push(place as u32);
        }
        self.recordings[place].1.push(detection);
    }

    /// Place of a recording; a new one comes last.
    fn place(&mut self, id: &str) -> usize {
        let last = self.recordings.get(self.last);
        if last.is_none_or(|(known, _)| known != id) {
            self.last = match self.places.get(id) {
                Some(place) => *place,
                None => {
                    let place = self.recordings.len();
                    self.places.insert(id.to_owned(), place);
                    self.recordings.push((id.to_owned(), Vec::new()));
                    place
                }
            };
        }
        self.last
    }

    /// Ids of the recordings.
    pub fn keys(&self) -> impl Iterator<Item = &String> {
        self.recordings.iter().map(|(id, _)| id)
    }

    /// The detections, recording by recording.
    pub fn values(&self) -> impl Iterator<Item = &Vec<Detection>> {
        self.recordings.iter().map(|(_, rows)| rows)
    }

    /// The detections, recording by recording, to be changed.
    pub fn values_mut(&mut self) -> impl Iterator<Item = &mut Vec<Detection>> {
        self.alternation.clear();
        self.recordings.iter_mut().map(|(_, rows)| rows)
    }

    /// All detections, to be changed one by one; their order stays.
    pub fn detections_mut(&mut self) -> impl Iterator<Item = &mut Detection> {
        self.recordings.iter_mut().flat_map(|(_, rows)| rows)
    }

    /// Ids and detections, recording by recording.
    pub fn iter(&self) -> impl Iterator<Item = (&String, &Vec<Detection>)> {
        self.recordings.iter().map(|(id, rows)| (id, rows))
    }

    /// Place of the recording (as in [`DetectionSet::iter`]) of each row, in the order of the rows; `None` if they are grouped
    /// by recording.
    pub fn alternation(&self) -> Option<&[u32]> {
        (!self.alternation.is_empty()).then_some(self.alternation.as_slice())
    }
}

impl PartialEq for DetectionSet {
    fn eq(&self, other: &Self) -> bool {
        self.recordings == other.recordings && self.alternation == other.alternation
    }
}

impl<Q: AsRef<str> + ?Sized> Index<&Q> for DetectionSet {
    type Output = Vec<Detection>;

    /// # Panics
    /// If the recording is not there.
    fn index(&self, id: &Q) -> &Vec<Detection> {
        self.get(id.as_ref()).expect("a recording of the set")
    }
}

impl Extend<(String, Vec<Detection>)> for DetectionSet {
    fn extend<I: IntoIterator<Item = (String, Vec<Detection>)>>(&mut self, recordings: I) {
        for (id, detections) in recordings {
            self.insert(id, detections);
        }
    }
}

impl FromIterator<(String, Vec<Detection>)> for DetectionSet {
    fn from_iter<I: IntoIterator<Item = (String, Vec<Detection>)>>(recordings: I) -> Self {
        let mut set = Self::new();
        set.extend(recordings);
        set
    }
}

impl<const N: usize> From<[(String, Vec<Detection>); N]> for DetectionSet {
    fn from(recordings: [(String, Vec<Detection>); N]) -> Self {
        recordings.into_iter().collect()
    }
}

impl IntoIterator for DetectionSet {
    type Item = (String, Vec<Detection>);
    type IntoIter = std::vec::IntoIter<(String, Vec<Detection>)>;

    fn into_iter(self) -> Self::IntoIter {
        self.recordings.into_iter()
    }
}

impl<'a> IntoIterator for &'a DetectionSet {
    type Item = (&'a String, &'a Vec<Detection>);
    type IntoIter = std::iter::Map<
        std::slice::Iter<'a, (String, Vec<Detection>)>,
        fn(&'a (String, Vec<Detection>)) -> (&'a String, &'a Vec<Detection>),
    >;

    fn into_iter(self) -> Self::IntoIter {
        self.recordings.iter().map(|(id, rows)| (id, rows))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Segment;

    fn row(score: f64) -> Detection {
        Detection {
            segment: Segment::new(0.0, 1.0),
            label: 0,
            score,
        }
    }

    #[test]
    fn recordings_keep_the_order_in_which_they_came() {
        let mut set = DetectionSet::from([("b".to_owned(), vec![row(0.5)])]);
        set.insert("a".to_owned(), Vec::new());
        assert_eq!(
            set.insert("b".to_owned(), vec![row(0.25)]),
            Some(vec![row(0.5)])
        );
        let ids: Vec<&str> = set.keys().map(String::as_str).collect();
        assert_eq!(ids, ["b", "a"]);
        assert_eq!(set["b"], [row(0.25)]);
        assert!(set.contains_key("a") && !set.contains_key("c"));
        let turned: DetectionSet = set.clone().into_iter().rev().collect();
        assert_ne!(set, turned);
    }

    #[test]
    fn rows_that_alternate_keep_their_order() {
        let mut set = DetectionSet::new();
        for (id, score) in [("b", 0.1), ("b", 0.2), ("a", 0.3)] {
            set.push(id, row(score));
        }
        assert_eq!(set.alternation(), None);
        for (id, score) in [("b", 0.4), ("c", 0.5), ("a", 0.6)] {
            set.push(id, row(score));
        }
        assert_eq!(set.alternation(), Some(&[0, 0, 1, 0, 2, 1][..]));
        assert_eq!(set["b"], [row(0.1), row(0.2), row(0.4)]);
        set.values_mut().for_each(Vec::clear);
        assert_eq!(set.alternation(), None);
    }
}
