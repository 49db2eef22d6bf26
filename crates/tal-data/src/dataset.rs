//! A subset of a data set: annotations and features together.

use std::path::Path;
use std::sync::Arc;

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment, TimeGrid};

use crate::annotations::{self, remove_duplicates};
use crate::cache::Cache;
use crate::features::{self, FeatureStore, Features};
use crate::loader::SampleSource;
use crate::pipeline::Pipeline;
use crate::sample::{SampleKey, TrainingSample};
use crate::{DataError, FeatureError};

/// The recordings of some subsets, in the order of the annotation file.
pub struct Dataset {
    config: DatasetConfig,
    truth: GroundTruth,
    entries: Vec<Entry>,
    skipped: Vec<String>,
    store: Box<dyn FeatureStore>,
    cache: Cache,
}

/// A recording that has features.
struct Entry {
    recording: Recording,
    grid: TimeGrid,
    /// Its actions for training, in seconds.
    training: Vec<Instance>,
}

impl Dataset {
    /// Opens the recordings of `subsets` (names compared without regard to case) and checks what can be checked without
    /// reading features.
    ///
    /// # Errors
    /// As [`annotations::read`] with the configured number of classes; no recording in the subsets (the error lists those
    /// of the file); a missing feature file, unless `skip_missing_features` is set and another recording has one; a
    /// recording without frame rate; windows of a raw signal that do not agree with `feat_stride` and `num_frames`.
    pub fn open(config: &DatasetConfig, subsets: &[String]) -> Result<Self, DataError> {
        check_inertial_grid(config)?;
        let GroundTruth {
            classes,
            recordings,
        } = annotations::read(&config.annotations, Some(config.num_classes))?;
        let empty = classes.unnamed_below(config.num_classes);
        if !empty.is_empty() {
            tracing::warn!(ids = ?empty, "classes without annotation in {}", config.annotations.display());
        }
        let all = GroundTruth {
            classes,
            recordings,
        };
        let chosen: Vec<Recording> = all.subset(subsets).cloned().collect();
        if chosen.is_empty() {
            return Err(DataError::EmptySubset {
                path: config.annotations.clone(),
                wanted: subsets.to_vec(),
                present: all.subset_names().into_iter().map(str::to_owned).collect(),
            });
        }
        let truth = GroundTruth {
            classes: all.classes,
            recordings: chosen,
        };
        let store = features::open(config);
        let skipped = missing_features(config, &truth, store.as_ref())?;
        let entries = truth
            .recordings
            .iter()
            .filter(|recording| !skipped.contains(&recording.id))
            .map(|recording| Entry::new(recording, config))
            .collect::<Result<Vec<_>, _>>()?;
        Ok(Self {
            config: config.clone(),
            truth,
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

    /// Number of recordings that have features; at least one.
    pub fn num_recordings(&self) -> usize {
        self.entries.len()
    }

    /// A recording by index.
    ///
    /// # Panics
    /// Where there is no such index.
    pub fn recording(&self, index: usize) -> &Recording {
        &self.entries[index].recording
    }

    /// Names of the classes, those of the whole annotation file.
    pub fn classes(&self) -> &ClassMap {
        &self.truth.classes
    }

    /// All annotations of the subsets, as in the file: duplicates and recordings without features included.
    pub fn ground_truth(&self) -> &GroundTruth {
        &self.truth
    }

    /// Ids of recordings that were left out because they have no feature file.
    pub fn skipped(&self) -> &[String] {
        &self.skipped
    }

    /// How the features of a recording lie in time, down-sampling included.
    ///
    /// # Panics
    /// Where there is no such index.
    pub fn grid(&self, index: usize) -> TimeGrid {
        self.entries[index].grid
    }

    /// All features of a recording.
    ///
    /// # Shapes
    /// (C, T), T any length from 1.
    ///
    /// # Errors
    /// As [`FeatureStore::load`].
    ///
    /// # Panics
    /// Where there is no such index.
    pub fn features(&self, index: usize) -> Result<Features, FeatureError> {
        let Entry {
            recording, grid, ..
        } = &self.entries[index];
        let array = match self.cache.get(index) {
            Some(array) => array,
            None => {
                let array = self.store.load(&recording.id)?;
                let array = Arc::new(downsampled(array, self.config.downsample_rate));
                self.cache.put(index, &array);
                array
            }
        };
        Ok(Features {
            id: recording.id.clone(),
            array,
            grid: *grid,
            duration: recording.duration,
        })
    }

    /// The actions of a recording as training takes them: duplicates removed where configured, in grid units.
    ///
    /// # Units
    /// Segments in grid units.
    ///
    /// # Panics
    /// Where there is no such index.
    pub fn training_targets(&self, index: usize) -> (Vec<Segment<f32>>, Vec<u32>) {
        let Entry { training, grid, .. } = &self.entries[index];
        training
            .iter()
            .map(|instance| (grid.segment_to_grid(instance.segment), instance.label))
            .unzip()
    }

    /// The features of all recordings in order, loaded ahead by `num_threads` background threads (0 loads when asked), at
    /// most `prefetch` recordings ahead. The first error ends the iteration.
    ///
    /// # Errors
    /// Where a thread cannot be started.
    pub fn features_in_order(
        self: &Arc<Self>,
        num_threads: usize,
        prefetch: usize,
    ) -> Result<impl Iterator<Item = Result<Features, DataError>> + Send + use<>, DataError> {
        let dataset = Arc::clone(self);
        Pipeline::new(
            0..self.num_recordings(),
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
        let (segments, labels) = self.training_targets(key.index);
        Ok(TrainingSample::cut(
            &features,
            &segments,
            &labels,
            self.config.max_seq_len,
            &self.config.truncation,
            key,
        ))
    }
}

impl Entry {
    fn new(recording: &Recording, config: &DatasetConfig) -> Result<Self, DataError> {
        let fps = recording.fps.map(|fps| fps as f32);
        Ok(Self {
            recording: recording.clone(),
            grid: grid(config, fps, &recording.id)?,
            training: if config.remove_duplicates {
                remove_duplicates(&recording.instances)
            } else {
                recording.instances.clone()
            },
        })
    }
}

/// Reads one feature file outside any annotation file, for prediction.
///
/// The id is the file's name without the configured prefix and suffix. `fps` is used where the configuration sets none.
///
/// # Shapes
/// (C, T).
///
/// # Units
/// `fps` in frames per second, `duration` in seconds.
///
/// # Errors
/// As [`FeatureStore::load_file`]; no frame rate; windows of a raw signal that do not agree with `feat_stride` and
/// `num_frames`.
pub fn read_features(
    config: &DatasetConfig,
    path: &Path,
    fps: Option<f32>,
    duration: Option<f64>,
) -> Result<Features, DataError> {
    check_inertial_grid(config)?;
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    let name = name
        .strip_prefix(config.features.prefix.as_str())
        .unwrap_or(&name);
    let id = name
        .strip_suffix(config.features.suffix.as_str())
        .unwrap_or(name)
        .to_owned();
    let array = features::open(config).load_file(path)?;
    Ok(Features {
        grid: grid(config, fps, &id)?,
        id,
        array: Arc::new(downsampled(array, config.downsample_rate)),
        duration,
    })
}

fn downsampled(array: features::FeatureArray, rate: usize) -> features::FeatureArray {
    if rate > 1 { array.every(rate) } else { array }
}

/// The grid of a recording whose own frame rate is `fps`; the configuration's wins.
fn grid(config: &DatasetConfig, fps: Option<f32>, id: &str) -> Result<TimeGrid, DataError> {
    let fps = config
        .fps
        .or(fps)
        .ok_or_else(|| DataError::MissingFps { id: id.to_owned() })?;
    let grid = TimeGrid {
        fps,
        feat_stride: config.feat_stride.unwrap_or(1.0),
        num_frames: config.num_frames,
    };
    Ok(grid.downsampled(config.downsample_rate))
}

pub(crate) fn check_inertial_grid(config: &DatasetConfig) -> Result<(), DataError> {
    let FeatureFormat::Inertial { window, stride, .. } = &config.features.format else {
        return Ok(());
    };
    let fields = [
        ("feat_stride", config.feat_stride.unwrap_or(0.0), *stride),
        ("num_frames", config.num_frames, *window),
    ];
    match fields
        .into_iter()
        .find(|(_, found, expected)| *found != *expected as f32)
    {
        Some((field, found, expected)) => Err(DataError::InertialGrid {
            field,
            found,
            expected,
        }),
        None => Ok(()),
    }
}

/// Ids of recordings without a feature file, where the configuration lets them be left out.
fn missing_features(
    config: &DatasetConfig,
    truth: &GroundTruth,
    store: &dyn FeatureStore,
) -> Result<Vec<String>, DataError> {
    let missing: Vec<String> = truth
        .recordings
        .iter()
        .filter(|recording| !store.exists(&recording.id))
        .map(|recording| recording.id.clone())
        .collect();
    let total = truth.recordings.len();
    if let Some(first) = missing.first()
        && (!config.skip_missing_features || missing.len() == total)
    {
        return Err(DataError::MissingFeatures {
            path: store.path(first),
            ids: missing,
            total,
        });
    }
    for id in &missing {
        tracing::warn!(path = %store.path(id).display(), "recording {id:?} left out: no feature file");
    }
    Ok(missing)
}
