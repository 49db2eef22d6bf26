//! `tal data convert detections`: detections as drafts for annotation tools.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use anyhow::{Context, Result};
use tal_core::{ClassMap, Recording};
use tal_data::results::ResultFormat;
use tal_data::{ANY_CLASS, annotations, results};
use tal_exchange::WriteOptions;
use tal_exchange::drafts::{self, DraftOptions, DraftRecording};
use tal_postprocess::DetectionRules;

use super::convert_tools::{check_label_studio, check_out, files, refused};
use super::rules;
use crate::args::{ConvertDetectionsArgs, DraftArgs};
use crate::console::print;

pub(crate) fn run(args: &ConvertDetectionsArgs) -> Result<()> {
    check_label_studio(&args.drafts.label_studio, args.to)?;
    check_out(args.to, &args.out, args.force)?;
    let options = options(&args.drafts);
    let truth = match &args.annotations {
        Some(path) => Some(annotations::read(path, None)?),
        None => None,
    };
    let classes = match &truth {
        Some(truth) => truth.classes.clone(),
        None => class_names(&args.detections)?,
    };
    let detections = results::read(&args.detections, &classes)?;
    let num_detections: usize = detections.values().map(Vec::len).sum();
    let detections = rules(&args.drafts, &classes)?.apply_to_all(&detections);
    let known: BTreeMap<&str, &Recording> = (truth.iter())
        .flat_map(|truth| &truth.recordings)
        .map(|recording| (recording.id.as_str(), recording))
        .collect();
    let recordings: Vec<DraftRecording> = (detections.iter())
        .map(|(id, found)| {
            let known = known.get(id.as_str());
            DraftRecording {
                id,
                duration: known.and_then(|one| one.duration),
                fps: known.and_then(|one| one.fps),
                media: None,
                detections: found,
            }
        })
        .collect();
    let written =
        drafts::write(args.to, &recordings, &classes, &args.out, &options).map_err(refused)?;
    if let Some(losses) = &written.losses {
        tracing::warn!("{losses}");
    }
    print(&format!(
        "{}: {} of {}, {} recordings, {} of {num_detections} detections",
        args.out.display(),
        files(written.paths.len()),
        args.to.title,
        recordings.len(),
        written.num_events
    ))
}

/// The rules of the options, and of the file that they name.
fn rules(args: &DraftArgs, classes: &ClassMap) -> Result<DetectionRules> {
    let file = rules::read(args.thresholds.as_deref())?;
    let of_file = rules::of_file(args.thresholds.as_deref(), file.as_ref(), classes)?;
    Ok(DetectionRules {
        min_score: args.min_score.or(of_file.min_score),
        min_gap: args.min_gap.unwrap_or(of_file.min_gap),
        min_duration: args.min_duration.unwrap_or(of_file.min_duration),
        ..of_file
    })
}

fn options(args: &DraftArgs) -> DraftOptions {
    DraftOptions {
        // Once more, for what is left of a detection beside others.
        min_duration: args.min_duration.unwrap_or_default(),
        one_at_a_time: args.one_at_a_time,
        write: args.label_studio.applied(WriteOptions {
            media: args.media.clone(),
            fps: args.fps,
            ..WriteOptions::default()
        }),
    }
}

/// Names of the classes that a file of detections has, in the order of the alphabet. A pickle has numbers alone.
fn class_names(path: &Path) -> Result<ClassMap> {
    let format = match path.is_dir() {
        true => Some(ResultFormat::JsonLines),
        false => ResultFormat::of_path(path),
    };
    let mut names = match format {
        Some(format) => results::labels(path, format)?,
        None => BTreeSet::new(),
    };
    // Numbers and the one class of class-agnostic detections are no names.
    let is_number = |name: &str| name.bytes().all(|byte| byte.is_ascii_digit());
    names.retain(|name| name != ANY_CLASS && !is_number(name));
    ClassMap::from_names(names)
        .with_context(|| format!("cannot list the classes of {}", path.display()))
}
