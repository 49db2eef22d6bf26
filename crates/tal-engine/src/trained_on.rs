//! Traits that the recordings of a training set have in common.

use serde::{Deserialize, Serialize};
use tal_core::config::{DatasetConfig, FeatureFormat, FeatureLayout};
use tal_data::Dataset;

/// Traits of the training recordings that a configuration leaves open or only implies. Prediction takes them for recordings
/// that nothing else is known of.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct TrainedOn {
    /// Lowest and highest frame rate of the recordings; `None` if they have none.
    ///
    /// # Units
    /// Frames per second.
    #[serde(default)]
    pub fps: Option<[f64; 2]>,
    /// File extension of the features.
    #[serde(default)]
    pub extension: Option<String>,
    /// Order of the axes of the features; `None` if the format has only one.
    #[serde(default)]
    pub layout: Option<FeatureLayout>,
}

impl TrainedOn {
    /// The traits of the recordings of a training set.
    pub fn of(dataset: &Dataset) -> Self {
        let rates = (0..dataset.num_recordings()).map(|index| dataset.recording(index).fps);
        let rates: Option<Vec<f64>> = rates.collect();
        let config = dataset.config();
        let own = rates.filter(|rates| !rates.is_empty()).map(|rates| {
            [
                rates.iter().copied().fold(f64::INFINITY, f64::min),
                rates.iter().copied().fold(0.0, f64::max),
            ]
        });
        Self {
            fps: config.fps.map(|fps| [f64::from(fps); 2]).or(own),
            extension: extension(config),
            layout: layout(&config.features.format),
        }
    }

    /// The frame rate, if all recordings have the same.
    ///
    /// # Units
    /// Frames per second.
    pub fn common_fps(&self) -> Option<f32> {
        let [lowest, highest] = self.fps?;
        (lowest == highest).then_some(lowest as f32)
    }

    /// The features of a recording in words, such as `.npy files of shape (time, channels)`; `None` if nothing is known.
    pub fn files(&self) -> Option<String> {
        let extension = self.extension.as_ref()?;
        let axes = match self.layout {
            Some(FeatureLayout::TimeFirst) => " of shape (time, channels)",
            Some(FeatureLayout::ChannelFirst) => " of shape (channels, time)",
            None => "",
        };
        Some(format!(".{extension} files{axes}"))
    }
}

fn extension(config: &DatasetConfig) -> Option<String> {
    let name = match &config.features.format {
        FeatureFormat::Hdf5 {
            file: Some(file), ..
        } => file,
        _ => &config.features.suffix,
    };
    let (_, extension) = name.rsplit_once('.')?;
    Some(extension.to_owned())
}

fn layout(format: &FeatureFormat) -> Option<FeatureLayout> {
    match format {
        FeatureFormat::Npy { layout }
        | FeatureFormat::Npz { layout, .. }
        | FeatureFormat::Safetensors { layout, .. }
        | FeatureFormat::Hdf5 { layout, .. }
        | FeatureFormat::Torch { layout, .. }
        | FeatureFormat::Pickle { layout, .. } => Some(*layout),
        FeatureFormat::Csv { .. } | FeatureFormat::Inertial { .. } => None,
    }
}
