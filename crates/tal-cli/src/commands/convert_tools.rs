//! Files of annotation tools for `tal data convert`.

use std::path::Path;

use anyhow::Result;
use tal_corpus::source::{self, SourceFormat};
use tal_exchange::{Carries, ExchangeError, Format, Project, ReadOptions, WriteOptions, losses};

use super::output;
use crate::args::{ConvertAnnotationsArgs, FromArg, LabelStudioArgs, SourceArg, ToArg};
use crate::console::print;
use crate::failure::{UsageError, bail_usage};

/// The format that has options of its own.
const LABEL_STUDIO: &str = "label-studio";

/// Checks that a file or folder for the result does not exist yet, or may be replaced.
pub(crate) fn check_out(format: &Format, out: &Path, force: bool) -> Result<()> {
    if format.has_extension(out) && !out.is_dir() {
        output::check("--out", out, &[])?;
        return Ok(output::check_new("--out", out, force)?);
    }
    if out.is_file() {
        let ending = format.extensions.first().copied().unwrap_or_default();
        bail_usage!(
            "--out {}: is a file; name a folder, or a file that ends in .{ending}",
            out.display()
        );
    }
    if !force {
        output::check_folder("--out", out)?;
    }
    Ok(())
}

/// The format of the input: `auto` becomes a publisher's if the first file's content shows one, and else stays.
pub(crate) fn recognised(args: &ConvertAnnotationsArgs) -> Result<FromArg> {
    let Some(first) = args.input.first().filter(|_| args.from == FromArg::Auto) else {
        return Ok(args.from);
    };
    if first.is_dir() {
        return Ok(FromArg::Auto);
    }
    let content = tal_exchange::content(first)?;
    match (
        tal_exchange::recognise(&content, first),
        source::recognise(&content, first),
    ) {
        (Ok(_), _) => Ok(FromArg::Auto),
        (_, Some(SourceFormat::Csv)) => Ok(FromArg::Source(SourceArg::Csv)),
        (_, Some(SourceFormat::ActivityNet)) => Ok(FromArg::Source(SourceArg::ActivityNet)),
        (_, Some(_)) => Ok(FromArg::Source(SourceArg::Json)),
        (Err(error), None) => Err(refused(error)),
    }
}

/// Refuses options that have no effect between these formats.
pub(crate) fn check_options(args: &ConvertAnnotationsArgs, from: FromArg, to: ToArg) -> Result<()> {
    let tool = &args.tool;
    let is_tool = !matches!(from, FromArg::Source(_));
    let for_reading = [
        ("--point-width", tool.point_width.is_some()),
        ("--class-from", tool.class_from.is_some()),
        ("--ids", tool.ids.is_some()),
        ("--tier", !tool.tier.is_empty()),
        ("--subject", !tool.subject.is_empty()),
        ("--annotator", !tool.annotator.is_empty()),
        ("--modifiers-in-class", tool.modifiers_in_class),
    ];
    if let Some((option, _)) = for_reading
        .iter()
        .find(|(_, is_given)| *is_given && !is_tool)
    {
        bail_usage!("{option}: only files of annotation tools need it");
    }
    if tool.media.is_some() && !matches!(to, ToArg::Tool(_)) {
        bail_usage!("--media: only files of annotation tools name films; choose one with --to");
    }
    if tool.point_width.is_some() && matches!(to, ToArg::Tool(_)) {
        bail_usage!("--point-width: between tools point events stay points");
    }
    let for_data = [
        ("--class-names", args.class_names.is_some()),
        ("--video-info", args.video_info.is_some()),
        ("--default-subset", args.default_subset.is_some()),
        ("--subset-map", !args.subset_map.is_empty()),
        ("--drop-class", !args.drop_class.is_empty()),
        ("--strict", args.strict),
    ];
    if let Some((option, _)) = for_data.iter().find(|(_, is_given)| *is_given)
        && is_tool
        && matches!(to, ToArg::Tool(_))
    {
        bail_usage!("{option}: not between two annotation tools; convert to json first");
    }
    Ok(())
}

/// Refuses options of Label Studio for drafts of others.
pub(crate) fn check_label_studio(args: &LabelStudioArgs, to: &Format) -> Result<()> {
    if (args.template.is_some() || args.results.is_some()) && to.name != LABEL_STUDIO {
        bail_usage!("--template and --results: only --to {LABEL_STUDIO} needs them");
    }
    Ok(())
}

/// Reads files of annotation tools.
pub(crate) fn read(args: &ConvertAnnotationsArgs, from: FromArg) -> Result<Project> {
    let tool = &args.tool;
    let options = ReadOptions {
        class_from: tool.class_from.map(Into::into).unwrap_or_default(),
        ids: tool.ids.map(Into::into).unwrap_or_default(),
        tiers: tool.tier.clone(),
        subjects: tool.subject.clone(),
        annotators: tool.annotator.clone(),
        modifiers_in_class: tool.modifiers_in_class,
        fps: args.fps,
        end_frame: args.label_studio.end_frame(),
    };
    let format = match from {
        FromArg::Tool(format) => Some(format),
        FromArg::Auto | FromArg::Source(_) => None,
    };
    let project = tal_exchange::read(format, &args.input, &options).map_err(refused)?;
    for (what, count) in &project.unread {
        tracing::warn!("not read: {what} ({count})");
    }
    Ok(project)
}

/// What the command line names and the files do not have is a wrong request.
pub(crate) fn refused(error: ExchangeError) -> anyhow::Error {
    match error {
        ExchangeError::Absent { .. }
        | ExchangeError::Needed { .. }
        | ExchangeError::OneWay { .. }
        | ExchangeError::OneRecording { .. }
        | ExchangeError::Unrecognised { .. } => UsageError(error.to_string()).into(),
        error => error.into(),
    }
}

/// Names once what annotations for data sets cannot say.
pub(crate) fn tell_of_losses(project: &Project) {
    let carries = Carries {
        // They have become segments.
        points: true,
        durations: true,
        frame_rates: true,
        media: true,
        ..Carries::SEGMENTS
    };
    if let Some(losses) = losses("annotations of data sets", carries, project) {
        tracing::warn!("{losses}");
    }
}

/// Writes files of an annotation tool.
pub(crate) fn write(
    args: &ConvertAnnotationsArgs,
    format: &Format,
    project: &Project,
) -> Result<()> {
    check_label_studio(&args.label_studio, format)?;
    let options = args.label_studio.applied(WriteOptions {
        media: args.tool.media.clone(),
        fps: args.fps,
        ..WriteOptions::default()
    });
    let paths = tal_exchange::write(format, project, &args.out, &options).map_err(refused)?;
    if let Some(losses) = format.losses(project) {
        tracing::warn!("{losses}");
    }
    print(&format!(
        "{}: {} of {}, {} recordings, {} annotations, {} classes",
        args.out.display(),
        files(paths.len()),
        format.title,
        project.tracks.len(),
        project.events().count(),
        project.classes.len()
    ))
}

/// A number of files.
pub(crate) fn files(count: usize) -> String {
    format!("{count} file{}", if count == 1 { "" } else { "s" })
}
