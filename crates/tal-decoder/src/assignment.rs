//! Label assignment: the points that each action claims.

use tal_core::config::AssignmentConfig;
use tal_core::{Level, PointGrid};

use crate::targets::{Action, Claim, PositivePoint, Targets};

/// Actions whose lengths differ by at most this share a point (grid units).
const SAME_LENGTH: f32 = 1e-3;

/// Assigns points to actions; [`Level::claimed_points`] says which points an action may claim.
///
/// If several actions claim a point, the shortest decides its distances `(t − S, E − t) / s` (the first of equally short
/// ones), and all actions that are at most 0.001 longer add their classes. Actions only meet points near their centre, so the
/// cost grows with the number of claims, not with points × actions.
///
/// If the configuration compares costs, [`Targets::claims`] also lists every action around every point, among which a
/// [`Criterion`](crate::Criterion) then chooses.
///
/// # Source
/// The authors' public code; float32 throughout, as there.
pub fn assign(grid: &PointGrid, actions: &[Action], config: &AssignmentConfig) -> Targets {
    let mut positives = Vec::new();
    for level in grid.levels() {
        let mut claims = Vec::new();
        for (index, action) in actions.iter().enumerate() {
            for point in level.claimed_points(action.segment, config.center_radius) {
                claims.push((point, index));
            }
        }
        claims.sort_unstable();
        for claims in claims.chunk_by(|a, b| a.0 == b.0) {
            let claimants = claims.iter().map(|(_, index)| &actions[*index]);
            positives.push(settle(level, claims[0].0, &claimants.collect::<Vec<_>>()));
        }
    }
    Targets {
        num_points: grid.num_points(),
        positives,
        claims: match config.cost {
            Some(_) => claims_inside(grid, actions),
            None => Vec::new(),
        },
    }
}

/// All pairs of a point and an action around it.
fn claims_inside(grid: &PointGrid, actions: &[Action]) -> Vec<Claim> {
    let mut claims = Vec::new();
    for level in grid.levels() {
        for index in 0..level.len {
            for (number, action) in actions.iter().enumerate() {
                let offsets = offsets(level, index, action);
                if offsets[0].min(offsets[1]) > 0.0 {
                    claims.push(Claim {
                        point: level.offset + index,
                        action: number,
                        class: action.class,
                        offsets,
                    });
                }
            }
        }
    }
    claims
}

/// Target of a point of a level from the actions that claim it, at least one.
fn settle(level: &Level, index: usize, claimants: &[&Action]) -> PositivePoint {
    let length = |action: &Action| action.segment.length();
    let all = claimants.iter().copied();
    let shortest = all
        .clone()
        .reduce(|best, action| match length(action) < length(best) {
            true => action,
            false => best,
        });
    let shortest = shortest.expect("a point is positive because an action claims it");
    let limit = length(shortest) + SAME_LENGTH;
    let short = all.filter(|action| length(action) <= limit);
    let mut classes: Vec<u32> = short.map(|action| action.class).collect();
    classes.sort_unstable();
    classes.dedup();
    PositivePoint {
        point: level.offset + index,
        classes,
        offsets: offsets(level, index, shortest),
    }
}

/// Distances from a point of a level to both ends of an action, in strides.
fn offsets(level: &Level, index: usize, action: &Action) -> [f32; 2] {
    let (position, stride) = (level.position(index), level.stride as f32);
    [
        (position - action.segment.start) / stride,
        (action.segment.end - position) / stride,
    ]
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tal_core::Segment;
    use tal_core::config::CostConfig;

    use super::*;

    const RANGES: [[f32; 2]; 4] = [[0.0, 4.0], [4.0, 8.0], [8.0, 16.0], [16.0, 10000.0]];

    fn config(center_radius: Option<f32>) -> AssignmentConfig {
        AssignmentConfig {
            center_radius,
            cost: None,
        }
    }

    fn action(start: f32, end: f32, class: u32) -> Action {
        Action {
            segment: Segment::new(start, end),
            class,
        }
    }

    fn points(targets: &Targets) -> Vec<usize> {
        targets.positives.iter().map(|p| p.point).collect()
    }

    /// The rules point by point and action by action, as they are written down.
    fn naive(grid: &PointGrid, actions: &[Action], radius: Option<f32>) -> Targets {
        let mut positives = Vec::new();
        for level in grid.levels() {
            for index in 0..level.len {
                let t = level.position(index);
                let stride = level.stride as f32;
                let lens: Vec<f32> = actions
                    .iter()
                    .map(|action| {
                        let n = action.segment;
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
                    .zip(actions)
                    .filter(|(len, _)| **len <= best + 1e-3 && **len < f32::INFINITY)
                    .map(|(_, action)| action.class)
                    .collect();
                positives.push(PositivePoint {
                    point: level.offset + index,
                    classes: classes.into_iter().collect(),
                    offsets: [
                        (t - actions[n].segment.start) / stride,
                        (actions[n].segment.end - t) / stride,
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
        let targets = assign(&grid, &[action(2.5, 5.5, 3)], &config(Some(1.5)));
        assert_eq!(points(&targets), [3, 4, 5]);
        assert_eq!(targets.positives[0].offsets, [0.5, 2.5]);
        assert_eq!(targets.positives[0].classes, [3]);
        assert_eq!(targets.num_points, 16 + 8 + 4 + 2);
    }

    #[test]
    fn points_on_the_border_of_the_centre_are_outside_and_both_range_ends_inside() {
        let grid = PointGrid::new(16, &RANGES);
        // Centre 6, radius 1.5: 4.5 < t < 7.5 on level 0, 3 < t < 9 on level 1. A distance of 4 matches both levels.
        let targets = assign(&grid, &[action(2.0, 10.0, 0)], &config(Some(1.5)));
        assert_eq!(points(&targets), [6, 16 + 2, 16 + 3, 16 + 4]);
        // Centre 6.5: t = 5 and t = 8 lie exactly on the border of level 0.
        let targets = assign(&grid, &[action(4.5, 8.5, 0)], &config(Some(1.5)));
        assert_eq!(points(&targets), [6, 7]);
    }

    #[test]
    fn the_shortest_action_wins_and_equals_share() {
        let grid = PointGrid::new(16, &RANGES);
        let mut actions = [
            action(1.5, 5.5, 2),
            action(2.5, 4.5, 1),
            action(2.5, 4.5005, 0),
        ];
        let targets = assign(&grid, &actions, &config(None));
        let at = |point| targets.positives.iter().find(|p| p.point == point).unwrap();
        assert_eq!(at(3).classes, [0, 1]);
        assert_eq!(at(3).offsets, [0.5, 1.5]);
        assert_eq!(at(2).classes, [2]);
        // The same class twice is named once.
        actions[2].class = 1;
        let targets = assign(&grid, &actions[1..], &config(None));
        assert!(targets.positives.iter().all(|p| p.classes == [1]));
    }

    #[test]
    fn costs_choose_from_every_action_around_a_point() {
        let grid = PointGrid::new(16, &RANGES);
        let costed = AssignmentConfig {
            cost: Some(CostConfig {
                classification_weight: 1.0,
                regression_weight: 2.0,
                keep_percent: 1.0,
                confuse_weight: 0.0,
            }),
            ..config(Some(1.5))
        };
        let actions = [action(2.0, 10.0, 1), action(3.5, 4.5, 0)];
        let targets = assign(&grid, &actions, &costed);
        let plain = assign(&grid, &actions, &config(Some(1.5)));
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
        let outside = [
            action(-20.0, -10.0, 0),
            action(100.0, 110.0, 0),
            action(4.0, 4.0, 0),
        ];
        for actions in [&[][..], &outside] {
            let targets = assign(&grid, actions, &config(Some(1.5)));
            assert!(targets.positives.is_empty());
        }
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
            let actions: Vec<_> = raw
                .iter()
                .map(|(start, length, class)| {
                    let start = *start as f32 * 0.25 + shift;
                    action(start, start + *length as f32 * 0.25, *class)
                })
                .collect();
            prop_assert_eq!(
                assign(&grid, &actions, &config(radius)),
                naive(&grid, &actions, radius)
            );
        }
    }
}
