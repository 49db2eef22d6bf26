//! Bouts: how often, how long, and what share of the time.

use serde::{Deserialize, Serialize};
use tal_core::{Instance, Segment};

use super::error::MeasureError;
use super::input::{LabelledRecording, all_classes, check_labelled};

/// Bouts of one class, as annotated and as found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ClassBouts {
    /// The class id.
    pub label: u32,
    /// As annotated.
    pub truth: BoutStatistics,
    /// As found.
    pub found: BoutStatistics,
}

/// Statistics of the bouts of a class in all recordings.
///
/// # Units
/// Seconds. Standard deviations are those of a sample (n − 1). A figure of too few bouts is NaN.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct BoutStatistics {
    /// Number of bouts.
    pub num: usize,
    /// Sum of their lengths.
    pub total: f64,
    /// Sum of their lengths as a share of the length of the recordings.
    pub share: f64,
    /// Mean length.
    pub mean: f64,
    /// Standard deviation of the lengths.
    pub std: f64,
    /// Median length.
    pub median: f64,
    /// Shortest length.
    pub min: f64,
    /// Longest length.
    pub max: f64,
    /// Mean of the intervals from the end of a bout to the start of the next of its class in the same recording.
    pub interval_mean: f64,
    /// Standard deviation of these intervals.
    pub interval_std: f64,
}

/// Bouts of each class: the time budget of annotations, and of what was found.
///
/// A bout is an instance as it is given; instances that touch are not joined.
///
/// # Errors
/// If a segment or a length is not usable.
///
/// # Source
/// The time budget of BORIS (Friard and Gamba, 2016): number, total and mean duration, standard deviation, intervals
/// between events, share of the total length.
pub fn bouts(recordings: &[LabelledRecording<'_>]) -> Result<Vec<ClassBouts>, MeasureError> {
    check_labelled(recordings)?;
    let duration: f64 = recordings.iter().map(|one| one.duration).sum();
    let of_class = |label| {
        let truth = recordings.iter().map(|one| segments(one.truth, label));
        let found = recordings.iter().map(|one| segments(one.found, label));
        ClassBouts {
            label,
            truth: BoutStatistics::new(&truth.collect::<Vec<_>>(), duration),
            found: BoutStatistics::new(&found.collect::<Vec<_>>(), duration),
        }
    };
    Ok(all_classes(recordings).into_iter().map(of_class).collect())
}

impl BoutStatistics {
    /// Statistics of the segments of each recording, by start.
    fn new(recordings: &[Vec<Segment>], duration: f64) -> Self {
        let mut lengths: Vec<f64> = recordings.iter().flatten().map(|s| s.length()).collect();
        lengths.sort_by(f64::total_cmp);
        let intervals: Vec<f64> = recordings
            .iter()
            .flat_map(|segments| segments.windows(2))
            .map(|pair| pair[1].start - pair[0].end)
            .collect();
        let total: f64 = lengths.iter().sum();
        let num = lengths.len();
        let median = match num {
            0 => f64::NAN,
            _ => f64::midpoint(lengths[(num - 1) / 2], lengths[num / 2]),
        };
        Self {
            num,
            total,
            share: total / duration,
            mean: total / num as f64,
            std: standard_deviation(&lengths),
            median,
            min: lengths.first().copied().unwrap_or(f64::NAN),
            max: lengths.last().copied().unwrap_or(f64::NAN),
            interval_mean: intervals.iter().sum::<f64>() / intervals.len() as f64,
            interval_std: standard_deviation(&intervals),
        }
    }
}

/// Segments of a class, by start, then by end.
fn segments(instances: &[Instance], label: u32) -> Vec<Segment> {
    let rows = instances.iter().filter(|row| row.label == label);
    let mut segments: Vec<Segment> = rows.map(|row| row.segment).collect();
    segments.sort_by(|a, b| a.start.total_cmp(&b.start).then(a.end.total_cmp(&b.end)));
    segments
}

fn standard_deviation(values: &[f64]) -> f64 {
    if values.len() < 2 {
        return f64::NAN;
    }
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let squares: f64 = values.iter().map(|value| (value - mean).powi(2)).sum();
    (squares / (values.len() - 1) as f64).sqrt()
}
