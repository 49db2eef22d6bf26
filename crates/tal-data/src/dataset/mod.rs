//! A subset of a data set: annotations and features together.

mod beyond;
mod features;
mod outside;
pub mod resize;
mod timing;

use std::sync::Arc;

use chacha20::rand_core::Rng;
use tal_core::config::DatasetConfig;
use tal_core::{
    ClassMap, GroundTruth, Instance, Recording, Segment, TimeGrid, plain_list, remove_duplicates,
};

use crate::annotations;
use crate::augmentation::{Annotated, augment};
use crate::cache::Cache;
use crate::features::open;
use crate::loader::SampleSource;
use crate::pipeline::Pipeline;
use crate::rng::uniform_inclusive;
use crate::sample::{SampleKey, TrainingSample};
use crate::{DataError, FeatureError, FeatureStore};

pub use timing::{Timing, check_inertial_grid};

pub use features::Features;
pub use outside::{FoundRecording, find_recordings, read_features};

/// The one class of a data set that is `class_agnostic`.
pub const ANY_CLASS: &str = "action";

/// The recordings of some subsets, in the order of the annotation file.
///
/// # Panics
/// Methods that take the index of a recording do, if there is none.
pub struct Dataset {
    config: DatasetConfig,
    truth: GroundTruth,
    /// The same with the labels of the file, where `class_agnostic` took them away.
    labelled: Option<GroundTruth>,
    entries: Vec<Entry>,
    skipped: Vec<String>,
    store: FeatureStore,
    cache: Cache,
}

/// A recording that has features.
struct Entry {
    recording: Recording,
    timing: Timing,
    /// Its actions for training, in seconds.
    training: Vec<Instance>,
}

impl Dataset {
    /// Opens the recordings of `subsets` (names compared without regard to case) and checks everything that can be checked without
    /// reading features.
    ///
    /// # Errors
    /// Those of [`annotations::read`] with the configured number of classes (any number where `class_agnostic` is set); no
    /// recording in the subsets (the error lists those of the file); a missing feature file, unless
    /// `skip_missing_features` is set and another recording has one; a recording without frame rate, or without duration
    /// where `feat_stride` is null; windows of a raw signal that do not agree with `feat_stride` and `num_frames`.
    pub fn open(config: &DatasetConfig, subsets: &[String]) -> Result<Self, DataError> {
        check_inertial_grid(config)?;
        let num_classes = (!config.class_agnostic).then_some(config.num_classes);
        let all = annotations::read(&config.annotations, num_classes)?;
        if let Some(num_classes) = num_classes {
            let empty = all.classes.unnamed_below(num_classes);
            if !empty.is_empty() {
                let path = config.annotations.display();
                tracing::warn!("{path}: no annotation of the classes {}", plain_list(empty));
            }
        }
        let chosen: Vec<Recording> = all.subset(subsets).cloned().collect();
        if chosen.is_empty() {
            return Err(DataError::EmptySubset {
                path: config.annotations.clone(),
                wanted: subsets.to_vec(),
                present: all.subset_names().into_iter().map(str::to_owned).collect(),
            });
        }
        let labelled = GroundTruth {
            classes: all.classes,
            recordings: chosen,
        };
        let store = open(config);
        let skipped = missing_features(config, &labelled, &store)?;
        let entries = labelled
            .recordings
            .iter()
            .filter(|recording| !skipped.contains(&recording.id))
            .map(|recording| Entry::new(recording, config))
            .collect::<Result<Vec<_>, _>>()?;
        let (truth, labelled) = if config.class_agnostic {
            (class_agnostic(&labelled), Some(labelled))
        } else {
            (labelled, None)
        };
        Ok(Self {
            config: config.clone(),
            truth,
            labelled,
            entries,
            skipped,
            store,
            cache: Cache::default(),
        })
    }

    /// Keeps features in memory, up to `bytes`.
    #[must_use]
    pub fn with_cache(mut self, bytes: usize) -> Self {
        self.cache = Cache::new(bytes);
        self
    }

    /// Configuration of the data set.
    pub fn config(&self) -> &DatasetConfig {
        &self.config
    }

    /// Number of recordings that have features; at least one.
    pub fn num_recordings(&self) -> usize {
        self.entries.len()
    }

    /// A recording by index.
    pub fn recording(&self, index: usize) -> &Recording {
        &self.entries[index].recording
    }

    /// Names of the classes, those of the whole annotation file; one class if the data set is `class_agnostic`.
    ///
    /// Ids below `num_classes` that have no name are empty classes: no annotation has them.
    pub fn classes(&self) -> &ClassMap {
        &self.truth.classes
    }

    /// All annotations of the subsets, as in the file: duplicates and recordings without features included. If the data
    /// set is `class_agnostic`, all are of class 0.
    pub fn ground_truth(&self) -> &GroundTruth {
        &self.truth
    }

    /// [`Dataset::ground_truth`] with the classes of the file, also if the data set is `class_agnostic`: what detections
    /// are compared with that got their classes from external scores.
    pub fn labelled_truth(&self) -> &GroundTruth {
        self.labelled.as_ref().unwrap_or(&self.truth)
    }

    /// Ids of recordings that were left out because they have no feature file.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// How the features of a recording lie in time if its file has `num_features`, down-sampling and resizing included.
    ///
    /// Only with `resize` or without `feat_stride` does it depend on their number; [`Features`] carry their grid.
    ///
    /// # Source
    /// The authors' public code.
    pub fn grid(&self, index: usize, num_features: usize) -> TimeGrid {
        self.entries[index].timing.grid(&self.config, num_features)
    }

    /// All features of a recording.
    ///
    /// # Shapes
    /// (C, T), T any length from 1; `max_seq_len` with `resize`.
    ///
    /// # Errors
    /// Those of [`FeatureStore::load`].
    pub fn features(&self, index: usize) -> Result<Features, FeatureError> {
        let recording = &self.entries[index].recording;
        let (array, grid) = match self.cache.get(index) {
            Some(held) => held,
            None => {
                let array = self.store.load(recording.into())?;
                let (array, grid) = self.entries[index].timing.prepare(&self.config, array);
                self.cache.put(index, &array, grid);
                (array, grid)
            }
        };
        Ok(Features {
            id: recording.id.clone(),
            array,
            grid,
            duration: recording.duration,
        })
    }

    /// The actions of a recording as training takes them: duplicates removed if the configuration says so, in grid units of its
    /// `features`, those beyond the last feature treated as `beyond_features` says.
    ///
    /// # Units
    /// Segments in grid units.
    ///
    /// # Source
    /// The authors' public code.
    pub fn training_targets(
        &self,
        index: usize,
        features: &Features,
    ) -> (Vec<Segment<f32>>, Vec<u32>) {
        let actions = self.entries[index]
            .training
            .iter()
            .map(|action| (features.grid.segment_to_grid(action.segment), action.label))
            .collect();
        let config = &self.config;
        beyond::cut_off(
            actions,
            config.beyond_features,
            features.array.len(),
            &features.grid,
            config.truncation.trunc_thresh,
        )
        .into_iter()
        .unzip()
    }

    /// An action of `class` in another recording than `index`: first the recording is drawn, then the action.
    fn action_elsewhere(
        &self,
        class: u32,
        index: usize,
        rng: &mut impl Rng,
    ) -> Result<Option<(Features, Segment<f32>)>, FeatureError> {
        let has_class = |entry: &Entry| entry.training.iter().any(|action| action.label == class);
        let others = (0..self.entries.len()).filter(|other| *other != index);
        let others: Vec<usize> = others
            .filter(|other| has_class(&self.entries[*other]))
            .collect();
        let Some(last) = others.len().checked_sub(1) else {
            return Ok(None);
        };
        let other = others[uniform_inclusive(rng, 0, last as u64) as usize];
        let features = self.features(other)?;
        let (segments, labels) = self.training_targets(other, &features);
        let mut actions: Vec<Segment<f32>> = segments
            .into_iter()
            .zip(labels)
            .filter(|(_, label)| *label == class)
            .map(|(segment, _)| segment)
            .collect();
        // Training may leave out the actions that the annotations have.
        let Some(last) = actions.len().checked_sub(1) else {
            return Ok(None);
        };
        let action = actions.swap_remove(uniform_inclusive(rng, 0, last as u64) as usize);
        Ok(Some((features, action)))
    }

    /// The features of all recordings in order, loaded ahead by `num_threads` background threads (0 loads when asked), at
    /// most `prefetch` recordings ahead. The first error ends the iteration.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn features_in_order(
        self: &Arc<Self>,
        num_threads: usize,
        prefetch: usize,
    ) -> Result<impl Iterator<Item = Result<Features, DataError>> + Send + use<>, DataError> {
        let all: Vec<usize> = (0..self.num_recordings()).collect();
        self.features_of(all, num_threads, prefetch)
    }

    /// [`Dataset::features_in_order`] of some recordings, in the order of `indices`.
    ///
    /// # Errors
    /// If a thread cannot be started.
    pub fn features_of(
        self: &Arc<Self>,
        indices: Vec<usize>,
        num_threads: usize,
        prefetch: usize,
    ) -> Result<impl Iterator<Item = Result<Features, DataError>> + Send + use<>, DataError> {
        let dataset = Arc::clone(self);
        Pipeline::new(
            indices.into_iter(),
            {
                let dataset = Arc::clone(self);
                move |index| format!("recording {:?}", dataset.recording(*index).id)
            },
            move |index| Ok(dataset.features(index)?),
            num_threads,
            prefetch,
        )
    }
}

impl SampleSource for Dataset {
    fn num_recordings(&self) -> usize {
        self.num_recordings()
    }

    fn sample(&self, key: SampleKey) -> Result<TrainingSample, DataError> {
        let features = self.features(key.index)?;
        let (segments, labels) = self.training_targets(key.index, &features);
        let mut recording = Annotated {
            features,
            segments,
            labels,
        };
        if self.config.augmentation.is_active() {
            let donor = |class, rng: &mut _| self.action_elsewhere(class, key.index, rng);
            recording = augment(recording, &self.config, key, donor)?;
        }
        Ok(TrainingSample::cut(
            &recording.features,
            &recording.segments,
            &recording.labels,
            self.config.max_seq_len,
            &self.config.truncation,
            key,
        ))
    }
}

impl Entry {
    fn new(recording: &Recording, config: &DatasetConfig) -> Result<Self, DataError> {
        // Duplicates are recognised by the labels of the file.
        let mut training = if config.remove_duplicates {
            remove_duplicates(&recording.instances)
        } else {
            recording.instances.clone()
        };
        let mut recording = recording.clone();
        if config.class_agnostic {
            forget_labels(&mut training);
            forget_labels(&mut recording.instances);
        }
        Ok(Self {
            timing: Timing::new(config, &recording.id, recording.fps, recording.duration)?,
            recording,
            training,
        })
    }
}

fn forget_labels(instances: &mut [Instance]) {
    instances.iter_mut().for_each(|instance| instance.label = 0);
}

/// The annotations with one class for all.
fn class_agnostic(truth: &GroundTruth) -> GroundTruth {
    let mut classes = ClassMap::default();
    // Cannot fail: it is the only name.
    let _ = classes.insert(0, ANY_CLASS);
    let mut recordings = truth.recordings.clone();
    for recording in &mut recordings {
        forget_labels(&mut recording.instances);
    }
    GroundTruth {
        classes,
        recordings,
    }
}

/// Ids of recordings without a feature file, if the configuration allows to leave them out.
fn missing_features(
    config: &DatasetConfig,
    truth: &GroundTruth,
    store: &FeatureStore,
) -> Result<Vec<String>, DataError> {
    let mut missing = Vec::new();
    let mut places = Vec::new();
    for recording in &truth.recordings {
        if let Some(place) = store.missing(recording.into())? {
            missing.push(recording.id.clone());
            places.push(place);
        }
    }
    let total = truth.recordings.len();
    if let Some(place) = places.first()
        && (!config.skip_missing_features || missing.len() == total)
    {
        return Err(DataError::MissingFeatures {
            path: place.clone(),
            ids: missing,
            total,
        });
    }
    for (id, place) in missing.iter().zip(&places) {
        tracing::warn!(path = %place.display(), "recording {id:?} left out: no feature file");
    }
    Ok(missing)
}
