//! Precision over recall.

use std::path::Path;

use super::axes::{Axes, Axis, BOTTOM, LEFT, drawable};
use super::canvas::{MARGIN, TOP, write_svg};
use super::legend::Legend;
use super::line::{line, marker};
use super::palette::line_style;
use crate::PlotError;

const WIDTH: i32 = 560;
const HEIGHT: i32 = 460;
const NUM_MARKERS: usize = 5;

/// A named precision-recall curve.
pub struct PrecisionRecallSeries {
    /// Name in the legend.
    pub name: String,
    /// Pairs (recall, precision), in any order.
    pub points: Vec<(f64, f64)>,
}

/// Draws the precision envelope of every series as steps; AP is the area below it.
pub fn precision_recall(
    path: &Path,
    title: &str,
    series: &[PrecisionRecallSeries],
) -> Result<(), PlotError> {
    let legend = Legend::of_lines(series.iter().map(|one| &one.name), HEIGHT);
    let left = MARGIN + LEFT;
    let right = left + WIDTH + MARGIN;
    let size = (
        right + legend.width() + MARGIN,
        TOP + HEIGHT + BOTTOM + MARGIN,
    );
    write_svg(path, size, title, |area| {
        let percent = |name| Axis::new(name, 0.0..100.0, 11);
        let (x, y) = (percent("Recall [%]"), percent("Precision [%]"));
        let axes = Axes::draw(area, (left, TOP), (WIDTH, HEIGHT), &x, &y)?;
        let mut is_empty = true;
        for (index, one) in series.iter().enumerate() {
            let steps = steps(&one.points);
            let to_pixel = |(recall, precision)| axes.pixel((100.0 * recall, 100.0 * precision));
            let pixels: Vec<_> = steps.iter().copied().map(to_pixel).collect();
            let style = line_style(index);
            line(area, &pixels, style)?;
            for place in marker_places(&steps, index, series.len()) {
                marker(area, to_pixel(place), style)?;
            }
            is_empty &= steps.is_empty();
        }
        axes.note_empty(area, is_empty)?;
        legend.draw(area, (right, TOP))
    })
}

/// Corners of the envelope: the best precision at each recall or a higher one, and 0 behind the last recall.
fn steps(points: &[(f64, f64)]) -> Vec<(f64, f64)> {
    let clamp = |value: f64| value.clamp(0.0, 1.0);
    let mut points = drawable(points, |(recall, precision)| {
        (clamp(recall), clamp(precision))
    });
    let mut best = f64::NEG_INFINITY;
    for (_, precision) in points.iter_mut().rev() {
        best = best.max(*precision);
        *precision = best;
    }
    let mut corners = Vec::new();
    let mut reached = 0.0;
    for (recall, precision) in points {
        corners.extend([(reached, precision), (recall, precision)]);
        reached = recall;
    }
    if !corners.is_empty() {
        corners.push((reached, 0.0));
    }
    corners
}

/// Places of markers on the steps: evenly spaced in recall, and shifted from series to series so that they seldom overlap.
fn marker_places(steps: &[(f64, f64)], index: usize, num_series: usize) -> Vec<(f64, f64)> {
    let Some(&(end, _)) = steps.last() else {
        return Vec::new();
    };
    let shift = (index % 16) as f64 / num_series.clamp(1, 16) as f64;
    (0..NUM_MARKERS)
        .filter_map(|place| {
            let recall = end * (place as f64 + 0.1 + 0.8 * shift) / NUM_MARKERS as f64;
            let corner = steps.iter().find(|(reached, _)| *reached >= recall)?;
            Some((recall, corner.1))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn steps_are_the_envelope() {
        let points = [(0.5, 0.6), (0.25, 0.5), (f64::NAN, 1.0), (0.75, 0.3)];
        let expected = [
            (0.0, 0.6),
            (0.25, 0.6),
            (0.25, 0.6),
            (0.5, 0.6),
            (0.5, 0.3),
            (0.75, 0.3),
            (0.75, 0.0),
        ];
        assert_eq!(steps(&points), expected);
        // The area below is the AP of these points.
        let area: f64 = expected
            .windows(2)
            .map(|w| (w[1].0 - w[0].0) * w[0].1)
            .sum();
        assert!((area - (0.5 * 0.6 + 0.25 * 0.3)).abs() < 1e-12);
        assert!(steps(&[(f64::NAN, 0.0)]).is_empty());
    }

    #[test]
    fn markers_lie_on_the_steps() {
        let steps = steps(&[(0.2, 0.9), (0.8, 0.4)]);
        for index in 0..20 {
            let places = marker_places(&steps, index, 20);
            assert_eq!(places.len(), NUM_MARKERS);
            for (recall, precision) in places {
                assert_eq!(precision, if recall <= 0.2 { 0.9 } else { 0.4 });
            }
        }
    }
}
