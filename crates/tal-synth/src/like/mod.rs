//! Synthetic data in the layout, formats and sizes of a configuration.

mod parts;
mod plan;
mod scores;

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use tal_core::atomic::FolderError;
use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_core::{ClassMap, GroundTruth, Recording};

use super::layout::Dealer;
use super::random::{Purpose, Random};
use super::world::World;
use super::{SynthError, actions, render};
use tal_data::FeatureArray;
use tal_data::annotations;
use tal_data::features::{self, npy};

use parts::{Part, parts};
use plan::Plan;

/// Seconds that a recording of fixed length lasts.
const SECONDS: (f64, f64) = (20.0, 200.0);

/// Number of recordings, and files besides annotations and features.
#[derive(Debug, Clone, Default)]
pub struct LikeOptions {
    /// Recordings of the training subset, and as many of the test subset.
    pub count: usize,
    /// Everything random follows from it.
    pub seed: u64,
    /// Where scores of a classifier of whole recordings go, if anywhere.
    pub class_scores: Option<PathBuf>,
}

/// Report of [`write_like`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LikeReport {
    /// Subsets with their numbers of recordings.
    pub subsets: Vec<(String, usize)>,
    /// Classes that occur.
    pub num_used_classes: usize,
    /// Classes that there are.
    pub num_classes: usize,
    /// Shortest and longest recording: features, or samples of a raw signal.
    pub lengths: (usize, usize),
}

/// Writes recordings of a made-up world (see [`crate`]) as the configuration expects them: the annotation file and
/// every feature file at its path, in its format, with its number of channels; lengths from half to one and a half
/// `max_seq_len` (all of `max_seq_len` where `feat_stride` is null and nothing is resized). The first training and the
/// first test subset get `count` recordings each. Every class occurs if the recordings have room for all.
///
/// One recording at a time is in memory, except for HDF5 with one file for all. Annotations are written last, so that
/// an annotation file proves that all features are there.
///
/// # Errors
/// A place that is taken already (nothing is overwritten); `columns` that do not add up to `input_dim`; too few channels,
/// or other values that no recording can be made for; a file that cannot be written.
pub fn write_like(config: &DatasetConfig, options: &LikeOptions) -> Result<LikeReport, SynthError> {
    check_places(config, options)?;
    let plan = Plan::new(config, options.count, options.seed)?;
    let world = World::new(&plan.synth);
    let mut out = Writer::new(config, &plan)?;
    let mut recordings = Vec::new();
    let mut lengths = (usize::MAX, 0);
    let subsets = subsets(config);
    for (index, (subset, short)) in subsets.iter().enumerate() {
        let mut dealer = Dealer::new(&world, &plan.synth, index as u64);
        for number in 0..options.count {
            let timeline = dealer.recording_of(plan.lengths(number));
            lengths = (lengths.0.min(timeline.len), lengths.1.max(timeline.len));
            let stream = (number * 2 + index) as u64;
            let random = Random::new(plan.synth.seed, Purpose::Features, stream);
            let seconds = Random::new(plan.synth.seed, Purpose::Duration, stream).between(SECONDS);
            let (grid, duration) = plan.timing(timeline.len, seconds);
            let recording = Recording {
                id: format!("synth_{short}_{:04}", number + 1),
                subset: (*subset).to_owned(),
                duration: Some(duration),
                fps: Some(f64::from(plan.synth.fps)),
                instances: actions(&timeline, &grid),
            };
            let array = render::features(&world, &plan.synth, &timeline, random);
            out.write(&recording, &array)?;
            recordings.push(recording);
        }
    }
    out.finish()?;

    if config.class_agnostic {
        number_anew(&mut recordings);
    }
    let names = ClassMap::from_names(world.class_names())?;
    let mut classes = ClassMap::default();
    for instance in recordings.iter().flat_map(|recording| &recording.instances) {
        classes.insert(instance.label, names.display_name(instance.label))?;
    }
    let subsets = subsets.iter();
    let report = LikeReport {
        subsets: subsets
            .map(|(name, _)| ((*name).to_owned(), options.count))
            .collect(),
        num_used_classes: classes.len(),
        num_classes: plan.synth.num_classes,
        lengths,
    };
    let truth = GroundTruth {
        classes,
        recordings,
    };
    if let Some(path) = &options.class_scores {
        make_folder_of(path)?;
        scores::write(path, &truth)?;
    }
    make_folder_of(&config.annotations)?;
    annotations::write(&config.annotations, &truth, "synthetic-1")?;
    Ok(report)
}

/// Gives the classes that occur the ids 0, 1, …: no configuration says how many there are, and class scores go by id.
fn number_anew(recordings: &mut [Recording]) {
    let instances = || recordings.iter().flat_map(|recording| &recording.instances);
    let used: BTreeSet<u32> = instances().map(|instance| instance.label).collect();
    let used: Vec<u32> = used.into_iter().collect();
    for recording in recordings {
        for instance in &mut recording.instances {
            instance.label = used.partition_point(|label| *label < instance.label) as u32;
        }
    }
}

/// The subsets to fill, with their part of the recordings' ids.
fn subsets(config: &DatasetConfig) -> Vec<(&str, &'static str)> {
    let (train, test) = (config.train_subsets.first(), config.test_subsets.first());
    let is_new = |test: &&String| train.is_none_or(|t| t.to_lowercase() != test.to_lowercase());
    let train = train.map(|name| (name.as_str(), "train"));
    let test = test.filter(is_new).map(|name| (name.as_str(), "test"));
    train.into_iter().chain(test).collect()
}

/// # Errors
/// Where something is there already.
fn check_places(config: &DatasetConfig, options: &LikeOptions) -> Result<(), SynthError> {
    let files = [Some(&config.annotations), options.class_scores.as_ref()];
    for path in files.into_iter().flatten() {
        if path.exists() {
            return Err(SynthError::Exists { path: path.clone() });
        }
    }
    let features = &config.features;
    for dir in std::iter::once(&features.dir).chain(features.append.iter().map(|more| &more.dir)) {
        let taken = fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some());
        // A raw `{subset}` is not a folder; those of the subsets are checked when their first file is written.
        if taken {
            return Err(FolderError::NotEmpty { path: dir.clone() }.into());
        }
    }
    Ok(())
}

fn make_folder_of(path: &Path) -> Result<(), SynthError> {
    let folder = path.parent().unwrap_or(Path::new(""));
    fs::create_dir_all(folder).map_err(|source| FolderError::at(folder)(source).into())
}

/// Writes the feature files of one recording after another.
struct Writer<'a> {
    config: &'a DatasetConfig,
    num_channels: usize,
    parts: Vec<Part>,
    store: tal_data::FeatureStore,
    /// Arrays for the one HDF5 file of all recordings, by part.
    collected: Vec<(PathBuf, Vec<(String, FeatureArray)>)>,
}

impl<'a> Writer<'a> {
    fn new(config: &'a DatasetConfig, plan: &Plan) -> Result<Self, SynthError> {
        let parts = parts(config, plan.num_channels)?;
        Ok(Self {
            config,
            num_channels: plan.num_channels,
            collected: parts.iter().map(|_| Default::default()).collect(),
            parts,
            store: features::open(config),
        })
    }

    /// The prefix of the file names of a source.
    fn prefix(&self, source: usize) -> &str {
        let features = &self.config.features;
        match source {
            0 => &features.prefix,
            more => &features.append[more - 1].prefix,
        }
    }

    fn write(&mut self, recording: &Recording, array: &FeatureArray) -> Result<(), SynthError> {
        debug_assert!(array.num_channels() >= self.num_channels);
        let paths = self.store.paths(recording.into())?;
        for (index, part) in self.parts.iter().enumerate() {
            let path = &paths[part.source];
            let array = part.of(array);
            make_folder_of(path)?;
            match &part.format {
                FeatureFormat::Hdf5 { file: Some(_), .. } => {
                    let name = format!("{}{}", self.prefix(part.source), recording.id);
                    self.collected[index].0 = path.clone();
                    self.collected[index].1.push((name, array));
                    continue;
                }
                // Nothing is overwritten, not even in the folders of subsets.
                _ if path.exists() => return Err(SynthError::Exists { path: path.clone() }),
                FeatureFormat::Inertial { .. } => {
                    let shape = [array.len(), array.num_channels()];
                    npy::write(path, &array.to_time_first(), &shape)?;
                }
                format => tal_corpus::features::write(format, path, &array)?,
            }
        }
        Ok(())
    }

    fn finish(self) -> Result<(), SynthError> {
        for (part, (path, recordings)) in self.parts.iter().zip(&self.collected) {
            match &part.format {
                FeatureFormat::Hdf5 { key, layout, .. } if !recordings.is_empty() => {
                    tal_corpus::features::write_all(path, key.as_deref(), *layout, recordings)?;
                }
                _ => {}
            }
        }
        Ok(())
    }
}
