//! Detectors that commands run.

use std::path::{Path, PathBuf};

use anyhow::Result;
use tal_engine::{Checkpoint, Detector, DeviceChoice};

use crate::args::TrainedArgs;

/// Opens the detector of a run folder or checkpoint file, with the settings of the command line and, if there is one, another
/// width σ of Soft-NMS. Also returns the path of the checkpoint.
pub(super) fn open(
    args: &TrainedArgs,
    sigma: Option<f32>,
    device: DeviceChoice,
) -> Result<(PathBuf, Detector)> {
    let device = device.resolve()?;
    let path = Checkpoint::locate(&args.checkpoint)?;
    let mut checkpoint = Checkpoint::read(&path)?;
    if !args.overrides.is_empty() {
        let origin = format!("the configuration of {}", path.display());
        let text = tal_config::to_yaml(&checkpoint.manifest.config);
        checkpoint.manifest.config =
            tal_config::from_yaml(&text, &origin, Path::new(""), &args.overrides)?;
    }
    if let Some(sigma) = sigma {
        checkpoint.manifest.config.inference.suppression.sigma = sigma;
    }
    let weights = args.weights.map(Into::into);
    let detector = Detector::from_checkpoint(&checkpoint, &path, weights, device)?;
    Ok((path, detector))
}
