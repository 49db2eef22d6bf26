//! Mean average precision of points in time.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};
use tal_core::Segment;

use super::counts::ratio;
use super::error::MeasureError;
use super::frames::FrameRate;
use super::input::{ScoredRecording, check_scored, classes};

/// Number of score thresholds of the precision-recall curve, from 0 to 1.
const NUM_THRESHOLDS: usize = 200;
/// Number of recall levels of the interpolation, from 0 to 1.
const NUM_LEVELS: usize = 11;

/// Rules of [`spotting`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SpottingConfig {
    /// Widths of the window around an annotation in which a detection counts, in seconds: half before it and half after.
    pub tolerances: Vec<f64>,
    /// Frames per second to which points are cut.
    pub frame_rate: f64,
}

impl SpottingConfig {
    /// SoccerNet's `tight`: 1, 2, … 5 s.
    pub fn tight() -> Self {
        Self {
            tolerances: (1..=5).map(f64::from).collect(),
            frame_rate: 2.0,
        }
    }

    /// SoccerNet's `loose`: 5, 10, … 60 s.
    pub fn loose() -> Self {
        Self {
            tolerances: (1..=12).map(|step| f64::from(5 * step)).collect(),
            frame_rate: 2.0,
        }
    }
}

impl Default for SpottingConfig {
    fn default() -> Self {
        Self::tight()
    }
}

/// Mean average precision of points.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Spotting {
    /// Mean of `map` over the tolerances by the trapezoid rule; `map` itself if there is only one.
    pub average_map: f64,
    /// Tolerances, as given.
    pub tolerances: Vec<f64>,
    /// Mean over the classes at each tolerance; NaN without classes.
    pub map: Vec<f64>,
    /// Classes that have annotations, by id.
    pub classes: Vec<ClassSpotting>,
}

/// Average precision of the points of one class.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassSpotting {
    /// The class id.
    pub label: u32,
    /// Average precision at each tolerance.
    pub ap: Vec<f64>,
}

/// Mean average precision of points: the middles of annotations and detections.
///
/// Points are cut to frames. Of several detections of a class in one frame the one with the highest score counts (the
/// original takes the last of its file), several annotations there are one. Each annotation, in order of time, takes the free
/// detection with the highest score within half a tolerance, the earlier of equal ones. Precision and recall at
/// 200 score thresholds from 0 to 1 give the 11-point interpolated average precision.
///
/// # Units
/// Scores from 0 to 1; those below 0 do not count.
///
/// # Errors
/// If a segment, a score, a length or a rule is not usable, or there is no tolerance.
///
/// # Source
/// `SoccerNet.Evaluation.ActionSpotting` of SoccerNet 0.2 (Deliège et al., *SoccerNet-v2*), without the split by
/// visibility; its list of classes is that of the classes with annotations.
pub fn spotting(
    recordings: &[ScoredRecording<'_>],
    config: &SpottingConfig,
) -> Result<Spotting, MeasureError> {
    check_scored(recordings)?;
    let rate = FrameRate::new(config.frame_rate)?.get();
    if config.tolerances.is_empty() {
        return Err(MeasureError::Empty {
            name: "list of tolerances",
        });
    }
    for tolerance in &config.tolerances {
        let holds = tolerance.is_finite() && *tolerance >= 0.0;
        MeasureError::unless(holds, "tolerance", *tolerance, "finite and at least 0")?;
    }
    let labels = classes(recordings.iter().map(|one| one.truth));
    let classes: Vec<ClassSpotting> = labels
        .into_iter()
        .map(|label| {
            let points: Vec<Points> = recordings
                .iter()
                .map(|recording| Points::new(recording, label, rate))
                .collect();
            let tolerances = config.tolerances.iter();
            let ap = tolerances.map(|tolerance| average_precision(&points, tolerance * rate));
            ClassSpotting {
                label,
                ap: ap.collect(),
            }
        })
        .collect();
    let map: Vec<f64> = (0..config.tolerances.len())
        .map(|at| classes.iter().map(|class| class.ap[at]).sum::<f64>() / classes.len() as f64)
        .collect();
    Ok(Spotting {
        average_map: trapezoid_mean(&map),
        tolerances: config.tolerances.clone(),
        map,
        classes,
    })
}

/// Points of one class in one recording, in frames.
struct Points {
    truth: BTreeSet<u64>,
    found: Vec<(u64, f64)>,
}

impl Points {
    fn new(recording: &ScoredRecording<'_>, label: u32, rate: f64) -> Self {
        let frame = |segment: Segment| (rate * segment.center()) as u64;
        let truth = recording.truth.iter().filter(|row| row.label == label);
        let mut found: BTreeMap<u64, f64> = BTreeMap::new();
        for row in recording.found {
            if row.label == label && row.score >= 0.0 {
                let best = found.entry(frame(row.segment)).or_insert(row.score);
                *best = best.max(row.score);
            }
        }
        Self {
            truth: truth.map(|row| frame(row.segment)).collect(),
            found: found.into_iter().collect(),
        }
    }

    /// Adds the score of each detection and whether an annotation took it.
    fn judge(&self, window: f64, judged: &mut Vec<(f64, bool)>) {
        let mut taken = vec![false; self.found.len()];
        for point in &self.truth {
            let first = (*point as f64 - window / 2.0).ceil().max(0.0) as u64;
            let from = self.found.partition_point(|(frame, _)| *frame < first);
            let mut best: Option<usize> = None;
            for (at, (frame, score)) in self.found.iter().enumerate().skip(from) {
                if frame.abs_diff(*point) as f64 > window / 2.0 {
                    break;
                }
                if !taken[at] && best.is_none_or(|best| *score > self.found[best].1) {
                    best = Some(at);
                }
            }
            if let Some(best) = best {
                taken[best] = true;
            }
        }
        let scores = self.found.iter().map(|(_, score)| *score);
        judged.extend(scores.zip(taken));
    }
}

/// 11-point interpolated average precision; `window` in frames.
fn average_precision(points: &[Points], window: f64) -> f64 {
    let mut judged = Vec::new();
    for one in points {
        one.judge(window, &mut judged);
    }
    judged.sort_by(|a, b| b.0.total_cmp(&a.0));
    let num_truth: usize = points.iter().map(|one| one.truth.len()).sum();
    // Numbers of detections and of hits from each threshold on; thresholds fall.
    let (mut num, mut hits) = (0, 0);
    let mut best = [0.0f64; NUM_LEVELS];
    let step = 1.0 / (NUM_THRESHOLDS - 1) as f64;
    for index in (0..NUM_THRESHOLDS).rev() {
        let threshold = match index + 1 {
            NUM_THRESHOLDS => 1.0,
            _ => index as f64 * step,
        };
        while num < judged.len() && judged[num].0 >= threshold {
            hits += usize::from(judged[num].1);
            num += 1;
        }
        let precision = ratio(hits as f64, num as f64);
        let recall = ratio(hits as f64, num_truth as f64);
        for (level, best) in best.iter_mut().enumerate() {
            if recall >= level as f64 / 10.0 {
                *best = best.max(precision);
            }
        }
    }
    best.iter().sum::<f64>() / NUM_LEVELS as f64
}

fn trapezoid_mean(values: &[f64]) -> f64 {
    match values {
        [one] => *one,
        _ => {
            let pairs = values.windows(2);
            let sum: f64 = pairs.map(|pair| f64::midpoint(pair[0], pair[1])).sum();
            sum / (values.len() - 1) as f64
        }
    }
}
