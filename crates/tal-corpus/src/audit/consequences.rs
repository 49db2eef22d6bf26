//! Findings that follow from others.

use std::collections::{BTreeMap, BTreeSet};

use super::finding::{Code, Finding, Severity};

/// Codes of findings that compare actions with the grid of the features.
const ON_GRID: [Code; 7] = [
    Code::SegmentBeyondFeatures,
    Code::ActionTooShort,
    Code::ActionTooLong,
    Code::ActionWithoutLevel,
    Code::RecordingTooLong,
    Code::NothingToLearn,
    Code::ClassNotLearned,
];

/// Removes the findings that an error explains. `unlabelled` says that no training recording is annotated.
pub(super) fn remove(findings: &mut Vec<Finding>, unlabelled: bool) {
    let is_error = |code: Code| {
        findings
            .iter()
            .any(|one| one.code == code && one.severity == Severity::Error)
    };
    let unlabelled = unlabelled && is_error(Code::SubsetWithoutAnnotations);
    let other_unit = is_error(Code::TimeUnit);
    let other_grid = other_unit || is_error(Code::FeatureRate);
    let other_length = |one: &Finding| {
        one.severity == Severity::Error
            && matches!(one.code, Code::FeatureLength | Code::SegmentOutside)
    };
    let explained: BTreeSet<String> = findings
        .iter()
        .filter(|one| other_length(one))
        .filter_map(|one| one.recording.clone())
        .collect();
    findings.retain(|one| match one.code {
        Code::FeatureRate | Code::FeatureLength | Code::SegmentOutside => !other_unit,
        Code::SegmentBeyondFeatures
            if one
                .recording
                .as_ref()
                .is_some_and(|id| explained.contains(id)) =>
        {
            false
        }
        Code::RecordingWithoutAnnotations => !unlabelled,
        code if ON_GRID.contains(&code) => !other_grid,
        _ => true,
    });
    say_once(findings);
}

/// Takes what is the same for several recordings, such as a file of all that is missing, together.
fn say_once(findings: &mut Vec<Finding>) {
    let is_file =
        |one: &Finding| matches!(one.code, Code::FeatureMissing | Code::FeatureUnreadable);
    let mut first: BTreeMap<(Code, String), usize> = BTreeMap::new();
    let mut kept: Vec<Finding> = Vec::with_capacity(findings.len());
    for one in findings.drain(..) {
        if is_file(&one) && one.recording.is_some() {
            let key = (one.code, one.found.clone());
            if let Some(index) = first.get(&key) {
                kept[*index].recording = None;
                continue;
            }
            first.insert(key, kept.len());
        }
        kept.push(one);
    }
    *findings = kept;
}
