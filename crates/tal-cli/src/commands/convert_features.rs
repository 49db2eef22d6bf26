//! `tal data convert features`: the features of a data set in another format.

use anyhow::Result;
use tal_core::Recording;
use tal_corpus::features;
use tal_data::Dataset;

use super::output;
use crate::args::ConvertFeaturesArgs;
use crate::console::Console;
use crate::failure::UsageError;

pub(crate) fn run(args: &ConvertFeaturesArgs, console: &Console) -> Result<()> {
    let (format, suffix) = args.format().map_err(UsageError)?;
    let dataset = args.config.load()?.dataset;
    output::check_folder("--out", &args.out)?;
    let recordings = recordings(&dataset)?;
    output::create_folder(&args.out)?;
    console.on_interrupt(
        "stopped; the folder of --out is not complete: delete it and run the same command again",
    );
    let target = features::Target {
        dir: args.out.clone(),
        suffix: suffix.to_owned(),
        format,
    };
    let num_threads = args
        .jobs
        .or_else(|| std::thread::available_parallelism().ok().map(Into::into))
        .unwrap_or(1);
    let bar = console.bar(
        recordings.len() as u64,
        0,
        "converting {bar:30} {pos}/{len} recordings, {eta} left",
    );
    let outcome = features::convert(&dataset, recordings, &target, num_threads, |_| bar.inc(1));
    bar.finish_and_clear();
    let count = outcome?;
    console.print(&format!(
        "{count} recordings: {}\nTo use them, write into the data set section of a configuration:\n  features:\n    dir: {}\n    \
         prefix: \"\"\n    suffix: {suffix}\n    format: {}\n    columns: null\n    append: []",
        args.out.display(),
        serde_json::to_string(&args.out)?,
        serde_json::to_string(&target.format)?,
    ))
}

/// The recordings with features in all configured subsets, each once.
fn recordings(dataset: &tal_core::config::DatasetConfig) -> Result<Vec<Recording>> {
    let mut subsets = dataset.train_subsets.clone();
    subsets.extend(dataset.test_subsets.iter().cloned());
    let dataset = Dataset::open(dataset, &subsets)?;
    Ok((0..dataset.num_recordings())
        .map(|index| dataset.recording(index).clone())
        .collect())
}
