//! mAP rule by rule, without regard to speed, for comparison.

use std::collections::BTreeSet;

use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{Detection, DetectionSet, Recording, Segment};

use EvaluationDialect::{ActionFormer, ActivityNet, Clean, OpenTad, TriDet};

/// The annotations of classes that are looked for, as recording, segment and label.
pub(crate) fn instances<'a>(
    truth: &'a [Recording],
    config: &EvaluationConfig,
    ambiguous: Option<u32>,
) -> (Vec<(&'a str, Segment, u32)>, Vec<u32>) {
    let dialect = config.dialect;
    let mut instances: Vec<(&str, Segment, u32)> = Vec::new();
    for recording in truth {
        if config.blocked.contains(&recording.id) {
            continue;
        }
        let mut kept: Vec<(&str, Segment, u32)> = Vec::new();
        for instance in &recording.instances {
            let Segment { start, end } = instance.segment;
            let too_short = match dialect {
                ActivityNet | TriDet => false,
                ActionFormer => end - start < 1e-3,
                OpenTad | Clean => end - start <= 0.0,
            };
            let twice = kept.iter().any(|(_, other, label)| {
                *label == instance.label
                    && (other.start - start).abs() <= 1e-3
                    && (other.end - end).abs() <= 1e-3
            });
            let keeps_duplicates = dialect == ActivityNet;
            if Some(instance.label) != ambiguous && !too_short && (keeps_duplicates || !twice) {
                kept.push((&recording.id, instance.segment, instance.label));
            }
        }
        instances.extend(kept);
    }
    let labels: BTreeSet<u32> = instances.iter().map(|(_, _, label)| *label).collect();
    if dialect == TriDet {
        instances.retain(|(_, segment, _)| segment.start != segment.end);
    }
    (instances, labels.into_iter().collect())
}

/// All rows in the order of the input.
pub(crate) fn in_order(detections: &DetectionSet) -> Vec<(&str, &Detection)> {
    let all: Vec<(&str, &Vec<Detection>)> = detections
        .iter()
        .map(|(id, rows)| (id.as_str(), rows))
        .collect();
    let Some(alternation) = detections.alternation() else {
        let rows = all
            .iter()
            .flat_map(|(id, rows)| rows.iter().map(|row| (*id, row)));
        return rows.collect();
    };
    let mut next = vec![0; all.len()];
    let row = |place: &u32| {
        let place = *place as usize;
        next[place] += 1;
        (all[place].0, &all[place].1[next[place] - 1])
    };
    alternation.iter().map(row).collect()
}

/// AP per class and threshold; `None` if the dialect refuses the class of a detection.
pub(crate) fn plain_map(
    truth: &[Recording],
    detections: &DetectionSet,
    config: &EvaluationConfig,
    ambiguous: Option<u32>,
) -> Option<Vec<(u32, Vec<f64>)>> {
    let dialect = config.dialect;
    let (instances, table) = instances(truth, config, ambiguous);
    let mut rows = in_order(detections);
    rows.retain(|(id, _)| !config.blocked.iter().any(|blocked| blocked == id));
    rows.retain(|(_, row)| Some(row.label) != ambiguous);
    if dialect == ActivityNet && rows.iter().any(|(_, row)| !table.contains(&row.label)) {
        return None;
    }
    let unclear = |id: &str, segment: Segment| {
        truth
            .iter()
            .filter(|recording| recording.id == id)
            .flat_map(|recording| &recording.instances)
            .filter(|instance| Some(instance.label) == ambiguous)
            .any(|i| i.segment.start.max(segment.start) < i.segment.end.min(segment.end))
    };

    let mut result = Vec::new();
    for (rank, class) in table.iter().enumerate() {
        let of_class: Vec<_> = instances.iter().filter(|(_, _, l)| l == class).collect();
        if of_class.is_empty() {
            continue;
        }
        let collides = matches!(dialect, ActionFormer | TriDet);
        let mut ranked: Vec<(&str, &Detection)> = rows
            .iter()
            .copied()
            .filter(|(_, row)| {
                row.label == *class
                    || (collides && !table.contains(&row.label) && row.label as usize == rank)
            })
            .collect();
        if dialect != Clean {
            ranked.reverse();
        }
        ranked.sort_by(|a, b| b.1.score.partial_cmp(&a.1.score).unwrap());
        let ap = config.tiou_thresholds.iter().map(|threshold| {
            let mut free = vec![true; of_class.len()];
            let mut precision = vec![0.0];
            let mut recall = vec![0.0];
            let (mut num_right, mut num_counted) = (0.0, 0.0);
            for (id, row) in &ranked {
                let mut near: Vec<(f64, usize)> = of_class
                    .iter()
                    .enumerate()
                    .filter(|(_, (recording, _, _))| recording == id)
                    .map(|(index, (_, segment, _))| {
                        (plain_tiou(row.segment, *segment, dialect), index)
                    })
                    .collect();
                if dialect != Clean {
                    near.reverse();
                }
                // Sorted like numbers, with NaN above all.
                near.sort_by(|a, b| match (a.0.is_nan(), b.0.is_nan()) {
                    (false, false) => b.0.partial_cmp(&a.0).unwrap(),
                    (a, b) => b.cmp(&a),
                });
                let mut right = false;
                for (tiou, index) in near {
                    if tiou < *threshold {
                        break;
                    }
                    if free[index] {
                        free[index] = false;
                        right = true;
                        break;
                    }
                }
                if !right && unclear(id, row.segment) {
                    continue;
                }
                num_right += f64::from(u8::from(right));
                num_counted += 1.0;
                precision.push(num_right / num_counted);
                recall.push(num_right / of_class.len() as f64);
            }
            precision.push(0.0);
            recall.push(1.0);
            for i in (0..precision.len() - 1).rev() {
                precision[i] = f64::max(precision[i], precision[i + 1]);
            }
            (1..recall.len())
                .map(|i| (recall[i] - recall[i - 1]) * precision[i])
                .sum()
        });
        result.push((*class, ap.collect()));
    }
    Some(result)
}

fn plain_tiou(a: Segment, b: Segment, dialect: EvaluationDialect) -> f64 {
    let inter = (a.end.min(b.end) - a.start.max(b.start)).max(0.0);
    let union = (a.end - a.start) + (b.end - b.start) - inter;
    match dialect {
        OpenTad | Clean => inter / union.max(1e-8),
        _ => inter / union,
    }
}
