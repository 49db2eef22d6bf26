//! Lines and markers of series, in pixels.

use plotters::element::DashedPathElement;
use plotters::prelude::*;

use super::area::{Area, Drawn};
use super::palette::{DARK, LineStyle, Marker, needs_edge};

const LINE_WIDTH: u32 = 2;

/// Draws a line through the points.
pub(super) fn line(area: &Area<'_>, points: &[(i32, i32)], style: LineStyle) -> Drawn {
    if needs_edge(style.colour) {
        stroke(area, points, style.dash, DARK.stroke_width(LINE_WIDTH + 2))?;
    }
    stroke(
        area,
        points,
        style.dash,
        style.colour.stroke_width(LINE_WIDTH),
    )
}

/// Draws a reference: a thin dashed line, unlike that of any series.
pub(super) fn reference(area: &Area<'_>, from: (i32, i32), to: (i32, i32)) -> Drawn {
    stroke(area, &[from, to], (7, 4), DARK.stroke_width(1))
}

fn stroke(
    area: &Area<'_>,
    points: &[(i32, i32)],
    (dash, gap): (i32, i32),
    style: ShapeStyle,
) -> Drawn {
    // Thousands of points may fall on one pixel.
    let mut points = points.to_vec();
    points.dedup();
    if points.len() < 2 {
        return Ok(());
    }
    if gap == 0 {
        area.draw(&PathElement::new(points, style))?;
    } else {
        area.draw(&DashedPathElement::new(points, dash, gap, style))?;
    }
    Ok(())
}

/// Draws the marker of a series at a point.
pub(super) fn marker(area: &Area<'_>, (x, y): (i32, i32), style: LineStyle) -> Drawn {
    let outline: Vec<(i32, i32)> = match style.marker {
        Marker::Circle => {
            let edge = if needs_edge(style.colour) {
                DARK
            } else {
                style.colour
            };
            area.draw(&Circle::new((x, y), 5, edge.filled()))?;
            area.draw(&Circle::new((x, y), 4, style.colour.filled()))?;
            return Ok(());
        }
        Marker::Square => vec![(-4, -4), (4, -4), (4, 4), (-4, 4)],
        Marker::Triangle => vec![(0, -6), (5, 4), (-5, 4)],
        Marker::Diamond => vec![(0, -6), (6, 0), (0, 6), (-6, 0)],
        Marker::Wedge => vec![(0, 6), (5, -4), (-5, -4)],
        Marker::Cross => return strokes(area, (x, y), style, [(4, 4), (4, -4)]),
        Marker::Plus => return strokes(area, (x, y), style, [(5, 0), (0, 5)]),
    };
    let mut outline: Vec<_> = outline.iter().map(|(dx, dy)| (x + dx, y + dy)).collect();
    area.draw(&Polygon::new(outline.clone(), style.colour.filled()))?;
    if needs_edge(style.colour) {
        outline.push(outline[0]);
        area.draw(&PathElement::new(outline, DARK.stroke_width(1)))?;
    }
    Ok(())
}

/// Two strokes through a point.
fn strokes(area: &Area<'_>, (x, y): (i32, i32), style: LineStyle, arms: [(i32, i32); 2]) -> Drawn {
    let pen = LineStyle {
        dash: (1, 0),
        ..style
    };
    for (dx, dy) in arms {
        line(area, &[(x - dx, y - dy), (x + dx, y + dy)], pen)?;
    }
    Ok(())
}
