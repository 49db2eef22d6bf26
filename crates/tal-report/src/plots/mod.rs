//! Plots as SVG files, one function per kind. A browser shows them. Every function fails if its file cannot be written.
//!
//! Values are fractions in [0, 1] and are drawn in percent, unless a function says otherwise. Values that are not finite are
//! left out; a plot without values is an empty frame. Colour-blind readers can tell the colours apart, and series also differ
//! in markers and dashes.

mod ap_per_class;
mod area;
mod axes;
mod canvas;
mod counts;
mod curve_grid;
mod false_positive_profile;
mod histogram;
mod legend;
mod line;
mod map_over_thresholds;
mod palette;
mod precision_recall;
mod recall_curve;
mod rows;
mod seeds;
mod sensitivity;
mod text;

pub use ap_per_class::ap_per_class;
pub use counts::counts;
pub use curve_grid::{CurvePanel, curve_grid};
pub use false_positive_profile::false_positive_profile;
pub use histogram::histogram;
pub use map_over_thresholds::{TiouPoint, TiouSeries, map_over_thresholds};
pub use precision_recall::{PrecisionRecallSeries, precision_recall};
pub use recall_curve::recall_curve;
pub use seeds::{SeedRow, seeds};
pub use sensitivity::{SensitivityBucket, SensitivityPanel, sensitivity};

#[cfg(test)]
mod tests;
