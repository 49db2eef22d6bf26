//! Precision, recall and F1 of frames.

use std::collections::BTreeMap;

use super::counts::{Counts, Figures};
use super::error::MeasureError;
use super::frames::{FrameRate, num_common, num_in, of_class};
use super::input::{LabelledRecording, all_classes, check_labelled, classes};

/// Precision, recall and F1 of frames, each class by itself.
///
/// A frame may have several classes. It is a true positive of a class that both sides give it. Frames of all recordings are
/// counted together. Background is no class.
///
/// # Errors
/// If a segment or a length is not usable, or a recording has too many frames.
///
/// # Source
/// `precision_recall_fscore_support` of scikit-learn, on one row per frame and one column per class, with
/// `zero_division=0`; `average="macro"` over the classes with annotations.
pub fn frame_scores(
    recordings: &[LabelledRecording<'_>],
    rate: FrameRate,
) -> Result<Figures, MeasureError> {
    check_labelled(recordings)?;
    rate.check(recordings.iter().map(|one| one.duration))?;
    let annotated = classes(recordings.iter().map(|one| one.truth));
    let mut counts: BTreeMap<u32, Counts> = all_classes(recordings)
        .into_iter()
        .map(|label| (label, Counts::default()))
        .collect();
    for recording in recordings {
        let [truth, found] = rate.of(recording);
        for (label, counts) in &mut counts {
            let [truth, found] = [&truth, &found].map(|frames| of_class(frames, *label));
            let hits = num_common(truth, found);
            *counts += Counts::from_totals(hits, num_in(found), num_in(truth));
        }
    }
    let has_truth = |label| annotated.contains(&label);
    Ok(Figures::new(&counts, has_truth, Counts::fractions))
}
