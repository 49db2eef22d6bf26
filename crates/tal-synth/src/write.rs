//! A synthetic corpus on disk.

use std::fs;
use std::path::Path;

use tal_core::atomic::{FolderError, write_folder};

use super::{CueSide, SynthCorpus, SynthError, TEST_SUBSET, TRAIN_SUBSET};
use tal_data::{annotations, features::npy};

/// Writes `annotations.json`, `features/ID.npy` (float32, T × C) and a `README.txt` into a new or empty folder; after an
/// error nothing is left.
///
/// # Errors
/// A folder that is not empty; a file that cannot be written.
pub fn write(corpus: &SynthCorpus, folder: &Path) -> Result<(), SynthError> {
    // The annotations last: they prove that all else is there.
    let names = ["features", "README.txt", "annotations.json"];
    write_folder(folder, &names, |folder| {
        let at = FolderError::at;
        let [features, readme, annotations] = names.map(|name| folder.join(name));
        fs::create_dir(&features).map_err(at(&features))?;
        for recording in &corpus.features {
            let array = &recording.array;
            let path = features.join(format!("{}.npy", recording.id));
            let shape = [array.len(), array.num_channels()];
            npy::write(&path, &array.to_time_first(), &shape)?;
        }
        fs::write(&readme, describe(corpus)).map_err(at(&readme))?;
        annotations::write(&annotations, &corpus.ground_truth, "synthetic-1")?;
        Ok(())
    })
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
        let recordings = corpus.ground_truth.recordings.iter();
        let instances = recordings.flat_map(|recording| &recording.instances);
        let count = instances.filter(|instance| instance.label == class).count();
        text += &format!("{class:>3}  {name:<12} {count} actions\n");
    }
    text += &format!("\nSettings\n--------\n{config:#?}\n");
    text
}
