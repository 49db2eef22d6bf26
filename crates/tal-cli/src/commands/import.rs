//! `tal import`: a released checkpoint becomes one of ours.

use anyhow::Result;
use tal_core::ClassMap;
use tal_core::config::{Config, Weights};
use tal_data::annotations;
use tal_engine::import::import_released;

use super::output;
use crate::args::ImportArgs;
use crate::console::print;

pub(crate) fn run(args: &ImportArgs) -> Result<()> {
    output::check("--out", &args.out, &["safetensors"])?;
    let config = args.layers.load(&args.config)?;
    let kind = if args.raw { Weights::Raw } else { Weights::Ema };
    let classes = class_names(&config)?;
    let checkpoint = import_released(&args.file, &config, &classes, kind)?;
    checkpoint.write(&args.out)?;
    print(&format!(
        "{}: {} tensors, {} weights, every name and shape as configured.",
        args.out.display(),
        checkpoint.tensors.len(),
        if args.raw { "trained" } else { "averaged" },
    ))
}

/// A released checkpoint has no class names; the annotations have, where they are at hand.
fn class_names(config: &Config) -> Result<ClassMap> {
    let path = &config.dataset.annotations;
    if path.exists() {
        let truth = annotations::read(path, Some(config.dataset.num_classes))?;
        return Ok(truth.classes);
    }
    tracing::warn!(
        "{} does not exist; classes will be called class_0, class_1, …",
        path.display()
    );
    Ok(ClassMap::default())
}
