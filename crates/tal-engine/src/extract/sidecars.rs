//! Descriptions of extracted features, compared with a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tal_core::config::{DatasetConfig, FeaturesConfig};
use tal_data::features::SUBSET;
use tal_video::Sidecar;

use super::ExtractError;

/// The outcome of [`compare_sidecars`].
#[derive(Debug, Default, PartialEq, Eq)]
pub struct SidecarComparison {
    /// Number of descriptions.
    pub num_sidecars: usize,
    /// Differences, one sentence each.
    pub differences: Vec<String>,
}

/// Compares the descriptions in the folder of a data set's features with its configuration, and with each other: features
/// of several recipes, weights or decoders do not mix.
///
/// Channels are those that `features.columns` leaves. With appended files they are compared only if those have columns, too;
/// nothing else tells how many channels they add.
///
/// # Errors
/// If the folder or a description cannot be read.
pub fn compare_sidecars(dataset: &DatasetConfig) -> Result<SidecarComparison, ExtractError> {
    let sidecars = read_sidecars(dataset)?;
    let mut differences = Vec::new();
    if sidecars.is_empty() {
        differences.push(format!(
            "{}: no features here have a description",
            dataset.features.dir.display()
        ));
    }
    mixture(&sidecars, "recipe", &mut differences, |found| {
        format!("{} {}", found.recipe.name, short(&found.recipe.sha256))
    });
    mixture(&sidecars, "weights", &mut differences, |found| {
        found.weights.as_ref().map_or_else(String::new, |weights| {
            format!("{} {}", weights.name, short(&weights.sha256))
        })
    });
    mixture(
        &sidecars,
        "version of the decoder",
        &mut differences,
        |found| {
            let decoder = &found.report.decoder;
            format!(
                "{} {}",
                decoder.name,
                decoder.version.as_deref().unwrap_or_default()
            )
        },
    );
    let mut compare = |key: &str, configured: Option<f64>, described: &dyn Fn(&Sidecar) -> f64| {
        // Without a value, nothing is claimed.
        let Some(configured) = configured else { return };
        let is_wrong = |found: &Sidecar| !same(described(found), configured);
        if let Some((name, found, more)) = first_of(&sidecars, is_wrong) {
            differences.push(format!(
                "{key} is {configured}, but the features of {name} have {}{more}",
                described(found)
            ));
        }
    };
    compare("dataset.fps", dataset.fps.map(f64::from), &|found| {
        found.features.fps
    });
    let stride = dataset.feat_stride.map(f64::from);
    compare("dataset.feat_stride", stride, &|found| {
        found.features.feat_stride
    });
    // Without a stride, the window is not used.
    let window = stride.map(|_| dataset.num_frames.into());
    compare("dataset.num_frames", window, &|found| {
        2.0 * found.features.offset_frames
    });
    let columns = dataset.features.columns;
    let missing = |found: &Sidecar| columns.is_some_and(|[_, to]| to > found.features.channels);
    if let (Some((name, found, more)), Some([from, to])) = (first_of(&sidecars, missing), columns) {
        differences.push(format!(
            "dataset.features.columns is [{from}, {to}], but the features of {name} have {} channels{more}",
            found.features.channels
        ));
    } else if let Some(appended) = appended_channels(&dataset.features) {
        compare(
            "dataset.input_dim",
            Some(dataset.input_dim as f64),
            &|found| (used_channels(columns, found) + appended) as f64,
        );
    }
    if let Some(extract) = &dataset.extract {
        let mut compare = |key: &str,
                           configured: &Option<String>,
                           described: &dyn Fn(&Sidecar) -> String| {
            let Some(configured) = configured else { return };
            let is_other = |found: &Sidecar| described(found) != *configured;
            if let Some((name, found, more)) = first_of(&sidecars, is_other) {
                differences.push(format!(
                    "dataset.extract.{key} is {configured}, but the features of {name} have {}{more}",
                    described(found)
                ));
            }
        };
        compare("recipe_sha256", &extract.recipe_sha256, &|found| {
            found.recipe.sha256.clone()
        });
        compare("weights_sha256", &extract.weights_sha256, &|found| {
            let weights = found.weights.as_ref();
            weights.map_or_else(|| "no weights".to_owned(), |weights| weights.sha256.clone())
        });
    }
    Ok(SidecarComparison {
        num_sidecars: sidecars.len(),
        differences,
    })
}

/// The first description for which `is_wrong`, its name, and words about the others.
fn first_of(
    sidecars: &BTreeMap<String, Sidecar>,
    is_wrong: impl Fn(&Sidecar) -> bool,
) -> Option<(&str, &Sidecar, String)> {
    let mut wrong = sidecars.iter().filter(|(_, found)| is_wrong(found));
    let (name, found) = wrong.next()?;
    let more = match wrong.count() {
        0 => String::new(),
        count => format!(", and those of {count} others differ, too"),
    };
    Some((name.as_str(), found, more))
}

/// Channels of described features that `columns` leaves.
pub(super) fn used_channels(columns: Option<[usize; 2]>, found: &Sidecar) -> usize {
    columns.map_or(found.features.channels, |[from, to]| to - from)
}

/// Channels that appended files add, if the configuration tells.
pub(super) fn appended_channels(features: &FeaturesConfig) -> Option<usize> {
    let columns = features.append.iter().map(|more| more.columns);
    columns.map(|range| range.map(|[from, to]| to - from)).sum()
}

/// All descriptions below the folder of a data set's features by the names of the feature files, with the folders between and
/// without extension. `{subset}` in its name stands for each subset of the data set.
pub(super) fn read_sidecars(
    dataset: &DatasetConfig,
) -> Result<BTreeMap<String, Sidecar>, ExtractError> {
    let mut sidecars = BTreeMap::new();
    for folder in folders(dataset) {
        let mut paths = Vec::new();
        collect(&folder, &mut paths).map_err(|error| ExtractError::Input {
            path: folder.clone(),
            reason: format!("cannot be read: {error}"),
        })?;
        for path in paths {
            let name = path.strip_prefix(&folder).unwrap_or(&path);
            let name = name.with_extension("").display().to_string();
            sidecars.insert(name, Sidecar::read(&path)?);
        }
    }
    Ok(sidecars)
}

fn folders(dataset: &DatasetConfig) -> BTreeSet<PathBuf> {
    let dir = &dataset.features.dir;
    let subsets = dataset.train_subsets.iter().chain(&dataset.test_subsets);
    match dir.to_str().filter(|dir| dir.contains(SUBSET)) {
        Some(dir) => subsets
            .map(|subset| dir.replace(SUBSET, &subset.to_lowercase()).into())
            .collect(),
        None => BTreeSet::from([dir.clone()]),
    }
}

/// Says if a value is not the same in all descriptions.
fn mixture(
    sidecars: &BTreeMap<String, Sidecar>,
    what: &str,
    differences: &mut Vec<String>,
    value: impl Fn(&Sidecar) -> String,
) {
    let values: BTreeSet<String> = sidecars.values().map(value).collect();
    if values.len() > 1 {
        let listed: Vec<_> = values.into_iter().take(5).collect();
        differences.push(format!(
            "the features are a mixture: {what} {}",
            listed.join("; ")
        ));
    }
}

fn short(digest: &str) -> &str {
    digest.get(..12).unwrap_or(digest)
}

pub(super) fn same(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-6 * a.abs().max(b.abs())
}

/// Adds all descriptions below a folder; those of failures and other JSON files are not among them.
fn collect(folder: &Path, paths: &mut Vec<PathBuf>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            collect(&path, paths)?;
        } else if path.extension().is_some_and(|end| end == "json")
            && path.with_extension("npy").exists()
        {
            paths.push(path);
        }
    }
    Ok(())
}
