//! Reading the text files.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment};

use tal_data::text::{self, TextFileError};

use super::{NUM_CHANNELS, RawSignal, SAMPLE_RATE, SbharCorpus, SbharError};

/// Columns of one sensor.
const NUM_AXES: usize = NUM_CHANNELS / 2;

/// A line of `labels.txt`, with its number.
struct Label {
    line: usize,
    experiment: u32,
    user: u32,
    activity: u32,
    /// First and last sample, from 1.
    first: usize,
    last: usize,
}

pub(super) fn corpus(folder: &Path, test_users: &[u32]) -> Result<SbharCorpus, SbharError> {
    let signals = signals(folder)?;
    let classes = classes(folder)?;
    let labels_path = folder.join("labels.txt");
    let labels = labels(&labels_path)?;

    let mut recordings: Vec<Recording> = signals
        .iter()
        .map(|signal| Recording {
            id: signal.id.clone(),
            subset: if test_users.contains(&signal.user) {
                "test".into()
            } else {
                "training".into()
            },
            duration: Some(signal.num_samples() as f64 / SAMPLE_RATE),
            fps: Some(SAMPLE_RATE),
            instances: Vec::new(),
        })
        .collect();
    let places: HashMap<(u32, u32), usize> = signals
        .iter()
        .enumerate()
        .map(|(index, signal)| ((signal.experiment, signal.user), index))
        .collect();
    let mut without_signal = 0;
    for label in &labels {
        let Some(place) = places.get(&(label.experiment, label.user)) else {
            without_signal += 1;
            continue;
        };
        let num_samples = signals[*place].num_samples();
        let instance = instance(label, num_samples, &classes, &labels_path)?;
        recordings[*place].instances.push(instance);
    }
    if without_signal > 0 {
        tracing::warn!(
            path = %labels_path.display(),
            "{without_signal} labels belong to experiments without signals and are left out"
        );
    }
    Ok(SbharCorpus {
        signals,
        truth: GroundTruth {
            classes,
            recordings,
        },
    })
}

fn instance(
    label: &Label,
    num_samples: usize,
    classes: &ClassMap,
    path: &Path,
) -> Result<Instance, SbharError> {
    let wrong = |expected: String| {
        let Label {
            line,
            experiment,
            user,
            activity,
            first,
            last,
        } = label;
        let found = format!("{experiment} {user} {activity} {first} {last}");
        TextFileError::line(path, *line, &found, expected)
    };
    let id = label
        .activity
        .checked_sub(1)
        .filter(|id| classes.name(*id).is_some())
        .ok_or_else(|| wrong(format!("an activity of 1 to {}", classes.id_bound())))?;
    if label.first < 1 || label.last < label.first || label.last > num_samples {
        let expected = format!("1 <= first <= last <= {num_samples}, the number of samples");
        return Err(wrong(expected).into());
    }
    Ok(Instance {
        segment: Segment::new(
            (label.first - 1) as f64 / SAMPLE_RATE,
            label.last as f64 / SAMPLE_RATE,
        ),
        label: id,
    })
}

fn signals(folder: &Path) -> Result<Vec<RawSignal>, SbharError> {
    let unreadable = |source| TextFileError::Read {
        path: folder.to_owned(),
        source,
    };
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder).map_err(unreadable)? {
        let name = entry.map_err(unreadable)?.file_name();
        if let Some(numbers) = name.to_str().and_then(experiment_and_user) {
            found.push(numbers);
        }
    }
    if found.is_empty() {
        return Err(SbharError::NoSignals {
            path: folder.to_owned(),
        });
    }
    found.sort_unstable();
    found
        .into_iter()
        .map(|(experiment, user)| signal(folder, experiment, user))
        .collect()
}

/// The numbers of `acc_expXX_userYY.txt`.
fn experiment_and_user(name: &str) -> Option<(u32, u32)> {
    let (experiment, user) = name
        .strip_prefix("acc_exp")?
        .strip_suffix(".txt")?
        .split_once("_user")?;
    Some((experiment.parse().ok()?, user.parse().ok()?))
}

fn signal(folder: &Path, experiment: u32, user: u32) -> Result<RawSignal, SbharError> {
    let id = format!("exp{experiment:02}_user{user:02}");
    let file = |sensor: &str| folder.join(format!("{sensor}_{id}.txt"));
    let accelerometer = sensor(&file("acc"))?;
    let gyroscope = sensor(&file("gyro"))?;
    if accelerometer.len() != gyroscope.len() {
        return Err(SbharError::Lengths {
            path: file("gyro"),
            accelerometer: accelerometer.len(),
            gyroscope: gyroscope.len(),
        });
    }
    let data = accelerometer
        .iter()
        .zip(&gyroscope)
        .flat_map(|(a, g)| a.iter().chain(g).copied())
        .collect();
    Ok(RawSignal {
        id,
        experiment,
        user,
        data,
    })
}

fn sensor(path: &Path) -> Result<Vec<[f32; NUM_AXES]>, SbharError> {
    lines(path, "three finite numbers", |fields| {
        numbers::<f32, NUM_AXES>(fields).filter(|axes| axes.iter().all(|value| value.is_finite()))
    })
    .map(|lines| lines.into_iter().map(|(_, axes)| axes).collect())
}

fn labels(path: &Path) -> Result<Vec<Label>, SbharError> {
    let expected = "five whole numbers: experiment, user, activity, first and last sample";
    let rows = lines(path, expected, numbers::<u32, 5>)?;
    Ok(rows
        .into_iter()
        .map(|(line, [experiment, user, activity, first, last])| Label {
            line,
            experiment,
            user,
            activity,
            first: first as usize,
            last: last as usize,
        })
        .collect())
}

fn classes(folder: &Path) -> Result<ClassMap, SbharError> {
    const NAME: &str = "activity_labels.txt";
    let path: PathBuf = folder
        .parent()
        .map(|parent| parent.join(NAME))
        .filter(|above| !folder.join(NAME).exists() && above.exists())
        .unwrap_or_else(|| folder.join(NAME));
    let rows = lines(
        &path,
        "the activity's number (from 1) and its name",
        |fields| {
            let [number, name] = fields else { return None };
            let id = number.parse::<u32>().ok()?.checked_sub(1)?;
            Some((id, name.to_lowercase()))
        },
    )?;
    let mut classes = ClassMap::default();
    for (_, (id, name)) in rows {
        classes
            .insert(id, name)
            .map_err(|source| SbharError::Classes {
                path: path.clone(),
                source,
            })?;
    }
    Ok(classes)
}

/// The lines of a file that are not blank, with their numbers.
fn lines<T>(
    path: &Path,
    expected: &str,
    parse: impl Fn(&[&str]) -> Option<T>,
) -> Result<Vec<(usize, T)>, SbharError> {
    let bytes = text::read(path)?;
    let mut rows = Vec::new();
    for line in text::lines(&bytes, path) {
        let (number, line) = line?;
        let fields: Vec<&str> = line.split_whitespace().collect();
        if fields.is_empty() {
            continue;
        }
        let row = parse(&fields)
            .ok_or_else(|| TextFileError::line(path, number, line.trim(), expected))?;
        rows.push((number, row));
    }
    Ok(rows)
}

fn numbers<T: FromStr, const N: usize>(fields: &[&str]) -> Option<[T; N]> {
    let values: Vec<T> = fields
        .iter()
        .map(|field| field.parse().ok())
        .collect::<Option<_>>()?;
    values.try_into().ok()
}
