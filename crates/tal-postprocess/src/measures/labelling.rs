//! A labelling: detections without scores and, if wanted, without overlap.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use tal_core::{Detection, Instance, Segment};

/// How detections become labels of a recording.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Labelling {
    /// One class at a time: at each moment that of the detection with the highest score.
    ///
    /// A detection loses the time that a better one has; what is left of it stays, in pieces if need be. Of equal scores
    /// the earlier start is better, then the earlier end, then the smaller class id.
    #[default]
    Single,
    /// Each class by itself: the time of all its detections, those that overlap or touch as one.
    Multiple,
}

impl Labelling {
    /// Labels by detections that have a length and a score of at least `min_score`, by start.
    ///
    /// The order of the detections does not matter.
    ///
    /// # Units
    /// Seconds.
    pub fn apply(self, detections: &[Detection], min_score: f64) -> Vec<Instance> {
        let kept = detections
            .iter()
            .filter(|row| row.score >= min_score && row.segment.length() > 0.0);
        let mut labels = match self {
            Self::Single => single(kept.collect()),
            Self::Multiple => multiple(kept),
        };
        labels.sort_by(|a, b| {
            let by_start = a.segment.start.total_cmp(&b.segment.start);
            by_start.then(a.label.cmp(&b.label))
        });
        labels
    }
}

fn single(mut detections: Vec<&Detection>) -> Vec<Instance> {
    detections.sort_by(|a, b| {
        let by_score = b.score.total_cmp(&a.score);
        by_score
            .then(a.segment.start.total_cmp(&b.segment.start))
            .then(a.segment.end.total_cmp(&b.segment.end))
            .then(a.label.cmp(&b.label))
    });
    let ends = detections.iter().map(|row| row.segment);
    let mut bounds: Vec<f64> = ends.flat_map(|s| [s.start, s.end]).collect();
    bounds.sort_by(f64::total_cmp);
    bounds.dedup();
    let mut free = FreeSteps::new(bounds.len());
    let mut labels = Vec::new();
    for row in detections {
        let step_of = |time: f64| bounds.partition_point(|bound| *bound < time);
        let end = step_of(row.segment.end);
        let mut step = free.next(step_of(row.segment.start));
        while step < end {
            let first = step;
            while step < end && free.next(step) == step {
                free.take(step);
                step += 1;
            }
            labels.push(Instance {
                segment: Segment::new(bounds[first], bounds[step]),
                label: row.label,
            });
            step = free.next(step);
        }
    }
    labels
}

fn multiple<'a>(detections: impl Iterator<Item = &'a Detection>) -> Vec<Instance> {
    let mut classes: BTreeMap<u32, Vec<Segment>> = BTreeMap::new();
    for row in detections {
        classes.entry(row.label).or_default().push(row.segment);
    }
    let of_class = |(label, segments)| {
        let united = united(segments).into_iter();
        united.map(move |segment| Instance { segment, label })
    };
    classes.into_iter().flat_map(of_class).collect()
}

/// Segments by start, those that overlap or touch as one.
pub(super) fn united(mut segments: Vec<Segment>) -> Vec<Segment> {
    segments.sort_by(|a, b| a.start.total_cmp(&b.start));
    let mut result: Vec<Segment> = Vec::with_capacity(segments.len());
    for segment in segments {
        match result.last_mut() {
            Some(last) if segment.start <= last.end => last.end = last.end.max(segment.end),
            _ => result.push(segment),
        }
    }
    result
}

/// Steps of time that no detection has taken, with a fast way to the next one.
struct FreeSteps(Vec<usize>);

impl FreeSteps {
    fn new(num: usize) -> Self {
        Self((0..=num).collect())
    }

    /// The first free step from `step` on.
    fn next(&mut self, step: usize) -> usize {
        let mut root = step;
        while self.0[root] != root {
            root = self.0[root];
        }
        let mut at = step;
        while self.0[at] != root {
            at = std::mem::replace(&mut self.0[at], root);
        }
        root
    }

    fn take(&mut self, step: usize) {
        self.0[step] = step + 1;
    }
}
