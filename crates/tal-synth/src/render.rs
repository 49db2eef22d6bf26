//! Features of a timeline of events.

use std::f64::consts::{PI, TAU};

use super::SynthConfig;
use super::layout::{Event, Kind, Timeline};
use super::random::Random;
use super::world::{NUM_DRIFTS, Phase, World, add_scaled};
use tal_data::FeatureArray;

/// Positions within a window that a feature is the mean of.
const NUM_SAMPLES: usize = 8;
/// Share of an action that its onset takes, and its offset.
const EDGE_SHARE: f64 = 0.2;
/// Least and largest length of onset and offset in features.
const EDGE_LENGTHS: (f64, f64) = (1.5, 6.0);
/// Standard deviation of the logarithm of an event's gain.
const GAIN_SIGMA: f64 = 0.15;

/// The features (C, T) of a recording.
pub(super) fn features(
    world: &World,
    config: &SynthConfig,
    timeline: &Timeline,
    mut random: Random,
) -> FeatureArray {
    let (len, num_channels) = (timeline.len, config.num_channels);
    let difficulty = config.difficulty;
    // Time-major while it is made: a signal is a vector of all channels.
    let mut values = vec![0.0; len * num_channels];
    let window = f64::from(config.num_frames / config.feat_stride);
    let offsets: Vec<f64> = (0..NUM_SAMPLES)
        .map(|i| window * ((i as f64 + 0.5) / NUM_SAMPLES as f64 - 0.5))
        .collect();

    for event in &timeline.events {
        let angle = random.between((0.0, TAU));
        let gain = random.log_normal(config.amplitude, GAIN_SIGMA) / NUM_SAMPLES as f64;
        let first = (event.start - window).max(0.0) as usize;
        let last = ((event.end + window) as usize).min(len - 1);
        let rows = values.chunks_exact_mut(num_channels).enumerate();
        for (t, out) in rows.take(last + 1).skip(first) {
            for offset in &offsets {
                add_event(world, out, event, t as f64 + offset, angle, gain);
            }
        }
    }

    let amplitude = config.drift * (0.3 + 0.7 * difficulty);
    for direction in &world.drifts[..NUM_DRIFTS] {
        let amplitude = amplitude * random.between((0.5, 1.0));
        let period = random.between((60.0, 200.0));
        let angle = random.between((0.0, TAU));
        for (t, out) in values.chunks_exact_mut(num_channels).enumerate() {
            let scale = amplitude * (angle + TAU * t as f64 / period).sin();
            add_scaled(out, direction, scale);
        }
    }

    let sigma = config.noise.0 + difficulty * (config.noise.1 - config.noise.0);
    for (t, out) in values.chunks_exact_mut(num_channels).enumerate() {
        let position = t as f64;
        let is_lost = |&(from, to): &(f64, f64)| from <= position && position < to;
        if timeline.dropouts.iter().any(is_lost) {
            out.fill(0.0);
        }
        for value in out {
            *value += sigma * random.normal();
        }
    }
    let values: Vec<f32> = values.into_iter().map(|value| value as f32).collect();
    FeatureArray::from_time_first(&values, num_channels, len)
}

/// Adds the content of an event at a position, if that lies within the event.
fn add_event(world: &World, out: &mut [f64], event: &Event, position: f64, angle: f64, gain: f64) {
    let duration = event.end - event.start;
    let elapsed = position - event.start;
    if elapsed < 0.0 || elapsed >= duration {
        return;
    }
    let class = &world.classes[event.class];
    if event.kind == Kind::Cue {
        if let Some((_, direction)) = &class.cue {
            add_scaled(out, direction, gain * (PI * elapsed / duration).sin());
        }
        return;
    }
    let (phase, share) = phase(event.kind, elapsed, duration);
    world.appearances[class.appearance].add(out, phase, share, elapsed, angle, gain);
}

/// The phase that an event is in, and the share of the phase that has passed.
fn phase(kind: Kind, elapsed: f64, duration: f64) -> (Phase, f64) {
    let edge = (EDGE_SHARE * duration)
        .clamp(EDGE_LENGTHS.0, EDGE_LENGTHS.1)
        .min(duration / 3.0);
    let (first, last) = match kind {
        Kind::BodyOnly => return (Phase::Body, elapsed / duration),
        Kind::OnsetOnly => return (Phase::Onset, elapsed / duration),
        Kind::WrongOrder => (Phase::Offset, Phase::Onset),
        Kind::Action | Kind::Cue => (Phase::Onset, Phase::Offset),
    };
    if elapsed < edge {
        (first, elapsed / edge)
    } else if elapsed < duration - edge {
        (Phase::Body, (elapsed - edge) / (duration - 2.0 * edge))
    } else {
        (last, (elapsed - duration + edge) / edge)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn phases_follow_one_another() {
        assert_eq!(phase(Kind::Action, 0.0, 20.0), (Phase::Onset, 0.0));
        assert_eq!(phase(Kind::Action, 3.0, 20.0), (Phase::Onset, 0.75));
        assert_eq!(phase(Kind::Action, 10.0, 20.0), (Phase::Body, 0.5));
        assert_eq!(phase(Kind::Action, 18.0, 20.0), (Phase::Offset, 0.5));
        assert_eq!(phase(Kind::WrongOrder, 2.0, 20.0), (Phase::Offset, 0.5));
        assert_eq!(phase(Kind::BodyOnly, 0.0, 20.0), (Phase::Body, 0.0));
        // A short action has three phases of one length.
        assert_eq!(phase(Kind::Action, 1.5, 3.0), (Phase::Body, 0.5));
    }
}
