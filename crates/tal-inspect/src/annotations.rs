//! Annotations of a data set.

use std::path::Path;

use serde::Serialize;
use tal_core::{GroundTruth, Recording, grouped};

use crate::error::InspectError;
use crate::section::{Section, duration, facts};
use crate::statistics::Spread;

/// Annotations of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct AnnotationFacts {
    /// Recordings.
    pub num_recordings: usize,
    /// Annotated actions.
    pub num_actions: usize,
    /// Recordings without any action.
    pub num_without_actions: usize,
    /// Lengths of the recordings, in seconds; `None` if the file names none.
    pub durations: Option<Spread>,
    /// Frame rates of the recordings; `None` if the file names none.
    pub fps: Option<Spread>,
    /// Lengths of the actions, in seconds.
    pub action_lengths: Option<Spread>,
    /// The subsets in order of appearance.
    pub subsets: Vec<SubsetFacts>,
    /// The classes by id.
    pub classes: Vec<ClassFacts>,
}

/// A subset of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubsetFacts {
    /// Its name.
    pub name: String,
    /// Its recordings.
    pub num_recordings: usize,
    /// Actions in them.
    pub num_actions: usize,
    /// Their length together, in seconds, as far as the file names it.
    pub seconds: f64,
}

/// A class of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassFacts {
    /// Its id.
    pub id: u32,
    /// Its name.
    pub name: String,
    /// Its actions.
    pub num_actions: usize,
    /// Their length together, in seconds.
    pub seconds: f64,
}

pub(crate) fn read(path: &Path) -> Result<AnnotationFacts, InspectError> {
    Ok(AnnotationFacts::of(&tal_data::annotations::read(
        path, None,
    )?))
}

impl AnnotationFacts {
    fn of(truth: &GroundTruth) -> Self {
        let all = || truth.recordings.iter();
        let actions = || all().flat_map(|recording| &recording.instances);
        let subset = |name: &str| {
            let of = || all().filter(move |recording| recording.subset == name);
            SubsetFacts {
                name: name.to_owned(),
                num_recordings: of().count(),
                num_actions: of().map(|recording| recording.instances.len()).sum(),
                seconds: of().filter_map(|recording| recording.duration).sum(),
            }
        };
        let class = |(id, name): (u32, &str)| {
            let of = || actions().filter(move |action| action.label == id);
            ClassFacts {
                id,
                name: name.to_owned(),
                num_actions: of().count(),
                seconds: of().map(|action| action.segment.length()).sum(),
            }
        };
        let is_empty = |recording: &&Recording| recording.instances.is_empty();
        Self {
            num_recordings: truth.recordings.len(),
            num_actions: actions().count(),
            num_without_actions: all().filter(is_empty).count(),
            durations: Spread::of(all().filter_map(|recording| recording.duration).collect()),
            fps: Spread::of(all().filter_map(|recording| recording.fps).collect()),
            action_lengths: Spread::of(actions().map(|action| action.segment.length()).collect()),
            subsets: truth.subset_names().into_iter().map(subset).collect(),
            classes: truth.classes.iter().map(class).collect(),
        }
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let without = match self.num_without_actions {
            0 => String::new(),
            count => format!(", {} without actions", grouped(count)),
        };
        let subsets = self.subsets.iter().map(|subset| {
            vec![
                subset.name.clone(),
                grouped(subset.num_recordings),
                grouped(subset.num_actions),
                duration(subset.seconds),
            ]
        });
        let classes = self.classes.iter().map(|class| {
            vec![
                class.name.clone(),
                class.id.to_string(),
                grouped(class.num_actions),
                duration(class.seconds),
            ]
        });
        vec![
            facts([
                (
                    "recordings",
                    Some(format!("{}{without}", grouped(self.num_recordings))),
                ),
                ("actions", Some(grouped(self.num_actions))),
                ("lengths", self.durations.map(|found| found.text(" s"))),
                (
                    "frame rates",
                    self.fps.map(|found| found.text(" per second")),
                ),
                (
                    "action lengths",
                    self.action_lengths.map(|found| found.text(" s")),
                ),
            ]),
            Section::Table {
                header: vec!["subset", "recordings", "actions", "length"],
                rows: subsets.collect(),
            },
            Section::Table {
                header: vec!["class", "id", "actions", "length"],
                rows: classes.collect(),
            },
        ]
    }
}
