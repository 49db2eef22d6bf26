//! Signals of sensors, small enough for a strip.

/// Columns of a strip.
const NUM_COLUMNS: usize = 480;

/// Signal of a recording: the least and the greatest value in each of a few hundred stretches of time.
#[derive(Debug, Clone, PartialEq)]
pub struct Signal {
    /// Start of the first stretch, in seconds.
    pub start: f64,
    /// End of the last stretch, in seconds.
    pub end: f64,
    /// The channels.
    pub channels: Vec<Channel>,
}

/// One channel of a signal.
#[derive(Debug, Clone, PartialEq)]
pub struct Channel {
    /// Name of the channel.
    pub name: String,
    /// Least value of each stretch.
    pub low: Vec<f32>,
    /// Greatest value of each stretch.
    pub high: Vec<f32>,
}

impl Channel {
    /// The extremes of at most 480 stretches of `values`, which are of equal length up to one value.
    ///
    /// Values that are not finite are left out; a stretch without any has NaN.
    pub fn new(name: String, values: &[f32]) -> Self {
        let num = values.len().min(NUM_COLUMNS);
        let stretch = |column: usize| {
            let at = |column: usize| column * values.len() / num;
            values[at(column)..at(column + 1)]
                .iter()
                .filter(|v| v.is_finite())
        };
        let extremes = |join: fn(f32, f32) -> f32| {
            let columns = (0..num).map(stretch);
            columns
                .map(|values| values.copied().fold(f32::NAN, join))
                .collect()
        };
        Self {
            name,
            low: extremes(f32::min),
            high: extremes(f32::max),
        }
    }
}
