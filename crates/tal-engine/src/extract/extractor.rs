//! Extraction of features.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::sync_channel;

use tal_backbone::{Backbone, sha256};
use tal_video::{Preprocessor, RecipeRecord, WeightsRecord};
use tch::Device;

use super::job::Job;
use super::producer::Producer;
use super::{
    ExtractError, ExtractEvent, ExtractSummary, Film, FilmPaths, FilmReader, NamedRecipe, network,
};

/// The treatment of a film that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnFailure {
    /// The fault is written beside the features, and the next film follows.
    #[default]
    Skip,
    /// The extraction ends.
    Stop,
}

/// Choices for [`Extractor::run`].
#[derive(Clone, Debug)]
pub struct ExtractOptions {
    /// Folder of the features.
    pub out: PathBuf,
    /// Windows that go through the network together, at least one. The last ones are filled up with zeros, so that all
    /// batches have one size.
    pub batch_size: usize,
    /// The treatment of a film that fails.
    pub on_failure: OnFailure,
}

/// A recipe with its network, ready to turn films into features.
#[derive(Debug)]
pub struct Extractor {
    pub(super) named: NamedRecipe,
    pub(super) network: Backbone,
    pub(super) recipe: RecipeRecord,
    pub(super) weights: WeightsRecord,
    pub(super) preprocessor: Preprocessor,
}

/// Most memory for windows that wait for the network, in bytes; one window may always wait.
const QUEUE_BYTES: usize = 32 << 20;

impl Extractor {
    /// The network of `recipe` with the weights of a file.
    ///
    /// # Errors
    /// If the file cannot be read or holds other weights than those of the network.
    pub fn open(recipe: NamedRecipe, weights: &Path, device: Device) -> Result<Self, ExtractError> {
        let NamedRecipe {
            name,
            recipe: values,
            ..
        } = &recipe;
        let preprocessor =
            Preprocessor::new(&values.pixels).map_err(|source| ExtractError::Pixels {
                name: name.clone(),
                source,
            })?;
        let record = RecipeRecord {
            name: name.clone(),
            sha256: values.digest(),
            values: serde_json::from_str(&values.canonical()).unwrap_or_default(),
        };
        Ok(Self {
            network: network::open(values, weights, device)?,
            recipe: record,
            weights: WeightsRecord {
                name: weights
                    .file_name()
                    .unwrap_or_default()
                    .to_string_lossy()
                    .into_owned(),
                sha256: sha256(weights)?,
            },
            preprocessor,
            named: recipe,
        })
    }

    /// The recipe and its digest.
    pub fn recipe(&self) -> &RecipeRecord {
        &self.recipe
    }

    /// The weights and their digest.
    pub fn weights(&self) -> &WeightsRecord {
        &self.weights
    }

    /// Channels of the features, C.
    pub fn num_channels(&self) -> usize {
        self.network.width() as usize
    }

    /// Makes the features of all films that are not there yet. A film is done when its two files are in place; an
    /// interrupted or killed extraction loses the films under way and goes on with the next call.
    ///
    /// # Errors
    /// If something cannot be written, the network fails, or a film fails and that is to end the extraction.
    ///
    /// # Panics
    /// If the batch size is 0.
    pub fn run(
        &self,
        films: &[Film],
        reader: &dyn FilmReader,
        options: &ExtractOptions,
        stop: &AtomicBool,
        observer: &mut dyn FnMut(ExtractEvent<'_>),
    ) -> Result<ExtractSummary, ExtractError> {
        let with_paths = |film: &Film| (film.clone(), FilmPaths::new(&options.out, &film.id));
        let films: Vec<_> = films.iter().map(with_paths).collect();
        let bytes = 4 * self.preprocessor.num_values() * self.named.recipe.frames.window as usize;
        let (sender, receiver) = sync_channel((QUEUE_BYTES / bytes).clamp(1, 64));
        let producer = Producer {
            films: &films,
            reader,
            recipe: &self.named.recipe,
            preprocessor: self.preprocessor.clone(),
            made_by: (&self.recipe, &self.weights),
            layout: self.network.input(),
            stop,
            sender,
        };
        let mut job = Job::new(self, &films, options, observer);
        std::thread::scope(|scope| {
            scope.spawn(move || producer.run());
            // The receiver goes before the thread is waited for, so that it cannot wait for room in the queue.
            for message in receiver {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                job.take(message)?;
            }
            job.end(stop.load(Ordering::Relaxed))
        })
    }
}
