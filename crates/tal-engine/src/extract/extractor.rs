//! Extraction of features.

use std::path::{Path, PathBuf};

use tal_backbone::{Backbone, sha256};
use tal_data::features::RowPrecision;
use tal_video::{Preprocessor, RecipeRecord, WeightsRecord};
use tch::Device;

use super::{ExtractError, NamedRecipe, network};

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
    /// Precision of the features in the files; `None` leaves to each film the one that its features are stored in, and takes
    /// single precision for films without features.
    pub precision: Option<RowPrecision>,
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
}
