//! Tables of features.

use std::fmt::Write;

use tal_data::FeatureArray;

/// A line per feature, in digits that give the same values when read; a header names the channels `0`, `1`, ….
pub(super) fn encode(header: bool, array: &FeatureArray) -> Vec<u8> {
    let mut text = String::new();
    let num_channels = array.num_channels();
    let mut cell = |value: &dyn std::fmt::Display, channel: usize| {
        let end = if channel + 1 < num_channels {
            ','
        } else {
            '\n'
        };
        // Writing to a text cannot fail.
        let _ = write!(text, "{value}{end}");
    };
    if header {
        (0..num_channels).for_each(|c| cell(&c, c));
    }
    for (index, value) in array.to_time_first().iter().enumerate() {
        cell(value, index % num_channels);
    }
    text.into_bytes()
}
