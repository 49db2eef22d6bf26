//! Descriptions of extracted features, compared with a configuration.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use tal_core::config::DatasetConfig;
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
/// # Errors
/// If the folder or a description cannot be read.
pub fn compare_sidecars(dataset: &DatasetConfig) -> Result<SidecarComparison, ExtractError> {
    let folder = &dataset.features.dir;
    let sidecars = read_sidecars(folder)?;
    let mut differences = Vec::new();
    if sidecars.is_empty() {
        differences.push(format!(
            "{}: no features here have a description",
            folder.display()
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
    type Described = fn(&Sidecar) -> f64;
    let keys: [(&str, Option<f64>, Described); 4] = [
        ("dataset.fps", dataset.fps.map(f64::from), |found| {
            found.features.fps
        }),
        (
            "dataset.feat_stride",
            dataset.feat_stride.map(f64::from),
            |found| found.features.feat_stride,
        ),
        (
            "dataset.num_frames",
            Some(dataset.num_frames.into()),
            |found| 2.0 * found.features.offset_frames,
        ),
        (
            "dataset.input_dim",
            Some(dataset.input_dim as f64),
            |found| found.features.channels as f64,
        ),
    ];
    for (key, configured, described) in keys {
        // Without a value, the annotation file tells.
        let Some(configured) = configured else {
            continue;
        };
        let wrong: Vec<_> = sidecars
            .iter()
            .filter(|(_, found)| !same(described(found), configured))
            .collect();
        if let Some((name, found)) = wrong.first() {
            differences.push(format!(
                "{key} is {configured}, but the features of {name} have {}{}",
                described(found),
                others(wrong.len())
            ));
        }
    }
    Ok(SidecarComparison {
        num_sidecars: sidecars.len(),
        differences,
    })
}

/// All descriptions below a folder by the names of their feature files, with the folders between and without extension.
pub(super) fn read_sidecars(folder: &Path) -> Result<BTreeMap<String, Sidecar>, ExtractError> {
    let mut paths = Vec::new();
    collect(folder, &mut paths).map_err(|error| ExtractError::Input {
        path: folder.to_owned(),
        reason: format!("cannot be read: {error}"),
    })?;
    let mut sidecars = BTreeMap::new();
    for path in paths {
        let name = path
            .strip_prefix(folder)
            .unwrap_or(&path)
            .with_extension("");
        sidecars.insert(name.display().to_string(), Sidecar::read(&path)?);
    }
    Ok(sidecars)
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

fn others(count: usize) -> String {
    match count {
        0 | 1 => String::new(),
        _ => format!(", and those of {} others differ, too", count - 1),
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
