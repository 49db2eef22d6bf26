//! The surface that plots are drawn on.

use std::error::Error;

use plotters::coord::Shift;
use plotters::prelude::*;

pub(super) type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;

/// The outcome of a drawing step; `write_svg` adds the path of the file to the error.
pub(super) type Drawn<T = ()> = Result<T, Box<dyn Error + Send + Sync>>;

/// The largest width and height of a picture, in pixels; browsers show little more.
pub(super) const MAX_SIZE: i32 = 200_000;

/// A number of rows or columns for the arithmetic of pixels, at most 10,000. With more, a picture exceeds [`MAX_SIZE`] and is
/// refused, because a row has at least 20 pixels.
pub(super) fn bounded(count: usize) -> i32 {
    count.min(10_000) as i32
}
