//! The course of a film.

use super::super::random::Random;
use super::pose::{Motion, Pose, rest};

/// An action of the figure, in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Action {
    pub(super) motion: Motion,
    pub(super) start: f64,
    pub(super) end: f64,
}

/// The actions of a film and the way of the figure.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Script {
    pub(super) actions: Vec<Action>,
    /// Speed of the walk, in widths of the picture a second, and where it begins.
    walk: (f64, f64),
}

/// Time from rest to a motion and back, in seconds. Half of it belongs to the action.
const TURN: f64 = 0.3;
/// Steps a second.
const STEPS: f64 = 0.9;

impl Script {
    pub(super) fn new(seconds: f64, random: &mut Random) -> Self {
        let mut actions = Vec::new();
        let mut order = Vec::new();
        let mut time = random.between((1.0, 4.0));
        loop {
            if order.is_empty() {
                order = Motion::ALL.to_vec();
                random.shuffle(&mut order);
            }
            let motion = order.pop().unwrap_or(Motion::Wave);
            let repetitions = random.integer((2, 5)) as f64;
            // Whole frames, so that the segments are exact.
            let length = (repetitions * motion.period() * 15.0).round() / 15.0;
            let start = (time * 15.0).round() / 15.0;
            if start + length > seconds - 1.0 {
                break;
            }
            actions.push(Action {
                motion,
                start,
                end: start + length,
            });
            time = start + length + 1.0 + random.exponential(2.5);
        }
        let direction = if random.chance(0.5) { 1.0 } else { -1.0 };
        Self {
            actions,
            walk: (
                direction * random.between((0.03, 0.07)),
                random.between((0.0, 2.0)),
            ),
        }
    }

    /// The pose at a time.
    pub(super) fn pose(&self, time: f64) -> Pose {
        let resting = rest(STEPS * self.walked(time));
        let near =
            |action: &&Action| time > action.start - TURN / 2.0 && time < action.end + TURN / 2.0;
        let Some(action) = self.actions.iter().find(near) else {
            return resting;
        };
        let moving = action
            .motion
            .pose((time - action.start) / action.motion.period());
        let inside = (time - action.start).min(action.end - time) + TURN / 2.0;
        resting.towards(moving, (inside / TURN).clamp(0.0, 1.0))
    }

    /// The figure's place from left (0) to right (1). It walks to and fro, and stands while it acts.
    pub(super) fn position(&self, time: f64) -> f64 {
        let (speed, begin) = self.walk;
        let way = (begin + speed * self.walked(time)).rem_euclid(2.0);
        0.22 + 0.56 * if way > 1.0 { 2.0 - way } else { way }
    }

    /// Time of walking until now, in seconds.
    fn walked(&self, time: f64) -> f64 {
        let acted: f64 = self
            .actions
            .iter()
            .map(|action| time.clamp(action.start, action.end) - action.start)
            .sum();
        time - acted
    }
}
