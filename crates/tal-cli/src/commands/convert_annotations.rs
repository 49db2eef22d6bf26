//! `tal data convert annotations`: annotations of a publisher or a tool in another format.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::{Result, bail};
use tal_core::quoted_list;
use tal_corpus::export;
use tal_corpus::source::{
    self, ClassList, Converted, DropReason, SourceError, SourceOptions, VideoInfo,
};
use tal_data::annotations;

use super::{convert_tools, output};
use crate::args::{ConvertAnnotationsArgs, FromArg, SourceArg, TargetArg, ToArg};
use crate::console::print;
use crate::failure::{UsageError, bail_usage};

/// Version of files without a version.
const VERSION: &str = "converted";

pub(crate) fn run(args: &ConvertAnnotationsArgs) -> Result<()> {
    let target = target(args);
    match target {
        ToArg::Data(target) => {
            let extensions: &[&str] = match target {
                TargetArg::Csv => &["csv"],
                TargetArg::Json | TargetArg::ActivityNet => &["json"],
            };
            output::check("--out", &args.out, extensions)?;
            output::check_new("--out", &args.out, args.force)?;
        }
        ToArg::Tool(format) => convert_tools::check_out(format, &args.out, args.force)?,
    }
    let from = convert_tools::recognised(args)?;
    if args.all_labels && from != FromArg::Source(SourceArg::Ego4dMq) {
        bail_usage!("--all-labels: only ego4d-mq marks labels as primary");
    }
    convert_tools::check_options(args, from, target)?;
    match (from, target) {
        (FromArg::Source(source), ToArg::Data(target)) => {
            finish(args, target, &read(args, source)?)
        }
        (FromArg::Source(source), ToArg::Tool(format)) => {
            let converted = read(args, source)?;
            convert_tools::write(args, format, &tal_exchange::project_of(&converted.truth))
        }
        (_, ToArg::Tool(format)) => {
            convert_tools::write(args, format, &convert_tools::read(args, from)?)
        }
        (_, ToArg::Data(target)) => {
            let project = convert_tools::read(args, from)?;
            let origin = args.input.first().cloned().unwrap_or_default();
            let (width, options) = (args.tool.point_width, options(args)?);
            let converted =
                source::from_project(&project, &origin, width, &options).map_err(refused)?;
            convert_tools::tell_of_losses(&project);
            finish(args, target, &converted)
        }
    }
}

/// Reads a publisher's annotations.
fn read(args: &ConvertAnnotationsArgs, from: SourceArg) -> Result<Converted> {
    source::read(from.into(), &args.input, &options(args)?).map_err(refused)
}

/// What the command line names and the files do not have is a wrong request.
fn refused(error: SourceError) -> anyhow::Error {
    match error {
        SourceError::Absent { .. } | SourceError::Points { .. } => {
            UsageError(error.to_string()).into()
        }
        error => error.into(),
    }
}

/// Writes annotations for data sets.
fn finish(args: &ConvertAnnotationsArgs, target: TargetArg, converted: &Converted) -> Result<()> {
    check_rows(target, converted)?;
    match target {
        TargetArg::Json => annotations::write(&args.out, &converted.truth, VERSION)?,
        TargetArg::ActivityNet => {
            export::write_activity_net(&args.out, &converted.truth, VERSION)?;
        }
        TargetArg::Csv => export::write_csv(&args.out, &converted.truth)?,
    }
    tell_of_unused(args, converted);
    report(args, converted)
}

/// Refuses a result without a single annotation, unless there was none to begin with and recordings are written alone.
fn check_rows(target: TargetArg, converted: &Converted) -> Result<()> {
    let mut all = converted.truth.recordings.iter();
    if all.any(|recording| !recording.instances.is_empty()) {
        return Ok(());
    }
    let num_dropped = converted.dropped.len();
    if num_dropped > 0 {
        let classes = converted.dropped.iter().map(|one| one.label.as_str());
        let classes: BTreeSet<&str> = classes.collect();
        bail!(
            "nothing is left: all {num_dropped} annotations would be left out (classes {})",
            quoted_list(classes)
        );
    }
    match target {
        TargetArg::Csv => bail!(
            "none of the {} recordings has an annotation, so the table would have no row; --to json writes recordings alone",
            converted.truth.recordings.len()
        ),
        TargetArg::Json | TargetArg::ActivityNet => Ok(()),
    }
}

/// Tells of options that changed nothing.
fn tell_of_unused(args: &ConvertAnnotationsArgs, converted: &Converted) {
    let used = converted.used;
    if let Some(fps) = args.fps
        && used.fps == 0
    {
        tracing::warn!("--fps {fps} has no effect: every recording has a frame rate of its own");
    }
    if let Some(name) = &args.default_subset
        && used.default_subset == 0
    {
        tracing::warn!(
            "--default-subset {name} has no effect: every recording has a subset of its own"
        );
    }
    if let Some(file) = &args.class_names {
        let recordings = converted.truth.recordings.iter();
        let labels = recordings
            .flat_map(|one| &one.instances)
            .map(|one| one.label);
        let labels: BTreeSet<u32> = labels.collect();
        let classes = converted.truth.classes.iter();
        let unused = classes.filter(|(id, _)| !labels.contains(id));
        let unused: Vec<&str> = unused.map(|(_, name)| name).collect();
        if !unused.is_empty() {
            tracing::warn!(
                "--class-names {}: {} of {} classes have no annotation: {}",
                file.display(),
                unused.len(),
                converted.truth.classes.len(),
                quoted_list(unused)
            );
        }
    }
}

fn target(args: &ConvertAnnotationsArgs) -> ToArg {
    let is_table = || {
        let extension = args.out.extension();
        extension.is_some_and(|extension| extension.eq_ignore_ascii_case("csv"))
    };
    match args.to {
        Some(target) => target,
        None if is_table() => ToArg::Data(TargetArg::Csv),
        None => ToArg::Data(TargetArg::Json),
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
    if let Some(subset) = &converted.assumed_subset {
        lines.push(format!(
            "no column subset: all recordings are of the subset {subset:?}; `tal data split` deals them to training and test, \
             --default-subset names another"
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
