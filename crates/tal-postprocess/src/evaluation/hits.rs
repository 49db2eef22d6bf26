//! Which detections are true positives.

use tal_core::segment::tiou_from_parts;

use super::dialect::Rules;
use super::table::ClassTable;

/// Per threshold, whether each detection of the class (in their order, which must be by score) is a true positive.
///
/// Each detection walks the annotations of its recording by falling tIoU, past those that are taken at this threshold,
/// and takes the first free one unless its tIoU is below the threshold. A tIoU of 0/0 (two segments without length, no
/// least union) stands before all others and is below no threshold.
pub(super) fn true_positives(
    class: &ClassTable,
    thresholds: &[f64],
    rules: &Rules,
) -> Vec<Vec<bool>> {
    let mut hits = vec![vec![false; class.detections.len()]; thresholds.len()];
    let mut taken = vec![vec![false; class.instances.len()]; thresholds.len()];
    let lowest = thresholds.iter().copied().fold(f64::INFINITY, f64::min);
    let mut overlaps: Vec<(f64, usize)> = Vec::new();
    for (row, detection) in class.detections.iter().enumerate() {
        overlaps.clear();
        for position in class.of_recording(detection.recording) {
            let segment = class.instances[position].segment;
            let tiou = tiou_from_parts(
                detection.segment.intersection(segment),
                detection.segment.length(),
                segment.length(),
                rules.min_union,
            );
            let tiou = if tiou.is_nan() { f64::INFINITY } else { tiou };
            if tiou >= lowest {
                overlaps.push((tiou, position));
            }
        }
        rules.sort_descending(&mut overlaps, |(tiou, _)| *tiou);
        for ((threshold, hits), taken) in thresholds.iter().zip(&mut hits).zip(&mut taken) {
            let free = overlaps
                .iter()
                .take_while(|(tiou, _)| tiou >= threshold)
                .find(|(_, position)| !taken[*position]);
            if let Some(&(_, position)) = free {
                taken[position] = true;
                hits[row] = true;
            }
        }
    }
    hits
}
