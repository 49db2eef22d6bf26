//! The films that a user names.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::ExtractError;

/// Extensions by which films are found in a folder; a file that is named itself may have any.
const EXTENSIONS: [&str; 18] = [
    "3gp", "asf", "avi", "flv", "gif", "m2ts", "m4v", "mkv", "mov", "mp4", "mpeg", "mpg", "mts",
    "mxf", "ogv", "ts", "webm", "wmv",
];

/// A film and the recording that its features belong to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Film {
    /// Id of the recording: the file's name without extension, below a given folder with the folders between.
    pub id: String,
    /// The file.
    pub path: PathBuf,
}

impl Film {
    /// A folder of images as one film, named after the folder.
    pub fn of_folder(folder: &Path) -> Self {
        let name = folder.file_name().unwrap_or_default().to_string_lossy();
        Self {
            id: name.into_owned(),
            path: folder.to_owned(),
        }
    }

    /// Whether a path looks like a film: a file with the extension of one.
    pub fn is_likely(path: &Path) -> bool {
        let extension = path
            .extension()
            .unwrap_or_default()
            .to_string_lossy()
            .to_lowercase();
        EXTENSIONS.contains(&extension.as_str())
    }
}

/// All films that the inputs name, in the order of their ids: files as they are, folders with all films below them.
///
/// # Errors
/// If an input does not exist, a folder holds no film, or two films have the same id.
pub fn find_films(inputs: &[PathBuf]) -> Result<Vec<Film>, ExtractError> {
    let mut found = BTreeMap::new();
    for input in inputs {
        for film in films_of(input)? {
            let path = film.path.clone();
            match found.insert(film.id.clone(), film) {
                Some(first) if first.path != path => {
                    return Err(ExtractError::SameName {
                        id: first.id,
                        first: first.path,
                        second: path,
                    });
                }
                _ => {}
            }
        }
    }
    Ok(found.into_values().collect())
}

fn films_of(input: &Path) -> Result<Vec<Film>, ExtractError> {
    let fault = |reason: String| ExtractError::Input {
        path: input.to_owned(),
        reason,
    };
    let metadata =
        fs::metadata(input).map_err(|error| fault(format!("cannot be read: {error}")))?;
    if !metadata.is_dir() {
        let stem = input.file_stem().unwrap_or_default().to_string_lossy();
        return Ok(vec![Film {
            id: stem.into_owned(),
            path: input.to_owned(),
        }]);
    }
    let mut films = Vec::new();
    collect(input, "", &mut films).map_err(|error| fault(format!("cannot be read: {error}")))?;
    match films.is_empty() {
        true => Err(fault(format!(
            "no film in this folder: none of its files ends in .{}",
            EXTENSIONS.join(", .")
        ))),
        false => Ok(films),
    }
}

/// Adds the films of a folder and of those in it; hidden ones are left out.
fn collect(folder: &Path, prefix: &str, films: &mut Vec<Film>) -> std::io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        let name = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        if name.starts_with('.') {
            continue;
        }
        if path.is_dir() {
            collect(&path, &format!("{prefix}{name}/"), films)?;
            continue;
        }
        if Film::is_likely(&path) {
            let stem = path.file_stem().unwrap_or_default().to_string_lossy();
            let id = format!("{prefix}{stem}");
            films.push(Film { id, path });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_keep_their_structure_and_equal_ids_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        for name in ["day1/a.mp4", "day2/a.MKV", "day2/notes.txt", "day2/.b.mp4"] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let ids = |inputs: &[PathBuf]| -> Result<Vec<String>, ExtractError> {
            Ok(find_films(inputs)?
                .into_iter()
                .map(|film| film.id)
                .collect())
        };
        assert_eq!(ids(&[folder.to_owned()]).unwrap(), ["day1/a", "day2/a"]);
        let (first, second) = (folder.join("day1/a.mp4"), folder.join("day2/a.MKV"));
        assert_eq!(ids(&[first.clone(), first.clone()]).unwrap(), ["a"]);
        let error = ids(&[first, second]).unwrap_err().to_string();
        assert!(error.contains("\"a\"") && error.contains("day1"), "{error}");
        let error = ids(&[folder.join("none.mp4")]).unwrap_err().to_string();
        assert!(error.contains("none.mp4"), "{error}");
        fs::create_dir(folder.join("empty")).unwrap();
        assert!(
            ids(&[folder.join("empty")])
                .unwrap_err()
                .to_string()
                .contains("no film")
        );
    }
}
