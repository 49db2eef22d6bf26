//! `tal demo`: synthetic data, training and test in one go.

use std::path::Path;

use anyhow::Result;
use tal_engine::DeviceChoice;
use tal_engine::run::RunOptions;

use super::{demo_video, synth, train};
use crate::args::{CorpusArgs, DemoArgs};
use crate::console::Console;

/// The configuration that `configs/demo.yaml` also gives to `tal train`.
const CONFIG: &str = include_str!("../../../../configs/demo.yaml");

/// The corpus that the configuration is made for.
const CORPUS: CorpusArgs = CorpusArgs {
    num_train: Some(80),
    num_test: Some(30),
    difficulty: 0.5,
    corpus_seed: 1,
};

pub(crate) fn run(args: &DemoArgs, device: DeviceChoice, console: &Console) -> Result<()> {
    if args.video {
        return demo_video::run(args, device, console);
    }
    let out = args.folder();
    let data = std::path::absolute(out.join("data"))?;
    let run = out.join("run");
    let (annotations, features) = (data.join("annotations.json"), data.join("features"));
    let mut overrides = vec![
        format!("dataset.annotations={}", annotations.display()),
        format!("dataset.features.dir={}", features.display()),
    ];
    overrides.extend(args.overrides.iter().cloned());
    let origin = "the demo's configuration";
    let config = tal_config::from_yaml(CONFIG, origin, Path::new(""), &overrides)?;
    // The annotations are written last: without them the data set is incomplete.
    if !(args.resume && annotations.exists()) {
        if args.resume {
            tal_core::atomic::remove_partial(&data);
        }
        synth::generate(&data, &CORPUS)?;
    }
    let options = RunOptions {
        out: run,
        resume: args.resume,
        device: device.resolve()?,
        profile: false,
        ranks: tal_engine::Ranks::alone(),
    };
    let summary = train::train(&config, &options, console)?;
    console.print(&format!(
        "\nNext, look at the detections in one recording:\n  {} predict {} {}/synth_test_0001.npy",
        super::own_name::own_name(),
        summary.out.display(),
        features.display(),
    ))
}
