//! Small plots of characters.

/// Lines of a plot.
const HEIGHT: usize = 6;
/// Parts of a character, from the lowest.
const PARTS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// Values as bars from left to right, from 0 or the least value up; `None` if there is nothing to draw.
pub(super) fn bars(values: &[f64]) -> Option<String> {
    let finite = || values.iter().copied().filter(|value| value.is_finite());
    let top = finite().max_by(f64::total_cmp)?;
    let least = finite().min_by(f64::total_cmp)?;
    // Curves far from 0, such as losses, would be a block.
    let base = if least > 0.0 && least < 0.5 * top || least == top {
        0.0_f64.min(least)
    } else {
        least
    };
    let range = top - base;
    let steps = (HEIGHT * (PARTS.len() - 1)) as f64;
    let heights: Vec<usize> = values
        .iter()
        .map(|value| match value.is_finite() && range > 0.0 {
            true => ((value - base) / range * steps).round().max(1.0) as usize,
            false => 0,
        })
        .collect();
    let labels = [number(top), number(base)];
    let width = labels.iter().map(String::len).max()?;
    let lines = (0..HEIGHT).map(|line| {
        let below = (HEIGHT - 1 - line) * (PARTS.len() - 1);
        let label = match line {
            0 => labels[0].as_str(),
            line if line + 1 == HEIGHT => labels[1].as_str(),
            _ => "",
        };
        let row: String = heights
            .iter()
            .map(|height| PARTS[height.saturating_sub(below).min(PARTS.len() - 1)])
            .collect();
        format!("{label:>width$} │{}", row.trim_end())
    });
    Some(lines.collect::<Vec<_>>().join("\n"))
}

fn number(value: f64) -> String {
    match value.abs() {
        size if size >= 1e5 || (size > 0.0 && size < 1e-2) => format!("{value:.1e}"),
        size if size >= 100.0 => format!("{value:.0}"),
        _ => format!("{value:.2}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn bars_are_as_high_as_their_values() {
        let plot = bars(&[0.0, 1.0, 2.0, f64::NAN, 4.0]).unwrap();
        let lines: Vec<&str> = plot.lines().collect();
        assert_eq!(lines.len(), HEIGHT);
        assert_eq!(lines[0], "4.00 │    █");
        assert_eq!(lines[HEIGHT - 1], "0.00 │▁██ █");
        assert_eq!(lines[HEIGHT - 2], "     │ ▄█ █");
    }

    #[test]
    fn a_constant_or_nothing_is_no_mistake() {
        assert_eq!(bars(&[]), None);
        assert_eq!(bars(&[f64::NAN]), None);
        assert!(bars(&[0.0, 0.0]).unwrap().starts_with("0.00 │"));
        assert!(bars(&[-3.0, -1.0]).unwrap().ends_with("-3.00 │▁█"));
        assert!(bars(&[1e7, 2e7]).unwrap().starts_with("2.0e7 │"));
    }
}
