//! `tal data stats`: numbers, durations and levels of a data set.

use std::path::Path;

use anyhow::Result;
use tal_corpus::audit::{self, Distribution, Statistics};
use tal_report::{PlotError, plots};

use super::output;
use super::watched::watched;
use crate::args::StatsArgs;
use crate::console::Console;
use crate::tables::{percent, table};

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

fn header<const N: usize>(names: [&str; N]) -> Vec<String> {
    names.map(str::to_owned).into()
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
    let mut names = vec![String::new()];
    names.extend(statistics.subsets.iter().map(|one| one.role.to_owned()));
    let mut counts = table(&names);
    let share = |share: Option<f64>| share.map_or_else(|| "-".to_owned(), percent);
    type Count = fn(&audit::SubsetStatistics) -> usize;
    let rows: [(&str, Count); 4] = [
        ("recordings", |one| one.num_recordings),
        ("without annotation", |one| one.num_without_actions),
        ("feature files read", |one| one.num_lengths_read),
        ("actions", |one| one.num_actions),
    ];
    for (name, value) in rows {
        let mut row = vec![name.to_owned()];
        row.extend(statistics.subsets.iter().map(|one| value(one).to_string()));
        counts.add_row(row);
    }
    type Share = fn(&audit::SubsetStatistics) -> Option<f64>;
    let rows: [(&str, Share); 2] = [
        ("time with actions [%]", |one| one.coverage),
        ("of it with several [%]", |one| one.overlap),
    ];
    for (name, value) in rows {
        let mut row = vec![name.to_owned()];
        row.extend(statistics.subsets.iter().map(|one| share(value(one))));
        counts.add_row(row);
    }
    let mut lengths = table(&header(["", "min", "median", "mean", "95 %", "max"]));
    for one in &statistics.subsets {
        for (name, values) in [
            ("recordings [s]", &one.recording_seconds),
            ("recordings [features]", &one.recording_features),
            ("actions [s]", &one.action_seconds),
            ("actions [features]", &one.action_features),
            ("actions per recording", &one.actions_per_recording),
        ] {
            let mut row = vec![format!("{} {name}", one.role)];
            row.extend(spread(values.as_ref()));
            lengths.add_row(row);
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
    let mut table = table(&header(columns));
    for class in &statistics.classes {
        let mut row = vec![
            class.name.clone(),
            class.num_training.to_string(),
            class.num_test.to_string(),
        ];
        row.extend(spread(class.action_seconds.as_ref()));
        table.add_row(row);
    }
    table.to_string()
}

fn levels(statistics: &Statistics) -> String {
    let columns = ["level", "stride", "range", "training actions", "points"];
    let mut table = table(&header(columns));
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
        let ranges = advice
            .ranges
            .iter()
            .map(|[low, high]| format!("[{low}, {high}]"));
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
    for (file, title, actions) in [
        (
            "recording_seconds.svg",
            "Durations of the recordings",
            false,
        ),
        ("action_seconds.svg", "Durations of the actions", true),
    ] {
        let series: Vec<(String, &[f64])> = statistics
            .subsets
            .iter()
            .map(|one| {
                let seconds = &one.seconds;
                let values = if actions {
                    &seconds.actions
                } else {
                    &seconds.recordings
                };
                (one.role.to_owned(), values.as_slice())
            })
            .collect();
        plots::histogram(&folder.join(file), title, "Duration [s]", &series)?;
    }
    let classes: Vec<(String, Vec<usize>)> = statistics
        .classes
        .iter()
        .map(|class| (class.name.clone(), vec![class.num_training, class.num_test]))
        .collect();
    let file = folder.join("classes.svg");
    plots::counts(
        &file,
        "Actions of the classes",
        &["training", "test"],
        &classes,
    )?;
    let levels: Vec<(String, Vec<usize>)> = statistics
        .levels
        .levels
        .iter()
        .enumerate()
        .map(|(index, level)| {
            let [low, high] = level.range;
            (
                format!("level {index}: {low} to {high}"),
                vec![level.num_actions],
            )
        })
        .chain([("none".to_owned(), vec![statistics.levels.num_without_level])])
        .collect();
    let title = "Training actions with a positive point on the level";
    plots::counts(&folder.join("levels.svg"), title, &["training"], &levels)
}
