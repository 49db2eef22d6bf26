//! Division of the channels among the files.

use tal_core::config::{AppendedFeatures, DatasetConfig, FeatureFormat, FeaturesConfig};

use crate::SynthError;
use tal_data::FeatureArray;

/// A file of every recording and its columns.
pub(super) struct Part {
    /// Index among the sources of the configuration: `features`, then `features.append`.
    pub(super) source: usize,
    pub(super) format: FeatureFormat,
    /// The channel that each column shows.
    columns: Vec<usize>,
}

impl Part {
    /// Content of the file of a recording.
    pub(super) fn of(&self, features: &FeatureArray) -> FeatureArray {
        let mut data = Vec::with_capacity(self.columns.len() * features.len());
        for &channel in &self.columns {
            data.extend_from_slice(features.channel(channel));
        }
        FeatureArray::from_channel_first(data, self.columns.len(), features.len())
    }
}

/// A source as the configuration describes it.
#[derive(Clone, Copy)]
struct Source<'a> {
    place: (&'a std::path::Path, &'a str, &'a str),
    format: &'a FeatureFormat,
    columns: Option<[usize; 2]>,
}

impl<'a> From<&'a FeaturesConfig> for Source<'a> {
    fn from(features: &'a FeaturesConfig) -> Self {
        Self {
            place: (&features.dir, &features.prefix, &features.suffix),
            format: &features.format,
            columns: features.columns,
        }
    }
}

impl<'a> From<&'a AppendedFeatures> for Source<'a> {
    fn from(more: &'a AppendedFeatures) -> Self {
        Self {
            place: (&more.dir, &more.prefix, &more.suffix),
            format: &more.format,
            columns: more.columns,
        }
    }
}

/// The files of a recording of `num_channels` channels. Sources without `columns` share the remaining channels evenly.
/// Columns beside those that are used show the same channels once more.
///
/// # Errors
/// If `columns` take another number of channels than there are.
pub(super) fn parts(config: &DatasetConfig, num_channels: usize) -> Result<Vec<Part>, SynthError> {
    let features = &config.features;
    let sources: Vec<Source<'_>> = std::iter::once(Source::from(features))
        .chain(features.append.iter().map(Source::from))
        .collect();
    let chosen: usize = sources
        .iter()
        .filter_map(|source| source.columns)
        .map(|[from, to]| to - from)
        .sum();
    let open = sources.iter().filter(|s| s.columns.is_none()).count();
    let left = num_channels.checked_sub(chosen);
    let Some(left) = left.filter(|left| if open == 0 { *left == 0 } else { *left >= open }) else {
        return Err(SynthError::Config {
            field: "dataset.input_dim",
            value: num_channels.to_string(),
            expected: match open {
                0 => format!("{chosen}, the columns of all feature files"),
                _ => format!(
                    "at least {}, a channel for every feature file",
                    chosen + open
                ),
            },
        });
    };

    let mut parts: Vec<(Part, _)> = Vec::new();
    let mut channel = 0;
    let mut first_open = true;
    for (index, source) in sources.iter().enumerate() {
        let [from, to] = source.columns.unwrap_or_else(|| {
            // The first takes the rest.
            let extra = if first_open { left % open } else { 0 };
            first_open = false;
            [0, left / open + extra]
        });
        let width = match source.columns {
            // Such as the RGB half of a file that has optical flow behind.
            Some([0, to]) => 2 * to,
            _ => to,
        };
        let column =
            |column: usize| channel + (column + (to - from) - from % (to - from)) % (to - from);
        let same = parts.iter_mut().find(|(_, place)| *place == source.place);
        if let Some((part, _)) = same {
            for c in part.columns.len()..width {
                part.columns.push(column(c));
            }
            for c in from..to {
                part.columns[c] = column(c);
            }
        } else {
            let part = Part {
                source: index,
                format: source.format.clone(),
                columns: (0..width).map(column).collect(),
            };
            parts.push((part, source.place));
        }
        channel += to - from;
    }
    Ok(parts.into_iter().map(|(part, _)| part).collect())
}
