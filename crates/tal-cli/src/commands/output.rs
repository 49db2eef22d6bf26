//! Files and folders for results: checked before the work, written after it.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow};
use tal_core::GroundTruth;
use tal_core::atomic::write_atomic;

use crate::failure::{UsageError, bail_usage};

/// Extensions of files of detections.
pub(crate) const DETECTIONS: [&str; 4] = ["json", "jsonl", "csv", "tsv"];

/// Finds out before a long computation whether its result could not be written. `extensions` are those allowed; any if it is
/// empty.
pub(crate) fn check(option: &str, file: &Path, extensions: &[&str]) -> Result<(), UsageError> {
    let refuse = |reason: String| Err(UsageError(format!("{option} {}: {reason}", file.display())));
    let found = file.extension().unwrap_or_default().to_string_lossy();
    let found = found.to_ascii_lowercase();
    if !extensions.is_empty() && !extensions.contains(&found.as_str()) {
        let extensions = extensions.join(" or .");
        return refuse(format!("the name must end in .{extensions}"));
    }
    if file.is_dir() {
        return refuse("is a folder; give the name of a file".to_owned());
    }
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() && !folder.is_dir() => {
            refuse(format!("there is no folder {}", folder.display()))
        }
        _ => Ok(()),
    }
}

/// Checks that the annotations have the wanted subsets, in upper or lower case.
pub(crate) fn check_subsets(truth: &GroundTruth, wanted: &[String]) -> Result<(), UsageError> {
    let present = truth.subset_names();
    let is_missing = |name: &&String| {
        let mut others = present.iter();
        !others.any(|other| other.to_lowercase() == name.to_lowercase())
    };
    if let Some(name) = wanted.iter().find(is_missing) {
        let present = present.join(", ");
        bail_usage!("--subset {name}: the annotations have {present}");
    }
    Ok(())
}

/// Checks that a result does not exist yet, or may be replaced.
pub(crate) fn check_new(option: &str, file: &Path, force: bool) -> Result<(), UsageError> {
    if file.exists() && !force {
        bail_usage!(
            "{option} {}: the file exists; choose another name, or add --force to replace it",
            file.display()
        );
    }
    Ok(())
}

/// Checks that a folder for results is new or empty.
pub(crate) fn check_folder(option: &str, folder: &Path) -> Result<(), UsageError> {
    let reason = match std::fs::read_dir(folder).map(|mut entries| entries.next().is_none()) {
        Ok(true) => return Ok(()),
        Ok(false) => "is not empty; choose another folder, nothing is overwritten",
        Err(_) if !folder.exists() => return Ok(()),
        Err(_) => "is not a folder",
    };
    bail_usage!("{option} {}: {reason}", folder.display())
}

/// Checks that plots go into a folder, new or not.
pub(crate) fn check_plots(folder: Option<&Path>) -> Result<(), UsageError> {
    if let Some(file) = folder.filter(|folder| folder.exists() && !folder.is_dir()) {
        bail_usage!("--plots {}: is a file; give a folder", file.display());
    }
    Ok(())
}

/// Creates a folder with its parents.
pub(crate) fn create_folder(folder: &Path) -> Result<()> {
    std::fs::create_dir_all(folder)
        .map_err(|error| anyhow!("cannot create the folder {}: {error}", folder.display()))
}

/// The folder for runs: `out`, or `runs/NAME` for the file NAME.yaml.
pub(crate) fn run_folder(out: Option<&Path>, file: &Path) -> PathBuf {
    let name = file.file_stem().unwrap_or(file.as_os_str());
    out.map_or_else(|| Path::new("runs").join(name), Path::to_owned)
}

/// Writes figures as JSON.
pub(crate) fn write_json(file: &Path, figures: &impl serde::Serialize) -> Result<()> {
    write_text(file, &(serde_json::to_string_pretty(figures)? + "\n"))
}

/// Writes a file in one piece.
pub(crate) fn write_text(file: &Path, text: &str) -> Result<()> {
    write_atomic(file, |out| out.write_all(text.as_bytes()))
        .map_err(|error| anyhow!("cannot write {}: {error}", file.display()))
}
