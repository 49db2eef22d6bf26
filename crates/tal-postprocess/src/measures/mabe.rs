//! F-beta of frames as the MABe challenge counts it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::counts::Counts;
use super::error::MeasureError;
use super::frames::{FrameRate, num_common, num_in, of_class};
use super::input::{LabelledRecording, check_labelled};

/// A recording of one laboratory.
#[derive(Debug, Clone, Copy)]
pub struct LabRecording<'a> {
    /// Annotations and what was found, of one agent and one target.
    pub recording: LabelledRecording<'a>,
    /// Number of the laboratory.
    pub lab: u32,
    /// Classes that were looked for when the recording was annotated; `None` for all.
    pub annotated_classes: Option<&'a [u32]>,
}

/// F-beta, averaged over laboratories.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct MabeFBeta {
    /// Weight of recall.
    pub beta: f64,
    /// Mean over the laboratories; NaN if there is no annotation at all.
    pub f_beta: f64,
    /// Laboratories by number.
    pub labs: Vec<LabFBeta>,
}

/// F-beta of one laboratory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LabFBeta {
    /// Number of the laboratory.
    pub lab: u32,
    /// Mean over its classes.
    pub f_beta: f64,
    /// Its classes by id.
    pub classes: Vec<ClassFBeta>,
}

/// F-beta of one class in one laboratory.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassFBeta {
    /// The class id.
    pub label: u32,
    /// Frames.
    pub counts: Counts,
    /// F-beta.
    pub f_beta: f64,
}

/// F-beta of frames: of each class in each laboratory, averaged over the classes, then over the laboratories.
///
/// Recordings without annotations do not count. Found classes do not count in recordings that were not annotated for them. A
/// class counts in a laboratory if it was annotated or found in a frame there. The original refuses what was found if two classes
/// overlap; use [`super::Labelling::Single`].
///
/// # Errors
/// If a segment, a length or β is not usable, or a recording has too many frames.
///
/// # Source
/// The metric *MABe F Beta* of the MABe challenge (Kaggle, 2025).
pub fn mabe_f_beta(
    recordings: &[LabRecording<'_>],
    rate: FrameRate,
    beta: f64,
) -> Result<MabeFBeta, MeasureError> {
    let plain: Vec<LabelledRecording<'_>> = recordings.iter().map(|one| one.recording).collect();
    check_labelled(&plain)?;
    rate.check(plain.iter().map(|one| one.duration))?;
    let holds = beta.is_finite() && beta >= 0.0;
    MeasureError::unless(holds, "beta", beta, "finite and at least 0")?;

    let mut labs: BTreeMap<u32, BTreeMap<u32, Counts>> = BTreeMap::new();
    for one in recordings {
        if one.recording.truth.is_empty() {
            continue;
        }
        let classes = labs.entry(one.lab).or_default();
        let [truth, found] = rate.of(&one.recording);
        let is_annotated = |label: &&u32| {
            let known = one.annotated_classes;
            known.is_none_or(|known| known.contains(*label))
        };
        let has_frames = |label: &&u32| !of_class(&found, **label).is_empty();
        let labels: BTreeSet<u32> = truth
            .keys()
            .chain(found.keys().filter(is_annotated).filter(has_frames))
            .copied()
            .collect();
        for label in labels {
            let [truth, found] = [&truth, &found].map(|frames| of_class(frames, label));
            let found = if is_annotated(&&label) { found } else { &[] };
            let hits = num_common(truth, found);
            *classes.entry(label).or_default() +=
                Counts::from_totals(hits, num_in(found), num_in(truth));
        }
    }
    let labs: Vec<LabFBeta> = labs
        .into_iter()
        .map(|(lab, classes)| LabFBeta::new(lab, classes, beta))
        .collect();
    let sum: f64 = labs.iter().map(|lab| lab.f_beta).sum();
    Ok(MabeFBeta {
        beta,
        f_beta: sum / labs.len() as f64,
        labs,
    })
}

impl LabFBeta {
    fn new(lab: u32, classes: BTreeMap<u32, Counts>, beta: f64) -> Self {
        let classes: Vec<ClassFBeta> = classes
            .into_iter()
            .map(|(label, counts)| ClassFBeta {
                label,
                counts,
                f_beta: counts.f_beta(beta),
            })
            .collect();
        let sum: f64 = classes.iter().map(|class| class.f_beta).sum();
        Self {
            lab,
            f_beta: sum / classes.len() as f64,
            classes,
        }
    }
}
