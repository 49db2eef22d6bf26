//! The table, and its place in the document.

use std::fmt::Write as _;

use anyhow::{Result, bail};

use super::{Figure, Record, targets};

/// What stands before the table, on a line of its own.
pub(super) const BEGIN: &str = "<!-- units: begin -->";
/// What stands behind it.
pub(super) const END: &str = "<!-- units: end -->";

/// Puts `section` between the marks; all else stays.
///
/// # Errors
///
/// If the marks are not there exactly once each, in their order, on lines of their own.
pub(super) fn replace(document: &str, section: &str) -> Result<String> {
    let place = |mark: &str| {
        let lines: Vec<&str> = document.split_inclusive('\n').collect();
        let found: Vec<usize> = (0..lines.len())
            .filter(|&line| lines[line].trim_end() == mark)
            .collect();
        match found[..] {
            [line] => {
                let start: usize = lines[..line].iter().map(|line| line.len()).sum();
                Ok((start, start + lines[line].len()))
            }
            [] => {
                bail!("lacks the line `{mark}`: the table is written between `{BEGIN}` and `{END}`")
            }
            _ => bail!("has the line `{mark}` more than once"),
        }
    };
    let ((_, begin), (end, _)) = (place(BEGIN)?, place(END)?);
    if end < begin {
        bail!("has `{END}` before `{BEGIN}`");
    }
    let section = section.trim_matches('\n');
    let gap = if section.is_empty() { "" } else { "\n" };
    Ok(format!(
        "{}{gap}{section}{gap}{gap}{}",
        &document[..begin],
        &document[end..]
    ))
}

/// Where and when, and a row for each workload.
pub(super) fn section(record: &Record) -> String {
    let mut text = format!(
        "{}; {}; commit `{}`, {}. The unit u took {}.\n\n",
        record.machine,
        threads(record.figures.iter().map(|figure| figure.threads)),
        record.commit,
        record.date,
        units(&record.figures),
    );
    text.push_str(
        "| workload | what | s | u | original | limit | floor | peak GB | original | limit |\n\
         |---|---|---:|---:|---:|---:|---:|---:|---:|---:|\n",
    );
    for figure in &record.figures {
        row(&mut text, figure);
    }
    text
}

fn row(text: &mut String, figure: &Figure) {
    let target = targets::of(&figure.name);
    let known = |value: Option<f64>| value.map_or_else(String::new, |value| value.to_string());
    let peak = figure.peak_bytes.map(|bytes| bytes as f64 / 1e9);
    let _ = writeln!(
        text,
        "| `{}` | {} | {:.3} | {:.1} | {} | {} | {} | {} | {} | {} |",
        figure.name,
        target.description,
        figure.seconds,
        figure.units,
        known(target.original),
        known(target.limit),
        known(target.floor),
        peak.map_or_else(String::new, |peak| format!("{peak:.2}")),
        known(target.original_memory),
        known(target.memory_limit),
    );
}

/// The numbers of threads of the figures, in words.
pub(super) fn threads(numbers: impl Iterator<Item = usize>) -> String {
    match range(numbers.map(|number| number as f64)) {
        (1.0, 1.0) => "1 thread".to_owned(),
        (least, most) if least == most => format!("{least} threads"),
        (least, most) => format!("{least} to {most} threads"),
    }
}

fn units(figures: &[Figure]) -> String {
    let (least, most) = range(figures.iter().map(|figure| 1e3 * figure.unit));
    let (least, most) = (format!("{least:.1}"), format!("{most:.1}"));
    if least == most {
        format!("{least} ms")
    } else {
        format!("{least} to {most} ms")
    }
}

/// The least and the largest value.
pub(super) fn range(values: impl Iterator<Item = f64>) -> (f64, f64) {
    values.fold(
        (f64::INFINITY, f64::NEG_INFINITY),
        |(least, most), value| (least.min(value), most.max(value)),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench_report::Machine;

    fn figure(name: &str, seconds: f64, unit: f64, peak_bytes: Option<u64>) -> Figure {
        Figure {
            name: name.to_owned(),
            seconds,
            unit,
            // Not quite the quotient of the medians.
            units: seconds / unit + 0.2,
            peak_bytes,
            threads: 2,
        }
    }

    #[test]
    fn a_row_for_each_workload() {
        let record = Record {
            machine: Machine {
                cpu: "A Processor".to_owned(),
                cores: 2,
                memory_bytes: Some(8_250_000_000),
            },
            commit: "0123abc".to_owned(),
            date: "2026-02-03".to_owned(),
            figures: vec![
                figure(
                    "train_step/thumos14_i3d/2304",
                    4.0,
                    0.04,
                    Some(2_500_000_000),
                ),
                figure("predict/another/7", 0.5, 0.0501, None),
            ],
        };
        let text = section(&record);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(
            lines[0],
            "A Processor, 2 cores, 8.2 GB; 2 threads; commit `0123abc`, 2026-02-03. The unit u took 40.0 to 50.1 ms."
        );
        let columns = |line: &str| line.matches('|').count();
        assert!(lines[2..].iter().all(|line| columns(line) == 11), "{text}");
        assert_eq!(
            lines[4],
            "| `train_step/thumos14_i3d/2304` | batch of 2: forward, backward, clip, AdamW, EMA | 4.000 | 100.2 | 145 | 115 \
             | 95 | 2.50 | 3.9 | 2.9 |"
        );
        assert_eq!(
            lines[5],
            "| `predict/another/7` |  | 0.500 | 10.2 |  |  |  |  |  |  |"
        );
    }

    #[test]
    fn only_what_stands_between_the_marks_changes() {
        let document = format!("# A\n\n{BEGIN}\nold\ntable\n{END}\n\nrest\n");
        let new = replace(&document, "new\n").unwrap();
        assert_eq!(new, format!("# A\n\n{BEGIN}\n\nnew\n\n{END}\n\nrest\n"));
        assert_eq!(replace(&new, "new").unwrap(), new);
        assert_eq!(
            replace(&new, "").unwrap(),
            format!("# A\n\n{BEGIN}\n{END}\n\nrest\n")
        );
    }

    #[test]
    fn marks_that_are_not_as_they_should_be() {
        for (document, part) in [
            ("# A\n".to_owned(), "lacks the line `<!-- units: begin -->`"),
            (format!("{BEGIN}\n"), "lacks the line `<!-- units: end -->`"),
            (format!("see {BEGIN}\n{END}\n"), "lacks the line"),
            (format!("{END}\n{BEGIN}\n"), "before"),
            (format!("{BEGIN}\n{END}\n{END}\n"), "more than once"),
        ] {
            let error = replace(&document, "new").unwrap_err().to_string();
            assert!(error.contains(part), "{document}: {error}");
        }
    }
}
