//! Films of a drawn figure that does exercises, with exact segments.
//!
//! The figure stands or walks in front of a moving background and now and then does one of six motions. Each motion has
//! poses of its own, so that single frames tell what happens, and each lasts a random number of repetitions.

mod pose;
mod scene;
mod script;

use std::fs;
use std::path::Path;

use tal_core::atomic::{FolderError, write_folder};
use tal_core::{ClassMap, GroundTruth, Instance, Recording, Segment};
use tal_data::annotations;
use tal_video::{Ffmpeg, FilmWriter, FrameRate};

use super::random::{Purpose, Random};
use super::{SynthError, TEST_SUBSET, TRAIN_SUBSET};
use pose::Motion;
use scene::Scene;
use script::Script;

/// Sizes of a corpus of films.
#[derive(Debug, Clone, PartialEq)]
pub struct FilmConfig {
    /// Number of films in the training subset.
    pub num_train: usize,
    /// Number of films in the test subset.
    pub num_test: usize,
    /// Length of a film.
    ///
    /// # Units
    /// Seconds.
    pub seconds: u32,
    /// Seed of the random numbers.
    pub seed: u64,
}

impl Default for FilmConfig {
    fn default() -> Self {
        Self {
            num_train: 24,
            num_test: 8,
            seconds: 60,
            seed: 1,
        }
    }
}

/// Width and height of a frame, in pixels.
const SIZE: (usize, usize) = (320, 240);
/// Frames a second.
const FPS: u32 = 15;

/// Draws and encodes a corpus of films into a new or empty folder: `videos/ID.mp4` and `annotations.json`; after an error
/// nothing is left. `progress` is called after each film with the number of films that are done; it returns false to stop.
///
/// # Errors
/// If a size is 0, the folder is not empty, a file cannot be written, or ffmpeg fails; also if `progress` asks to stop.
pub fn write_films(
    config: &FilmConfig,
    ffmpeg: &Ffmpeg,
    folder: &Path,
    progress: &mut dyn FnMut(usize) -> bool,
) -> Result<GroundTruth, SynthError> {
    let sizes = [
        ("num_train", config.num_train, 1),
        ("num_test", config.num_test, 1),
        ("seconds", config.seconds as usize, 20),
    ];
    for (field, value, least) in sizes {
        if value < least {
            return Err(SynthError::Config {
                field,
                value: value.to_string(),
                expected: format!("at least {least}"),
            });
        }
    }
    let ground_truth = ground_truth(config)?;
    let names = ["videos", "annotations.json"];
    write_folder(folder, &names, |folder| {
        let [videos, annotations] = names.map(|name| folder.join(name));
        fs::create_dir(&videos).map_err(FolderError::at(&videos))?;
        for (index, (recording, script)) in ground_truth
            .recordings
            .iter()
            .zip(scripts(config))
            .enumerate()
        {
            let path = videos.join(format!("{}.mp4", recording.id));
            film(config, index as u64, &script, ffmpeg, &path)?;
            if !progress(index + 1) {
                return Err(SynthError::Stopped);
            }
        }
        annotations::write(&annotations, &ground_truth, "synthetic-films-1")?;
        Ok(())
    })?;
    Ok(ground_truth)
}

fn scripts(config: &FilmConfig) -> impl Iterator<Item = Script> + '_ {
    let count = config.num_train + config.num_test;
    (0..count as u64).map(|index| {
        Script::new(
            f64::from(config.seconds),
            &mut Random::new(config.seed, Purpose::Layout, index),
        )
    })
}

fn ground_truth(config: &FilmConfig) -> Result<GroundTruth, SynthError> {
    let recordings = scripts(config).enumerate().map(|(index, script)| {
        let (subset, short, number) = match index.checked_sub(config.num_train) {
            None => (TRAIN_SUBSET, "train", index),
            Some(number) => (TEST_SUBSET, "test", number),
        };
        let instances = script.actions.iter().map(|action| Instance {
            segment: Segment::new(action.start, action.end),
            label: action.motion as u32,
        });
        Recording {
            id: format!("film_{short}_{:04}", number + 1),
            subset: subset.to_owned(),
            duration: Some(f64::from(config.seconds)),
            fps: None,
            instances: instances.collect(),
        }
    });
    Ok(GroundTruth {
        classes: ClassMap::from_names(Motion::ALL.map(|motion| motion.name().to_owned()))?,
        recordings: recordings.collect(),
    })
}

/// Draws and encodes one film.
fn film(
    config: &FilmConfig,
    index: u64,
    script: &Script,
    ffmpeg: &Ffmpeg,
    path: &Path,
) -> Result<(), SynthError> {
    let mut random = Random::new(config.seed, Purpose::Films, index);
    let mut scene = Scene::new(SIZE, &mut random);
    let rate = FrameRate::new(FPS, 1).unwrap_or(FrameRate::ONE);
    let mut writer = FilmWriter::create(ffmpeg, path, SIZE, rate)?;
    for frame in 0..config.seconds * FPS {
        // A frame shows the middle of the time that it stands for.
        let time = (f64::from(frame) + 0.5) / f64::from(FPS);
        writer.push(scene.draw(&script.pose(time), script.position(time), time))?;
    }
    Ok(writer.finish()?)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn segments_lie_apart_within_the_film_and_all_motions_occur() {
        let config = FilmConfig::default();
        let truth = ground_truth(&config).unwrap();
        assert_eq!(truth.recordings.len(), 32);
        let mut counts = [0; Motion::ALL.len()];
        for recording in &truth.recordings {
            let mut end = 0.0;
            for instance in &recording.instances {
                assert!(instance.segment.start > end, "{}", recording.id);
                assert!(instance.segment.end - instance.segment.start >= 1.5);
                end = instance.segment.end;
                counts[instance.label as usize] += 1;
            }
            assert!(
                end < 60.0 && recording.instances.len() >= 4,
                "{}",
                recording.id
            );
        }
        assert!(counts.iter().all(|count| *count >= 10), "{counts:?}");
        assert_eq!(ground_truth(&config).unwrap(), truth);
    }

    #[test]
    fn motions_look_different_from_rest_and_from_each_other() {
        let frame = |motion: Option<Motion>| {
            let mut scene = Scene::new(SIZE, &mut Random::new(1, Purpose::Films, 0));
            let pose = motion.map_or_else(|| pose::rest(0.3), |motion| motion.pose(0.25));
            scene.draw(&pose, 0.5, 0.0).to_vec()
        };
        let mut frames: Vec<_> = Motion::ALL
            .into_iter()
            .map(|motion| frame(Some(motion)))
            .collect();
        frames.push(frame(None));
        for (i, a) in frames.iter().enumerate() {
            for b in &frames[i + 1..] {
                let differing = a
                    .iter()
                    .zip(b)
                    .filter(|(a, b)| a.abs_diff(**b) > 40)
                    .count();
                assert!(
                    differing > 900,
                    "frame {i} differs in {differing} bytes only"
                );
            }
        }
    }

    #[test]
    fn films_that_cannot_be_are_refused() {
        let config = FilmConfig {
            seconds: 5,
            ..FilmConfig::default()
        };
        let Ok(ffmpeg) = Ffmpeg::find(None) else {
            eprintln!("SKIPPED: there is no ffmpeg");
            return;
        };
        let folder = tempfile::tempdir().unwrap();
        let error = write_films(&config, &ffmpeg, folder.path(), &mut |_| true).unwrap_err();
        assert!(error.to_string().contains("seconds is 5"), "{error}");
    }
}
