//! Division of the channels among the files.

use tal_core::config::{DatasetConfig, FeatureFormat};

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

/// The source that a section of the configuration describes; all such sections have the same fields.
macro_rules! source {
    ($section:expr) => {
        Source {
            place: (&$section.dir, &$section.prefix, &$section.suffix),
            format: &$section.format,
            columns: $section.columns,
        }
    };
}

/// The files of a recording of `num_channels` channels. Sources without `columns` share the remaining channels evenly.
/// Columns beside those that are used show the same channels once more.
///
/// # Errors
/// If `columns` take another number of channels than there are.
pub(super) fn parts(config: &DatasetConfig, num_channels: usize) -> Result<Vec<Part>, SynthError> {
    let features = &config.features;
    let mut sources: Vec<Source<'_>> = vec![source!(features)];
    sources.extend(features.append.iter().map(|more| source!(more)));
    let columns = sources.iter().filter_map(|source| source.columns);
    let chosen: usize = columns.map(|[from, to]| to - from).sum();
    let open = sources.iter().filter(|s| s.columns.is_none()).count();
    let left = num_channels.checked_sub(chosen);
    let Some(left) = left.filter(|left| if open == 0 { *left == 0 } else { *left >= open }) else {
        return Err(SynthError::Config {
            field: "dataset.input_dim",
            value: num_channels.to_string(),
            expected: match (open, chosen + open) {
                (0, _) => format!("{chosen}, the columns of all feature files"),
                (_, least) => format!("at least {least}, a channel for every feature file"),
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
