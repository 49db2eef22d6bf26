//! Values worth trying.

use std::collections::BTreeMap;

use tal_core::{DetectionSet, Recording, Segment};

/// Most thresholds that are tried at a time.
const MAX_THRESHOLDS: usize = 40;

/// Thresholds between neighbouring scores, `None` for none first; of many scores evenly spread ones.
pub(super) fn thresholds(scores: impl IntoIterator<Item = f64>) -> Vec<Option<f64>> {
    let mut scores: Vec<f64> = scores.into_iter().filter(|s| s.is_finite()).collect();
    scores.sort_by(f64::total_cmp);
    scores.dedup();
    let between: Vec<f64> = scores
        .windows(2)
        .map(|pair| pair[0] + (pair[1] - pair[0]) / 2.0)
        .collect();
    let count = between.len().min(MAX_THRESHOLDS);
    let chosen = (0..count).map(|place| between[place * between.len() / count]);
    std::iter::once(None).chain(chosen.map(Some)).collect()
}

/// Scores of a class, or of all.
pub(super) fn scores(detections: &DetectionSet, label: Option<u32>) -> Vec<f64> {
    let rows = detections.values().flatten();
    rows.filter(|row| label.is_none_or(|label| row.label == label))
        .map(|row| row.score)
        .collect()
}

/// Shortest lengths: parts of those of short annotations, 0 first.
pub(super) fn durations(recordings: &[Recording]) -> Vec<f64> {
    let rows = recordings.iter().flat_map(|one| &one.instances);
    parts(rows.map(|row| row.segment.length()).collect())
}

/// Smallest gaps: parts of those between annotations of one class, 0 first.
pub(super) fn gaps(recordings: &[Recording]) -> Vec<f64> {
    let mut gaps = Vec::new();
    for recording in recordings {
        let mut classes: BTreeMap<u32, Vec<Segment>> = BTreeMap::new();
        for row in &recording.instances {
            classes.entry(row.label).or_default().push(row.segment);
        }
        for mut segments in classes.into_values() {
            segments.sort_by(|a, b| a.start.total_cmp(&b.start));
            let between = segments
                .windows(2)
                .map(|pair| pair[1].start - pair[0].end)
                .filter(|gap| *gap > 0.0);
            gaps.extend(between);
        }
    }
    parts(gaps)
}

/// A quarter, a half and the whole of small quantiles, in order and rounded to a millisecond, 0 first.
fn parts(mut lengths: Vec<f64>) -> Vec<f64> {
    lengths.retain(|length| length.is_finite());
    lengths.sort_by(f64::total_cmp);
    let mut all = vec![0.0];
    if let Some(last) = lengths.len().checked_sub(1) {
        for share in [0.0, 0.05, 0.1, 0.25, 0.5] {
            let quantile = lengths[(share * last as f64) as usize];
            all.extend([0.25, 0.5, 1.0].map(|part| (part * quantile * 1e3).round() / 1e3));
        }
    }
    all.sort_by(f64::total_cmp);
    all.dedup();
    all
}
