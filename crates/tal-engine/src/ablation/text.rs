//! The report as Markdown and CSV.

use std::fmt::Write;

use tal_core::grouped;

use super::{Comparison, Report, Row, Spread, Stage};

impl Report {
    /// The tables in Markdown: mAP in percent with mean ± standard deviation, parameters, time per step, memory; then mAP by
    /// fold, and the comparisons. The best average of a table is bold.
    pub fn to_markdown(&self) -> String {
        let mut text = format!("# {}\n", self.title);
        if self.stage == Stage::Validation {
            text.push_str("\nChoices: figures on training recordings that were held out.\n");
        }
        let (finished, planned) = self.progress();
        if finished < planned {
            let _ = write!(text, "\n{finished} of {planned} runs are finished.\n");
        }
        for table in &self.tables {
            let _ = write!(text, "\n## {}\n\n|  |", table.title);
            for threshold in &self.tiou_thresholds {
                let _ = write!(text, " {threshold:.2} |");
            }
            text.push_str(match self.has_folds() {
                true => " average mAP [%] | runs |",
                false => " average mAP [%] | seeds |",
            });
            text.push_str(" parameters | step [ms] | peak memory [MB] |\n|---|");
            text.push_str(&"---:|".repeat(self.tiou_thresholds.len() + 5));
            text.push('\n');
            let rows: Vec<&Row> = table
                .rows
                .iter()
                .filter_map(|name| self.rows.iter().find(|row| row.variant == *name))
                .collect();
            let best = rows
                .iter()
                .filter_map(|row| row.average_map)
                .map(|average| average.mean)
                .fold(f64::NEG_INFINITY, f64::max);
            for row in &rows {
                self.markdown_row(&mut text, row, best);
            }
            if self.has_folds() {
                markdown_folds(&mut text, &rows);
            }
        }
        if let Some(Comparison { baseline, .. }) = self.comparisons.first() {
            let _ = write!(text, "\n## Differences from {baseline}\n\n");
            text.push_str("|  | difference [points] | 95 % interval | p | folds | pairs of runs | verdict |\n");
            text.push_str("|---|---:|---:|---:|---:|---:|---|\n");
            for comparison in &self.comparisons {
                markdown_comparison(&mut text, comparison);
            }
        }
        text
    }

    fn has_folds(&self) -> bool {
        self.rows.iter().any(|row| !row.folds.is_empty())
    }

    fn markdown_row(&self, text: &mut String, row: &Row, best: f64) {
        let _ = write!(text, "| {} |", cell(&row.variant));
        for index in 0..self.tiou_thresholds.len() {
            let value = row.map.get(index).map(|map| percent(map.mean));
            let _ = write!(text, " {} |", value.unwrap_or_default());
        }
        let average = match row.average_map {
            None => String::new(),
            Some(spread) if spread.mean == best => format!("**{}**", with_std(spread)),
            Some(spread) => with_std(spread),
        };
        let step = row
            .step_seconds
            .map(|step| format!("{:.0}", 1e3 * step.mean));
        let memory = row
            .peak_memory_bytes
            .map(|bytes| format!("{:.0}", bytes as f64 / 1e6));
        let seeds = if row.seeds.len() == row.num_runs {
            row.num_runs.to_string()
        } else {
            format!("{} of {}", row.seeds.len(), row.num_runs)
        };
        let _ = writeln!(
            text,
            " {average} | {seeds} | {} | {} | {} |",
            row.num_parameters.map(grouped).unwrap_or_default(),
            step.unwrap_or_default(),
            memory.unwrap_or_default(),
        );
    }

    /// One line per variant, all numbers in full: fractions, seconds, bytes. Missing numbers are empty.
    pub fn to_csv(&self) -> String {
        let mut text = String::from("variant,num_seeds,average_map,average_map_std");
        for threshold in &self.tiou_thresholds {
            let _ = write!(text, ",map_{threshold:.2},map_{threshold:.2}_std");
        }
        text.push_str(",num_parameters,step_seconds,step_seconds_std,peak_memory_bytes\n");
        for row in &self.rows {
            let name = row.variant.replace('"', "\"\"");
            let _ = write!(text, "\"{name}\",{}", row.seeds.len());
            csv_spread(&mut text, row.average_map);
            for index in 0..self.tiou_thresholds.len() {
                csv_spread(&mut text, row.map.get(index).copied());
            }
            let _ = write!(text, ",{}", optional(row.num_parameters));
            csv_spread(&mut text, row.step_seconds);
            let _ = writeln!(text, ",{}", optional(row.peak_memory_bytes));
        }
        text
    }
}

/// Average mAP of each fold.
fn markdown_folds(text: &mut String, rows: &[&Row]) {
    let Some(first) = rows.first() else { return };
    text.push_str("\n|  |");
    for fold in &first.folds {
        let _ = write!(text, " {} |", cell(&fold.fold));
    }
    let _ = write!(text, "\n|---|{}\n", "---:|".repeat(first.folds.len()));
    for row in rows {
        let _ = write!(text, "| {} |", cell(&row.variant));
        for fold in &row.folds {
            let value = fold.average_map.map(percent);
            let _ = write!(text, " {} |", value.unwrap_or_default());
        }
        text.push('\n');
    }
}

fn markdown_comparison(text: &mut String, comparison: &Comparison) {
    let result = &comparison.comparison;
    let difference = &result.average_map.difference;
    let points = |fraction: f64| format!("{:+.2}", 100.0 * fraction);
    let _ = writeln!(
        text,
        "| {} | {} | {} to {} | {:.3} | {} | {} | {} |",
        cell(&comparison.variant),
        points(difference.estimate),
        points(difference.low),
        points(difference.high),
        result.average_map.p_value,
        result.num_folds,
        result.num_pairs,
        comparison.verdict(),
    );
}

/// A name within a Markdown table.
fn cell(name: &str) -> String {
    name.replace('|', "\\|")
}

fn csv_spread(text: &mut String, spread: Option<Spread>) {
    let mean = spread.map(|spread| spread.mean);
    let std = spread.and_then(|spread| spread.std);
    let _ = write!(text, ",{},{}", optional(mean), optional(std));
}

fn optional(value: Option<impl ToString>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

fn percent(fraction: f64) -> String {
    format!("{:.2}", 100.0 * fraction)
}

fn with_std(spread: Spread) -> String {
    match spread.std {
        Some(std) => format!("{} ± {}", percent(spread.mean), percent(std)),
        None => percent(spread.mean),
    }
}

#[cfg(test)]
mod tests {
    use tal_core::config::Weights;

    use super::super::{SeedFigures, TableConfig};
    use super::*;
    use crate::run::RunFigures;

    fn row(variant: &str, maps: &[f64]) -> Row {
        let seeds = maps.iter().enumerate().map(|(seed, map)| SeedFigures {
            fold: String::new(),
            seed: seed as u64,
            figures: RunFigures {
                weights: Weights::Ema,
                average_map: *map,
                tiou_thresholds: vec![0.5],
                map: vec![*map],
                num_parameters: 1234567,
                num_steps: 10,
                step_seconds: Some(0.25),
                peak_memory_bytes: Some(500_000_000),
            },
        });
        let spread = Spread::of(maps);
        Row {
            variant: variant.into(),
            num_runs: 2,
            seeds: seeds.collect(),
            folds: Vec::new(),
            average_map: spread,
            map: spread.into_iter().collect(),
            num_parameters: spread.map(|_| 1234567),
            step_seconds: spread.map(|_| Spread::of(&[0.25]).unwrap()),
            peak_memory_bytes: spread.map(|_| 500_000_000),
        }
    }

    fn report() -> Report {
        Report {
            title: "T".into(),
            stage: Stage::Report,
            tiou_thresholds: vec![0.5],
            rows: vec![
                row("a", &[0.5, 0.52]),
                row("b \"x\"", &[0.4]),
                row("c", &[]),
            ],
            tables: vec![TableConfig {
                title: "One".into(),
                rows: vec!["b \"x\"".into(), "a".into(), "c".into()],
            }],
            comparisons: Vec::new(),
        }
    }

    #[test]
    fn markdown_has_the_rows_of_its_tables_and_the_best_in_bold() {
        let text = report().to_markdown();
        assert!(text.contains("3 of 6 runs are finished."), "{text}");
        let lines: Vec<&str> = text.lines().filter(|line| line.starts_with('|')).collect();
        assert_eq!(lines[1], "|---|---:|---:|---:|---:|---:|---:|");
        assert_eq!(
            lines[2],
            "| b \"x\" | 40.00 | 40.00 | 1 of 2 | 1,234,567 | 250 | 500 |"
        );
        assert_eq!(
            lines[3],
            "| a | 51.00 | **51.00 ± 1.41** | 2 | 1,234,567 | 250 | 500 |"
        );
        assert_eq!(lines[4], "| c |  |  | 0 of 2 |  |  |  |");
    }

    #[test]
    fn csv_lines_have_one_field_per_column() {
        let text = report().to_csv();
        let lines: Vec<&str> = text.lines().collect();
        let count = |line: &str| line.matches(',').count();
        assert!(
            lines.iter().all(|line| count(line) == count(lines[0])),
            "{text}"
        );
        assert!(lines[2].starts_with("\"b \"\"x\"\"\",1,0.4,,0.4,,1234567,0.25,,500000000"));
        assert!(lines[3].starts_with("\"c\",0,,,"));
    }
}
