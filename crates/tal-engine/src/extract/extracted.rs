//! Extracted features as the input of a detector.

use std::path::Path;

use tal_core::config::{DatasetConfig, ExtractConfig};
use tal_data::features::npy;
use tal_data::{FeatureArray, Features};
use tal_video::Sidecar;
use tch::Device;

use super::{ExtractError, Extractor, FilmPaths, NamedRecipe};

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
            Some(wanted) if *wanted != extractor.weights.sha256 => {
                Err(ExtractError::OtherWeights {
                    path: weights.to_owned(),
                    found: extractor.weights.sha256,
                    wanted: wanted.clone(),
                })
            }
            _ => Ok(extractor),
        }
    }
}

/// Frame rate and duration of the recording whose features are in `file`, if they were extracted: their description lies
/// beside them.
///
/// # Units
/// Frames per second, seconds.
pub fn described_timing(file: &Path) -> Option<(f32, f64)> {
    let sidecar = Sidecar::read(&file.with_extension("json")).ok()?;
    Some((sidecar.features.fps as f32, sidecar.duration))
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
) -> Result<Features, ExtractError> {
    let paths = FilmPaths::new(folder, id);
    let sidecar = Sidecar::read(&paths.sidecar)?;
    let array = npy::read(&paths.features)?;
    let [len, num_channels] = array.shape[..] else {
        let shape = format!("{:?}", array.shape);
        return Err(ExtractError::Input {
            path: paths.features,
            reason: format!("the features are {shape}, must be (T, C)"),
        });
    };
    let array = FeatureArray::from_time_first(&array.data, num_channels, len);
    let fps = Some(sidecar.features.fps);
    let features = Features::from_array(config, id, array, fps, Some(sidecar.duration));
    features.map_err(|error| Box::new(error).into())
}
