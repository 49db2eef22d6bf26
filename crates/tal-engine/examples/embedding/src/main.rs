//! Four ways to use tal from a project of one's own, each in a function of at most 15 lines:
//!
//! - [`arrays::suppress_and_evaluate`]: candidates of any detector to detections and mAP;
//! - [`training::train`]: a network of one's own with the engine's trainer;
//! - [`detection::detect`]: a checkpoint and a `Vec<f32>` to detections;
//! - [`files::convert`]: annotations of any format to a file of detections.
//!
//! `cargo run`, with LibTorch where `cargo xtask setup` of tal put it, or where `LIBTORCH` says.

mod arrays;
mod detection;
mod files;
mod signals;
mod training;

use std::error::Error;
use std::fs;

use signals::{CHANNELS, LENGTH};
use tal_data::{FeatureArray, Features};
use tal_engine::{Pyramid, Trainer};
use tch::Device;

fn main() -> Result<(), Box<dyn Error>> {
    let folder = std::env::temp_dir().join(format!("embedding-{}", std::process::id()));
    fs::create_dir_all(&folder)?;
    let done = run(&folder);
    fs::remove_dir_all(&folder)?;
    done
}

fn run(folder: &std::path::Path) -> Result<(), Box<dyn Error>> {
    let map = arrays::suppress_and_evaluate()?;
    assert_eq!(map, [1.0, 1.0, 1.0, 0.5, 0.5]);

    tch::manual_seed(1);
    let (detector, losses) = training::train()?;
    println!("loss {:.3} to {:.3}", losses[0], losses[losses.len() - 1]);
    let array = FeatureArray::from_time_first(&signals::values(0), CHANNELS, LENGTH);
    let unseen = Features::from_array(&detector.config().dataset, "0", array, None, None)?;
    let best = detector.detect(&unseen)?[0];
    println!("{best:?} in place of {:?}", signals::action(0));
    assert!(best.segment.tiou(signals::action(0)) > 0.5);
    assert_eq!(best.label, signals::class(0) as u32);

    let checkpoint = folder.join("fresh.safetensors");
    let trainer = Trainer::<Pyramid>::new(detector.config(), detector.classes(), 1, Device::Cpu)?;
    trainer.detector_checkpoint().write(&checkpoint)?;
    let found = detection::detect(&checkpoint, signals::values(0))?;
    assert_eq!(found, trainer.into_detector()?.detect(&unseen)?);

    let table = folder.join("annotations.csv");
    fs::write(&table, "recording,start,end,label,subset\na,1.0,2.5,jump,test\n")?;
    let json = folder.join("detections.json");
    files::convert(&table, &json)?;
    assert!(fs::read_to_string(&json)?.contains("jump"));
    Ok(())
}
