//! Suppression of a recording's candidates: class by class or together, with voting.

use rayon::prelude::*;
use tal_core::Candidates;
use tal_core::config::{SuppressionConfig, SuppressionMethod};
use tal_postprocess::suppress;

use super::exact::{Decay, Rule, hard, soft};
use super::rows::{Row, descending, has_distinct_scores, rows};

/// Number of candidates from which classes run in parallel.
const MIN_PARALLEL: usize = 4_000;
/// Number of candidates of a group from which a search tree is quicker than visiting all of them.
const MIN_TREE: usize = 200;

/// How candidates are thinned out.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Options {
    pub(crate) rule: Rule,
    /// Soft-NMS, or NMS.
    pub(crate) is_soft: bool,
    /// Each class by itself.
    pub(crate) per_class: bool,
    /// Largest number of rows that stay.
    pub(crate) cap: usize,
    /// Voting of all candidates together, if a threshold is given.
    pub(crate) voting: Option<Voting>,
}

/// Voting: the ends of a row become a weighted mean of the candidates that overlap it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Voting {
    pub(crate) iou_threshold: f32,
    /// Whether a vote weighs score × tIoU; otherwise the score.
    pub(crate) by_overlap: bool,
}

/// The rows that stay, highest score first.
pub(crate) fn batched(
    segments: &[[f32; 2]],
    scores: &[f32],
    labels: &[i64],
    options: &Options,
) -> Vec<Row> {
    let mut all = rows(segments, scores);
    if !options.per_class {
        let mut kept = select(all.clone(), options);
        finish(&mut kept, options.cap);
        if let Some(voting) = options.voting {
            let segments: Vec<[f32; 2]> = kept.iter().map(Row::segment).collect();
            let voted = vote(&segments, &all, voting);
            for (row, [start, end]) in kept.iter_mut().zip(voted) {
                (row.start, row.end) = (start, end);
            }
        }
        return kept;
    }
    let label = |row: &Row| labels[row.index];
    all.sort_by_key(label);
    let classes = all.chunk_by(|a, b| label(a) == label(b));
    let mut kept: Vec<Row> = if all.len() < MIN_PARALLEL {
        classes
            .flat_map(|rows| select(rows.to_vec(), options))
            .collect()
    } else {
        let classes: Vec<&[Row]> = classes.collect();
        let selected: Vec<Vec<Row>> = classes
            .into_par_iter()
            .map(|rows| select(rows.to_vec(), options))
            .collect();
        selected.concat()
    };
    finish(&mut kept, options.cap);
    kept
}

/// Sorts by score, highest first, and cuts.
fn finish(rows: &mut Vec<Row>, cap: usize) {
    rows.sort_by(descending);
    rows.truncate(cap);
}

/// Applies the method to rows that suppress each other.
fn select(mut rows: Vec<Row>, options: &Options) -> Vec<Row> {
    let rule = &options.rule;
    if !options.is_soft {
        if rule.min_score > 0.0 {
            rows.retain(|row| row.score > rule.min_score);
        }
        return hard(rows, rule.iou_threshold, options.cap);
    }
    let method = match rule.decay {
        Decay::Gaussian => Some(SuppressionMethod::Gaussian),
        Decay::Linear => Some(SuppressionMethod::Linear),
        _ => None,
    };
    match method.filter(|_| rows.len() >= MIN_TREE && has_distinct_scores(&rows)) {
        Some(method) => {
            by_tree(&rows, method, options).unwrap_or_else(|| soft(rows, rule, options.cap))
        }
        None => soft(rows, rule, options.cap),
    }
}

/// [`soft`] in a time that grows with the number of overlapping pairs; None if scores became equal, whose order it does not
/// know.
fn by_tree(rows: &[Row], method: SuppressionMethod, options: &Options) -> Option<Vec<Row>> {
    let config = SuppressionConfig {
        method,
        sigma: options.rule.sigma,
        iou_threshold: options.rule.iou_threshold,
        min_score: options.rule.min_score,
        per_class: false,
        max_detections: options.cap,
        ..SuppressionConfig::default()
    };
    let candidates = Candidates {
        start: rows.iter().map(|row| row.start).collect(),
        end: rows.iter().map(|row| row.end).collect(),
        score: rows.iter().map(|row| row.score).collect(),
        // Names the row in the result.
        label: (0..u32::try_from(rows.len()).ok()?).collect(),
    };
    let found = suppress(&candidates, &config).ok()?;
    if found.score.windows(2).any(|pair| pair[0] == pair[1]) {
        return None;
    }
    let kept = found.label.iter().zip(&found.score);
    let kept = kept.map(|(label, score)| Row {
        score: *score,
        ..rows[*label as usize]
    });
    Some(kept.collect())
}

/// The segments moved to the weighted mean of the candidates that overlap them; one without votes stays.
pub(crate) fn vote(segments: &[[f32; 2]], all: &[Row], voting: Voting) -> Vec<[f32; 2]> {
    let move_one = |&[start, end]: &[f32; 2]| {
        let mut sums = [0.0f64; 3];
        for row in all {
            let shared = (end.min(row.end) - start.max(row.start)).max(0.0);
            let tiou = shared / ((end - start) + (row.end - row.start) - shared);
            if tiou >= voting.iou_threshold {
                let weight = match voting.by_overlap {
                    true => row.score * tiou,
                    false => row.score,
                };
                let weight = f64::from(weight);
                sums[0] += weight;
                sums[1] += weight * f64::from(row.start);
                sums[2] += weight * f64::from(row.end);
            }
        }
        match sums[0] > 0.0 {
            true => [(sums[1] / sums[0]) as f32, (sums[2] / sums[0]) as f32],
            false => [start, end],
        }
    };
    match segments.len().saturating_mul(all.len()) < 100_000 {
        true => segments.iter().map(move_one).collect(),
        false => segments.par_iter().map(move_one).collect(),
    }
}
