#![doc = include_str!("../README.md")]
//!
//! # What is generated
//! All positions are in features (grid units: position i is the middle of feature i's window, see
//! [`TimeGrid`]); amplitudes are lengths of vectors in the C channels; d is
//! [`SynthConfig::difficulty`].
//!
//! **Classes.** Each appearance is seven orthonormal directions of the C channels and a period P of 6 to 12
//! features. An action of length D lasts through three phases: the *onset* turns from the first direction to the
//! second, the *body* holds a third and circles in the plane of two more with period P, the *offset* turns from the
//! sixth to the seventh:
//!
//! ```text
//! onset(v)  = cos(πv/2)·o₁ + sin(πv/2)·o₂                  v from 0 to 1; onset and offset each last 0.2·D,
//! body(τ)   = 0.8·b₀ + 0.6·(cos φ·b₁ + sin φ·b₂)           at least 1.5, at most 6 features and D/3;
//! offset(v) = cos(πv/2)·e₁ + sin(πv/2)·e₂                  φ = φ₀ + 2πτ/P with a random φ₀ per action
//! ```
//!
//! times `amplitude` and a gain per action, log-normal with σ 0.15. Lengths are log-normal; the medians of the
//! appearances are a geometric sequence through `durations`, so that they belong to different levels of a pyramid.
//!
//! **Confusable pairs.** The first `round(d · confusable_share · K / 2)` pairs of classes share one appearance and
//! one distribution of lengths. Only a *cue* tells the two apart: a bump of 3 features in a direction of its class,
//! `cue_distance` away from the action, before it in one pair, after it in the next. No other
//! action or cue of the pair is as near, so that a detector must look beyond the action and what adjoins it, and
//! finds only one answer there.
//!
//! **Background.** Gaps between events are exponential with mean `mean_gap`. Up to `d · distractors_per_action`
//! *distractors* per action: a body without onset and offset, the phases in the wrong order, an onset that leads to
//! nothing, a cue without an action. Three slow sinusoids (periods of 60 to 200 features) drift with amplitude
//! `drift · (0.3 + 0.7 d)`. *Dropouts* of 1 to 3 features, `d · dropouts_per_100` per 100 features, in which there
//! is nothing but noise; they spare the cues and at least half of every action. White noise per channel, whose
//! standard deviation goes linearly from `noise.0` to `noise.1` with d.
//!
//! **Overlap.** With probability `d · overlap` an action is overlapped by one of another appearance.
//!
//! A feature is the mean of the signal over its window. Classes are dealt like cards, so that each occurs equally
//! often in each subset.
//!
//! # Determinism
//! The same configuration gives the same annotations everywhere: random numbers are ChaCha8 streams of (seed,
//! purpose, recording), and positions are rounded to 1/64 feature. Features are f64 sines rounded to f32, which
//! platforms may round differently in the last bit.

mod config;
mod error;
mod films;
mod layout;
mod like;
mod random;
mod render;
mod world;
mod write;

use std::sync::Arc;

use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment, TimeGrid};

use tal_data::Features;

pub use config::SynthConfig;
pub use error::SynthError;
pub use films::{FilmConfig, write_films};
pub use like::{LikeOptions, LikeReport, write_like};
pub use world::{ConfusablePair, CueSide};
pub use write::write;

use layout::{Dealer, Timeline};
use random::{Purpose, Random};
use world::World;

/// Subset of the recordings to learn from.
pub const TRAIN_SUBSET: &str = "training";
/// Subset of the recordings to be measured on.
pub const TEST_SUBSET: &str = "test";

/// A generated corpus.
///
/// # Units
/// Segments and durations in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct SynthCorpus {
    /// Configuration that it was generated from.
    pub config: SynthConfig,
    /// Annotations; ids are `synth_train_0001`, … and `synth_test_0001`, ….
    pub ground_truth: GroundTruth,
    /// Features of the recordings, in the same order.
    pub features: Vec<Features>,
    /// The classes that only their context tells apart.
    pub confusable_pairs: Vec<ConfusablePair>,
}

/// Generates a corpus, see the [module](self).
///
/// # Errors
/// If a value of the configuration is out of range, or there are too few recordings for every class to occur in each
/// subset.
pub fn generate(config: &SynthConfig) -> Result<SynthCorpus, SynthError> {
    config.validate()?;
    let world = World::new(config);
    let classes = ClassMap::from_names(world.class_names())?;
    let grid = config.time_grid();
    let mut recordings = Vec::new();
    let mut features = Vec::new();
    let subsets = [
        (TRAIN_SUBSET, "train", config.num_train),
        (TEST_SUBSET, "test", config.num_test),
    ];
    for (index, (subset, short, count)) in subsets.into_iter().enumerate() {
        let mut dealer = Dealer::new(&world, config, index as u64);
        let mut is_present = vec![count == 0; config.num_classes];
        for number in 0..count {
            let timeline = dealer.recording();
            let random = Random::new(config.seed, Purpose::Features, (number * 2 + index) as u64);
            let array = render::features(&world, config, &timeline, random);
            let duration = duration(&grid, timeline.len);
            let instances = actions(&timeline, &grid);
            for instance in &instances {
                is_present[instance.label as usize] = true;
            }
            let id = format!("synth_{short}_{:04}", number + 1);
            features.push(Features {
                id: id.clone(),
                array: Arc::new(array),
                grid,
                duration: Some(duration),
            });
            recordings.push(Recording {
                id,
                subset: subset.to_owned(),
                duration: Some(duration),
                fps: Some(f64::from(config.fps)),
                instances,
            });
        }
        if let Some(class) = is_present.iter().position(|present| !present) {
            return Err(SynthError::ClassMissing {
                class: classes.display_name(class as u32),
                subset,
                num_recordings: count,
            });
        }
    }
    Ok(SynthCorpus {
        config: config.clone(),
        ground_truth: GroundTruth {
            classes,
            recordings,
        },
        features,
        confusable_pairs: world.pairs().to_vec(),
    })
}

/// The actions of a recording in order.
fn actions(timeline: &Timeline, grid: &TimeGrid) -> Vec<Instance> {
    let mut instances: Vec<Instance> = timeline
        .actions()
        .map(|(class, start, end)| Instance {
            segment: Segment::new(seconds(grid, start), seconds(grid, end)),
            label: class as u32,
        })
        .collect();
    instances.sort_by(|a, b| a.segment.start.total_cmp(&b.segment.start));
    instances
}

/// Like [`TimeGrid::to_seconds`], with the precision of annotations.
fn seconds(grid: &TimeGrid, position: f64) -> f64 {
    let frames = position * f64::from(grid.feat_stride) + 0.5 * f64::from(grid.num_frames);
    frames / f64::from(grid.fps)
}

/// The end of the last window.
fn duration(grid: &TimeGrid, len: usize) -> f64 {
    let frames = (len - 1) as f64 * f64::from(grid.feat_stride) + f64::from(grid.num_frames);
    frames / f64::from(grid.fps)
}
