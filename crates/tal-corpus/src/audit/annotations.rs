//! The annotations of a data set, read as far as they can be.

use std::collections::BTreeSet;

use tal_core::config::DatasetConfig;
use tal_core::{ClassMap, GroundTruth};

use super::finding::{Code, Findings, Severity};
use tal_data::AnnotationError;
use tal_data::annotations::{self, Salvage, SegmentRule};

/// Annotations that could be read.
pub(super) struct Readable {
    pub(super) truth: GroundTruth,
    /// Ids of recordings that lost annotations, or everything.
    pub(super) damaged: BTreeSet<String>,
}

/// Reads the annotations as training does.
///
/// # Errors
/// Those of [`annotations::read`].
pub(super) fn strict(config: &DatasetConfig) -> Result<GroundTruth, AnnotationError> {
    let rule = SegmentRule::AUDIT;
    let truth = annotations::read_with(&config.annotations, num_classes(config), rule)?;
    Ok(with_classes(truth, config))
}

/// Reads the annotations; their errors go to `findings`.
pub(super) fn read(config: &DatasetConfig, findings: &mut Findings) -> Option<Readable> {
    let error = match strict(config) {
        Ok(truth) => {
            let damaged = BTreeSet::new();
            return Some(Readable { truth, damaged });
        }
        Err(error) => error,
    };
    match annotations::salvage(&config.annotations, num_classes(config)) {
        Ok(salvage) => {
            let damaged = tell(&salvage, config, findings);
            let truth = with_classes(salvage.truth, config);
            Some(Readable { truth, damaged })
        }
        Err(_) => {
            findings.add(
                Severity::Error,
                Code::AnnotationsUnreadable,
                None,
                error.to_string(),
                "an annotation file that can be read (dataset.annotations)",
            );
            None
        }
    }
}

fn num_classes(config: &DatasetConfig) -> Option<usize> {
    (!config.class_agnostic).then_some(config.num_classes)
}

/// The annotations with one class for all if the configuration wants that.
fn with_classes(mut truth: GroundTruth, config: &DatasetConfig) -> GroundTruth {
    if config.class_agnostic {
        truth.classes = ClassMap::default();
        for recording in &mut truth.recordings {
            for instance in &mut recording.instances {
                instance.label = 0;
                // Adding the same pair again changes nothing.
                let _ = truth.classes.insert(0, "action");
            }
        }
    }
    truth
}

fn tell(salvage: &Salvage, config: &DatasetConfig, findings: &mut Findings) -> BTreeSet<String> {
    // Ids that count from 1 are the commonest mistake.
    let mut too_large = salvage.errors.iter().filter_map(|error| match error {
        AnnotationError::LabelOutOfRange { id, .. } => Some(*id),
        _ => None,
    });
    let from_one = salvage.truth.classes.name(0).is_none()
        && too_large.all(|id| id == config.num_classes as u64);
    let mut damaged = BTreeSet::new();
    for error in &salvage.errors {
        let (code, expected) = kind(error);
        let expected = match code {
            Code::LabelOutOfRange if from_one => {
                "ids from 0; here they seem to start at 1".to_owned()
            }
            _ => expected.to_owned(),
        };
        let recording = error.place().map(|place| place.recording.clone());
        let mut code = code;
        let mut found = without_path(&error.to_string(), config);
        if code == Code::RecordingRepeated
            && let Some(id) = &recording
            && let Some(subsets) = salvage.repeated.get(id)
        {
            let quoted: Vec<String> = subsets.iter().map(|name| format!("{name:?}")).collect();
            found = format!(
                "stands in the file more than once, in {}",
                quoted.join(" and ")
            );
            let among = |wanted: &[String]| subsets.iter().any(|subset| is_in(subset, wanted));
            if among(&config.train_subsets) && among(&config.test_subsets) {
                code = Code::SplitOverlap;
            }
        }
        let recording = recording.filter(|id| !id.is_empty());
        findings.add(Severity::Error, code, recording.as_deref(), found, expected);
        damaged.extend(recording);
    }
    damaged
}

/// Whether a subset is among those wanted, as the data set compares them.
pub(super) fn is_in(subset: &str, wanted: &[String]) -> bool {
    let subset = subset.to_lowercase();
    wanted.iter().any(|name| name.to_lowercase() == subset)
}

fn kind(error: &AnnotationError) -> (Code, &'static str) {
    match error {
        AnnotationError::ReversedSegment { .. } => {
            (Code::SegmentReversed, "start <= end (seconds)")
        }
        AnnotationError::LabelOutOfRange { .. } => {
            (Code::LabelOutOfRange, "label ids below dataset.num_classes")
        }
        AnnotationError::ClassConflict { .. } => (
            Code::LabelConflict,
            "one id for each label, one label for each id",
        ),
        AnnotationError::MissingLabelId { .. } => {
            (Code::LabelWithoutId, "an id for every label, or for none")
        }
        AnnotationError::UnlistedLabel { .. } => {
            (Code::LabelUnknown, "a label of the list of \"classes\"")
        }
        AnnotationError::ClassList { .. } => (Code::LabelConflict, "each class once"),
        AnnotationError::TooManyLabels { .. } => {
            (Code::TooManyLabels, "at most dataset.num_classes labels")
        }
        AnnotationError::RepeatedRecording { .. } => (
            Code::RecordingRepeated,
            "each recording once, in one subset",
        ),
        _ => (Code::AnnotationInvalid, "what the message says"),
    }
}

/// A message without the file's name: that is the same for all.
fn without_path(message: &str, config: &DatasetConfig) -> String {
    let path = format!("{}: ", config.annotations.display());
    message.strip_prefix(&path).unwrap_or(message).to_owned()
}
