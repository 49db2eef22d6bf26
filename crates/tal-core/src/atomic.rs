//! Files and folders that are either old or new, never half-written.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use tempfile::NamedTempFile;

/// Writes a file through `fill` so that `path` holds the old content or the whole new content at any moment.
///
/// # Errors
/// Errors of the file system and of `fill`; the temporary file is removed and `path` stays as it was.
pub fn write_atomic(
    path: &Path,
    fill: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let mut file = AtomicFile::create(path)?;
    fill(&mut file)?;
    file.commit()
}

/// A file under way: its path holds the old content until [`AtomicFile::commit`], and then the whole new content.
///
/// The content goes to a temporary file in the same folder, which is removed if the value is dropped before. A link stays a
/// link: the file that it points to is written. A device or a pipe is written to directly.
pub struct AtomicFile(Place);

enum Place {
    Aside {
        out: BufWriter<NamedTempFile>,
        path: PathBuf,
    },
    Device(BufWriter<File>),
}

impl AtomicFile {
    /// Begins a file.
    ///
    /// # Errors
    /// Errors of the file system, such as a folder that does not exist.
    pub fn create(path: &Path) -> io::Result<Self> {
        if fs::metadata(path).is_ok_and(|found| !found.is_file() && !found.is_dir()) {
            // Renaming would replace `/dev/null` by a file, for everybody.
            let device = File::options().write(true).open(path)?;
            return Ok(Self(Place::Device(BufWriter::new(device))));
        }
        let path = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        let out = BufWriter::new(builder().tempfile_in(folder_of(&path))?);
        Ok(Self(Place::Aside { out, path }))
    }

    /// Flushes the content, syncs it to the disk and renames the file.
    ///
    /// # Errors
    /// Errors of the file system; the path then holds the old content.
    pub fn commit(self) -> io::Result<()> {
        match self.0 {
            Place::Device(mut device) => device.flush(),
            Place::Aside { mut out, path } => {
                out.flush()?;
                let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
                file.as_file().sync_all()?;
                file.persist(&path).map_err(|error| error.error)?;
                sync_folder(folder_of(&path));
                Ok(())
            }
        }
    }
}

impl Write for AtomicFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        match &mut self.0 {
            Place::Aside { out, .. } => out.write(bytes),
            Place::Device(out) => out.write(bytes),
        }
    }

    fn flush(&mut self) -> io::Result<()> {
        match &mut self.0 {
            Place::Aside { out, .. } => out.flush(),
            Place::Device(out) => out.flush(),
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Start of the name of the folder in which [`write_folder`] collects its files; a killed program leaves it behind.
const PARTIAL: &str = ".partial-";

/// Why a folder cannot be written.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum FolderError {
    /// The output folder has something in it.
    #[error("the output folder {} is not empty; choose another one, nothing is overwritten", path.display())]
    NotEmpty {
        /// The folder.
        path: PathBuf,
    },
    /// A file or folder cannot be written.
    #[error("cannot write {}: {source}", path.display())]
    Write {
        /// The file or folder.
        path: PathBuf,
        /// The operating system's error.
        source: io::Error,
    },
}

impl FolderError {
    /// Adds the path to an error of the operating system.
    pub fn at(path: &Path) -> impl FnOnce(io::Error) -> Self + use<> {
        let path = path.to_owned();
        |source| Self::Write { path, source }
    }
}

/// Fills a new or empty folder completely, or leaves it as it was.
///
/// `fill` writes into a temporary folder inside `out`. What it made is then moved into `out` in the order of `names`, so that
/// the last one is there only if all others are; names that it did not make are left out.
///
/// # Errors
/// A folder with something in it; those of the file system and of `fill`.
pub fn write_folder<T, E: From<FolderError>>(
    out: &Path,
    names: &[&str],
    fill: impl FnOnce(&Path) -> Result<T, E>,
) -> Result<T, E> {
    let at = FolderError::at;
    let is_new = !out.exists();
    fs::create_dir_all(out).map_err(at(out))?;
    if fs::read_dir(out).map_err(at(out))?.next().is_some() {
        let path = out.to_owned();
        return Err(FolderError::NotEmpty { path }.into());
    }
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    let result = builder
        .tempdir_in(out)
        .map_err(|source| at(out)(source).into())
        .and_then(|partial| {
            let filled = fill(partial.path())?;
            for name in names {
                let (from, to) = (partial.path().join(name), out.join(name));
                if from.exists() {
                    fs::rename(from, &to).map_err(at(&to))?;
                }
            }
            Ok(filled)
        });
    if result.is_err() {
        // What was moved already is worth nothing alone; the first error is the one to report.
        for path in names.iter().map(|name| out.join(name)) {
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        if is_new {
            let _ = fs::remove_dir(out);
        }
    }
    result
}

/// Removes what a stopped [`write_folder`] left in its folder, even if the writer still runs. What cannot be removed stays.
pub fn remove_partial(out: &Path) {
    // A writer that still runs may add a file between two steps of the removal, so there are several attempts.
    for attempt in 0..20 {
        let mut found = false;
        for entry in fs::read_dir(out).into_iter().flatten().flatten() {
            let name = entry.file_name().to_string_lossy().into_owned();
            if !name.starts_with(PARTIAL) {
                continue;
            }
            found = true;
            // Under another name, the folder cannot be found by the writer.
            let aside = out.join(format!("{name}.{attempt}"));
            let path = match fs::rename(entry.path(), &aside) {
                Ok(()) => aside,
                Err(_) => entry.path(),
            };
            let _ = fs::remove_dir_all(path);
        }
        if !found {
            return;
        }
    }
}

fn builder() -> tempfile::Builder<'static, 'static> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(".tmp-");
    // Temporary files are private to their owner; results should be as readable as any other file (the umask applies).
    #[cfg(unix)]
    builder.permissions(std::os::unix::fs::PermissionsExt::from_mode(0o666));
    builder
}

/// Makes the rename durable. Some file systems cannot open folders; the rename is then only atomic.
fn sync_folder(folder: &Path) {
    if let Ok(folder) = File::open(folder) {
        let _ = folder.sync_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failing_writer_leaves_the_old_file_and_no_litter() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.txt");
        write_atomic(&path, |w| w.write_all(b"old")).unwrap();
        let error = write_atomic(&path, |w| {
            w.write_all(b"half")?;
            Err(io::Error::other("stopped"))
        })
        .unwrap_err();
        assert_eq!(error.to_string(), "stopped");
        assert_eq!(fs::read(&path).unwrap(), b"old");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
    }

    #[test]
    fn a_missing_folder_is_an_error() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("none").join("a.txt");
        assert_eq!(
            write_atomic(&path, |_| Ok(())).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }

    #[cfg(unix)]
    #[test]
    fn links_and_devices_stay_what_they_are() {
        let folder = tempfile::tempdir().unwrap();
        let (file, link) = (folder.path().join("a.txt"), folder.path().join("link.txt"));
        fs::write(&file, "old").unwrap();
        std::os::unix::fs::symlink(&file, &link).unwrap();
        write_atomic(&link, |w| w.write_all(b"new")).unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"new");
        assert!(fs::symlink_metadata(&link).unwrap().is_symlink());
        // A device behind a link of our own: a mistake here must not harm the machine.
        let null = folder.path().join("null");
        std::os::unix::fs::symlink("/dev/null", &null).unwrap();
        write_atomic(&null, |w| w.write_all(b"gone")).unwrap();
        assert_eq!(fs::read(&null).unwrap(), b"");
    }

    #[test]
    fn the_folder_of_a_writer_that_goes_on_is_removed() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path();
        for _ in 0..20 {
            let (partial, started) = (out.join(".partial-x"), std::sync::Barrier::new(2));
            fs::create_dir(&partial).unwrap();
            std::thread::scope(|scope| {
                scope.spawn(|| {
                    started.wait();
                    let mut files = (0..100_000).map(|i| partial.join(i.to_string()));
                    assert!(files.any(|file| fs::write(file, "").is_err()));
                });
                started.wait();
                remove_partial(out);
            });
            assert_eq!(fs::read_dir(out).unwrap().count(), 0);
        }
    }

    #[test]
    fn a_folder_is_filled_completely_or_not_at_all() {
        let parent = tempfile::tempdir().unwrap();
        let out = parent.path().join("out");
        let names = ["data", "list.txt"];
        let fill = |last: Result<(), FolderError>| {
            write_folder(&out, &names, |partial| {
                fs::create_dir(partial.join("data")).unwrap();
                fs::write(partial.join("list.txt"), "list").unwrap();
                last
            })
        };
        let stopped = FolderError::at(&out)(io::Error::other("stopped"));
        assert!(fill(Err(stopped)).is_err());
        assert!(!out.exists());
        fill(Ok(())).unwrap();
        let mut found: Vec<_> = fs::read_dir(&out)
            .unwrap()
            .map(|entry| entry.unwrap().file_name())
            .collect();
        found.sort();
        assert_eq!(found, names);
        assert!(matches!(fill(Ok(())), Err(FolderError::NotEmpty { .. })));
        assert_eq!(fs::read(out.join("list.txt")).unwrap(), b"list");
    }
}
