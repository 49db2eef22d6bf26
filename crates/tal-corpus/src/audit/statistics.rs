//! Statistics of a data set, which help to choose `max_seq_len` and the regression ranges.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicUsize, Ordering};

use rayon::prelude::*;
use serde::Serialize;
use tal_core::config::Config;
use tal_core::{GroundTruth, PointGrid, Recording, Segment};

use super::distribution::Distribution;
use super::positives::Assigner;
use super::timing::{Timing, timing};
use super::{Watch, annotations, assigner};
use tal_data::DataError;

/// Statistics of a data set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Statistics {
    /// Training and test.
    pub subsets: Vec<SubsetStatistics>,
    /// The classes that occur, by id.
    pub classes: Vec<ClassStatistics>,
    /// Actions that the levels of the network learn from.
    pub levels: LevelStatistics,
    /// `max_seq_len` beside the lengths of the training recordings.
    pub max_seq_len: LengthAdvice,
    /// Better ranges, if there are any: they leave fewer actions without a level.
    pub regression_range: Option<RangeAdvice>,
}

/// The recordings and actions to train on, or those to test on.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubsetStatistics {
    /// `training` or `test`.
    pub role: &'static str,
    /// The configured names.
    pub names: Vec<String>,
    /// Recordings.
    pub num_recordings: usize,
    /// Recordings whose number of features was read from their files; that of the others follows from their durations.
    pub num_lengths_read: usize,
    /// Recordings without annotation.
    pub num_without_actions: usize,
    /// Actions.
    pub num_actions: usize,
    /// Seconds of the recordings that have a duration.
    pub recording_seconds: Option<Distribution>,
    /// Features of the recordings, as the network gets them.
    pub recording_features: Option<Distribution>,
    /// Seconds of the actions.
    pub action_seconds: Option<Distribution>,
    /// Lengths of the actions in grid units.
    pub action_features: Option<Distribution>,
    /// Actions of each recording.
    pub actions_per_recording: Option<Distribution>,
    /// Share of the time in which something happens, over the recordings that have a duration.
    pub coverage: Option<f64>,
    /// Share of that time in which two or more actions happen.
    pub overlap: Option<f64>,
    /// Seconds of every recording and action, for histograms.
    #[serde(skip)]
    pub seconds: Seconds,
}

/// Lengths in seconds.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Seconds {
    /// Of the recordings that have a duration.
    pub recordings: Vec<f64>,
    /// Of the actions.
    pub actions: Vec<f64>,
}

/// How often a class occurs, and how long its actions are.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ClassStatistics {
    /// Its id.
    pub label: u32,
    /// Its name.
    pub name: String,
    /// Actions to train on.
    pub num_training: usize,
    /// Actions to test on.
    pub num_test: usize,
    /// Seconds of all these actions.
    pub action_seconds: Option<Distribution>,
}

/// Which levels the training actions go to, by the rule of training, as if recordings were not cut.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct LevelStatistics {
    /// The levels, finest first.
    pub levels: Vec<Level>,
    /// Training actions whose place among the features is known.
    pub num_actions: usize,
    /// Those of them that have no positive point on any level.
    pub num_without_level: usize,
}

/// A level of the network.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Level {
    /// Features between two points.
    pub stride: u32,
    /// Its regression range in grid units.
    pub range: [f32; 2],
    /// Actions with at least one positive point here.
    pub num_actions: usize,
    /// Positive points of all actions.
    pub num_points: usize,
}

/// Lengths that `max_seq_len` can have, in features.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LengthAdvice {
    /// The configured one.
    pub current: usize,
    /// Training recordings that are longer.
    pub num_longer: usize,
    /// Factor that it must be a multiple of.
    pub unit: usize,
    /// Enough for 95 % of the training recordings, and for the longest action in a window.
    pub for_most: usize,
    /// Enough for all training recordings.
    pub for_all: usize,
}

/// Other regression ranges.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RangeAdvice {
    /// One range per level, in grid units.
    pub ranges: Vec<[f32; 2]>,
    /// Training actions that they leave without a level.
    pub num_without_level: usize,
}

/// Counts and measures the data set of a configuration.
///
/// Numbers of features are read from the files where these can be read and `quick` is not set, and follow from durations
/// otherwise. If the work is ended early the rest follows from durations too.
///
/// # Errors
/// Annotations that cannot be read, and no recording in the training or the test subsets.
pub fn statistics(
    config: &Config,
    quick: bool,
    watch: &Watch<'_>,
) -> Result<Statistics, DataError> {
    let dataset = &config.dataset;
    let truth = annotations::strict(dataset)?;
    let roles = [
        ("training", &dataset.train_subsets),
        ("test", &dataset.test_subsets),
    ];
    let chosen = roles.map(|(_, names)| truth.subset(names).collect::<Vec<&Recording>>());
    for ((_, names), recordings) in roles.iter().zip(&chosen) {
        if recordings.is_empty() {
            return Err(DataError::EmptySubset {
                path: dataset.annotations.clone(),
                wanted: names.to_vec(),
                present: truth
                    .subset_names()
                    .into_iter()
                    .map(str::to_owned)
                    .collect(),
            });
        }
    }
    let total = chosen.iter().map(Vec::len).sum();
    let done = AtomicUsize::new(0);
    let timings: Vec<Vec<Timed>> = chosen
        .iter()
        .map(|recordings| timed(config, recordings, quick, watch, (&done, total)))
        .collect();
    let subsets: Vec<SubsetStatistics> = roles
        .into_iter()
        .zip(chosen.iter().zip(&timings))
        .map(|((role, names), (recordings, timed))| subset(role, names, recordings, timed))
        .collect();
    let actions = grid_actions(&chosen[0], &timings[0]);
    let levels = levels(
        &assigner(config),
        &config.decoder.regression_range,
        &actions,
    );
    Ok(Statistics {
        classes: classes(&truth, &chosen),
        max_seq_len: length_advice(config, &timings[0], &actions),
        regression_range: range_advice(config, &actions, levels.num_without_level),
        levels,
        subsets,
    })
}

/// A recording's place on the grid, and whether its length was read.
type Timed = (Option<Timing>, bool);

fn timed(
    config: &Config,
    recordings: &[&Recording],
    quick: bool,
    watch: &Watch<'_>,
    (done, total): (&AtomicUsize, usize),
) -> Vec<Timed> {
    let store = tal_data::features::open(&config.dataset);
    recordings
        .par_iter()
        .map(|recording| {
            let read = !quick && !watch.stop.load(Ordering::Relaxed);
            let array = read.then(|| store.load((*recording).into()).ok()).flatten();
            let len = array.map(|array| array.len());
            (watch.progress)(done.fetch_add(1, Ordering::Relaxed) + 1, total);
            (timing(&config.dataset, recording, len), len.is_some())
        })
        .collect()
}

fn subset(
    role: &'static str,
    names: &[String],
    recordings: &[&Recording],
    timed: &[Timed],
) -> SubsetStatistics {
    let actions = || recordings.iter().flat_map(|recording| &recording.instances);
    let seconds = Seconds {
        recordings: recordings.iter().filter_map(|one| one.duration).collect(),
        actions: actions().map(|action| action.segment.length()).collect(),
    };
    let on_grid = recordings
        .iter()
        .zip(timed)
        .filter_map(|(one, (timing, _))| {
            let grid = timing.as_ref()?.grid;
            Some((*one, grid))
        });
    let action_features = on_grid.flat_map(|(recording, grid)| {
        let actions = recording.instances.iter();
        actions.map(move |action| f64::from(grid.segment_to_grid(action.segment).length()))
    });
    let known = timed.iter().filter_map(|(timing, _)| timing.as_ref());
    let (mut whole, mut covered, mut shared) = (0.0, 0.0, 0.0);
    for recording in recordings {
        if let Some(duration) = recording.duration {
            let (some, several) = covered_time(recording, duration);
            whole += duration;
            covered += some;
            shared += several;
        }
    }
    SubsetStatistics {
        role,
        names: names.to_vec(),
        num_recordings: recordings.len(),
        num_lengths_read: timed.iter().filter(|(_, read)| *read).count(),
        num_without_actions: recordings
            .iter()
            .filter(|one| one.instances.is_empty())
            .count(),
        num_actions: actions().count(),
        recording_seconds: Distribution::of(seconds.recordings.iter().copied()),
        recording_features: Distribution::of(known.map(|timing| timing.len as f64)),
        action_seconds: Distribution::of(seconds.actions.iter().copied()),
        action_features: Distribution::of(action_features),
        actions_per_recording: Distribution::of(
            recordings.iter().map(|one| one.instances.len() as f64),
        ),
        coverage: (whole > 0.0).then(|| covered / whole),
        overlap: (covered > 0.0).then(|| shared / covered),
        seconds,
    }
}

/// Seconds of a recording in which at least one action, and at least two actions happen.
fn covered_time(recording: &Recording, duration: f64) -> (f64, f64) {
    let bounds = Segment::new(0.0, duration);
    let mut ends: Vec<(f64, i32)> = recording
        .instances
        .iter()
        .map(|action| action.segment.clamp_to(bounds))
        .flat_map(|segment| [(segment.start, 1), (segment.end, -1)])
        .collect();
    ends.sort_by(|a, b| a.0.total_cmp(&b.0));
    let (mut some, mut several) = (0.0, 0.0);
    let (mut depth, mut last) = (0, 0.0);
    for (time, change) in ends {
        if depth >= 1 {
            some += time - last;
        }
        if depth >= 2 {
            several += time - last;
        }
        depth += change;
        last = time;
    }
    (some, several)
}

fn classes(truth: &GroundTruth, chosen: &[Vec<&Recording>; 2]) -> Vec<ClassStatistics> {
    let mut by_class: BTreeMap<u32, ([usize; 2], Vec<f64>)> = BTreeMap::new();
    for (role, recordings) in chosen.iter().enumerate() {
        for action in recordings.iter().flat_map(|recording| &recording.instances) {
            let (counts, seconds) = by_class.entry(action.label).or_default();
            counts[role] += 1;
            seconds.push(action.segment.length());
        }
    }
    let statistics = by_class.into_iter();
    statistics
        .map(
            |(label, ([num_training, num_test], seconds))| ClassStatistics {
                label,
                name: truth.classes.display_name(label),
                num_training,
                num_test,
                action_seconds: Distribution::of(seconds),
            },
        )
        .collect()
}

/// The actions of a recording in grid units, with its number of features.
type GridActions = (usize, Vec<Segment<f32>>);

fn grid_actions(recordings: &[&Recording], timed: &[Timed]) -> Vec<GridActions> {
    let known = recordings
        .iter()
        .zip(timed)
        .filter_map(|(recording, (timing, _))| {
            let timing = timing.as_ref()?;
            let actions = recording.instances.iter();
            let segments = actions.map(|action| timing.grid.segment_to_grid(action.segment));
            Some((timing.len, segments.collect()))
        });
    known.collect()
}

fn levels(assigner: &Assigner, ranges: &[[f32; 2]], actions: &[GridActions]) -> LevelStatistics {
    let counts: Vec<Vec<usize>> = actions
        .par_iter()
        .flat_map_iter(|(len, segments)| assigner.positives(*len, segments))
        .collect();
    let levels = ranges.iter().enumerate().map(|(l, range)| Level {
        stride: 1 << l,
        range: *range,
        num_actions: counts.iter().filter(|counts| counts[l] > 0).count(),
        num_points: counts.iter().map(|counts| counts[l]).sum(),
    });
    LevelStatistics {
        levels: levels.collect(),
        num_actions: counts.len(),
        num_without_level: counts
            .iter()
            .filter(|counts| counts.iter().all(|n| *n == 0))
            .count(),
    }
}

fn length_advice(config: &Config, timed: &[Timed], actions: &[GridActions]) -> LengthAdvice {
    let dataset = &config.dataset;
    let points = PointGrid::length_unit(config.encoder.num_levels);
    let unit = config.encoder.length_unit();
    let unit = if unit.is_multiple_of(points) {
        unit
    } else {
        points
    };
    let lens = || {
        timed
            .iter()
            .filter_map(|(timing, _)| Some(timing.as_ref()?.len))
    };
    let most = Distribution::of(lens().map(|len| len as f64)).map_or(0.0, |lens| lens.p95);
    let segments = actions.iter().flat_map(|(_, segments)| segments);
    let longest = segments.map(|segment| segment.length()).fold(0.0, f32::max);
    // A window must hold enough of the longest action to keep it.
    let needed = f64::from(longest) * dataset.truncation.trunc_thresh;
    let rounded = |len: f64| (len.ceil() as usize).max(1).next_multiple_of(unit);
    let for_all = rounded(lens().max().unwrap_or(0) as f64);
    LengthAdvice {
        current: dataset.max_seq_len,
        num_longer: lens().filter(|len| *len > dataset.max_seq_len).count(),
        unit,
        for_most: rounded(most.max(needed)).min(for_all),
        for_all,
    }
}

fn range_advice(
    config: &Config,
    actions: &[GridActions],
    num_without_level: usize,
) -> Option<RangeAdvice> {
    let num_levels = config.decoder.regression_range.len();
    let ranges = |overlapping: bool| -> Vec<[f32; 2]> {
        let bound = |level: usize| (1u64 << (level + 2)) as f32;
        (0..num_levels)
            .map(|level| {
                let low = match (level, overlapping) {
                    (0, _) => 0.0,
                    (_, false) => bound(level - 1),
                    (_, true) => 0.5 * bound(level - 1),
                };
                let high = if level + 1 == num_levels {
                    10000.0
                } else {
                    bound(level)
                };
                [low, high]
            })
            .collect()
    };
    let radius = config.loss.assignment.center_radius;
    let advice = [ranges(false), ranges(true)].map(|ranges| {
        let statistics = levels(&Assigner::new(&ranges, radius), &ranges, actions);
        RangeAdvice {
            num_without_level: statistics.num_without_level,
            ranges,
        }
    });
    let best = advice
        .into_iter()
        .min_by_key(|advice| advice.num_without_level)?;
    (best.num_without_level < num_without_level).then_some(best)
}
