//! Annotations of a data set.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::{ClassMap, Segment};

/// One annotated action.
///
/// # Units
/// `segment` in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// Start and end.
    pub segment: Segment,
    /// Class id, see [`ClassMap`].
    pub label: u32,
}

/// One annotated recording.
///
/// # Units
/// `duration` in seconds, `fps` in frames (or samples) per second.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Recording {
    /// Its name, unique within a data set.
    pub id: String,
    /// The subset it belongs to, as written in the file (`training`, `test`, …).
    pub subset: String,
    /// Its length, if the file names it.
    pub duration: Option<f64>,
    /// Its frame rate, if the file names it.
    pub fps: Option<f64>,
    /// Its actions in the order of the file.
    pub instances: Vec<Instance>,
}

/// The annotations of a data set.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct GroundTruth {
    /// Names of the classes.
    pub classes: ClassMap,
    /// Recordings in the order of the file.
    pub recordings: Vec<Recording>,
}

impl GroundTruth {
    /// The recordings whose subset is one of `subsets`, compared without regard to case.
    pub fn subset<'a>(&'a self, subsets: &'a [String]) -> impl Iterator<Item = &'a Recording> {
        self.recordings.iter().filter(move |recording| {
            subsets
                .iter()
                .any(|name| name.to_lowercase() == recording.subset.to_lowercase())
        })
    }

    /// The names of all subsets, each once, in order of appearance.
    pub fn subset_names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = Vec::new();
        for recording in &self.recordings {
            if !names.contains(&recording.subset.as_str()) {
                names.push(&recording.subset);
            }
        }
        names
    }
}

/// The instances without duplicates: of those with the same label and both ends within 1 ms, the first stays.
///
/// # Source
/// The authors' public code (`|s − s'| ≤ 10⁻³` and `|e − e'| ≤ 10⁻³`); ActionFormer, TriDet and OpenTAD have
/// the same rule in their evaluators.
pub fn remove_duplicates(instances: &[Instance]) -> Vec<Instance> {
    const TOLERANCE: f64 = 1e-3;
    // Cells as wide as the tolerance hold the segments that stay; despite rounding, a duplicate lies at most two cells away.
    let cell = |seconds: f64| (seconds / TOLERANCE).floor() as i64;
    let mut cells: BTreeMap<(u32, i64, i64), Vec<Segment>> = BTreeMap::new();
    let mut kept = instances.to_vec();
    kept.retain(|instance| {
        let Segment { start, end } = instance.segment;
        let (from, to) = (cell(start), cell(end));
        let repeats = (-2..=2).any(|shift: i64| {
            let from = from.saturating_add(shift);
            let near = (instance.label, from, to.saturating_sub(2))
                ..=(instance.label, from, to.saturating_add(2));
            cells.range(near).flat_map(|(_, there)| there).any(|other| {
                (other.start - start).abs() <= TOLERANCE && (other.end - end).abs() <= TOLERANCE
            })
        });
        if !repeats {
            cells
                .entry((instance.label, from, to))
                .or_default()
                .push(instance.segment);
        }
        !repeats
    });
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn recording(id: &str, subset: &str) -> Recording {
        Recording {
            id: id.into(),
            subset: subset.into(),
            duration: None,
            fps: None,
            instances: Vec::new(),
        }
    }

    #[test]
    fn subsets_ignore_case_and_keep_the_order() {
        let truth = GroundTruth {
            classes: ClassMap::default(),
            recordings: vec![
                recording("b", "Test"),
                recording("a", "training"),
                recording("c", "test"),
            ],
        };
        let wanted = ["TEST".to_owned()];
        let ids: Vec<_> = truth.subset(&wanted).map(|r| r.id.as_str()).collect();
        assert_eq!(ids, ["b", "c"]);
        assert_eq!(truth.subset_names(), ["Test", "training", "test"]);
    }

    #[test]
    fn duplicates_are_near_in_both_ends_and_of_one_label() {
        let instance = |start: f64, end: f64, label: u32| Instance {
            segment: Segment::new(start, end),
            label,
        };
        let all = [
            instance(1.0, 2.0, 0),
            instance(1.0005, 2.0005, 0),
            instance(1.0, 2.0, 1),
            instance(1.0, 2.002, 0),
        ];
        assert_eq!(remove_duplicates(&all), [all[0], all[2], all[3]]);
    }

    proptest::proptest! {
        #[test]
        fn duplicates_are_those_of_comparing_all_with_all(
            ends in proptest::collection::vec((0..40i32, 0..6i32, 0..2u32), 0..30),
        ) {
            let all: Vec<Instance> = ends
                .iter()
                .map(|&(start, length, label)| Instance {
                    segment: Segment::new(
                        f64::from(start) * 4.1e-4 - 5e-3,
                        f64::from(start + length) * 4.1e-4 - 5e-3,
                    ),
                    label,
                })
                .collect();
            let mut plain: Vec<Instance> = Vec::new();
            for one in &all {
                let near = |a: f64, b: f64| (a - b).abs() <= 1e-3;
                if !plain.iter().any(|other| {
                    other.label == one.label
                        && near(other.segment.start, one.segment.start)
                        && near(other.segment.end, one.segment.end)
                }) {
                    plain.push(*one);
                }
            }
            proptest::prop_assert_eq!(remove_duplicates(&all), plain);
        }
    }
}
