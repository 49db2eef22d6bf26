//! Suppression as it is defined, every candidate against every other: the reference of the fast one.

use std::cmp::Ordering;
use std::collections::BTreeSet;

use tal_core::Candidates;
use tal_core::Segment;
use tal_core::config::{SuppressionConfig, SuppressionMethod, VotingConfig, VotingWeight};

#[derive(Clone, Copy)]
struct Row {
    segment: Segment<f32>,
    score: f32,
    label: u32,
    index: usize,
}

impl Row {
    fn overlap(&self, other: &Row) -> f32 {
        let (a, b) = (self.segment, other.segment);
        let inter = (a.end.min(b.end) - a.start.max(b.start)).max(0.0);
        inter / ((a.end - a.start + 1e-6) + (b.end - b.start + 1e-6) - inter)
    }

    fn rank(&self, other: &Row) -> Ordering {
        let by_score = other.score.partial_cmp(&self.score).unwrap();
        by_score.then(self.index.cmp(&other.index))
    }
}

/// What `tal_postprocess::suppress` must give, to the last bit.
pub(crate) fn suppress(candidates: &Candidates, config: &SuppressionConfig) -> Candidates {
    if config.method == SuppressionMethod::None {
        return candidates.clone();
    }
    let rows: Vec<Row> = (0..candidates.len())
        .map(|index| Row {
            segment: candidates.segment(index),
            score: candidates.score[index],
            label: candidates.label[index],
            index,
        })
        .collect();
    let mut kept = Vec::new();
    if config.per_class {
        let cap = config.max_per_class.unwrap_or(config.max_detections);
        for label in candidates.label.iter().copied().collect::<BTreeSet<u32>>() {
            let class = rows.iter().copied().filter(|row| row.label == label);
            kept.extend(select(class.collect(), config, cap));
        }
    } else {
        kept = select(rows.clone(), config, config.max_detections);
        if let Some(voting) = &config.voting {
            for row in &mut kept {
                row.segment = vote(row.segment, &rows, voting);
            }
        }
    }
    kept.sort_by(|a, b| b.score.partial_cmp(&a.score).unwrap());
    kept.truncate(config.max_detections);
    let mut result = Candidates::default();
    for row in kept {
        result.push(row.segment, row.score, row.label);
    }
    result
}

fn select(rows: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    match config.method {
        SuppressionMethod::Hard => hard(rows, config, cap),
        _ => soft(rows, config, cap),
    }
}

fn soft(mut live: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    let mut selected = Vec::new();
    while selected.len() < cap && !live.is_empty() {
        let mut best = 0;
        for position in 1..live.len() {
            if live[position].rank(&live[best]) == Ordering::Less {
                best = position;
            }
        }
        let chosen = live.remove(best);
        for row in &mut live {
            let o = chosen.overlap(row);
            row.score *= match config.method {
                // Both lengths beyond what `f32` holds.
                _ if o.is_nan() => 1.0,
                SuppressionMethod::Gaussian => (-(o * o) / config.sigma).exp(),
                _ if o >= config.iou_threshold => 1.0 - o,
                _ => 1.0,
            };
        }
        live.retain(|row| row.score >= config.min_score);
        selected.push(chosen);
    }
    selected
}

fn hard(mut rows: Vec<Row>, config: &SuppressionConfig, cap: usize) -> Vec<Row> {
    rows.retain(|row| row.score > config.min_score);
    rows.sort_by(Row::rank);
    let mut kept: Vec<Row> = Vec::new();
    for row in rows {
        let apart = |better: &Row| better.overlap(&row) < config.iou_threshold;
        if kept.len() < cap && kept.iter().all(apart) {
            kept.push(row);
        }
    }
    kept
}

fn vote(segment: Segment<f32>, voters: &[Row], config: &VotingConfig) -> Segment<f32> {
    let (mut total, mut start, mut end) = (0.0f64, 0.0f64, 0.0f64);
    for voter in voters {
        let tiou = segment.tiou(voter.segment);
        if tiou >= config.iou_threshold {
            let weight = f64::from(match config.weight {
                VotingWeight::Score => voter.score,
                VotingWeight::ScoreIou => voter.score * tiou,
            });
            total += weight;
            start += weight * f64::from(voter.segment.start);
            end += weight * f64::from(voter.segment.end);
        }
    }
    if total > 0.0 {
        Segment::new((start / total) as f32, (end / total) as f32)
    } else {
        segment
    }
}
