//! Detections that find an annotation.

use super::dialect::Rules;
use super::table::ClassTable;

/// Hands the rank of each detection that finds an annotation to `take`, with the position of that annotation at each
/// threshold.
///
/// The detections of the class must be sorted by score. Each walks the annotations of its recording by falling tIoU,
/// skips those that an earlier detection has taken at this threshold, and takes the first free one unless its tIoU is
/// below the threshold. A tIoU of 0/0 (two segments without length, no least union) comes before all others and is below
/// no threshold.
pub(crate) fn each(
    class: &ClassTable,
    thresholds: &[f64],
    rules: &Rules,
    mut take: impl FnMut(usize, &[Option<usize>]),
) {
    let mut taken = vec![vec![false; class.instances.len()]; thresholds.len()];
    let lowest = thresholds.iter().copied().fold(f64::INFINITY, f64::min);
    let mut overlaps: Vec<(f64, usize)> = Vec::new();
    let mut found: Vec<Option<usize>> = Vec::new();
    for (rank, detection) in class.detections.iter().enumerate() {
        overlaps.clear();
        for position in class.of_recording(detection.recording) {
            let tiou = rules.overlap(detection.segment, class.instances[position].segment);
            let tiou = if tiou.is_nan() { f64::INFINITY } else { tiou };
            if tiou >= lowest {
                overlaps.push((tiou, position));
            }
        }
        rules.sort_descending(&mut overlaps, |(tiou, _)| *tiou);
        found.clear();
        found.extend(thresholds.iter().zip(&mut taken).map(|(threshold, taken)| {
            let (_, position) = *overlaps
                .iter()
                .take_while(|(tiou, _)| tiou >= threshold)
                .find(|(_, position)| !taken[*position])?;
            taken[position] = true;
            Some(position)
        }));
        if found.iter().any(Option::is_some) {
            take(rank, &found);
        }
    }
}

/// Whether each detection of the class is a true positive, per threshold.
pub(super) fn true_positives(
    class: &ClassTable,
    thresholds: &[f64],
    rules: &Rules,
) -> Vec<Vec<bool>> {
    let mut hits = vec![vec![false; class.detections.len()]; thresholds.len()];
    each(class, thresholds, rules, |rank, found| {
        for (hits, found) in hits.iter_mut().zip(found) {
            hits[rank] = found.is_some();
        }
    });
    hits
}
