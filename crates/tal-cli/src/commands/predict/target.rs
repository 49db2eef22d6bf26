//! The place and the format of results, as the options name them.

use std::path::PathBuf;

use tal_data::results::ResultFormat;

use crate::args::PredictArgs;
use crate::commands::output;
use crate::failure::UsageError;

/// A format of results.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Format {
    /// Written recording by recording.
    Results(ResultFormat),
    /// A draft for an annotation tool, written at the end.
    Draft(&'static tal_exchange::Format),
}

impl Format {
    fn of_name(name: &str) -> Result<Self, UsageError> {
        let results = ResultFormat::of_name(name).map(Self::Results);
        let draft = || tal_exchange::Format::of_name(name).filter(|format| format.can_write());
        results.or_else(|| draft().map(Self::Draft)).ok_or_else(|| {
            let drafts = tal_exchange::FORMATS
                .iter()
                .filter(|format| format.can_write());
            let drafts = drafts.map(|format| format.name);
            let names: Vec<&str> = ResultFormat::ALL
                .map(ResultFormat::name)
                .into_iter()
                .chain(drafts)
                .collect();
            UsageError(format!(
                "--format {name}: must be one of {}",
                names.join(", ")
            ))
        })
    }
}

/// The place that the options name.
pub(super) enum Target {
    Terminal,
    Stdout(ResultFormat),
    File(PathBuf, ResultFormat),
    Folder(PathBuf, ResultFormat),
    Draft(PathBuf, &'static tal_exchange::Format),
}

impl Target {
    /// The place, checked before the work.
    pub(super) fn of(args: &PredictArgs) -> Result<Self, UsageError> {
        let format = args.format.as_deref().map(Format::of_name).transpose()?;
        let to_stdout = args.out.as_ref().is_none_or(|out| out.as_os_str() == "-");
        let format = match format {
            Some(Format::Draft(draft)) => return Self::of_draft(args, draft, to_stdout),
            Some(Format::Results(format)) => Some(format),
            None => None,
        };
        if let Some(option) = [
            args.media.as_ref().map(|_| "--media"),
            args.one_at_a_time.then_some("--one-at-a-time"),
        ]
        .into_iter()
        .flatten()
        .next()
        {
            return Err(UsageError(format!(
                "{option} belongs to formats of annotation tools: choose one with --format"
            )));
        }
        let out = match &args.out {
            Some(out) if !to_stdout => out,
            None if format.is_none() => return Ok(Self::Terminal),
            _ if args.timeline => {
                return Err(UsageError(
                    "--timeline: the results already go to the standard output; write them to a file with --out".to_owned(),
                ));
            }
            _ => return Ok(Self::Stdout(format.unwrap_or(ResultFormat::JsonLines))),
        };
        let is_folder = out.is_dir()
            || out.to_string_lossy().ends_with('/')
            || out.extension().is_none() && !out.exists();
        if is_folder {
            let format = format.unwrap_or(ResultFormat::ActivityNet);
            return Ok(Self::Folder(out.clone(), format));
        }
        let extensions: &[&str] = match format {
            Some(_) => &[],
            None => &output::DETECTIONS,
        };
        output::check("--out", out, extensions)?;
        let format = format.or_else(|| ResultFormat::of_path(out));
        Ok(Self::File(
            out.clone(),
            format.unwrap_or(ResultFormat::ActivityNet),
        ))
    }

    fn of_draft(
        args: &PredictArgs,
        format: &'static tal_exchange::Format,
        to_stdout: bool,
    ) -> Result<Self, UsageError> {
        match &args.out {
            Some(out) if !to_stdout => {
                if format.has_extension(out) && !out.is_dir() {
                    output::check("--out", out, &[])?;
                }
                Ok(Self::Draft(out.clone(), format))
            }
            _ => Err(UsageError(format!(
                "--format {}: name a file or a folder with --out",
                format.name
            ))),
        }
    }

    pub(super) fn is_stdout(&self) -> bool {
        matches!(self, Self::Stdout(_))
    }
}
