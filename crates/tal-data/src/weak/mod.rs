//! Samples for weak supervision: which classes happen in a recording, and at which moments nothing does.
//!
//! The labels of a recording are its `labels` list if the annotation file has one
//! (see [`annotations::extra`]), else the classes of its annotated actions. Clicks come from a click
//! file, see [`crate::clicks`]. Features are resampled to one number of snippets.

pub(crate) mod error;
mod labels;
mod snippets;

use crate::WeakError;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tal_core::config::DatasetConfig;
use tal_core::{ClassMap, Recording};

use crate::annotations::{self, extra};
use crate::clicks::{Clicks, released};
use crate::loader::SampleSource;
use crate::sample::SampleKey;
use crate::{DataError, Dataset, FeatureArray};

pub use labels::all_classes;
pub use snippets::{clicked_snippets, covered_seconds, resampled_snippets};

/// One recording of a batch.
///
/// # Shapes
/// `features` (C, T) with T the number of snippets; every index of `clicks` is below T.
///
/// # Units
/// `duration` in seconds.
#[derive(Debug, Clone, PartialEq)]
pub struct WeakSample {
    /// The recording's id.
    pub id: String,
    /// Its features, resampled to T snippets.
    pub features: Arc<FeatureArray>,
    /// The classes that happen in it, ascending, each once.
    pub labels: Vec<u32>,
    /// The snippets that were clicked as background, ascending, each once.
    pub clicks: Vec<usize>,
    /// The seconds that the snippets share out evenly, see [`covered_seconds`].
    pub duration: f64,
}

/// Labels and clicks that a [`WeakDataset`] adds to a data set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WeakOptions {
    /// Snippets of every recording, T.
    pub num_snippets: usize,
    /// Background clicks: a file (our JSON or THUMOS14's table), or a folder of archives in the released layout. Nothing for
    /// labels alone.
    pub clicks: Option<PathBuf>,
    /// Whether every recording must have a label: set it to train, not to evaluate.
    pub require_labels: bool,
}

/// The recordings of a data set with labels and clicks in place of segments.
///
/// # Panics
/// As [`Dataset`].
pub struct WeakDataset {
    dataset: Arc<Dataset>,
    classes: ClassMap,
    /// Labels of the recordings, in the order of the data set.
    labels: Vec<Vec<u32>>,
    clicks: Clicks,
    /// File of the clicks, for errors.
    clicks_path: PathBuf,
    num_snippets: usize,
}

impl WeakDataset {
    /// Takes a data set that is open, and checks labels and clicks of its recordings.
    ///
    /// A recording may have no clicks. Clicks on annotated actions and clicks of recordings that the annotation file does not
    /// have are reported as warnings.
    ///
    /// # Errors
    /// No snippets; an annotation file whose `labels` or `classes` are wrong; an unknown class in a label list (the error
    /// gives the nearest name); more classes than configured; a recording without label, if they are required; a click
    /// file that [`Clicks::read`] or [`released::read_clicks`] refuses; a click behind the end of its recording.
    pub fn new(dataset: Arc<Dataset>, options: &WeakOptions) -> Result<Self, DataError> {
        if options.num_snippets == 0 {
            return Err(WeakError::NoSnippets.into());
        }
        let config = dataset.config();
        let path = &config.annotations;
        let extra = extra::read(path)?;
        let named = labels::all_classes(&dataset.labelled_truth().classes, &extra, path)?;
        let lists = labels::lists(&named, &extra, path)?;
        let classes = if config.class_agnostic {
            dataset.classes().clone()
        } else {
            named
        };
        check_number(&classes, config)?;
        let mut labels = Vec::with_capacity(dataset.num_recordings());
        for index in 0..dataset.num_recordings() {
            let recording = dataset.recording(index);
            let own = match lists.get(&recording.id) {
                Some(list) if config.class_agnostic => {
                    list.first().map(|_| 0).into_iter().collect()
                }
                Some(list) => list.clone(),
                None => annotated_classes(recording).into_iter().collect(),
            };
            if own.is_empty() && options.require_labels {
                return Err(WeakError::NoLabels {
                    path: path.clone(),
                    recording: recording.id.clone(),
                }
                .into());
            }
            labels.push(own);
        }
        let clicks = match &options.clicks {
            Some(source) => read_clicks(&dataset, &extra.recordings, source)?,
            None => Clicks::default(),
        };
        Ok(Self {
            dataset,
            classes,
            labels,
            clicks,
            clicks_path: options.clicks.clone().unwrap_or_default(),
            num_snippets: options.num_snippets,
        })
    }

    /// The data set with features, segments and ground truth.
    pub fn dataset(&self) -> &Arc<Dataset> {
        &self.dataset
    }

    /// Names of the classes: those of the annotated actions and those that the file lists, see
    /// [`annotations::extra`].
    pub fn classes(&self) -> &ClassMap {
        &self.classes
    }

    /// Number of recordings that have features; at least one.
    pub fn num_recordings(&self) -> usize {
        self.dataset.num_recordings()
    }

    /// Snippets of every recording.
    pub fn num_snippets(&self) -> usize {
        self.num_snippets
    }

    /// The classes of a recording, ascending.
    pub fn labels(&self, index: usize) -> &[u32] {
        &self.labels[index]
    }

    /// The clicks of a recording in seconds, ascending.
    pub fn clicks(&self, index: usize) -> &[f64] {
        self.clicks.of(&self.dataset.recording(index).id)
    }

    /// Number of clicks of all recordings.
    pub fn num_clicks(&self) -> usize {
        (0..self.num_recordings())
            .map(|index| self.clicks(index).len())
            .sum()
    }

    /// The sample of a recording; there is nothing random in it.
    ///
    /// # Errors
    /// Features that cannot be loaded; a click behind the end of a recording whose duration only its features tell.
    pub fn sample(&self, index: usize) -> Result<WeakSample, DataError> {
        let features = self.dataset.features(index)?;
        let (array, duration) = resampled_snippets(&features, self.num_snippets);
        if features.duration.is_none() {
            self.clicks
                .check_duration(&features.id, duration, &self.clicks_path)?;
        }
        Ok(WeakSample {
            clicks: clicked_snippets(self.clicks(index), duration, self.num_snippets),
            id: features.id,
            features: array,
            labels: self.labels[index].clone(),
            duration,
        })
    }
}

/// Names of the classes of an annotation file with labels: those of the annotated actions and those that the file lists, see
/// [`annotations::extra`].
///
/// # Errors
/// If the file cannot be read, or has more classes than configured.
pub fn weak_class_names(config: &DatasetConfig) -> Result<ClassMap, DataError> {
    let path = &config.annotations;
    let annotated = annotations::read(path, Some(config.num_classes))?.classes;
    let classes = labels::all_classes(&annotated, &extra::read(path)?, path)?;
    check_number(&classes, config)?;
    Ok(classes)
}

fn check_number(classes: &ClassMap, config: &DatasetConfig) -> Result<(), WeakError> {
    let found = classes.id_bound() as usize;
    if found > config.num_classes {
        return Err(WeakError::TooManyClasses {
            path: config.annotations.clone(),
            found,
            num_classes: config.num_classes,
        });
    }
    Ok(())
}

impl SampleSource<WeakSample> for WeakDataset {
    fn num_recordings(&self) -> usize {
        self.num_recordings()
    }

    fn sample(&self, key: SampleKey) -> Result<WeakSample, DataError> {
        self.sample(key.index)
    }
}

/// The classes of a recording's annotated actions.
pub fn annotated_classes(recording: &Recording) -> BTreeSet<u32> {
    let instances = recording.instances.iter();
    instances.map(|instance| instance.label).collect()
}

/// Clicks from a file or folder, checked against the recordings of a data set.
fn read_clicks(
    dataset: &Dataset,
    known: &BTreeSet<String>,
    source: &Path,
) -> Result<Clicks, DataError> {
    let recordings = || (0..dataset.num_recordings()).map(|index| dataset.recording(index));
    let clicks = if source.is_dir() {
        released::read_clicks(source, recordings())?
    } else {
        Clicks::read(source)?
    };
    clicks.check_durations(recordings(), source)?;
    clicks.warn_of_unknown(|id| known.contains(id), source);
    let in_actions = clicks.in_actions(recordings());
    if let Some(first) = in_actions.first() {
        tracing::warn!(
            "{}: {} clicks lie in annotated actions, first {} s in recording {:?}",
            source.display(),
            in_actions.len(),
            first.click,
            first.recording
        );
    }
    let clicked = recordings().filter(|recording| !clicks.of(&recording.id).is_empty());
    let num_without = dataset.num_recordings() - clicked.count();
    if num_without > 0 {
        tracing::info!(
            "{}: no clicks for {num_without} of {} recordings",
            source.display(),
            dataset.num_recordings()
        );
    }
    Ok(clicks)
}
