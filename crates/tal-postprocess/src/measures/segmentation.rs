//! Temporal segmentation: frame accuracy, Edit and F1@k.

use serde::{Deserialize, Serialize};

use super::counts::{Counts, ratio};
use super::error::MeasureError;
use super::frames::FrameRate;
use super::input::{LabelledRecording, check_labelled};

/// Rules of [`segmentation`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SegmentationConfig {
    /// Least tIoU of a hit, for each F1.
    pub overlaps: Vec<f64>,
    /// Role of frames without a class.
    pub background: Background,
}

impl Default for SegmentationConfig {
    fn default() -> Self {
        Self {
            overlaps: vec![0.1, 0.25, 0.5],
            background: Background::Ignored,
        }
    }
}

/// Role of frames without a class in Edit and F1@k.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Background {
    /// They separate segments, but make none.
    #[default]
    Ignored,
    /// They make segments of a class of their own.
    Counted,
}

/// Figures of a temporal segmentation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Segmentation {
    /// Share of frames with the right class; background is always a class here.
    pub accuracy: f64,
    /// Mean of the recordings' edit scores; NaN without recordings.
    pub edit: f64,
    /// Least tIoU of a hit, as given.
    pub overlaps: Vec<f64>,
    /// F1 at each of them.
    pub f1: Vec<f64>,
    /// Hits and errors at each of them.
    pub counts: Vec<Counts>,
}

/// Frame accuracy, Edit and F1@k of labels with one class at a time.
///
/// Segments are runs of frames of one class ([`FrameRate::labels`]). **F1@k**: each found segment, in order of time,
/// looks at the annotated segment of its class with the highest tIoU (the first of equal ones); it is a hit if the tIoU is at
/// least k and that segment is still free. Hits and errors of all recordings are counted together. **Edit** is 1 minus the
/// Levenshtein distance of the two sequences of classes divided by the length of the longer one; 1 if both are empty.
///
/// # Errors
/// If a segment, a length or an overlap is not usable, or a recording has too many frames.
///
/// # Source
/// `eval.py` of MS-TCN (Abu Farha and Gall, CVPR 2019), there in percent.
pub fn segmentation(
    recordings: &[LabelledRecording<'_>],
    rate: FrameRate,
    config: &SegmentationConfig,
) -> Result<Segmentation, MeasureError> {
    check_labelled(recordings)?;
    rate.check(recordings.iter().map(|one| one.duration))?;
    for overlap in &config.overlaps {
        let holds = *overlap > 0.0 && *overlap <= 1.0;
        MeasureError::unless(holds, "overlap", *overlap, "above 0 and at most 1")?;
    }
    let (mut num_right, mut num_frames, mut edit) = (0, 0, 0.0);
    let mut counts = vec![Counts::default(); config.overlaps.len()];
    for recording in recordings {
        let [truth, found] = [recording.truth, recording.found]
            .map(|instances| rate.labels(instances, recording.duration));
        num_right += truth.iter().zip(&found).filter(|(a, b)| a == b).count();
        num_frames += truth.len();
        let [truth, found] = [truth, found].map(|labels| runs(&labels, config.background));
        edit += edit_score(&found, &truth);
        for (overlap, counts) in config.overlaps.iter().zip(&mut counts) {
            *counts += hits(&found, &truth, *overlap);
        }
    }
    Ok(Segmentation {
        accuracy: ratio(num_right as f64, num_frames as f64),
        edit: edit / recordings.len() as f64,
        overlaps: config.overlaps.clone(),
        f1: counts.iter().map(|counts| counts.f_beta(1.0)).collect(),
        counts,
    })
}

/// Frames of one class in a row.
struct Run {
    label: Option<u32>,
    start: usize,
    end: usize,
}

impl Run {
    /// tIoU with a run of the same class; 0 if the class differs.
    fn overlap(&self, other: &Self) -> f64 {
        if self.label != other.label {
            return 0.0;
        }
        let inner = self
            .end
            .min(other.end)
            .saturating_sub(self.start.max(other.start));
        let outer = self.end.max(other.end) - self.start.min(other.start);
        inner as f64 / outer as f64
    }
}

fn runs(labels: &[Option<u32>], background: Background) -> Vec<Run> {
    let mut start = 0;
    let all = labels.chunk_by(|a, b| a == b).map(|chunk| {
        let run = Run {
            label: chunk[0],
            start,
            end: start + chunk.len(),
        };
        start = run.end;
        run
    });
    all.filter(|run| run.label.is_some() || background == Background::Counted)
        .collect()
}

fn hits(found: &[Run], truth: &[Run], overlap: f64) -> Counts {
    let mut free = vec![true; truth.len()];
    let mut num_hits = 0;
    for run in found {
        let mut best = (0.0, 0);
        for (position, other) in truth.iter().enumerate() {
            let value = run.overlap(other);
            if value > best.0 {
                best = (value, position);
            }
        }
        if best.0 >= overlap && std::mem::take(&mut free[best.1]) {
            num_hits += 1;
        }
    }
    Counts::from_totals(num_hits, found.len() as u64, truth.len() as u64)
}

fn edit_score(found: &[Run], truth: &[Run]) -> f64 {
    let longer = found.len().max(truth.len());
    if longer == 0 {
        return 1.0;
    }
    let mut row: Vec<usize> = (0..=truth.len()).collect();
    for (i, run) in found.iter().enumerate() {
        let mut diagonal = std::mem::replace(&mut row[0], i + 1);
        for (j, other) in truth.iter().enumerate() {
            let substituted = diagonal + usize::from(run.label != other.label);
            diagonal = row[j + 1];
            row[j + 1] = substituted.min(diagonal + 1).min(row[j] + 1);
        }
    }
    1.0 - row[truth.len()] as f64 / longer as f64
}
