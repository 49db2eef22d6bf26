//! Labels of whole recordings, where training learns from them.

use std::collections::{BTreeMap, BTreeSet};

use tal_core::config::Config;
use tal_core::{GroundTruth, Recording};

use super::finding::{Code, Findings, Severity};
use tal_data::annotations::extra;
use tal_data::{all_classes, annotated_classes};

/// Content of a recording that training learns from.
pub(super) enum Labels {
    /// Segments.
    Segments,
    /// Classes of recordings: of those that have a list, by their ids; else those of the annotated actions.
    Recordings(BTreeMap<String, BTreeSet<u32>>),
}

impl Labels {
    /// The labels that the configuration learns from; faults of label lists go to `findings`.
    pub(super) fn read(config: &Config, truth: &GroundTruth, findings: &mut Findings) -> Self {
        if config.backtal.is_none() {
            return Self::Segments;
        }
        let mut lists = BTreeMap::new();
        let path = &config.dataset.annotations;
        let extra = match extra::read(path) {
            Ok(extra) => extra,
            Err(error) => {
                let expected = "\"labels\" and \"classes\" as the message says";
                let (severity, code) = (Severity::Error, Code::AnnotationInvalid);
                findings.add(severity, code, None, error.to_string(), expected);
                return Self::Recordings(lists);
            }
        };
        let classes = match all_classes(&truth.classes, &extra, path) {
            Ok(classes) => classes,
            Err(error) => {
                let expected = "\"classes\" that agree with the label ids";
                let (severity, code) = (Severity::Error, Code::LabelConflict);
                findings.add(severity, code, None, error.to_string(), expected);
                truth.classes.clone()
            }
        };
        for (id, names) in &extra.labels {
            let mut list = BTreeSet::new();
            for name in names {
                if config.dataset.class_agnostic {
                    list.insert(0);
                } else if let Some(label) = classes.id(name) {
                    list.insert(label);
                } else {
                    let expected = match classes.nearest(name) {
                        Some(nearest) => format!("a class of the file, such as {nearest:?}"),
                        None => "a class of the file".to_owned(),
                    };
                    findings.add(
                        Severity::Error,
                        Code::LabelUnknown,
                        Some(id),
                        format!("\"labels\" names the class {name:?}"),
                        expected,
                    );
                }
            }
            lists.insert(id.clone(), list);
        }
        Self::Recordings(lists)
    }

    /// The classes that training learns of a recording, ascending.
    pub(super) fn of(&self, recording: &Recording) -> BTreeSet<u32> {
        let list = match self {
            Self::Segments => None,
            Self::Recordings(lists) => lists.get(&recording.id),
        };
        list.cloned()
            .unwrap_or_else(|| annotated_classes(recording))
    }
}
