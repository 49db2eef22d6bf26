//! NMS: overlap drops candidates.

use tal_core::config::SuppressionConfig;

use super::Row;

/// Keeps, from the highest score down, what does not overlap an already kept row by `iou_threshold` or more.
pub(super) fn select(mut rows: Vec<Row>, config: &SuppressionConfig) -> Vec<Row> {
    rows.retain(|row| row.score > config.min_score);
    rows.sort_by(Row::rank);
    let mut kept: Vec<Row> = Vec::with_capacity(rows.len().min(config.max_detections));
    for row in rows {
        if kept.len() == config.max_detections {
            break;
        }
        if kept
            .iter()
            .all(|better| better.overlap(&row) < config.iou_threshold)
        {
            kept.push(row);
        }
    }
    kept
}
