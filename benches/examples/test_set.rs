//! Random features for recordings as long as those of THUMOS14's test set, and a network with random weights, to time
//! `tal eval`.
//!
//! `cargo run --release -p tal-benches --example test_set -- ANNOTATIONS OUT` takes THUMOS14's annotation file. For each
//! recording of the subset `test` it writes duration · 30 / 4 features of 2048 channels to OUT/features (2 GB in all), and a
//! checkpoint of `configs/thumos14_i3d.yaml` to OUT/random.safetensors. Then run
//! `time cargo run --release -p tal-cli -- eval OUT/random.safetensors`.

use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};

use tal_benches::{Uniform, config};
use tal_data::{annotations, features};
use tal_engine::{Pyramid, Trainer};
use tch::Device;

/// Feature rate of the released configuration: one feature for 4 of 30 frames per second.
const FEATURES_PER_SECOND: f64 = 30.0 / 4.0;

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<PathBuf> = std::env::args().skip(1).map(PathBuf::from).collect();
    let [annotation_file, out] = arguments.as_slice() else {
        return Err("the arguments are ANNOTATIONS OUT".into());
    };
    let (annotation_file, out) = (
        fs::canonicalize(annotation_file)?,
        std::path::absolute(out)?,
    );
    let folder = out.join("features");
    fs::create_dir_all(&folder)?;
    let overrides = [
        format!("dataset.annotations={}", annotation_file.display()),
        format!("dataset.features.dir={}", folder.display()),
    ];
    let config = config("thumos14_i3d", &overrides.each_ref().map(String::as_str));
    let truth = annotations::read(&annotation_file, Some(config.dataset.num_classes))?;
    let num_channels = config.dataset.input_dim;
    let (mut num_recordings, mut num_features) = (0, 0);
    for recording in truth.subset(&config.dataset.test_subsets) {
        let duration = recording.duration.ok_or("a recording has no duration")?;
        let len = (duration * FEATURES_PER_SECOND).round().max(1.0) as usize;
        write_features(&folder, &recording.id, len, num_channels)?;
        num_recordings += 1;
        num_features += len;
    }
    let trainer = Trainer::<Pyramid>::new(&config, &truth.classes, 1, Device::Cpu)?;
    trainer
        .detector_checkpoint()
        .write(&out.join("random.safetensors"))?;
    println!("{num_recordings} recordings with {num_features} features");
    Ok(())
}

fn write_features(
    folder: &Path,
    id: &str,
    len: usize,
    num_channels: usize,
) -> Result<(), Box<dyn Error>> {
    let mut random = Uniform::new(len as u64);
    let values: Vec<f32> = (0..len * num_channels)
        .map(|_| random.draw() as f32 - 0.5)
        .collect();
    let file = folder.join(format!("{id}.npy"));
    features::npy::write(&file, &values, &[len, num_channels])?;
    Ok(())
}
