//! Files that get a new content together, and copies of the old one.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use tal_core::atomic::{AtomicFile, write_atomic};

use super::ExtractError;

/// Replaces the contents of files, each in one piece, once those of all are complete beside them. What a file held is first
/// copied to one of its name with `.old` at the end (`.old2` if there is one, and so on). Returns the copies.
///
/// # Errors
/// If a file cannot be written. Nothing has changed then, unless the error names a file that has its new content.
pub(super) fn replace(files: &[(&Path, &str)]) -> Result<Vec<PathBuf>, ExtractError> {
    let mut prepared = Vec::new();
    for &(path, text) in files {
        prepared.push(Prepared::new(path, text)?);
    }
    commit(prepared)
}

/// Gives the new contents their names, in order.
fn commit(prepared: Vec<Prepared>) -> Result<Vec<PathBuf>, ExtractError> {
    let mut done: Vec<OldContent> = Vec::new();
    for Prepared { path, copy, file } in prepared {
        if let Err(source) = file.commit() {
            return Err(match done.pop() {
                None => ExtractError::Write { path, source },
                Some(mut last) => ExtractError::HalfWritten {
                    path,
                    source,
                    written: last.of.clone(),
                    copy: last.keep(),
                },
            });
        }
        done.push(copy);
    }
    Ok(done.iter_mut().map(OldContent::keep).collect())
}

/// A file whose new content lies beside it.
struct Prepared {
    path: PathBuf,
    copy: OldContent,
    file: AtomicFile,
}

impl Prepared {
    fn new(path: &Path, text: &str) -> Result<Self, ExtractError> {
        let prepare = || {
            let copy = OldContent::new(path)?;
            let mut file = AtomicFile::create(path)?;
            file.write_all(text.as_bytes())?;
            Ok(Self {
                path: path.to_owned(),
                copy,
                file,
            })
        };
        prepare().map_err(|source: io::Error| ExtractError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

/// The copy of a file; it goes with this value unless it is kept.
struct OldContent {
    of: PathBuf,
    path: Option<PathBuf>,
}

impl OldContent {
    fn new(of: &Path) -> io::Result<Self> {
        let name = of.file_name().unwrap_or_default().to_string_lossy();
        let numbered = |number: usize| match number {
            1 => of.with_file_name(format!("{name}.old")),
            _ => of.with_file_name(format!("{name}.old{number}")),
        };
        let mut free = (1..).map(numbered).skip_while(|copy| copy.exists());
        let path = free.next().unwrap_or_default();
        let content = fs::read(of)?;
        write_atomic(&path, |out| out.write_all(&content))?;
        Ok(Self {
            of: of.to_owned(),
            path: Some(path),
        })
    }

    fn keep(&mut self) -> PathBuf {
        self.path.take().unwrap_or_default()
    }
}

impl Drop for OldContent {
    fn drop(&mut self) {
        if let Some(path) = &self.path {
            // The error that is under way says more.
            let _ = fs::remove_file(path);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A folder with the files `a` and `b`.
    fn folder() -> (tempfile::TempDir, [PathBuf; 2]) {
        let folder = tempfile::tempdir().unwrap();
        let files = ["a", "b"].map(|name| folder.path().join(name));
        for file in &files {
            fs::write(file, "old").unwrap();
        }
        (folder, files)
    }

    fn names(folder: &tempfile::TempDir) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        let mut names: Vec<_> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn nothing_changes_if_a_file_cannot_be_prepared() {
        let (folder, [a, _]) = folder();
        let missing = folder.path().join("c");
        let error = replace(&[(&a, "new"), (&missing, "new")]).unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with(&format!("{}: cannot be written", missing.display())),
            "{text}"
        );
        assert_eq!(fs::read_to_string(&a).unwrap(), "old");
        assert_eq!(names(&folder), ["a", "b"]);
    }

    #[test]
    fn an_error_at_the_end_tells_of_the_file_that_was_written() {
        let (folder, [a, b]) = folder();
        let prepared = [&a, &b].map(|path| Prepared::new(path, "new").unwrap());
        // Meanwhile a folder takes the place of the second one.
        fs::remove_file(&b).unwrap();
        fs::create_dir(&b).unwrap();
        let text = commit(prepared.into()).unwrap_err().to_string();
        for part in [
            format!("{}: cannot be written", b.display()),
            format!("{} has its new content", a.display()),
            format!("the old one is in {}.old", a.display()),
        ] {
            assert!(text.contains(&part), "{text}");
        }
        assert_eq!(fs::read_to_string(&a).unwrap(), "new");
        assert_eq!(names(&folder), ["a", "a.old", "b"]);
    }

    #[test]
    fn copies_do_not_replace_each_other() {
        let (folder, [a, b]) = folder();
        for number in ["1", "2"] {
            replace(&[(&a, number), (&b, number)]).unwrap();
        }
        assert_eq!(
            names(&folder),
            ["a", "a.old", "a.old2", "b", "b.old", "b.old2"]
        );
        let read = |name: &str| fs::read_to_string(folder.path().join(name)).unwrap();
        assert_eq!(["a.old", "a.old2", "a"].map(read), ["old", "1", "2"]);
    }
}
