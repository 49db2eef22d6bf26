//! Clicks drawn from full annotations.

use tal_core::{Recording, Segment};
use tal_data::ClickError;
use tal_data::annotations::extra::Extra;
use tal_data::clicks::{Clicks, background_stretches};
use tal_data::rng::{self, Purpose};

/// How clicks are drawn.
///
/// # Units
/// `min_length` and `jitter` in seconds.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct SimulationConfig {
    /// Clicks in every stretch of background.
    pub per_stretch: usize,
    /// Shorter stretches get no click.
    pub min_length: f64,
    /// Standard deviation of the normal error that is added to every click.
    pub jitter: f64,
    /// Seed; the same seed gives the same clicks.
    pub seed: u64,
}

impl Default for SimulationConfig {
    /// One click per stretch whatever its length, no error.
    fn default() -> Self {
        Self {
            per_stretch: 1,
            min_length: 0.0,
            jitter: 0.0,
            seed: 0,
        }
    }
}

/// Clicks drawn by [`simulate`], and from how much background.
#[derive(Debug, Clone, PartialEq)]
pub struct Simulation {
    /// The clicks; every recording is listed but those without segments.
    pub clicks: Clicks,
    /// Recordings that were left out because they have labels but no segments: they would be background from start to end.
    pub num_without_segments: usize,
    /// Stretches of background that got clicks.
    pub num_stretches: usize,
    /// Stretches that were too short.
    pub num_short_stretches: usize,
    /// Seconds of all background.
    pub background_seconds: f64,
    /// Seconds of all recordings.
    pub seconds: f64,
}

/// Draws clicks for the recordings of `chosen` (index within the annotation file, recording): for every maximal stretch of
/// background of at least `min_length`, `per_stretch` times t uniform in the stretch; with jitter, t + N(0, `jitter`²), clamped
/// to the recording, which may then lie in an action as an annotator's click may.
///
/// A recording's clicks depend only on the seed, its index and its annotations. `extra` holds stretches that are not background
/// either (`cut_off`) and the recordings that have labels, which are left out if they have no segments.
///
/// # Units
/// Seconds.
///
/// # Errors
/// A recording without duration; settings that are zero, negative or not finite but must not be.
pub fn simulate<'a>(
    chosen: impl IntoIterator<Item = (usize, &'a Recording)>,
    extra: &Extra,
    config: &SimulationConfig,
) -> Result<Simulation, ClickError> {
    config.check()?;
    let mut simulation = Simulation {
        clicks: Clicks::default(),
        num_without_segments: 0,
        num_stretches: 0,
        num_short_stretches: 0,
        background_seconds: 0.0,
        seconds: 0.0,
    };
    for (index, recording) in chosen {
        let labels = extra.labels.get(&recording.id);
        if recording.instances.is_empty() && labels.is_some_and(|labels| !labels.is_empty()) {
            simulation.num_without_segments += 1;
            continue;
        }
        let missing = || ClickError::MissingDuration(recording.id.clone());
        let duration = recording.duration.ok_or_else(missing)?;
        let more = extra.cut_off.get(&recording.id).into_iter().flatten();
        let actions = recording.instances.iter().map(|action| action.segment);
        let stretches = background_stretches(duration, actions.chain(more.copied()));
        let mut rng = rng::stream(config.seed, 0, index as u64, Purpose::Clicks);
        let mut clicks = Vec::new();
        for stretch in stretches {
            simulation.background_seconds += stretch.length();
            if stretch.length() < config.min_length {
                simulation.num_short_stretches += 1;
                continue;
            }
            simulation.num_stretches += 1;
            for _ in 0..config.per_stretch {
                let click = within(stretch, rng::unit(&mut rng));
                let click = match config.jitter {
                    0.0 => click,
                    jitter => (click + jitter * rng::normal(&mut rng)).clamp(0.0, duration),
                };
                clicks.push(click);
            }
        }
        simulation.seconds += duration;
        simulation.clicks.set(&recording.id, clicks);
    }
    Ok(simulation)
}

/// The moment at a share from [0, 1) of a stretch; rounding never brings it to the end, at which an action may begin.
fn within(stretch: Segment, share: f64) -> f64 {
    let moment = stretch.start + share * stretch.length();
    if moment < stretch.end {
        moment
    } else {
        stretch.end.next_down().max(stretch.start)
    }
}

impl SimulationConfig {
    fn check(&self) -> Result<(), ClickError> {
        let wrong = |field, found: f64, expected| ClickError::Setting {
            field,
            found: found.to_string(),
            expected,
        };
        if self.per_stretch == 0 {
            return Err(wrong("per_stretch", 0.0, "at least 1"));
        }
        for (field, value) in [("min_length", self.min_length), ("jitter", self.jitter)] {
            if !(value.is_finite() && value >= 0.0) {
                return Err(wrong(field, value, "seconds from 0"));
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use tal_core::Instance;

    fn recording(duration: Option<f64>, actions: &[(f64, f64)]) -> Recording {
        Recording {
            id: "a".into(),
            subset: "training".into(),
            duration,
            fps: None,
            instances: actions
                .iter()
                .map(|(start, end)| Instance {
                    segment: Segment::new(*start, *end),
                    label: 0,
                })
                .collect(),
        }
    }

    fn run(recording: &Recording, config: SimulationConfig) -> Simulation {
        simulate([(3, recording)], &Extra::default(), &config).unwrap()
    }

    #[test]
    fn stretches_are_counted_and_short_ones_left_out() {
        let recording = recording(Some(20.0), &[(2.0, 5.0), (5.5, 10.0)]);
        let config = SimulationConfig {
            per_stretch: 2,
            min_length: 1.0,
            ..SimulationConfig::default()
        };
        let found = run(&recording, config);
        assert_eq!((found.num_stretches, found.num_short_stretches), (2, 1));
        assert_eq!(found.background_seconds, 12.5);
        assert_eq!(found.seconds, 20.0);
        let clicks = found.clicks.of("a");
        assert_eq!(clicks.len(), 4);
        assert!(clicks[1] < 2.0 && clicks[2] >= 10.0, "{clicks:?}");
    }

    #[test]
    fn remainders_of_actions_are_no_background() {
        let recording = recording(Some(10.0), &[]);
        let mut extra = Extra::default();
        let remainder = vec![Segment::new(1.0, 10.0)];
        extra.cut_off.insert("a".to_owned(), remainder);
        for seed in 0..20 {
            let config = SimulationConfig {
                seed,
                ..SimulationConfig::default()
            };
            let found = simulate([(0, &recording)], &extra, &config).unwrap();
            assert!(found.clicks.of("a")[0] < 1.0);
        }
    }

    #[test]
    fn labels_without_segments_get_no_clicks() {
        let recording = recording(Some(10.0), &[]);
        let mut extra = Extra::default();
        extra.labels.insert("a".to_owned(), vec!["run".to_owned()]);
        let found = simulate([(0, &recording)], &extra, &Default::default()).unwrap();
        assert_eq!(found.num_without_segments, 1);
        assert_eq!(found.clicks.iter().count(), 0);
        // An empty list says that there is no action.
        extra.labels.insert("a".to_owned(), Vec::new());
        let found = simulate([(0, &recording)], &extra, &Default::default()).unwrap();
        assert_eq!(found.clicks.of("a").len(), 1);
    }

    #[test]
    fn the_clicks_are_pinned() {
        let recording = recording(Some(100.0), &[(40.0, 60.0)]);
        let config = SimulationConfig {
            seed: 7,
            ..SimulationConfig::default()
        };
        let plain = run(&recording, config);
        // The first two words of the stream, as shares of the stretches.
        let mut rng = rng::stream(7, 0, 3, Purpose::Clicks);
        let expected = [
            40.0 * rng::unit(&mut rng),
            60.0 + 40.0 * rng::unit(&mut rng),
        ];
        assert_eq!(plain.clicks.of("a"), expected);
    }

    #[test]
    fn jitter_may_reach_actions_and_stays_in_the_recording() {
        let recording = recording(Some(10.0), &[(1.0, 9.0)]);
        let mut errors = 0;
        for seed in 0..200 {
            let config = SimulationConfig {
                jitter: 2.0,
                seed,
                ..SimulationConfig::default()
            };
            let found = run(&recording, config);
            assert!(
                found
                    .clicks
                    .of("a")
                    .iter()
                    .all(|t| (0.0..=10.0).contains(t))
            );
            errors += found.clicks.in_actions([&recording]).len();
        }
        // A click from the middle of the second of background errs by more than the half second inwards in 40 % of cases.
        assert!((100..220).contains(&errors), "{errors} of 400");
    }

    #[test]
    fn what_is_missing_or_wrong_is_named() {
        let recording = recording(None, &[]);
        let error = simulate([(0, &recording)], &Extra::default(), &Default::default());
        assert!(
            error
                .unwrap_err()
                .to_string()
                .contains("\"a\" has no duration")
        );
        let config = SimulationConfig {
            jitter: f64::NAN,
            ..SimulationConfig::default()
        };
        let error = simulate([(0, &recording)], &Extra::default(), &config).unwrap_err();
        assert_eq!(error.to_string(), "jitter is NaN; expected seconds from 0");
    }

    proptest! {
        #[test]
        fn without_jitter_every_click_is_background(
            actions in proptest::collection::vec((0.0..100.0f64, 0.0..20.0f64), 0..10),
            duration in 1.0..110.0f64, seed: u64, per_stretch in 1..4usize,
        ) {
            let ends: Vec<(f64, f64)> = actions.iter().map(|(s, l)| (*s, s + l)).collect();
            let recording = recording(Some(duration), &ends);
            let config = SimulationConfig { per_stretch, seed, ..SimulationConfig::default() };
            let found = run(&recording, config);
            prop_assert_eq!(found.clicks.len(), found.num_stretches * per_stretch);
            prop_assert_eq!(&found, &run(&recording, config));
            for click in found.clicks.of("a") {
                prop_assert!((0.0..duration).contains(click));
                prop_assert!(!ends.iter().any(|(start, end)| start <= click && click < end));
            }
            prop_assert!(found.clicks.of("a").is_sorted());
            prop_assert!(found.clicks.in_actions([&recording]).is_empty());
        }
    }
}
