//! Runs below a folder.

use std::fs;
use std::path::{Path, PathBuf};

use tal_core::FileError;

use super::record::RunRecord;
use crate::RunsError;

/// Levels of folders that are searched.
const DEEPEST: usize = 8;

/// The runs in a folder and those below it, by name; the folder may be a run itself. A run that cannot be read is an error.
///
/// # Errors
/// If the folder cannot be listed, or a run cannot be read.
pub fn find_runs(folder: &Path) -> Result<Vec<RunRecord>, RunsError> {
    if RunRecord::is_run(folder) {
        let name = folder.file_name().unwrap_or(folder.as_os_str());
        let name = name.to_string_lossy().into_owned();
        return Ok(vec![RunRecord::read(folder, name)?]);
    }
    let mut runs = Vec::new();
    let mut open: Vec<(PathBuf, String, usize)> = vec![(folder.to_owned(), String::new(), 0)];
    while let Some((path, name, depth)) = open.pop() {
        if depth > 0 && RunRecord::is_run(&path) {
            runs.push(RunRecord::read(&path, name)?);
            continue;
        }
        let entries = match fs::read_dir(&path) {
            Err(_) if depth > 0 => continue,
            entries => entries.map_err(FileError::at("list", &path))?,
        };
        for entry in entries.flatten() {
            // Links could lead in circles.
            let is_folder = entry.file_type().is_ok_and(|kind| kind.is_dir());
            let own = entry.file_name().to_string_lossy().into_owned();
            if is_folder && depth < DEEPEST && !own.starts_with('.') {
                let name = match name.as_str() {
                    "" => own,
                    _ => format!("{name}/{own}"),
                };
                open.push((entry.path(), name, depth + 1));
            }
        }
    }
    runs.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(runs)
}
