//! `tal data stats`: numbers, durations and levels of a data set.

use std::path::Path;

use anyhow::Result;
use tal_corpus::audit::{self, Distribution, Statistics, SubsetStatistics};
use tal_report::{PlotError, plots};

use super::output;
use super::watched::watched;
use crate::args::StatsArgs;
use crate::console::Console;
use crate::tables::{percent, row, table};

pub(crate) fn run(args: &StatsArgs, console: &Console) -> Result<()> {
    if let Some(file) = &args.json {
        output::check("--json", file, &[])?;
    }
    output::check_plots(args.plots.as_deref())?;
    let config = args.config.load()?;
    let on_stop = "reading no more features; again to stop at once";
    let statistics = watched(console, "reading", on_stop, |watch| {
        audit::statistics(&config, args.quick, watch)
    })?;
    if let Some(file) = &args.json {
        output::write_json(file, &statistics)?;
    }
    if let Some(folder) = &args.plots {
        output::create_folder(folder)?;
        draw(folder, &statistics)?;
    }
    for text in [
        subsets(&statistics),
        classes(&statistics),
        levels(&statistics),
        advice(&statistics),
    ] {
        console.print(&text)?;
    }
    match &args.plots {
        Some(folder) => console.print(&format!("Plots: {}", folder.display())),
        None => Ok(()),
    }
}

fn short(value: f64) -> String {
    format!("{value:.1}")
}

fn spread(values: Option<&Distribution>) -> [String; 5] {
    match values {
        Some(v) => [v.min, v.median, v.mean, v.p95, v.max].map(short),
        None => std::array::from_fn(|_| "-".to_owned()),
    }
}

fn subsets(statistics: &Statistics) -> String {
    let all = || statistics.subsets.iter();
    let mut counts = table(row("", all().map(|one| one.role.to_owned())));
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    type Cell<'a> = &'a dyn Fn(&SubsetStatistics) -> String;
    let rows: [(&str, Cell<'_>); 6] = [
        ("recordings", &|one| one.num_recordings.to_string()),
        ("without annotation", &|one| {
            one.num_without_actions.to_string()
        }),
        ("feature files read", &|one| {
            one.num_lengths_read.to_string()
        }),
        ("actions", &|one| one.num_actions.to_string()),
        ("time with actions [%]", &|one| share(one.coverage)),
        ("of it with several [%]", &|one| share(one.overlap)),
    ];
    for (name, cell) in rows {
        counts.add_row(row(name, all().map(cell)));
    }
    let mut lengths = table(["", "min", "median", "mean", "95 %", "max"]);
    for one in &statistics.subsets {
        for (name, values) in [
            ("recordings [s]", &one.recording_seconds),
            ("recordings [features]", &one.recording_features),
            ("actions [s]", &one.action_seconds),
            ("actions [features]", &one.action_features),
            ("actions per recording", &one.actions_per_recording),
        ] {
            let name = format!("{} {name}", one.role);
            lengths.add_row(row(name, spread(values.as_ref())));
        }
    }
    format!("{counts}\n{lengths}")
}

fn classes(statistics: &Statistics) -> String {
    let columns = [
        "class",
        "training",
        "test",
        "min [s]",
        "median [s]",
        "mean [s]",
        "95 % [s]",
        "max [s]",
    ];
    let mut table = table(columns);
    for class in &statistics.classes {
        let counts = [class.num_training, class.num_test].map(|count| count.to_string());
        let spread = spread(class.action_seconds.as_ref());
        table.add_row(row(&class.name, counts.into_iter().chain(spread)));
    }
    table.to_string()
}

fn levels(statistics: &Statistics) -> String {
    let mut table = table(["level", "stride", "range", "training actions", "points"]);
    for (index, level) in statistics.levels.levels.iter().enumerate() {
        table.add_row([
            index.to_string(),
            level.stride.to_string(),
            format!("{} to {}", level.range[0], level.range[1]),
            level.num_actions.to_string(),
            level.num_points.to_string(),
        ]);
    }
    format!(
        "{table}\nActions with at least one positive point on the level, by the rule of training, recordings uncut; {} of {} \
         have none on any level.",
        statistics.levels.num_without_level, statistics.levels.num_actions
    )
}

fn advice(statistics: &Statistics) -> String {
    let lengths = &statistics.max_seq_len;
    let mut text = format!(
        "dataset.max_seq_len: {} ({} training recordings are longer); {} holds 95 % of them whole and enough of every \
         action, {} all (multiples of {}).",
        lengths.current, lengths.num_longer, lengths.for_most, lengths.for_all, lengths.unit
    );
    if let Some(advice) = &statistics.regression_range {
        let ranges = advice.ranges.iter();
        let ranges = ranges.map(|[low, high]| format!("[{low}, {high}]"));
        text += &format!(
            "\ndecoder.regression_range: [{}] would leave {} actions without a level instead of {}.",
            ranges.collect::<Vec<_>>().join(", "),
            advice.num_without_level,
            statistics.levels.num_without_level
        );
    }
    text
}

fn draw(folder: &Path, statistics: &Statistics) -> Result<(), PlotError> {
    let durations = |file: &str, title: &str, values: fn(&SubsetStatistics) -> &[f64]| {
        let all = statistics.subsets.iter();
        let series: Vec<_> = all.map(|one| (one.role.to_owned(), values(one))).collect();
        plots::histogram(&folder.join(file), title, "Duration [s]", &series)
    };
    let title = "Durations of the recordings";
    durations("recording_seconds.svg", title, |one| {
        &one.seconds.recordings
    })?;
    let title = "Durations of the actions";
    durations("action_seconds.svg", title, |one| &one.seconds.actions)?;
    let classes = statistics.classes.iter();
    let counts =
        classes.map(|class| (class.name.clone(), vec![class.num_training, class.num_test]));
    let classes: Vec<_> = counts.collect();
    let (file, title) = (folder.join("classes.svg"), "Actions of the classes");
    plots::counts(&file, title, &["training", "test"], &classes)?;
    let levels: Vec<(String, Vec<usize>)> = statistics
        .levels
        .levels
        .iter()
        .enumerate()
        .map(|(index, level)| {
            let [low, high] = level.range;
            let name = format!("level {index}: {low} to {high}");
            (name, vec![level.num_actions])
        })
        .chain([("none".to_owned(), vec![statistics.levels.num_without_level])])
        .collect();
    let title = "Training actions with a positive point on the level";
    plots::counts(&folder.join("levels.svg"), title, &["training"], &levels)
}
