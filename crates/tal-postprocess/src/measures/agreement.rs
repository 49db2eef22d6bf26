//! Agreement of two labellings beyond chance.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::counts::ratio;
use super::error::MeasureError;
use super::frames::{FrameRate, num_common, num_in, of_class};
use super::input::{LabelledRecording, all_classes, check_labelled};

/// Cohen's kappa of frames.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Agreement {
    /// All classes and background, one at a time.
    pub all: Kappa,
    /// Each class against everything else, by id.
    pub classes: Vec<ClassKappa>,
}

/// Cohen's kappa of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassKappa {
    /// The class id.
    pub label: u32,
    /// Agreement on whether a frame has the class.
    #[serde(flatten)]
    pub kappa: Kappa,
}

/// Cohen's kappa and what it is made of.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Kappa {
    /// Share of frames on which both agree.
    pub observed: f64,
    /// Share on which they would agree by chance.
    pub expected: f64,
    /// `(observed − expected) / (1 − expected)`; NaN if the expected agreement is 1.
    pub kappa: f64,
}

impl Kappa {
    /// Kappa from numbers of frames: in all, with the same class, and per class on either side.
    fn new(num: u64, same: u64, per_class: impl IntoIterator<Item = (u64, u64)>) -> Self {
        let squares = per_class
            .into_iter()
            .map(|(a, b)| a as f64 * b as f64)
            .sum::<f64>();
        let num = num as f64;
        let (observed, expected) = (ratio(same as f64, num), ratio(squares, num * num));
        let kappa = if num == 0.0 || squares == num * num {
            f64::NAN
        } else {
            (observed - expected) / (1.0 - expected)
        };
        Self {
            observed,
            expected,
            kappa,
        }
    }
}

/// Cohen's kappa of frames, between two annotators or between an annotator and a detector.
///
/// For all classes together each frame has one class or background ([`FrameRate::labels`]); for a class alone it has the
/// class or not, whatever else it has. Frames of all recordings are counted together.
///
/// # Errors
/// If a segment or a length is not usable, or a recording has too many frames.
///
/// # Source
/// `cohen_kappa_score` of scikit-learn.
pub fn agreement(
    recordings: &[LabelledRecording<'_>],
    rate: FrameRate,
) -> Result<Agreement, MeasureError> {
    check_labelled(recordings)?;
    rate.check(recordings.iter().map(|one| one.duration))?;
    let (mut num, mut same) = (0, 0);
    let mut totals: BTreeMap<Option<u32>, (u64, u64)> = BTreeMap::new();
    // Of each class: frames on one side, on the other, and on both.
    let mut classes: BTreeMap<u32, [u64; 3]> = all_classes(recordings)
        .into_iter()
        .map(|label| (label, [0; 3]))
        .collect();
    for recording in recordings {
        let [truth, found] = [recording.truth, recording.found]
            .map(|instances| rate.labels(instances, recording.duration));
        num += truth.len() as u64;
        for (a, b) in truth.iter().zip(&found) {
            same += u64::from(a == b);
            totals.entry(*a).or_default().0 += 1;
            totals.entry(*b).or_default().1 += 1;
        }
        let [truth, found] = rate.of(recording);
        for (label, sums) in &mut classes {
            let [truth, found] = [&truth, &found].map(|frames| of_class(frames, *label));
            let more = [num_in(truth), num_in(found), num_common(truth, found)];
            for (sum, more) in sums.iter_mut().zip(more) {
                *sum += more;
            }
        }
    }
    let class_kappa = |(label, [a, b, both]): (u32, [u64; 3])| {
        let neither = num + both - a - b;
        ClassKappa {
            label,
            kappa: Kappa::new(num, both + neither, [(a, b), (num - a, num - b)]),
        }
    };
    Ok(Agreement {
        all: Kappa::new(num, same, totals.into_values()),
        classes: classes.into_iter().map(class_kappa).collect(),
    })
}
