//! Pictures as files.

use std::path::Path;

use plotters::prelude::*;
use tal_core::atomic::write_atomic;

use super::area::{Area, Drawn, MAX_SIZE};
use super::text::{Align, TITLE_SIZE, shorten, text};
use crate::PlotError;

/// Room above the plots, for the title.
pub(super) const TOP: i32 = 52;
/// Room between the plots and the edges of the picture.
pub(super) const MARGIN: i32 = 24;

/// Draws a picture of `size` pixels (width, height) and writes it to `path` in one piece.
pub(super) fn write_svg(
    path: &Path,
    (width, height): (i32, i32),
    title: &str,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Result<(), PlotError> {
    if width.max(height) > MAX_SIZE {
        return Err(PlotError::TooLarge {
            path: path.to_owned(),
            width,
            height,
            limit: MAX_SIZE,
        });
    }
    let svg = render((width, height), title, draw).map_err(|source| PlotError::Draw {
        path: path.to_owned(),
        source,
    })?;
    write_atomic(path, |file| file.write_all(svg.as_bytes())).map_err(|source| PlotError::Write {
        path: path.to_owned(),
        source,
    })
}

fn render(
    (width, height): (i32, i32),
    title: &str,
    draw: impl FnOnce(&Area<'_>) -> Drawn,
) -> Drawn<String> {
    let mut svg = String::new();
    {
        let size = (width as u32, height as u32);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let title = shorten(title, TITLE_SIZE, width - 2 * MARGIN);
        let place = (width / 2, TOP / 2);
        text(&area, &title, place, TITLE_SIZE, &BLACK, Align::Center)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}
