//! A synthetic corpus on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use super::{CueSide, SynthCorpus, SynthError, TEST_SUBSET, TRAIN_SUBSET};
use tal_data::{annotations, features::npy};

/// How the name of the folder begins in which a corpus is made; one that is killed leaves it behind.
pub const PARTIAL: &str = ".partial-";

/// Writes `annotations.json`, `features/ID.npy` (float32, T × C) and a `README.txt` into a new or empty folder.
///
/// Everything is made in a temporary folder inside and then moved into place, the annotations last: where there is an
/// `annotations.json` all features are there, and after an error there is nothing.
///
/// # Errors
/// Where the folder has something in it, or something cannot be written.
pub fn write(corpus: &SynthCorpus, folder: &Path) -> Result<(), SynthError> {
    let io = |path: &Path| {
        let path = path.to_owned();
        move |source| SynthError::Io { path, source }
    };
    let is_new = !folder.exists();
    fs::create_dir_all(folder).map_err(io(folder))?;
    if fs::read_dir(folder).map_err(io(folder))?.next().is_some() {
        return Err(SynthError::NotEmpty {
            path: folder.to_owned(),
        });
    }
    let result = fill(corpus, folder);
    if result.is_err() {
        // What was moved already is worth nothing alone; the first error is the one to report.
        for name in ["features", "README.txt", "annotations.json"] {
            let path = folder.join(name);
            let _ = fs::remove_dir_all(&path).or_else(|_| fs::remove_file(&path));
        }
        if is_new {
            let _ = fs::remove_dir(folder);
        }
    }
    result
}

fn fill(corpus: &SynthCorpus, folder: &Path) -> Result<(), SynthError> {
    let mut builder = tempfile::Builder::new();
    builder.prefix(PARTIAL);
    let partial = builder
        .tempdir_in(folder)
        .map_err(|source| SynthError::Io {
            path: folder.to_owned(),
            source,
        })?;
    let io = |path: &Path, result: io::Result<()>| {
        result.map_err(|source| SynthError::Io {
            path: path.to_owned(),
            source,
        })
    };
    let inside = |name: &str| -> PathBuf { partial.path().join(name) };

    let features = inside("features");
    io(&features, fs::create_dir(&features))?;
    for recording in &corpus.features {
        let array = &recording.array;
        let (num_channels, len) = (array.num_channels(), array.len());
        let mut values = Vec::with_capacity(num_channels * len);
        for t in 0..len {
            values.extend((0..num_channels).map(|c| array.channel(c)[t]));
        }
        let path = features.join(format!("{}.npy", recording.id));
        npy::write(&path, &values, &[len, num_channels])?;
    }
    let readme = inside("README.txt");
    io(&readme, fs::write(&readme, describe(corpus)))?;
    annotations::write(
        &inside("annotations.json"),
        &corpus.ground_truth,
        "synthetic-1",
    )?;
    for name in ["features", "README.txt", "annotations.json"] {
        let target = folder.join(name);
        io(&target, fs::rename(inside(name), &target))?;
    }
    Ok(())
}

fn describe(corpus: &SynthCorpus) -> String {
    let config = &corpus.config;
    let mut text = format!(
        "Synthetic corpus for temporal action localization\n\
         =================================================\n\n\
         annotations.json   actions in seconds; subsets {TRAIN_SUBSET} ({}) and {TEST_SUBSET} ({})\n\
         features/ID.npy    float32, one row per feature, {} columns\n\n\
         One feature is computed from {} frames and begins {} frames after the one before it, at {} frames per second.\n\
         Everything is made up and follows from the settings below; the same settings give the same corpus.\n\n\
         Actions have an onset, a body and an offset. The background has fragments of actions, actions in the wrong\n\
         order, slow drift, dropouts and noise.\n",
        config.num_train,
        config.num_test,
        config.num_channels,
        config.num_frames,
        config.feat_stride,
        config.fps,
    );
    let classes = &corpus.ground_truth.classes;
    for pair in &corpus.confusable_pairs {
        let [first, second] = pair.classes.map(|class| classes.display_name(class));
        let side = match pair.cue {
            CueSide::Before => "before",
            CueSide::After => "after",
        };
        let (least, most) = config.cue_distance;
        text += &format!(
            "{first} and {second} look the same; a cue {least} to {most} features {side} the action tells them apart.\n"
        );
    }
    text += "\nClasses\n-------\n";
    for (class, name) in classes.iter() {
        let count = corpus
            .ground_truth
            .recordings
            .iter()
            .flat_map(|recording| &recording.instances)
            .filter(|instance| instance.label == class)
            .count();
        text += &format!("{class:>3}  {name:<12} {count} actions\n");
    }
    text += &format!("\nSettings\n--------\n{config:#?}\n");
    text
}
