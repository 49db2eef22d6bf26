//! Hard NMS: overlap drops candidates.

use tal_core::config::SuppressionConfig;

use super::live::LiveRows;
use super::row::Row;

/// Keeps rows, from the highest score down, whose overlap with each kept row is below `iou_threshold`.
pub(super) fn select(mut rows: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    rows.retain(|row| row.score > config.min_score);
    // An overlap of 0 reaches a threshold of 0, so only one row stays, wherever the others lie.
    let zero_suppresses = config.iou_threshold <= 0.0 || config.iou_threshold.is_nan();
    let cap = if zero_suppresses { cap.min(1) } else { cap };
    let mut kept = Vec::with_capacity(rows.len().min(cap));
    let mut live = LiveRows::new(rows);
    while kept.len() < cap {
        match live.take_best(|best, row| best.overlap(row) < config.iou_threshold) {
            Some(best) => kept.push(best),
            None => break,
        }
    }
    kept
}
