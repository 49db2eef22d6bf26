//! Steps that the contrastive loss averages, as plain numbers.

use tal_core::config::{ContrastiveBackground, ContrastiveConfig};
use tal_core::{Level, Segment};

use super::actions::{Inside, steps};

/// Mean of means over steps of one recording.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Row {
    pub(super) sample: usize,
    /// Steps of each mean.
    pub(super) windows: Vec<Vec<usize>>,
}

impl Row {
    /// Writes the weight of every step into zeros.
    pub(super) fn write(&self, weights: &mut [f32]) {
        let share = 1.0 / self.windows.len() as f32;
        for window in &self.windows {
            for &step in window {
                weights[step] += share / window.len() as f32;
            }
        }
    }
}

/// Rows to contrast.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Rows {
    /// Two per action: around its most class-sensitive step, and around its most localization-sensitive steps near start and
    /// end.
    pub(super) anchors: Vec<Row>,
    /// Class of each anchor.
    pub(super) classes: Vec<i64>,
    /// Surroundings of the actions, up to two per action.
    pub(super) background: Vec<Row>,
}

/// Rows of a batch. `scores` are the sensitivities for class, start and end, one per step of `inside`, action after action.
pub(super) fn rows(
    level: &Level,
    valid: &[usize],
    inside: &[Inside],
    scores: [&[f64]; 3],
    config: &ContrastiveConfig,
) -> Rows {
    let mut rows = Rows::default();
    let mut offset = 0;
    for action in inside {
        let Segment { start, end } = action.segment;
        let (first, last) = (*action.steps.start(), *action.steps.end());
        let count = last + 1 - first;
        let of_action = scores.map(|scores| &scores[offset..offset + count]);
        offset += count;

        let places: Vec<f32> = action.places(level).collect();
        let half = |is_near: fn(f32) -> bool| -> Vec<usize> {
            let near: Vec<usize> = (0..count).filter(|i| is_near(places[*i])).collect();
            // A short action may have all its steps in one half.
            match near.is_empty() {
                true => (0..count).collect(),
                false => near,
            }
        };
        let width = config.width as f32 * (end - start);
        let window = |best: usize| {
            let center = (first + best) as f32 * level.stride as f32;
            let (from, to) = ((center - width).max(start), (center + width).min(end));
            // The step itself always belongs to its window.
            let around = steps(level, from, to, last).unwrap_or(first + best..=first + best);
            around.collect::<Vec<_>>()
        };
        let all: Vec<usize> = (0..count).collect();
        let from_start = half(|place| place <= 0.0);
        let to_end = half(|place| place >= 0.0);
        let cls = window(best(of_action[0], &all));
        let loc = [
            window(best(of_action[1], &from_start)),
            window(best(of_action[2], &to_end)),
        ];
        for windows in [vec![cls], loc.to_vec()] {
            rows.anchors.push(Row {
                sample: action.sample,
                windows,
            });
            rows.classes.push(i64::from(action.class));
        }
        // An action between two steps takes one of them, although no segment covers it.
        let takes = |other: &&Inside| match config.background {
            ContrastiveBackground::All => *other == action,
            ContrastiveBackground::Unlabelled => other.sample == action.sample,
        };
        let taken = inside.iter().filter(takes).map(|other| &other.steps);
        let taken: Vec<_> = taken.collect();
        for side in outside(level, action, width, valid[action.sample]) {
            let free = side.filter(|step| !taken.iter().any(|steps| steps.contains(step)));
            let window: Vec<usize> = free.collect();
            if !window.is_empty() {
                rows.background.push(Row {
                    sample: action.sample,
                    windows: vec![window],
                });
            }
        }
    }
    rows
}

/// First candidate with the highest score.
fn best(scores: &[f64], candidates: &[usize]) -> usize {
    let better = |best: usize, new: &usize| {
        if scores[*new] > scores[best] {
            *new
        } else {
            best
        }
    };
    candidates.iter().fold(candidates[0], better)
}

/// Steps at most `width` before and after an action, or else the next step, within a recording of `valid` steps.
fn outside(
    level: &Level,
    action: &Inside,
    width: f32,
    valid: usize,
) -> [std::ops::Range<usize>; 2] {
    let Segment { start, end } = action.segment;
    let stride = level.stride as f32;
    // Casts saturate at zero.
    let before = (start / stride).ceil() as usize;
    let after = (end / stride).floor() as usize + 1;
    let from = (((start - width) / stride).ceil() as usize).min(before.saturating_sub(1));
    let to = (((end + width) / stride).floor() as usize + 1).max(after + 1);
    [from..before.min(valid), after..to.min(valid)]
}

#[cfg(test)]
mod tests {
    use tal_core::PointGrid;

    use super::super::actions::inside;
    use super::*;
    use crate::targets::Action;

    fn config(background: ContrastiveBackground) -> ContrastiveConfig {
        ContrastiveConfig {
            weight: 1.0,
            width: 0.2,
            temperature: 0.07,
            level: 0,
            background,
        }
    }

    fn level(index: usize) -> Level {
        PointGrid::new(32, &[[0.0, 4.0], [4.0, 1e4]]).levels()[index].clone()
    }

    fn actions(list: &[(f32, f32, u32)]) -> Vec<Vec<Action>> {
        let action = |&(start, end, class): &(f32, f32, u32)| Action {
            segment: Segment::new(start, end),
            class,
        };
        vec![list.iter().map(action).collect()]
    }

    #[test]
    fn windows_of_a_known_action() {
        let level = level(0);
        let actions = actions(&[(4.5, 14.5, 3)]);
        let inside = inside(&level, &actions, &[20]);
        assert_eq!(inside[0].steps, 5..=14);
        let places: Vec<f32> = inside[0].places(&level).collect();
        assert!((places[0] + 0.45).abs() < 1e-6 && (places[9] - 0.45).abs() < 1e-6);
        // Most sensitive: step 9 for the class, 5 for the start, 13 for the end; others lie in the wrong half.
        let mut scores = [[0.0; 10]; 3];
        (
            scores[0][4],
            scores[1][0],
            scores[1][9],
            scores[2][8],
            scores[2][1],
        ) = (1.0, 1.0, 2.0, 1.0, 2.0);
        let scores = [&scores[0][..], &scores[1], &scores[2]];
        let rows = rows(
            &level,
            &[20],
            &inside,
            scores,
            &config(ContrastiveBackground::All),
        );
        assert_eq!(rows.classes, [3, 3]);
        // Two to either side, and not beyond the action.
        assert_eq!(rows.anchors[0].windows, [vec![7, 8, 9, 10, 11]]);
        assert_eq!(
            rows.anchors[1].windows,
            [vec![5, 6, 7], vec![11, 12, 13, 14]]
        );
        let windows: Vec<_> = rows
            .background
            .iter()
            .map(|row| &row.windows[0][..])
            .collect();
        assert_eq!(windows, [[3, 4], [15, 16]]);
        let mut weights = [0.0; 20];
        rows.anchors[1].write(&mut weights);
        assert!((weights[5] - 1.0 / 6.0).abs() < 1e-6 && (weights[12] - 0.125).abs() < 1e-6);
        assert!((weights.iter().sum::<f32>() - 1.0).abs() < 1e-6);
    }

    #[test]
    fn short_actions_and_ends_of_recordings() {
        // On level 1 no step (a multiple of 2) lies inside, and the recording ends beside it.
        let level = level(1);
        let list = actions(&[(6.5, 7.5, 0), (0.0, 4.0, 1)]);
        let found = inside(&level, &list, &[4]);
        assert_eq!(found[0].steps, 3..=3, "7 / 2, rounded up and kept inside");
        let scores = vec![0.0; found.iter().map(|i| i.steps.clone().count()).sum()];
        let scores = [&scores[..]; 3];
        let rows = rows(
            &level,
            &[4],
            &found,
            scores,
            &config(ContrastiveBackground::All),
        );
        assert_eq!(rows.anchors[0].windows, [vec![3]]);
        assert_eq!(rows.anchors[1].windows, [vec![3], vec![3]]);
        // The step behind the second action. The first action is not its own background.
        assert_eq!(rows.background.len(), 1);
        assert_eq!(rows.background[0].windows, [vec![3]]);
        assert!(inside(&level, &list, &[0]).is_empty());
    }

    #[test]
    fn an_action_between_two_steps_is_not_its_own_background() {
        let level = level(0);
        let list = actions(&[(6.3, 6.8, 0)]);
        let found = inside(&level, &list, &[20]);
        assert_eq!(found[0].steps, 7..=7);
        for background in [
            ContrastiveBackground::All,
            ContrastiveBackground::Unlabelled,
        ] {
            let config = config(background);
            let rows = rows(&level, &[20], &found, [&[0.0][..]; 3], &config);
            assert_eq!(rows.anchors[0].windows, [vec![7]]);
            let windows = rows.background.iter().map(|row| &row.windows[0][..]);
            assert_eq!(windows.collect::<Vec<_>>(), [[6]]);
        }
    }

    #[test]
    fn an_action_behind_the_features_has_no_feature() {
        let level = level(0);
        let list = actions(&[(4.0, 6.0, 0), (22.0, 25.0, 1)]);
        let found = inside(&level, &list, &[20]);
        assert_eq!(found.len(), 1);
        assert_eq!(found[0].class, 0);
    }

    #[test]
    fn neighbours_are_no_background_if_the_configuration_says_so() {
        let level = level(0);
        let list = actions(&[(2.0, 8.0, 0), (8.5, 12.0, 1)]);
        let found = inside(&level, &list, &[32]);
        let scores = vec![0.0; found.iter().map(|i| i.steps.clone().count()).sum()];
        let sides = |background| {
            let rows = rows(&level, &[32], &found, [&scores[..]; 3], &config(background));
            let windows = rows
                .background
                .into_iter()
                .map(|row| row.windows[0].clone());
            windows.collect::<Vec<_>>()
        };
        assert_eq!(
            sides(ContrastiveBackground::All),
            [vec![1], vec![9], vec![8], vec![13]]
        );
        assert_eq!(
            sides(ContrastiveBackground::Unlabelled),
            [vec![1], vec![13]]
        );
    }
}
