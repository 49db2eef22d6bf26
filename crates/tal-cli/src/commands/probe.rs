//! `tal features probe`: the frames of a video.

use anyhow::{Result, anyhow};
use serde_json::json;
use tal_engine::extract::ExtractError;
use tal_video::{Probe, probe};

use super::extract::find_ffmpeg;
use crate::args::ProbeArgs;
use crate::console::Console;

pub(crate) fn run(args: &ProbeArgs, console: &Console) -> Result<()> {
    let ffmpeg = find_ffmpeg(args.decoder.ffmpeg.as_deref())?;
    let mut failed = 0;
    for path in &args.videos {
        match probe(&ffmpeg, path, args.decoder.stream) {
            Ok(found) if args.json => console.print(&in_json(path, &found)?)?,
            Ok(found) => console.print(&in_words(path, &found))?,
            Err(error) if args.videos.len() == 1 => return Err(ExtractError::from(error).into()),
            Err(error) => {
                failed += 1;
                tracing::warn!("{error}");
            }
        }
    }
    match failed {
        0 => Ok(()),
        _ => Err(anyhow!(
            "{failed} of {} videos cannot be read",
            args.videos.len()
        )),
    }
}

fn in_json(path: &std::path::Path, found: &Probe) -> Result<String> {
    let timeline = &found.report.timeline;
    let value = json!({
        "file": path.display().to_string(),
        "container": found.container.format,
        "stream": found.stream,
        "streams": found.container.streams.len(),
        "format": found.format,
        "start": timeline.start(),
        "duration": timeline.duration(),
        "report": found.report,
    });
    Ok(serde_json::to_string(&value)?)
}

fn in_words(path: &std::path::Path, found: &Probe) -> String {
    let (timeline, container) = (&found.report.timeline, &found.container);
    let codec = container
        .streams
        .get(found.stream)
        .map_or("", |stream| stream.codec.as_str());
    let rate = match (timeline.rate, timeline.mean_rate()) {
        (Some(rate), _) => format!("{rate} frames a second ({:.4})", rate.per_second()),
        (None, Some(mean)) => format!(
            "variable, {:.4} frames a second on average",
            mean.per_second()
        ),
        (None, None) => "unknown".to_owned(),
    };
    let mut lines = vec![
        path.display().to_string(),
        format!(
            "  size      {} x {} pixels, upright ({codec} in {})",
            found.format.width, found.format.height, container.format
        ),
        format!("  rate      {rate}"),
        format!("  frames    {}", timeline.frames),
        format!("  start     {:.6} s", timeline.start()),
        format!("  duration  {:.6} s", timeline.duration()),
    ];
    if let [_, _, ..] = container.streams.as_slice() {
        lines.push(format!(
            "  streams   {} of video; this is stream {} (--stream)",
            container.streams.len(),
            found.stream
        ));
    }
    let damage = &found.report.damage;
    if damage.is_damaged() {
        lines.push(format!(
            "  damage    {} complaints of the decoder:",
            damage.complaints
        ));
        lines.extend(
            damage
                .kinds
                .iter()
                .map(|(kind, count)| format!("            {count} x {kind}")),
        );
    }
    lines.join("\n")
}
