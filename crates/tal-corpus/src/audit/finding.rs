//! One thing that is wrong, or worth a look.

use serde::Serialize;

/// How bad a [`Finding`] is; the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// A command would stop, or its results would be wrong.
    Error,
    /// Likely not meant.
    Warning,
    /// Worth knowing.
    Note,
}

impl Severity {
    /// `error`, `warning` or `note`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Note => "note",
        }
    }
}

/// Kinds of [`Finding`]s. The names do not change.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Code {
    /// The annotation file cannot be read at all.
    AnnotationsUnreadable,
    /// A field of a recording or annotation is missing or wrong.
    AnnotationInvalid,
    /// Durations or segments are in another unit than seconds.
    TimeUnit,
    /// An id occurs twice in the annotation file.
    RecordingRepeated,
    /// A recording is trained on and tested on.
    SplitOverlap,
    /// A configured subset has no recording.
    SubsetEmpty,
    /// A subset is spelled with other letters than in the configuration.
    SubsetCase,
    /// The configuration does not use a subset of the file.
    SubsetUnused,
    /// A used subset has no annotation at all.
    SubsetWithoutAnnotations,
    /// A label id is not a class of the configuration.
    LabelOutOfRange,
    /// A label has two ids, or an id two labels.
    LabelConflict,
    /// A label has no id although others have one.
    LabelWithoutId,
    /// A label is not among the classes that the file lists or has elsewhere.
    LabelUnknown,
    /// Labels differ by spaces or case alone.
    LabelSpelling,
    /// There are more labels than classes.
    TooManyLabels,
    /// Classes of the configuration have no annotation in the used subsets.
    ClassWithoutExamples,
    /// A class is tested, but there is nothing to learn it from.
    ClassOnlyInTest,
    /// Nothing says how many frames a second has.
    FpsMissing,
    /// Nothing says how long the recording is.
    DurationMissing,
    /// A training recording has no annotation.
    RecordingWithoutAnnotations,
    /// No point of the network learns from any action.
    NothingToLearn,
    /// No point of the network learns from any action of a class.
    ClassNotLearned,
    /// A recording is longer than `max_seq_len`.
    RecordingTooLong,
    /// A segment ends before it starts.
    SegmentReversed,
    /// A segment has no length.
    SegmentEmpty,
    /// A segment leaves its recording.
    SegmentOutside,
    /// A segment lies beyond the features of the recording.
    SegmentBeyondFeatures,
    /// A segment occurs twice.
    SegmentDuplicate,
    /// Segments of one class overlap.
    SegmentOverlap,
    /// An action is shorter than a feature.
    ActionTooShort,
    /// An action is too long for every regression range, or for `max_seq_len`.
    ActionTooLong,
    /// No level of the network is responsible for an action.
    ActionWithoutLevel,
    /// The configured grid is not that of the windows of a raw signal.
    GridMismatch,
    /// A folder of features does not exist.
    FeatureDirMissing,
    /// A recording has no features.
    FeatureMissing,
    /// A feature file cannot be read.
    FeatureUnreadable,
    /// Features have other dimensions than expected.
    FeatureShape,
    /// Features have another number of channels than configured.
    FeatureChannels,
    /// A feature is NaN or infinite.
    FeatureNotFinite,
    /// Features do not change over time.
    FeatureConstant,
    /// There are more or fewer features than the duration asks for.
    FeatureLength,
    /// Most recordings have more or fewer features than their durations ask for, for one reason.
    FeatureRate,
    /// Two recordings have the same features.
    FeatureRepeated,
    /// A feature file belongs to no recording.
    FeatureOrphan,
    /// A click file cannot be read.
    ClicksUnreadable,
    /// A click lies behind the end of its recording.
    ClickOutside,
    /// An action is annotated at a background click.
    ClickInAction,
    /// There are clicks of a recording that the annotation file does not have.
    ClickOfUnknownRecording,
}

impl Code {
    /// The name in JSON, such as `feature_missing`.
    pub fn name(self) -> String {
        match serde_json::to_value(self) {
            Ok(serde_json::Value::String(name)) => name,
            _ => format!("{self:?}"),
        }
    }
}

/// One thing that is wrong, or worth a look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Kind of the finding.
    pub code: Code,
    /// The recording (for a [`Code::FeatureOrphan`] the file's part that would be its id); `None` if it concerns the whole
    /// data set.
    pub recording: Option<String>,
    /// Content found.
    pub found: String,
    /// Right content, or advice.
    pub expected: String,
    /// How many times in this recording; [`Finding::found`] describes the first.
    pub count: usize,
}

/// Findings of one place, those of one kind in one recording taken together.
#[derive(Debug, Default)]
pub(super) struct Findings(pub(super) Vec<Finding>);

impl Findings {
    /// Adds a finding. Of several with one code in a recording, the worst is kept, the first among equals.
    pub(super) fn add(
        &mut self,
        severity: Severity,
        code: Code,
        recording: Option<&str>,
        found: impl Into<String>,
        expected: impl Into<String>,
    ) {
        let finding = Finding {
            severity,
            code,
            recording: recording.map(str::to_owned),
            found: found.into(),
            expected: expected.into(),
            count: 1,
        };
        // Those of a recording are added one after another, so the search is short.
        let same = self
            .0
            .iter_mut()
            .rev()
            .take_while(|one| one.recording == finding.recording)
            .find(|one| one.code == code && one.recording.is_some());
        match same {
            Some(one) => {
                let count = one.count + 1;
                if finding.severity < one.severity {
                    *one = finding;
                }
                one.count = count;
            }
            None => self.0.push(finding),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_recording_has_one_finding_of_a_code() {
        let mut findings = Findings::default();
        let mut add = |severity, code, recording, found: &str| {
            findings.add(severity, code, recording, found, "");
        };
        add(Severity::Note, Code::SegmentOverlap, Some("a"), "1");
        add(Severity::Note, Code::SegmentEmpty, Some("a"), "2");
        add(Severity::Warning, Code::SegmentOverlap, Some("a"), "3");
        add(Severity::Warning, Code::SegmentOverlap, Some("a"), "4");
        add(Severity::Note, Code::SegmentOverlap, Some("b"), "5");
        add(Severity::Note, Code::SubsetEmpty, None, "6");
        add(Severity::Note, Code::SubsetEmpty, None, "7");
        let seen: Vec<_> = findings
            .0
            .iter()
            .map(|f| (f.found.as_str(), f.count))
            .collect();
        assert_eq!(seen, [("3", 3), ("2", 1), ("5", 1), ("6", 1), ("7", 1)]);
    }

    #[test]
    fn names_are_those_of_json() {
        assert_eq!(Code::FeatureNotFinite.name(), "feature_not_finite");
        assert!(Severity::Error < Severity::Note);
        assert_eq!(
            serde_json::to_string(&Severity::Warning).unwrap(),
            format!("{:?}", Severity::Warning.name())
        );
    }
}
