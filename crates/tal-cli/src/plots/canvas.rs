//! The surface that plots are drawn on, and the file it becomes.

use std::path::Path;

use anyhow::{Result, anyhow};
use plotters::coord::Shift;
use plotters::prelude::*;
use tal_core::atomic::write_atomic;

use super::text::{Align, TITLE_SIZE, text};

/// Room above the plots, for the title.
pub(super) const TOP: i32 = 52;
/// Room between the plots and the edges of the picture.
pub(super) const MARGIN: i32 = 24;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// Draws a picture of `size` pixels (width, height) and writes it to `path` in one piece.
///
/// # Errors
/// What drawing or the file system reports, with the path.
pub(super) fn write_svg(
    path: &Path,
    size: (i32, i32),
    title: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<()> {
    let svg = render(size, title, draw)
        .map_err(|error| anyhow!("cannot draw {}: {error}", path.display()))?;
    write_atomic(path, |file| file.write_all(svg.as_bytes()))
        .map_err(|error| anyhow!("cannot write {}: {error}", path.display()))
}

fn render(
    (width, height): (i32, i32),
    title: &str,
    draw: impl FnOnce(&Area<'_>) -> Result<()>,
) -> Result<String> {
    let mut svg = String::new();
    {
        let size = (u32::try_from(width)?, u32::try_from(height)?);
        let area = SVGBackend::with_string(&mut svg, size).into_drawing_area();
        area.fill(&WHITE)?;
        let title = super::text::shorten(title, TITLE_SIZE, width - 2 * MARGIN);
        let place = (width / 2, TOP / 2);
        text(&area, &title, place, TITLE_SIZE, &BLACK, Align::Centre)?;
        draw(&area)?;
        area.present()?;
    }
    Ok(svg)
}
