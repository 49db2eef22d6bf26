//! `tal data prepare`: a publisher's files, converted to annotations and arrays.

use anyhow::Result;
use tal_corpus::frame_labels::{self, FrameLabelConfig, FrameLabelError};
use tal_corpus::sbhar_text;

use super::output;
use crate::args::{PrepareArgs, PreparedDataset};
use crate::console::print;
use crate::failure::{UsageError, bail_usage};

pub(crate) fn run(args: &PrepareArgs) -> Result<()> {
    output::check_folder("--out", &args.out)?;
    let split = args.split.unwrap_or(1);
    match args.dataset {
        PreparedDataset::Sbhar => sbhar(args),
        PreparedDataset::Gtea => frame_labels(args, FrameLabelConfig::gtea(split)),
        PreparedDataset::Salads => frame_labels(args, FrameLabelConfig::salads(split)),
    }
}

fn sbhar(args: &PrepareArgs) -> Result<()> {
    for (option, is_given) in [
        ("--split", args.split.is_some()),
        ("--every", args.every.is_some()),
        ("--fps", args.fps.is_some()),
    ] {
        if is_given {
            bail_usage!("{option} is for gtea and 50salads; sbhar has one split and 50 Hz");
        }
    }
    let corpus = sbhar_text::read(&args.from, &sbhar_text::TEST_USERS)?;
    corpus.write(&args.out)?;
    print(&format!(
        "{}: annotations.json, raw/ ({} recordings, {} Hz)",
        args.out.display(),
        corpus.truth.recordings.len(),
        sbhar_text::SAMPLE_RATE
    ))
}

fn frame_labels(args: &PrepareArgs, published: FrameLabelConfig) -> Result<()> {
    let config = FrameLabelConfig {
        fps: args.fps.unwrap_or(published.fps),
        every: args.every.unwrap_or(published.every),
        ..published
    };
    let truth =
        frame_labels::prepare(&args.from, &args.out, &config).map_err(|error| match error {
            FrameLabelError::NoSplit { .. } => UsageError(format!("--split: {error}")).into(),
            error => anyhow::Error::from(error),
        })?;
    let num_instances: usize = truth.recordings.iter().map(|r| r.instances.len()).sum();
    print(&format!(
        "{}: annotations.json, features/ ({} recordings, {num_instances} annotations, {} classes, {} features per second)",
        args.out.display(),
        truth.recordings.len(),
        truth.classes.len(),
        config.fps / config.every as f64
    ))
}
