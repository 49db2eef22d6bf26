//! `tal data clips`: long recordings, cut into clips.

use anyhow::Result;
use tal_corpus::clips::{self, ClipConfig, SubsetReport};
use tal_data::annotations;
use tal_data::clicks::Clicks;

use super::output;
use crate::args::ClipsArgs;
use crate::console::print;
use crate::failure::bail_usage;
use crate::tables::{row, table};

pub(crate) fn run(args: &ClipsArgs) -> Result<()> {
    output::check_folder("--out", &args.out)?;
    let stride = args.stride.unwrap_or(args.length);
    if stride > args.length {
        bail_usage!(
            "--stride {stride}: must be at most --length {}, so that the clips cover the recording",
            args.length
        );
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
    let mut table = table(row("", reports.iter().map(|report| report.subset.clone())));
    let mut row = |name: &str, cell: &dyn Fn(&SubsetReport) -> String| {
        table.add_row(row(name, reports.iter().map(cell)));
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
    let num_clips: usize = reports.iter().map(|report| report.num_clips).sum();
    print(&format!(
        "{}: {num_clips} clips\n{table}",
        args.out.display()
    ))?;
    let overlay = args.out.join("dataset.yaml");
    print(&format!("To use them: --overlay {}", overlay.display()))
}
