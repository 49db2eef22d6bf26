//! `tal data clips`: long recordings, cut into clips.

use anyhow::Result;
use tal_corpus::clips::{self, ClipConfig, SubsetReport};
use tal_data::annotations;
use tal_data::clicks::Clicks;

use super::output;
use crate::args::ClipsArgs;
use crate::console::print;
use crate::failure::UsageError;
use crate::tables::table;

pub(crate) fn run(args: &ClipsArgs) -> Result<()> {
    output::check_folder("--out", &args.out)?;
    let stride = args.stride.unwrap_or(args.length);
    if stride > args.length {
        return Err(UsageError(format!(
            "--stride {stride}: must be at most --length {}, so that the clips cover the recording",
            args.length
        ))
        .into());
    }
    let dataset = args.config.load()?.dataset;
    let clicks = match &args.clicks {
        Some(path) => Some((Clicks::read(path)?, path.as_path())),
        None => None,
    };
    let subsets = if args.subset.is_empty() {
        let both = dataset.train_subsets.iter().chain(&dataset.test_subsets);
        both.cloned().collect()
    } else {
        let truth = annotations::read(&dataset.annotations, None)?;
        output::check_subsets(&truth, &args.subset)?;
        args.subset.clone()
    };
    let config = ClipConfig {
        length: args.length,
        stride,
        min_share: args.min_share,
        keep_empty: args.keep_empty,
    };
    let clicks = clicks.as_ref().map(|(clicks, path)| (clicks, *path));
    let reports = clips::cut(&dataset, &subsets, clicks, &args.out, &config)?;
    if args.clicks.is_some() && reports.iter().all(|report| report.num_clicks == 0) {
        tracing::warn!("--clicks: no click lies in any of the clips");
    }
    report(args, &reports)
}

fn report(args: &ClipsArgs, reports: &[SubsetReport]) -> Result<()> {
    let mut header = vec![String::new()];
    header.extend(reports.iter().map(|report| report.subset.clone()));
    let mut table = table(&header);
    let mut row = |name: &str, cell: &dyn Fn(&SubsetReport) -> String| {
        table.add_row(std::iter::once(name.to_owned()).chain(reports.iter().map(cell)));
    };
    let mean = |sum: usize, count: usize| format!("{:.2}", sum as f64 / count.max(1) as f64);
    row("recordings", &|r| r.num_recordings.to_string());
    row("classes per recording", &|r| {
        mean(r.num_recording_labels, r.num_recordings)
    });
    row("clips", &|r| r.num_clips.to_string());
    row("classes per clip", &|r| mean(r.num_labels, r.num_clips));
    row("left out, without an action", &|r| {
        r.num_left_out.to_string()
    });
    row("minutes", &|r| format!("{:.1}", r.seconds / 60.0));
    row("actions", &|r| r.num_actions.to_string());
    row("remainders of actions", &|r| r.num_cut_off.to_string());
    if args.clicks.is_some() {
        row("clicks", &|r| r.num_clicks.to_string());
    }
    row("longest clip (rows)", &|r| r.max_len.to_string());
    let out = &args.out;
    print(&format!(
        "{}: {} clips\n{table}",
        out.display(),
        reports.iter().map(|report| report.num_clips).sum::<usize>()
    ))?;
    print(&format!(
        "To use them: --overlay {}",
        out.join("dataset.yaml").display()
    ))
}
