//! Extracted features as the input of a detector.

use std::path::Path;

use tal_core::config::{DatasetConfig, ExtractConfig};
use tal_data::features::npy;
use tal_data::{DataError, FeatureArray, Features};
use tal_video::Sidecar;
use tch::Device;

use super::{ExtractError, Extractor, FilmPaths, NamedRecipe};
use crate::EngineError;

impl Extractor {
    /// The extractor of a data set's features, with the file of weights that its configuration names, or `weights` in its
    /// place.
    ///
    /// # Errors
    /// If recipe or weights are other ones than those that made the features; as for [`Extractor::open`].
    pub fn of_dataset(
        config: &ExtractConfig,
        weights: Option<&Path>,
        device: Device,
    ) -> Result<Self, ExtractError> {
        let recipe = NamedRecipe::open(&config.recipe)?;
        let found = recipe.recipe.digest();
        match &config.recipe_sha256 {
            Some(wanted) if *wanted != found => {
                return Err(ExtractError::OtherRecipe {
                    name: recipe.name,
                    found,
                    wanted: wanted.clone(),
                });
            }
            _ => {}
        }
        let weights = weights.unwrap_or(&config.weights);
        let extractor = Self::open(recipe, weights, device)?;
        match &config.weights_sha256 {
            Some(wanted) if *wanted != extractor.weights.sha256 => Err(ExtractError::OtherWeights {
                path: weights.to_owned(),
                found: extractor.weights.sha256,
                wanted: wanted.clone(),
            }),
            _ => Ok(extractor),
        }
    }
}

/// Reads the features that [`Extractor::run`] wrote for the recording `id` into `folder`, with the frame rate and the
/// duration of their description.
///
/// # Errors
/// If a file cannot be read, or the features do not fit the configuration.
pub fn read_extracted(
    config: &DatasetConfig,
    folder: &Path,
    id: &str,
) -> Result<Features, EngineError> {
    let paths = FilmPaths::new(folder, id);
    let sidecar = Sidecar::read(&paths.sidecar).map_err(ExtractError::from)?;
    let array = npy::read(&paths.features)?;
    let [len, num_channels] = array.shape[..] else {
        let shape = format!("{:?}", array.shape);
        return Err(EngineError::Checkpoint {
            path: paths.features,
            reason: format!("the features are {shape}, must be (T, C)"),
        });
    };
    let array = FeatureArray::from_time_first(&array.data, num_channels, len);
    let fps = Some(sidecar.features.fps);
    let features = Features::from_array(config, id, array, fps, Some(sidecar.duration));
    features.map_err(|error: DataError| error.into())
}
