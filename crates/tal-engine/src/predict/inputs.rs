//! Recordings that inputs name.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tal_core::config::{DatasetConfig, FeatureFormat};
use tal_data::find_recordings;
use tal_data::results::Shard;

use super::{InputNames, PredictError};
use crate::extract::{Film, find_films};

/// A recording to predict.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unit {
    /// A video.
    Film(Film),
    /// Features in a file.
    Features {
        /// The file.
        path: PathBuf,
        /// Folder in which its id begins; `None`: that of the data set.
        below: Option<Arc<Path>>,
        /// Its id in a file of several recordings.
        recording: Option<String>,
    },
}

impl Unit {
    /// The file.
    pub fn path(&self) -> &Path {
        match self {
            Self::Film(film) => &film.path,
            Self::Features { path, .. } => path,
        }
    }

    /// The id in a file of several recordings.
    pub fn recording(&self) -> Option<&str> {
        match self {
            Self::Film(_) => None,
            Self::Features { recording, .. } => recording.as_deref(),
        }
    }
}

/// Rules by which inputs become recordings.
#[derive(Debug, Clone, Copy, Default)]
pub struct InputOptions<'a> {
    /// Folder in which ids begin; `None`: that of the data set's features, and else the folder that is an input.
    pub below: Option<&'a Path>,
    /// The shard to take; `None` takes all. A file that is missing is then an error at once; in a shard, only that recording
    /// fails.
    pub shard: Option<Shard>,
}

/// The recordings that `names` name, in their order: videos and feature files as they are, all recordings of a file that
/// holds several, and all videos below a folder, or else all files below it whose names are those of `config`'s features.
///
/// # Errors
/// A name that cannot be used; a folder without videos and features.
pub fn find_units(
    config: &DatasetConfig,
    names: &InputNames,
    stdin: &mut dyn std::io::BufRead,
    options: InputOptions<'_>,
) -> Result<Vec<Unit>, PredictError> {
    let mut search = Search {
        config,
        options,
        below: options.below.map(Arc::from),
        home: home(config),
        seen: 0,
        units: Vec::new(),
    };
    names.each(stdin, &mut |path, _| search.add(path))?;
    Ok(search.units)
}

struct Search<'a> {
    config: &'a DatasetConfig,
    options: InputOptions<'a>,
    below: Option<Arc<Path>>,
    /// The folder of the data set's features.
    home: Option<PathBuf>,
    /// Number of recordings so far, with those of other shards.
    seen: usize,
    units: Vec<Unit>,
}

impl Search<'_> {
    fn add(&mut self, path: PathBuf) -> Result<(), PredictError> {
        if path.is_dir() {
            return self.add_folder(&path);
        }
        if self.options.shard.is_none()
            && let Err(error) = fs::metadata(&path)
        {
            let reason = format!("cannot be read: {error}");
            return Err(PredictError::Input { path, reason });
        }
        if Film::is_likely(&path) {
            let id = path.file_stem().unwrap_or_default().to_string_lossy();
            let id = id.into_owned();
            self.push(|| Unit::Film(Film { id, path }));
            return Ok(());
        }
        self.add_features(path, self.below.clone())
    }

    /// All videos of a folder, or else all its features.
    fn add_folder(&mut self, folder: &Path) -> Result<(), PredictError> {
        let mut files = Vec::new();
        collect(folder, &mut files).map_err(|error| PredictError::Input {
            path: folder.to_owned(),
            reason: format!("cannot be read: {error}"),
        })?;
        if files.iter().any(|file| Film::is_likely(file)) {
            for film in find_films(&[folder.to_owned()])? {
                self.push(|| Unit::Film(film));
            }
            return Ok(());
        }
        files.retain(|file| self.has_features(file));
        if files.is_empty() {
            return Err(PredictError::Input {
                path: folder.to_owned(),
                reason: format!(
                    "this folder holds neither videos nor features: no name ends in {:?}, as those of the features of training",
                    ending(self.config)
                ),
            });
        }
        let inside: Arc<Path> = Arc::from(folder);
        for file in files {
            let is_home = |home: &PathBuf| file.canonicalize().is_ok_and(|f| f.starts_with(home));
            let below = match self.home.as_ref().is_some_and(is_home) {
                true => self.below.clone(),
                false => self.below.clone().or_else(|| Some(Arc::clone(&inside))),
            };
            self.add_features(file, below)?;
        }
        Ok(())
    }

    fn add_features(
        &mut self,
        path: PathBuf,
        below: Option<Arc<Path>>,
    ) -> Result<(), PredictError> {
        let unit = |recording: Option<String>| Unit::Features {
            path: path.clone(),
            below: below.clone(),
            recording,
        };
        if shared_file(self.config).is_none() {
            self.push(|| unit(None));
            return Ok(());
        }
        match find_recordings(self.config, &path, below.as_deref()) {
            Ok(found) => {
                for one in found {
                    self.push(|| unit(Some(one.id().to_owned())));
                }
            }
            // The recording fails where it is read.
            Err(_) if self.options.shard.is_some() => self.push(|| unit(None)),
            Err(error) => return Err(error.into()),
        }
        Ok(())
    }

    fn push(&mut self, unit: impl FnOnce() -> Unit) {
        if self.options.shard.is_none_or(|shard| shard.has(self.seen)) {
            self.units.push(unit());
        }
        self.seen += 1;
    }

    fn has_features(&self, file: &Path) -> bool {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        let prefix = match shared_file(self.config) {
            Some(_) => "",
            None => &self.config.features.prefix,
        };
        name.starts_with(prefix) && name.ends_with(&ending(self.config))
    }
}

/// Name of the file that holds the features of all recordings.
fn shared_file(config: &DatasetConfig) -> Option<&str> {
    match &config.features.format {
        FeatureFormat::Hdf5 { file, .. } => file.as_deref(),
        _ => None,
    }
}

/// The end of the names of feature files.
fn ending(config: &DatasetConfig) -> String {
    match shared_file(config).map(|file| file.rsplit_once('.')) {
        Some(Some((_, extension))) => format!(".{extension}"),
        _ => config.features.suffix.clone(),
    }
}

/// The folder of the data set's features, before its part for the subset.
fn home(config: &DatasetConfig) -> Option<PathBuf> {
    let text = config.features.dir.to_string_lossy();
    let start = text.split("{subset}").next().unwrap_or_default();
    match start {
        "" => None,
        start => Path::new(start).canonicalize().ok(),
    }
}

/// Adds all files below a folder in the order of their names; hidden ones are left out.
fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> std::io::Result<()> {
    let mut paths: Vec<PathBuf> = fs::read_dir(folder)?
        .map(|entry| Ok(entry?.path()))
        .collect::<std::io::Result<_>>()?;
    paths.sort();
    for path in paths {
        let name = path.file_name().unwrap_or_default();
        if name.to_string_lossy().starts_with('.') {
            continue;
        }
        match path.is_dir() {
            true => collect(&path, files)?,
            false => files.push(path),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn units(names: &[PathBuf], options: InputOptions<'_>) -> Result<Vec<Unit>, PredictError> {
        let names = InputNames {
            names: names.to_vec(),
            list: None,
        };
        let config = DatasetConfig::default();
        find_units(&config, &names, &mut "".as_bytes(), options)
    }

    #[test]
    fn folders_give_their_videos_or_their_features() {
        let root = tempfile::tempdir().unwrap();
        let folder = root.path();
        for name in ["b/2.npy", "a/1.npy", "a/note.txt", ".hidden/3.npy"] {
            let path = folder.join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "").unwrap();
        }
        let found = units(&[folder.to_owned()], InputOptions::default()).unwrap();
        let names: Vec<_> = found
            .iter()
            .map(|one| one.path().strip_prefix(folder).unwrap().to_str().unwrap())
            .collect();
        assert_eq!(names, ["a/1.npy", "b/2.npy"]);
        let Unit::Features { below, .. } = &found[0] else {
            panic!("{found:?}")
        };
        assert_eq!(below.as_deref(), Some(folder));
        fs::write(folder.join("a/film.mp4"), "").unwrap();
        let found = units(&[folder.to_owned()], InputOptions::default()).unwrap();
        assert!(matches!(&found[..], [Unit::Film(film)] if film.id == "a/film"));
        fs::create_dir(folder.join("c")).unwrap();
        let refused = units(&[folder.join("c")], InputOptions::default());
        assert!(refused.unwrap_err().to_string().contains("\".npy\""));
    }

    #[test]
    fn shards_share_all_recordings() {
        let names: Vec<PathBuf> = (0..10).map(|n| PathBuf::from(format!("{n}.npy"))).collect();
        let mut all: Vec<PathBuf> = Vec::new();
        for index in 0..3 {
            let shard = Some(Shard { index, count: 3 });
            let options = InputOptions { below: None, shard };
            let found = units(&names, options).unwrap();
            all.extend(found.iter().map(|one| one.path().to_owned()));
        }
        all.sort();
        assert_eq!(all, names);
        // Without shards, a file that is missing is told at once.
        let refused = units(&names, InputOptions::default()).unwrap_err();
        assert!(refused.to_string().starts_with("0.npy: cannot be read"));
    }
}
