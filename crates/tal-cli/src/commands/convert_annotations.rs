//! `tal data convert annotations`: a publisher's annotations in another format.

use std::collections::BTreeMap;

use anyhow::Result;
use tal_corpus::export;
use tal_corpus::source::{
    self, ClassList, Converted, DropReason, SourceError, SourceOptions, VideoInfo,
};
use tal_data::annotations;

use super::output;
use crate::args::{ConvertAnnotationsArgs, SourceArg, TargetArg};
use crate::console::print;
use crate::failure::UsageError;

/// Version of files without a version.
const VERSION: &str = "converted";

pub(crate) fn run(args: &ConvertAnnotationsArgs) -> Result<()> {
    let target = target(args);
    let extensions: &[&str] = match target {
        TargetArg::Csv => &["csv"],
        TargetArg::Json | TargetArg::ActivityNet => &["json"],
    };
    output::check("--out", &args.out, extensions)?;
    output::check_new("--out", &args.out, args.force)?;
    if args.all_labels && args.from != SourceArg::Ego4dMq {
        return Err(
            UsageError("--all-labels: only ego4d-mq marks labels as primary".into()).into(),
        );
    }
    let options = options(args)?;
    let converted = source::read(args.from.into(), &args.input, &options).map_err(|error| {
        // A file named on the command line does not exist.
        match error {
            SourceError::Absent { .. } => UsageError(error.to_string()).into(),
            error => anyhow::Error::from(error),
        }
    })?;
    match target {
        TargetArg::Json => annotations::write(&args.out, &converted.truth, VERSION)?,
        TargetArg::ActivityNet => {
            export::write_activity_net(&args.out, &converted.truth, VERSION)?;
        }
        TargetArg::Csv => export::write_csv(&args.out, &converted.truth)?,
    }
    report(args, &converted)
}

fn target(args: &ConvertAnnotationsArgs) -> TargetArg {
    let is_table = || {
        let extension = args.out.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
    };
    match args.to {
        Some(target) => target,
        None if is_table() => TargetArg::Csv,
        None => TargetArg::Json,
    }
}

fn options(args: &ConvertAnnotationsArgs) -> Result<SourceOptions> {
    let mut subset_map = BTreeMap::new();
    for (old, new) in &args.subset_map {
        if subset_map.insert(old.clone(), new.clone()).is_some() {
            let message = format!("--subset-map {old}={new}: {old} has two new names");
            return Err(UsageError(message).into());
        }
    }
    Ok(SourceOptions {
        class_names: match &args.class_names {
            Some(path) => Some(ClassList::read(path)?),
            None => None,
        },
        video_info: match &args.video_info {
            Some(path) => Some(VideoInfo::read(path)?),
            None => None,
        },
        fps: args.fps,
        default_subset: args.default_subset.clone(),
        subset_map,
        drop_classes: args.drop_class.clone(),
        all_labels: args.all_labels,
        strict: args.strict,
    })
}

/// Prints contents, gaps and omissions of the result.
fn report(args: &ConvertAnnotationsArgs, converted: &Converted) -> Result<()> {
    let truth = &converted.truth;
    let all = &truth.recordings;
    let num_instances: usize = all.iter().map(|recording| recording.instances.len()).sum();
    let mut lines = vec![format!(
        "{}: {} recordings, {num_instances} annotations, {} classes",
        args.out.display(),
        all.len(),
        truth.classes.len()
    )];
    for name in truth.subset_names() {
        let of_subset = || all.iter().filter(|recording| recording.subset == name);
        lines.push(format!(
            "  {name}: {} recordings, {} annotations",
            of_subset().count(),
            of_subset()
                .map(|recording| recording.instances.len())
                .sum::<usize>()
        ));
    }
    let reasons = [
        (DropReason::ZeroLength, "start where they end"),
        (DropReason::Reversed, "end before they start"),
        (DropReason::Class, "class dropped"),
        (DropReason::NotPrimary, "not marked as primary"),
    ];
    for (reason, words) in reasons {
        let mut dropped = converted.dropped.iter().filter(|d| d.reason == reason);
        if let Some(first) = dropped.next() {
            lines.push(format!(
                "left out: {} ({words}), the first is {} in {}, {} to {} s",
                1 + dropped.count(),
                first.label,
                first.recording,
                first.segment.start,
                first.segment.end
            ));
        }
    }
    if converted.num_beyond_end > 0 {
        lines.push(format!(
            "kept: {} annotations that end after their recording",
            converted.num_beyond_end
        ));
    }
    let without_duration = all.iter().filter(|r| r.duration.is_none()).count();
    let without_fps = all.iter().filter(|r| r.fps.is_none()).count();
    if without_duration > 0 {
        lines.push(format!(
            "without duration: {without_duration} recordings (--video-info)"
        ));
    }
    if without_fps > 0 {
        lines.push(format!(
            "without frame rate: {without_fps} recordings (--fps, --video-info, or dataset.fps in the configuration)"
        ));
    }
    print(&lines.join("\n"))
}
