//! Features of a recording.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use serde::Serialize;
use tal_core::{FileError, grouped, shape_text};
use tal_data::features::npy::Array;
use tal_data::features::{csv, npy, npz};
use tal_data::{FeatureError, hdf5};

use crate::error::InspectError;
use crate::file_kind::{FileKind, zip_names};
use crate::section::{Section, facts};
use crate::statistics::{ValueStatistics, histogram};

/// Names of arrays that are kept.
const MAX_NAMES: usize = 50;
/// Points of the course over time.
const NUM_POINTS: usize = 60;
/// Usual numbers of channels: an axis of this size is that of the channels if the other one is not.
const USUAL_CHANNELS: [usize; 14] = [
    256, 384, 400, 512, 768, 1024, 1280, 1408, 1536, 2048, 2304, 2816, 3072, 4096,
];

/// Features of a recording, or another array of numbers.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FeatureFacts {
    /// Format of the file.
    pub format: &'static str,
    /// Name of the array in the file; `None` if the file is one array.
    pub array: Option<String>,
    /// Number of arrays in the file.
    pub num_arrays: usize,
    /// Names of the first arrays.
    pub names: Vec<String>,
    /// Type of the values in the file; `None` if it is not known.
    pub value_type: Option<String>,
    /// Dimensions.
    pub shape: Vec<usize>,
    /// Axis that is likely to be time; `None` if the array has not two axes that are longer than 1.
    pub time_axis: Option<usize>,
    /// Figures about the values.
    pub values: ValueStatistics,
    /// Root mean square over the channels, over time in equal parts; empty without a time axis.
    pub course: Vec<f64>,
    /// Numbers of values in equal parts of their range.
    pub histogram: Vec<f64>,
}

/// The array of a file and its place there.
pub(crate) struct Found {
    pub(crate) format: &'static str,
    pub(crate) array: Option<String>,
    pub(crate) names: Vec<String>,
    pub(crate) value_type: Option<String>,
    pub(crate) values: Array,
}

pub(crate) fn read(
    path: &Path,
    kind: FileKind,
    key: Option<&str>,
) -> Result<FeatureFacts, InspectError> {
    let only = |format, value_type, values| Found {
        format,
        array: None,
        names: Vec::new(),
        value_type,
        values,
    };
    Ok(FeatureFacts::of(match kind {
        FileKind::Npy => only("npy", npy_type(path)?, npy::read(path)?),
        FileKind::NumberTable { header } => {
            only("csv", Some("text".to_owned()), csv::read(path, header)?)
        }
        FileKind::Npz => {
            let names = zip_names(path)?;
            let mut names: Vec<String> = names
                .iter()
                .filter_map(|name| Some(name.strip_suffix(".npy")?.to_owned()))
                .collect();
            names.sort();
            let array = chosen(key, &names);
            named("npz", &array, names, npz::read(path, &array)?)
        }
        _ => {
            let names = hdf5_names(path)?;
            let array = chosen(key, &names);
            named("hdf5", &array, names, hdf5::read(path, Some(&array))?)
        }
    }))
}

fn named(format: &'static str, array: &str, names: Vec<String>, values: Array) -> Found {
    Found {
        format,
        array: Some(array.to_owned()),
        names,
        value_type: None,
        values,
    }
}

/// The array that was asked for, or the first.
fn chosen(key: Option<&str>, names: &[String]) -> String {
    let first = || names.first().cloned().unwrap_or_default();
    key.map_or_else(first, str::to_owned)
}

fn hdf5_names(path: &Path) -> Result<Vec<String>, FeatureError> {
    hdf5::File::open(path)?.names(path)
}

/// The type in the header of an npy file, such as `<f4`.
fn npy_type(path: &Path) -> Result<Option<String>, FileError> {
    let io = FileError::at("read", path);
    let mut start = Vec::new();
    let file = File::open(path).map_err(&io)?;
    file.take(10_000).read_to_end(&mut start).map_err(&io)?;
    let text = String::from_utf8_lossy(&start);
    let (_, rest) = text.split_once("'descr':").unwrap_or_default();
    let name = rest.split('\'').nth(1);
    Ok(name.filter(|name| name.len() < 10).map(str::to_owned))
}

impl FeatureFacts {
    pub(crate) fn of(found: Found) -> Self {
        let Array { shape, data } = &found.values;
        let time_axis = time_axis(shape);
        let finite: Vec<f64> = data
            .iter()
            .filter(|value| value.is_finite())
            .map(|value| f64::from(*value))
            .collect();
        Self {
            format: found.format,
            array: found.array,
            num_arrays: found.names.len().max(1),
            names: found.names.into_iter().take(MAX_NAMES).collect(),
            value_type: found.value_type,
            time_axis,
            values: ValueStatistics::of(data),
            course: time_axis.map_or(Vec::new(), |axis| course(shape, data, axis)),
            histogram: histogram(&finite, NUM_POINTS),
            shape: shape.clone(),
        }
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let values = &self.values;
        let wrong = match (values.num_nan, values.num_infinite) {
            (0, 0) => "none".to_owned(),
            (nan, infinite) => format!("{} NaN, {} infinite", grouped(nan), grouped(infinite)),
        };
        let axes = self.time_axis.map(|axis| {
            format!(
                "axis {axis} is likely to be time: {} features of {} channels",
                grouped(self.shape[axis]),
                grouped(self.shape.iter().product::<usize>() / self.shape[axis].max(1))
            )
        });
        let others = (self.num_arrays > 1).then(|| {
            let names = tal_core::plain_list(&self.names);
            format!(
                "{}: {names}; --key NAME shows another one",
                grouped(self.num_arrays)
            )
        });
        let total = self.shape.iter().product::<usize>().max(1);
        let mut sections = vec![facts([
            ("format", Some(self.format.to_owned())),
            ("array", self.array.clone()),
            ("arrays", others),
            ("type", self.value_type.clone()),
            ("shape", Some(shape_text(&self.shape))),
            ("axes", axes),
            ("range", Some(format!("{} to {}", values.min, values.max))),
            (
                "mean, std",
                Some(format!("{:.4}, {:.4}", values.mean, values.std)),
            ),
            (
                "zeros",
                Some(format!(
                    "{:.1} %",
                    100.0 * values.num_zero as f64 / total as f64
                )),
            ),
            ("NaN, infinite", Some(wrong)),
        ])];
        if !self.course.is_empty() {
            sections.push(Section::Plot {
                title: "Root mean square over time".to_owned(),
                values: self.course.clone(),
            });
        }
        sections.push(Section::Plot {
            title: format!(
                "Number of values from {:.3} to {:.3}",
                values.min, values.max
            ),
            values: self.histogram.clone(),
        });
        sections
    }
}

/// The axis that is likely to be time: of two, the one that is not as long as channels usually are; else the first.
fn time_axis(shape: &[usize]) -> Option<usize> {
    let long: Vec<usize> = (0..shape.len()).filter(|axis| shape[*axis] > 1).collect();
    match (long.as_slice(), shape.len()) {
        (&[first, second], _) => {
            let usual = |axis: usize| USUAL_CHANNELS.contains(&shape[axis]);
            Some(if usual(first) && !usual(second) {
                second
            } else {
                first
            })
        }
        (&[_], 1) => Some(0),
        (&[_], 2) => Some(0),
        _ => None,
    }
}

fn course(shape: &[usize], data: &[f32], axis: usize) -> Vec<f64> {
    let len = shape[axis];
    let inner: usize = shape[axis + 1..].iter().product();
    let num_points = len.min(NUM_POINTS);
    let mut sums = vec![(0.0, 0_usize); num_points];
    for (index, value) in data
        .iter()
        .enumerate()
        .filter(|(_, value)| value.is_finite())
    {
        let time = index / inner.max(1) % len.max(1);
        let (sum, count) = &mut sums[time * num_points / len];
        *sum += f64::from(*value).powi(2);
        *count += 1;
    }
    let mean = |(sum, count): (f64, usize)| (sum / count.max(1) as f64).sqrt();
    sums.into_iter().map(mean).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_is_the_axis_that_is_not_that_of_the_channels() {
        assert_eq!(time_axis(&[100, 2048]), Some(0));
        assert_eq!(time_axis(&[2048, 100]), Some(1));
        assert_eq!(time_axis(&[1, 512, 77]), Some(2));
        assert_eq!(time_axis(&[7, 3]), Some(0));
        assert_eq!(time_axis(&[2, 3, 4]), None);
        assert_eq!(time_axis(&[5]), Some(0));
    }

    #[test]
    fn the_course_follows_time_in_either_order() {
        let first = course(&[3, 2], &[1.0, 1.0, 2.0, 2.0, 3.0, 3.0], 0);
        let last = course(&[2, 3], &[1.0, 2.0, 3.0, 1.0, 2.0, 3.0], 1);
        assert_eq!(first, [1.0, 2.0, 3.0]);
        assert_eq!(last, first);
    }
}
