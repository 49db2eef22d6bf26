//! Label assignment: which points an action claims.

use tal_core::config::AssignmentConfig;
use tal_core::{Level, PointGrid, Segment};

use crate::targets::{Claim, PositivePoint, Targets};

/// Actions whose lengths differ by no more than this share a point (grid units).
const SAME_LENGTH: f32 = 1e-3;

/// Gives every action the points that are responsible for it.
///
/// A point may belong to the actions that claim it, see [`Level::claimed_points`].
///
/// Where several actions claim a point, the shortest decides the distances `(t − S, E − t) / s` (the first of `segments`
/// among equals), and all that are at most 0.001 longer add their classes. Actions only ever meet the points near their
/// centre, so the cost grows with the number of claims and not with points × actions.
///
/// Where the configuration compares costs, [`Targets::claims`] also lists every action around every point; a
/// [`crate::Criterion`] then chooses among them.
///
/// # Units
/// `segments` in grid units.
///
/// # Panics
/// Where `segments` and `labels` differ in length.
///
/// # Source
/// The authors' public code; float32 throughout, as the original.
pub fn assign(
    grid: &PointGrid,
    segments: &[Segment<f32>],
    labels: &[u32],
    config: &AssignmentConfig,
) -> Targets {
    assert_eq!(
        segments.len(),
        labels.len(),
        "one label per segment is needed"
    );
    let mut positives = Vec::new();
    for level in grid.levels() {
        let mut claims = Vec::new();
        for (index, segment) in segments.iter().enumerate() {
            for point in level.claimed_points(*segment, config.center_radius) {
                claims.push((point, index));
            }
        }
        claims.sort_unstable();
        for claims in claims.chunk_by(|a, b| a.0 == b.0) {
            positives.push(settle(level, claims, segments, labels));
        }
    }
    Targets {
        num_points: grid.num_points(),
        positives,
        claims: match config.cost {
            Some(_) => claims_inside(grid, segments, labels),
            None => Vec::new(),
        },
    }
}

/// Every pair of a point and an action around it.
fn claims_inside(grid: &PointGrid, segments: &[Segment<f32>], labels: &[u32]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for level in grid.levels() {
        for index in 0..level.len {
            let position = level.position(index);
            for (action, segment) in segments.iter().enumerate() {
                let (left, right) = (position - segment.start, segment.end - position);
                if left.min(right) > 0.0 {
                    let stride = level.stride as f32;
                    claims.push(Claim {
                        point: level.offset + index,
                        action,
                        class: labels[action],
                        offsets: [left / stride, right / stride],
                    });
                }
            }
        }
    }
    claims
}

/// Target of one point from everything that claims it, in the order of the segments.
fn settle(
    level: &Level,
    claims: &[(usize, usize)],
    segments: &[Segment<f32>],
    labels: &[u32],
) -> PositivePoint {
    let index = claims[0].0;
    let mut shortest = claims[0].1;
    for &(_, candidate) in &claims[1..] {
        if segments[candidate].length() < segments[shortest].length() {
            shortest = candidate;
        }
    }
    let limit = segments[shortest].length() + SAME_LENGTH;
    let mut classes: Vec<u32> = claims
        .iter()
        .filter(|(_, candidate)| segments[*candidate].length() <= limit)
        .map(|(_, candidate)| labels[*candidate])
        .collect();
    classes.sort_unstable();
    classes.dedup();
    let stride = level.stride as f32;
    let position = level.position(index);
    PositivePoint {
        point: level.offset + index,
        classes,
        offsets: [
            (position - segments[shortest].start) / stride,
            (segments[shortest].end - position) / stride,
        ],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const RANGES: [[f32; 2]; 4] = [[0.0, 4.0], [4.0, 8.0], [8.0, 16.0], [16.0, 10000.0]];

    fn config(center_radius: Option<f32>) -> AssignmentConfig {
        AssignmentConfig {
            center_radius,
            cost: None,
        }
    }

    fn segment(start: f32, end: f32) -> Segment<f32> {
        Segment::new(start, end)
    }

    /// The rules point by point and segment by segment, as they are written down.
    fn naive(
        grid: &PointGrid,
        segments: &[Segment<f32>],
        labels: &[u32],
        radius: Option<f32>,
    ) -> Targets {
        let mut positives = Vec::new();
        for level in grid.levels() {
            for index in 0..level.len {
                let t = level.position(index);
                let stride = level.stride as f32;
                let lens: Vec<f32> = segments
                    .iter()
                    .map(|n| {
                        let (left, right) = (t - n.start, n.end - t);
                        let inside = match radius {
                            None => left.min(right) > 0.0,
                            Some(radius) => {
                                let c = 0.5 * (n.start + n.end);
                                let from = t - (c - radius * stride).max(n.start);
                                let to = (c + radius * stride).min(n.end) - t;
                                from.min(to) > 0.0
                            }
                        };
                        let farther = left.max(right);
                        if inside
                            && *level.range.start() <= farther
                            && farther <= *level.range.end()
                        {
                            n.end - n.start
                        } else {
                            f32::INFINITY
                        }
                    })
                    .collect();
                let best = lens.iter().copied().fold(f32::INFINITY, f32::min);
                if best == f32::INFINITY {
                    continue;
                }
                let n = lens.iter().position(|len| *len == best).unwrap();
                let classes: std::collections::BTreeSet<u32> = lens
                    .iter()
                    .zip(labels)
                    .filter(|(len, _)| **len <= best + 1e-3 && **len < f32::INFINITY)
                    .map(|(_, label)| *label)
                    .collect();
                positives.push(PositivePoint {
                    point: level.offset + index,
                    classes: classes.into_iter().collect(),
                    offsets: [
                        (t - segments[n].start) / stride,
                        (segments[n].end - t) / stride,
                    ],
                });
            }
        }
        Targets {
            num_points: grid.num_points(),
            positives,
            claims: Vec::new(),
        }
    }

    #[test]
    fn one_action_of_known_points() {
        let grid = PointGrid::new(16, &RANGES);
        let targets = assign(&grid, &[segment(2.5, 5.5)], &[3], &config(Some(1.5)));
        let points: Vec<_> = targets.positives.iter().map(|p| p.point).collect();
        assert_eq!(points, [3, 4, 5]);
        assert_eq!(targets.positives[0].offsets, [0.5, 2.5]);
        assert_eq!(targets.positives[0].classes, [3]);
        assert_eq!(targets.num_points, 16 + 8 + 4 + 2);
    }

    #[test]
    fn points_on_the_border_of_the_centre_are_outside_and_both_range_ends_inside() {
        let grid = PointGrid::new(16, &RANGES);
        // Centre 6, radius 1.5: 4.5 < t < 7.5 on level 0, 3 < t < 9 on level 1. A distance of 4 matches both levels.
        let targets = assign(&grid, &[segment(2.0, 10.0)], &[0], &config(Some(1.5)));
        let points: Vec<_> = targets.positives.iter().map(|p| p.point).collect();
        assert_eq!(points, [6, 16 + 2, 16 + 3, 16 + 4]);
        // Centre 6.5: t = 5 and t = 8 lie exactly on the border of level 0.
        let targets = assign(&grid, &[segment(4.5, 8.5)], &[0], &config(Some(1.5)));
        let points: Vec<_> = targets.positives.iter().map(|p| p.point).collect();
        assert_eq!(points, [6, 7]);
    }

    #[test]
    fn the_shortest_action_wins_and_equals_share() {
        let grid = PointGrid::new(16, &RANGES);
        let segments = [segment(1.5, 5.5), segment(2.5, 4.5), segment(2.5, 4.5005)];
        let targets = assign(&grid, &segments, &[2, 1, 0], &config(None));
        let at = |point| targets.positives.iter().find(|p| p.point == point).unwrap();
        assert_eq!(at(3).classes, [0, 1]);
        assert_eq!(at(3).offsets, [0.5, 1.5]);
        assert_eq!(at(2).classes, [2]);
        // The same class twice is named once.
        let targets = assign(&grid, &segments[1..], &[1, 1], &config(None));
        assert!(targets.positives.iter().all(|p| p.classes == [1]));
    }

    #[test]
    fn costs_choose_from_every_action_around_a_point() {
        let grid = PointGrid::new(16, &RANGES);
        let cost = tal_core::config::CostConfig {
            classification_weight: 1.0,
            regression_weight: 2.0,
            keep_percent: 1.0,
            confuse_weight: 0.0,
        };
        let costed = AssignmentConfig {
            cost: Some(cost),
            ..config(Some(1.5))
        };
        let segments = [segment(2.0, 10.0), segment(3.5, 4.5)];
        let targets = assign(&grid, &segments, &[1, 0], &costed);
        let plain = assign(&grid, &segments, &[1, 0], &config(Some(1.5)));
        assert_eq!(targets.positives, plain.positives);
        assert!(plain.claims.is_empty());
        let level0: Vec<_> = targets.claims.iter().filter(|c| c.point < 16).collect();
        // Both ends of an action are outside.
        let points: Vec<_> = level0.iter().map(|c| (c.point, c.action)).collect();
        let expected = [
            (3, 0),
            (4, 0),
            (4, 1),
            (5, 0),
            (6, 0),
            (7, 0),
            (8, 0),
            (9, 0),
        ];
        assert_eq!(points, expected);
        assert_eq!((level0[2].class, level0[2].offsets), (0, [0.5, 0.5]));
        let level1: Vec<_> = targets
            .claims
            .iter()
            .filter(|c| (16..24).contains(&c.point))
            .collect();
        assert_eq!(level1[0].offsets, [1.0, 3.0]);
    }

    #[test]
    fn no_action_claims_nothing() {
        let grid = PointGrid::new(16, &RANGES);
        assert!(
            assign(&grid, &[], &[], &config(Some(1.5)))
                .positives
                .is_empty()
        );
        let outside = [
            segment(-20.0, -10.0),
            segment(100.0, 110.0),
            segment(4.0, 4.0),
        ];
        let targets = assign(&grid, &outside, &[0, 0, 0], &config(Some(1.5)));
        assert!(targets.positives.is_empty());
    }

    proptest! {
        #[test]
        fn equals_the_rules_taken_literally(
            // Quarters make borders and equal lengths likely.
            raw in prop::collection::vec((-8i32..280, 0i32..200, 0u32..4), 0..12),
            radius in prop::option::of(prop::sample::select(vec![0.75f32, 1.5, 2.5])),
            shift in prop::sample::select(vec![0.0f32, 0.1, 0.0004]),
        ) {
            let grid = PointGrid::new(64, &RANGES);
            let segments: Vec<_> = raw
                .iter()
                .map(|(start, length, _)| {
                    let start = *start as f32 * 0.25 + shift;
                    segment(start, start + *length as f32 * 0.25)
                })
                .collect();
            let labels: Vec<u32> = raw.iter().map(|(_, _, label)| *label).collect();
            prop_assert_eq!(
                assign(&grid, &segments, &labels, &config(radius)),
                naive(&grid, &segments, &labels, radius)
            );
        }
    }
}
