//! What annotators wrote.

use serde::{Deserialize, Serialize};

use crate::{ClassMap, Segment};

/// One annotated action.
///
/// # Units
/// `segment` in seconds.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Instance {
    /// When it happens.
    pub segment: Segment,
    /// Class id, see [`ClassMap`].
    pub label: u32,
}

/// One annotated recording.
///
/// # Units
/// `duration` in seconds, `fps` in frames (or samples) per second.
#[derive(Debug, Clone, PartialEq)]
pub struct Recording {
    /// Its name, unique within a data set.
    pub id: String,
    /// The subset it belongs to, as written in the file (`training`, `test`, …).
    pub subset: String,
    /// How long it is, where the file says so.
    pub duration: Option<f64>,
    /// Its frame rate, where the file says so.
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
}
