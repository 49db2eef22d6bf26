//! The official ActivityNet evaluator's rules, written out step by step as its program has them, on many small files.
//!
//! NumPy's sort is unstable; here it is a stable sort, reversed, as for up to sixteen equal values.

use std::collections::BTreeMap;

use tal_core::config::EvaluationDialect;
use tal_core::{Detection, DetectionSet, Recording, Segment};
use tal_postprocess::evaluate;

use crate::evaluation_cases::{config, recording};
use crate::evaluation_reference::{in_order, instances, plain_map};

const THRESHOLDS: [f64; 5] = [0.3, 0.5, 0.55, 0.75, 0.95];
const NUM_CASES: u64 = 10_000;

/// `values.argsort()[::-1]` with a stable sort.
fn argsort_reversed(values: &[f64]) -> Vec<usize> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|a, b| values[*a].partial_cmp(&values[*b]).expect("no NaN"));
    order.reverse();
    order
}

/// Area under the precision envelope, with the points (0, 0) and (1, 0) at the ends.
fn interpolated_precision(precision: &[f64], recall: &[f64]) -> f64 {
    let mut mprec = [&[0.0], precision, &[0.0]].concat();
    let mrec = [&[0.0], recall, &[1.0]].concat();
    for i in (0..mprec.len() - 1).rev() {
        mprec[i] = mprec[i].max(mprec[i + 1]);
    }
    (1..mrec.len())
        .filter(|i| mrec[*i] != mrec[*i - 1])
        .map(|i| (mrec[i] - mrec[i - 1]) * mprec[i])
        .sum()
}

/// AP of one class per threshold.
fn official(truth: &[(&str, Segment)], rows: &[(&str, &Detection)]) -> Vec<f64> {
    let num = truth.len() as f64;
    let mut lock_gt = vec![vec![false; truth.len()]; THRESHOLDS.len()];
    let scores: Vec<f64> = rows.iter().map(|(_, row)| row.score).collect();
    let mut tp = vec![vec![0.0; rows.len()]; THRESHOLDS.len()];
    let mut fp = tp.clone();
    for (idx, rank) in argsort_reversed(&scores).into_iter().enumerate() {
        let (id, row) = rows[rank];
        let this_gt: Vec<usize> = (0..truth.len()).filter(|i| truth[*i].0 == id).collect();
        let tiou_arr: Vec<f64> = this_gt
            .iter()
            .map(|index| {
                let gt = truth[*index].1;
                let (tt1, tt2) = (row.segment.start.max(gt.start), row.segment.end.min(gt.end));
                let intersection = (tt2 - tt1).max(0.0);
                let lengths = (gt.end - gt.start) + (row.segment.end - row.segment.start);
                intersection / (lengths - intersection)
            })
            .collect();
        for (tidx, threshold) in THRESHOLDS.iter().enumerate() {
            for jdx in argsort_reversed(&tiou_arr) {
                if tiou_arr[jdx] < *threshold {
                    fp[tidx][idx] = 1.0;
                    break;
                }
                if lock_gt[tidx][this_gt[jdx]] {
                    continue;
                }
                tp[tidx][idx] = 1.0;
                lock_gt[tidx][this_gt[jdx]] = true;
                break;
            }
            if fp[tidx][idx] == 0.0 && tp[tidx][idx] == 0.0 {
                fp[tidx][idx] = 1.0;
            }
        }
    }
    (0..THRESHOLDS.len())
        .map(|tidx| {
            let (mut tps, mut fps) = (0.0, 0.0);
            let points: Vec<(f64, f64)> = (tp[tidx].iter().zip(&fp[tidx]))
                .map(|(tp, fp)| {
                    (tps, fps) = (tps + tp, fps + fp);
                    (tps / (tps + fps), tps / num)
                })
                .collect();
            let precision: Vec<f64> = points.iter().map(|(precision, _)| *precision).collect();
            let recall: Vec<f64> = points.iter().map(|(_, recall)| *recall).collect();
            interpolated_precision(&precision, &recall)
        })
        .collect()
}

/// A reproducible stream of numbers below a bound (splitmix64).
struct Draws(u64);

impl Draws {
    fn below(&mut self, bound: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        (z ^ (z >> 31)) % bound
    }
}

/// Up to four recordings in an order of their own, and up to 25 detections that go back and forth between them. Every second
/// case has three scores only, and segments on a coarse grid.
fn case(number: u64) -> (Vec<Recording>, DetectionSet) {
    let mut draws = Draws(number);
    let is_tied = number % 2 == 0;
    let names = ["d", "a", "c", "b"];
    let first = draws.below(4) as usize;
    let mut truth = Vec::new();
    for place in 0..1 + draws.below(4) as usize {
        let mut rows = Vec::new();
        for _ in 0..draws.below(4) {
            let start = draws.below(8) as f64;
            rows.push((
                start,
                start + 1.0 + draws.below(3) as f64,
                draws.below(3) as u32,
            ));
        }
        truth.push(recording(names[(first + place) % 4], &rows));
    }
    truth.push(recording(
        "e",
        &[(0.0, 3.0, 0), (2.0, 5.0, 0), (4.0, 6.0, 1), (1.0, 2.0, 2)],
    ));
    let mut detections = DetectionSet::new();
    for _ in 0..draws.below(26) {
        let id = truth[draws.below(truth.len() as u64) as usize].id.clone();
        let (grid, levels) = if is_tied { (2.0, 3) } else { (1e3, 1 << 40) };
        let start = draws.below((8.0 * grid) as u64) as f64 / grid;
        let length = (1 + draws.below((4.0 * grid) as u64)) as f64 / grid;
        let detection = Detection {
            segment: Segment::new(start, start + length),
            label: draws.below(3) as u32,
            score: draws.below(levels) as f64 / levels as f64,
        };
        detections.push(&id, detection);
    }
    (truth, detections)
}

#[test]
fn ten_thousand_files_agree_with_the_official_rules() {
    let mut num_alternating = 0;
    for number in 0..NUM_CASES {
        let (truth, detections) = case(number);
        num_alternating += u64::from(detections.alternation().is_some());
        let rules = config(&THRESHOLDS, EvaluationDialect::ActivityNet);
        let mut by_class: BTreeMap<u32, Vec<(&str, Segment)>> = BTreeMap::new();
        for (id, segment, label) in instances(&truth, &rules, None).0 {
            by_class.entry(label).or_default().push((id, segment));
        }
        let rows = in_order(&detections);
        let ours = evaluate(&truth, &detections, &rules).unwrap();
        assert_eq!(ours.classes.len(), by_class.len());
        for (class, (label, truth)) in ours.classes.iter().zip(&by_class) {
            let of_class: Vec<_> = rows
                .iter()
                .copied()
                .filter(|(_, row)| row.label == *label)
                .collect();
            for (ours, theirs) in class.ap.iter().zip(official(truth, &of_class)) {
                assert!(
                    (ours - theirs).abs() < 1e-12,
                    "case {number}: {ours} and {theirs}"
                );
            }
        }
        for dialect in EvaluationDialect::ALL {
            let rules = config(&THRESHOLDS, dialect);
            let ours = evaluate(&truth, &detections, &rules).unwrap();
            let plain = plain_map(&truth, &detections, &rules, None).unwrap();
            for (class, (_, plain)) in ours.classes.iter().zip(&plain) {
                for (ours, plain) in class.ap.iter().zip(plain) {
                    assert!(
                        (ours - plain).abs() < 1e-12,
                        "case {number}, {dialect}: {ours} and {plain}"
                    );
                }
            }
        }
    }
    // The cases are as varied as they should be.
    assert!(num_alternating > NUM_CASES / 2);
}
