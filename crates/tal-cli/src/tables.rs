//! Results as tables.

use comfy_table::{CellAlignment, ContentArrangement, LineStyle, Row, Table, presets};
use tal_core::{ClassMap, Detection};
use tal_engine::profile::StepProfile;
use tal_postprocess::Evaluation;

/// An empty table; all columns but the first are numbers.
pub(crate) fn table(header: impl Into<Row>) -> Table {
    let mut table = Table::new();
    table
        .load_style(presets::UTF8_HORIZONTAL_ONLY.row_separator(LineStyle::none()))
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for column in table.column_iter_mut().skip(1) {
        column.set_cell_alignment(CellAlignment::Right);
    }
    table
}

/// A row: its name, then its values.
pub(crate) fn row(
    name: impl Into<String>,
    values: impl IntoIterator<Item = String>,
) -> Vec<String> {
    std::iter::once(name.into()).chain(values).collect()
}

/// A fraction in percent.
pub(crate) fn percent(value: f64) -> String {
    format!("{:.2}", 100.0 * value)
}

/// mAP per threshold and its mean, in percent; with `classes`, also AP of every class.
pub(crate) fn evaluation(evaluation: &Evaluation, classes: Option<&ClassMap>) -> String {
    let thresholds = evaluation.tiou_thresholds.iter().map(|t| format!("{t:.2}"));
    let mut table = table(row("tIoU", thresholds.chain(["average".to_owned()])));
    let values = |values: &[f64], mean: f64| -> Vec<String> {
        values.iter().chain([&mean]).map(|v| percent(*v)).collect()
    };
    for class in classes.iter().flat_map(|_| &evaluation.classes) {
        let name = classes.map_or_else(String::new, |map| map.display_name(class.label));
        let mean = class.ap.iter().sum::<f64>() / class.ap.len().max(1) as f64;
        table.add_row(row(name, values(&class.ap, mean)));
    }
    let all = values(&evaluation.map, evaluation.average_map);
    table.add_row(row("mAP [%]", all));
    table.to_string()
}

/// Detections of one recording, best first, at most `limit`.
pub(crate) fn detections(detections: &[Detection], classes: &ClassMap, limit: usize) -> String {
    let mut table = table(["class", "start [s]", "end [s]", "score"]);
    for detection in detections.iter().take(limit) {
        table.add_row([
            classes.display_name(detection.label),
            format!("{:.2}", detection.segment.start),
            format!("{:.2}", detection.segment.end),
            format!("{:.3}", detection.score),
        ]);
    }
    table.to_string()
}

/// Time of the phases of a training step.
pub(crate) fn profile(profile: &StepProfile) -> String {
    let mut table = table(["phase", "ms per step", "share [%]"]);
    let mut row = |name: String, seconds: f64| {
        table.add_row([
            name,
            format!("{:.3}", 1e3 * profile.per_step(seconds)),
            percent(profile.share(seconds)),
        ]);
    };
    for time in &profile.phases {
        row(time.phase.to_string(), time.seconds);
    }
    let all = format!("all ({} steps)", profile.num_steps);
    row(all, profile.seconds);
    table.to_string()
}
