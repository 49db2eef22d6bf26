//! Appearances of actions, drawn once per corpus.

use std::f64::consts::{FRAC_PI_2, TAU};

use super::config::{NUM_DIRECTIONS, SynthConfig};
use super::random::{Purpose, Random};

/// Directions of the slow drift.
pub(super) const NUM_DRIFTS: usize = 3;

/// Side of an action on which the cue of a confusable pair lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CueSide {
    /// Before the action.
    Before,
    /// After the action.
    After,
}

/// Two classes that look the same and are told apart by a cue at some distance.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ConfusablePair {
    /// The classes.
    pub classes: [u32; 2],
    /// Where their cues are.
    pub cue: CueSide,
}

/// Appearance and length of an action.
pub(super) struct Appearance {
    directions: Vec<Vec<f64>>,
    /// Features per turn of the body.
    period: f64,
    /// Median length in features.
    pub(super) duration: f64,
}

/// A part of an action.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    Onset,
    Body,
    Offset,
}

impl Appearance {
    /// Adds a phase to `out`: `share` of it has passed, and `elapsed` features since the action began.
    pub(super) fn add(
        &self,
        out: &mut [f64],
        phase: Phase,
        share: f64,
        elapsed: f64,
        angle: f64,
        amplitude: f64,
    ) {
        let (sin, cos) = (share * FRAC_PI_2).sin_cos();
        let turn = angle + TAU * elapsed / self.period;
        let parts: &[(usize, f64)] = match phase {
            Phase::Onset => &[(0, cos), (1, sin)],
            Phase::Body => &[(2, 0.8), (3, 0.6 * turn.cos()), (4, 0.6 * turn.sin())],
            Phase::Offset => &[(5, cos), (6, sin)],
        };
        for &(direction, weight) in parts {
            add_scaled(out, &self.directions[direction], amplitude * weight);
        }
    }
}

pub(super) struct Class {
    pub(super) appearance: usize,
    /// Side and direction of its cue; `None` for a class that nothing resembles.
    pub(super) cue: Option<(CueSide, Vec<f64>)>,
}

pub(super) struct World {
    pub(super) appearances: Vec<Appearance>,
    pub(super) classes: Vec<Class>,
    pub(super) drifts: Vec<Vec<f64>>,
    pairs: Vec<ConfusablePair>,
}

impl World {
    pub(super) fn new(config: &SynthConfig) -> Self {
        let mut random = Random::new(config.seed, Purpose::World, 0);
        let num_channels = config.num_channels;
        let wanted = config.difficulty * config.confusable_share * config.num_classes as f64 / 2.0;
        let num_pairs = (wanted.round() as usize).min(config.num_classes / 2);
        let num_appearances = config.num_classes - num_pairs;

        // Which appearance is short and which is long is drawn, too.
        let mut ranks: Vec<usize> = (0..num_appearances).collect();
        random.shuffle(&mut ranks);
        let (shortest, longest) = config.durations;
        let last = (num_appearances - 1).max(1) as f64;
        let appearances = ranks
            .into_iter()
            .map(|rank| Appearance {
                directions: orthonormal(&mut random, NUM_DIRECTIONS, num_channels),
                period: random.between((6.0, 12.0)),
                duration: shortest * (longest / shortest).powf(rank as f64 / last),
            })
            .collect();

        let mut classes = Vec::with_capacity(config.num_classes);
        let mut pairs = Vec::with_capacity(num_pairs);
        for pair in 0..num_pairs {
            let side = [CueSide::Before, CueSide::After][pair % 2];
            let cues = orthonormal(&mut random, 2, num_channels).into_iter();
            classes.extend(cues.map(|cue| Class {
                appearance: pair,
                cue: Some((side, cue)),
            }));
            pairs.push(ConfusablePair {
                classes: [2 * pair as u32, 2 * pair as u32 + 1],
                cue: side,
            });
        }
        let others = num_pairs..num_appearances;
        classes.extend(others.map(|appearance| Class {
            appearance,
            cue: None,
        }));
        Self {
            appearances,
            classes,
            drifts: orthonormal(&mut random, NUM_DRIFTS, num_channels),
            pairs,
        }
    }

    pub(super) fn pairs(&self) -> &[ConfusablePair] {
        &self.pairs
    }

    /// A verb per appearance, with a number for the two of a pair.
    pub(super) fn class_names(&self) -> Vec<String> {
        const VERBS: [&str; 12] = [
            "stir", "pour", "cut", "lift", "turn", "press", "fold", "wipe", "shake", "open",
            "throw", "wave",
        ];
        let name = |(index, class): (usize, &Class)| {
            let appearance = class.appearance;
            let verb = match VERBS.get(appearance) {
                Some(verb) => (*verb).to_owned(),
                None => format!("action{}", appearance + 1),
            };
            if class.cue.is_none() {
                return verb;
            }
            let before = self.classes[..index].iter();
            let number = 1 + before
                .filter(|other| other.appearance == appearance)
                .count();
            format!("{verb}_{number}")
        };
        self.classes.iter().enumerate().map(name).collect()
    }
}

/// `out += scale · vector`
pub(super) fn add_scaled(out: &mut [f64], vector: &[f64], scale: f64) {
    for (out, value) in out.iter_mut().zip(vector) {
        *out += scale * value;
    }
}

/// Random orthonormal vectors (Gram and Schmidt).
fn orthonormal(random: &mut Random, count: usize, num_channels: usize) -> Vec<Vec<f64>> {
    let dot = |a: &[f64], b: &[f64]| a.iter().zip(b).map(|(a, b)| a * b).sum::<f64>();
    let mut vectors: Vec<Vec<f64>> = Vec::with_capacity(count);
    while vectors.len() < count {
        let mut vector: Vec<f64> = (0..num_channels).map(|_| random.normal()).collect();
        for other in &vectors {
            let along = dot(&vector, other);
            add_scaled(&mut vector, other, -along);
        }
        let norm = dot(&vector, &vector).sqrt();
        // Where next to nothing is left its direction would be rounding error.
        if norm > 1e-3 {
            vector.iter_mut().for_each(|value| *value /= norm);
            vectors.push(vector);
        }
    }
    vectors
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn directions_are_orthonormal_even_without_room_to_spare() {
        let vectors = orthonormal(&mut Random::new(1, Purpose::World, 0), 7, 7);
        for (i, a) in vectors.iter().enumerate() {
            for (j, b) in vectors.iter().enumerate() {
                let dot: f64 = a.iter().zip(b).map(|(a, b)| a * b).sum();
                assert!((dot - f64::from(i == j)).abs() < 1e-9, "{i} {j} {dot}");
            }
        }
    }

    #[test]
    fn difficulty_pairs_classes() {
        let world = |difficulty| {
            World::new(&SynthConfig {
                difficulty,
                num_classes: 5,
                durations: (5.0, 40.0),
                confusable_share: 1.0,
                ..SynthConfig::default()
            })
        };
        assert_eq!(
            world(0.0).class_names(),
            ["stir", "pour", "cut", "lift", "turn"]
        );
        assert_eq!(
            world(0.4).class_names(),
            ["stir_1", "stir_2", "pour", "cut", "lift"]
        );
        let hard = world(1.0);
        assert_eq!(
            hard.class_names(),
            ["stir_1", "stir_2", "pour_1", "pour_2", "cut"]
        );
        assert_eq!(hard.pairs()[1].cue, CueSide::After);
        assert_eq!(hard.appearances.len(), 3);
        let mut medians: Vec<f64> = hard.appearances.iter().map(|a| a.duration).collect();
        medians.sort_by(f64::total_cmp);
        assert!((medians[1] / medians[0] - medians[2] / medians[1]).abs() < 1e-9);
        assert!((medians[2] - 40.0).abs() < 1e-9);
    }
}
