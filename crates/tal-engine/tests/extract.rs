//! Films to features, with a generated film and a traced network: no ffmpeg, no weights.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use tal_core::config::ExtractConfig;
use tal_data::features::{RowPrecision, npy};
use tal_engine::extract::{
    ExtractError, ExtractEvent, ExtractOptions, ExtractSummary, Extractor, Film, FilmPaths,
    FilmReader, NamedRecipe, OnFailure, OpenedFilm,
};
use tal_engine::memory::resident_bytes;
use tal_video::{FrameRate, Origin, Sidecar, TestPattern, VideoError};
use tch::{CModule, Device, Kind, Tensor};
use tempfile::TempDir;

const RECIPE: &str = include_str!("fixtures/small_recipe.yaml");

/// Generated films by the number of their frames; a film whose path is `broken` cannot be opened.
struct Generated;

impl FilmReader for Generated {
    fn origin(&self, film: &Film) -> Result<Origin, VideoError> {
        let name = film.path.display().to_string();
        Ok(Origin {
            bytes: name.len() as u64,
            sha256: name.clone(),
            name,
        })
    }

    fn open(&self, film: &Film) -> Result<OpenedFilm, VideoError> {
        let Ok(frames) = film.path.display().to_string().parse() else {
            return Err(VideoError::NotAFile {
                path: film.path.clone(),
            });
        };
        let rate = FrameRate::new(25, 1).unwrap();
        Ok(OpenedFilm {
            frames: Box::new(TestPattern::new(32, 24, frames, rate)),
            rate: Some(rate),
            seconds: Some(frames as f64 / 25.0),
        })
    }
}

struct Place {
    dir: TempDir,
    extractor: Extractor,
    precision: Option<RowPrecision>,
}

impl Place {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let input = [Tensor::rand([1, 3, 4, 8, 8], (Kind::Float, Device::Cpu))];
        // Mean and largest value of each colour: six channels.
        let mut network = |clips: &[Tensor]| {
            let pixels = clips[0].flatten(2, -1);
            let mean = pixels.mean_dim([2].as_slice(), false, Kind::Float);
            vec![Tensor::cat(&[mean, pixels.amax([2].as_slice(), false)], 1)]
        };
        let module = CModule::create_by_tracing("Net", "forward", &input, &mut network).unwrap();
        let (weights, recipe) = (dir.path().join("net.pt"), dir.path().join("small.yaml"));
        module.save(&weights).unwrap();
        std::fs::write(&recipe, RECIPE).unwrap();
        let named = NamedRecipe::open(recipe.to_str().unwrap()).unwrap();
        let extractor = Extractor::open(named, &weights, Device::Cpu).unwrap();
        Self {
            dir,
            extractor,
            precision: Some(RowPrecision::Single),
        }
    }

    fn out(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn run(&self, out: &Path, films: &[Film], batch_size: usize) -> ExtractSummary {
        let stop = AtomicBool::new(false);
        self.run_until(out, films, batch_size, &stop, &mut |_| {})
            .unwrap()
    }

    fn run_until(
        &self,
        out: &Path,
        films: &[Film],
        batch_size: usize,
        stop: &AtomicBool,
        observer: &mut dyn FnMut(ExtractEvent<'_>),
    ) -> Result<ExtractSummary, ExtractError> {
        let options = ExtractOptions {
            out: out.to_owned(),
            batch_size,
            on_failure: OnFailure::Skip,
            precision: self.precision,
        };
        self.extractor
            .run(films, &Generated, &options, stop, observer)
    }
}

fn films(frames: &[&str]) -> Vec<Film> {
    let film = |(index, frames): (usize, &&str)| Film {
        id: format!("day/{index}"),
        path: frames.into(),
    };
    frames.iter().enumerate().map(film).collect()
}

/// All files below a folder with their contents.
fn files(folder: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        match path.is_dir() {
            true => found.extend(files(&path)),
            false => drop(found.insert(path.clone(), std::fs::read(&path).unwrap())),
        }
    }
    found
}

#[test]
fn features_are_those_of_the_windows_and_are_described() {
    let place = Place::new();
    let out = place.out("features");
    let summary = place.run(&out, &films(&["11"]), 1);
    assert_eq!(
        (summary.made, summary.kept, summary.failed.len()),
        (1, 0, 0)
    );
    let paths = FilmPaths::new(&out, "day/0");
    let features = npy::read(&paths.features).unwrap();
    assert_eq!(features.shape, [4, 6]);
    let sidecar = Sidecar::read(&paths.sidecar).unwrap();
    assert_eq!(sidecar.report.timeline.frames, 11);
    assert_eq!((sidecar.duration, sidecar.start), (11.0 / 25.0, 0.0));
    let record = &sidecar.features;
    assert_eq!((record.length, record.channels, record.fps), (4, 6, 25.0));
    assert_eq!(
        (record.feat_stride, record.num_frames, record.offset_frames),
        (2.0, 4.0, 2.0)
    );
    assert!(record.times.is_none());
    assert_eq!(sidecar.weights.unwrap().name, "net.pt");
    // The largest red of a window is at most 1, and windows differ.
    assert!(
        features
            .data
            .iter()
            .all(|value| (0.0..=1.0).contains(value))
    );
    assert_ne!(features.data[..6], features.data[6..12]);
}

#[test]
fn batches_and_neighbours_change_nothing() {
    let place = Place::new();
    let three = films(&["11", "30", "7"]);
    for batch_size in [1, 3, 16] {
        place.run(&place.out(&format!("{batch_size}")), &three, batch_size);
    }
    let relative = |name: &str| {
        let folder = place.out(name);
        let all = files(&folder).into_iter();
        all.map(|(path, bytes)| (path.strip_prefix(&folder).unwrap().to_owned(), bytes))
            .collect::<BTreeMap<_, _>>()
    };
    assert_eq!(relative("1").len(), 6);
    assert_eq!(relative("1"), relative("3"));
    assert_eq!(relative("1"), relative("16"));
}

#[test]
fn a_film_that_fails_leaves_a_record_and_the_others_go_on() {
    let place = Place::new();
    let out = place.out("features");
    // The second cannot be opened, the third is too short.
    let mut four = films(&["9", "broken", "2", "12"]);
    let summary = place.run(&out, &four, 4);
    assert_eq!((summary.made, summary.failed.len()), (2, 2));
    let failure = std::fs::read_to_string(FilmPaths::new(&out, "day/1").failure).unwrap();
    assert!(failure.contains("not a regular file"), "{failure}");
    let failure = std::fs::read_to_string(FilmPaths::new(&out, "day/2").failure).unwrap();
    assert!(failure.contains("2 frames"), "{failure}");
    // Once mended, it is done, and its record goes.
    four[1].path = "10".into();
    let summary = place.run(&out, &four, 4);
    assert_eq!(
        (summary.made, summary.kept, summary.failed.len()),
        (1, 2, 1)
    );
    assert!(!FilmPaths::new(&out, "day/1").failure.exists());
}

#[test]
fn an_interrupted_extraction_goes_on_to_the_same_bytes() {
    let place = Place::new();
    let four = films(&["40", "31", "22", "57"]);
    let (whole, parts) = (place.out("whole"), place.out("parts"));
    place.run(&whole, &four, 1);
    let stop = AtomicBool::new(false);
    for windows in [3, 11, 2, 25, 8] {
        stop.store(false, Ordering::SeqCst);
        let mut left = windows;
        let mut observer = |event: ExtractEvent<'_>| {
            if let ExtractEvent::Advanced { .. } = event {
                left -= 1;
                if left == 0 {
                    stop.store(true, Ordering::SeqCst);
                }
            }
        };
        place
            .run_until(&parts, &four, 1, &stop, &mut observer)
            .unwrap();
    }
    place.run(&parts, &four, 1);
    let contents = |folder: &Path| files(folder).into_values().collect::<Vec<_>>();
    assert_eq!(contents(&whole), contents(&parts));
}

#[test]
fn half_precision_is_made_again_in_single_precision() {
    let mut place = Place::new();
    let out = place.out("features");
    place.precision = Some(RowPrecision::Half);
    let one = films(&["40"]);
    assert_eq!(place.run(&out, &one, 1).made, 1);
    assert_eq!(place.run(&out, &one, 1).kept, 1);
    let paths = FilmPaths::new(&out, "day/0");
    let half = npy::read(&paths.features).unwrap();
    assert!(Sidecar::read(&paths.sidecar).unwrap().features.half);
    place.precision = Some(RowPrecision::Single);
    assert_eq!(place.run(&out, &one, 1).made, 1);
    let single = npy::read(&paths.features).unwrap();
    assert_eq!(half.shape, single.shape);
    assert_ne!(half.data, single.data);
    let close = |(half, single): (&f32, &f32)| (half - single).abs() <= single.abs() / 2048.0;
    assert!(half.data.iter().zip(&single.data).all(close));
}

#[test]
fn features_keep_the_precision_they_are_stored_in_unless_one_is_asked_for() {
    let mut place = Place::new();
    let out = place.out("features");
    place.precision = Some(RowPrecision::Half);
    place.run(&out, &films(&["40"]), 1);
    let paths = FilmPaths::new(&out, "day/0");
    let half = std::fs::read(&paths.features).unwrap();
    place.precision = None;
    let summary = place.run(&out, &films(&["40", "31"]), 1);
    // The second film is new.
    assert_eq!((summary.made, summary.kept), (1, 1));
    assert_eq!(std::fs::read(&paths.features).unwrap(), half);
    let is_half = |id: &str| {
        let sidecar = Sidecar::read(&FilmPaths::new(&out, id).sidecar).unwrap();
        sidecar.features.half
    };
    assert_eq!((is_half("day/0"), is_half("day/1")), (true, false));
    // Another film in the place of the first one: made anew, in half precision.
    assert_eq!(place.run(&out, &films(&["57", "31"]), 1).made, 1);
    assert!(is_half("day/0"));
    let remade = std::fs::read(&paths.features).unwrap();
    let fresh = place.out("fresh");
    place.precision = Some(RowPrecision::Half);
    place.run(&fresh, &films(&["57"]), 1);
    let expected = std::fs::read(FilmPaths::new(&fresh, "day/0").features).unwrap();
    assert!(remade == expected && remade.len() > half.len());
}

#[test]
fn other_films_and_foreign_files_are_told_apart() {
    let place = Place::new();
    let out = place.out("features");
    place.run(&out, &films(&["11"]), 1);
    // Another film of the same name.
    let mut reasons = Vec::new();
    let mut observer = |event: ExtractEvent<'_>| {
        if let ExtractEvent::Started {
            again: Some(reason),
            ..
        } = event
        {
            reasons.push(reason.to_owned());
        }
    };
    let stop = AtomicBool::new(false);
    place
        .run_until(&out, &films(&["13"]), 1, &stop, &mut observer)
        .unwrap();
    assert_eq!(reasons, ["the film has changed"]);
    let paths = FilmPaths::new(&out, "day/0");
    assert_eq!(npy::read(&paths.features).unwrap().shape, [5, 6]);
    // Features that somebody else put there stay.
    std::fs::remove_file(&paths.sidecar).unwrap();
    let before = std::fs::read(&paths.features).unwrap();
    let summary = place.run(&out, &films(&["13"]), 1);
    let error = summary.failed[0].error.to_string();
    assert!(error.contains("nothing is overwritten"), "{error}");
    assert_eq!(std::fs::read(&paths.features).unwrap(), before);
}

#[test]
fn recipe_and_weights_must_be_those_of_the_run() {
    let place = Place::new();
    let file = |name: &str| place.dir.path().join(name);
    let recipe = place.extractor.recipe().sha256.clone();
    let weights = place.extractor.weights().sha256.clone();
    let open = |recipe_sha256: Option<&str>, weights_sha256: Option<&str>| {
        let config = ExtractConfig {
            recipe: file("small.yaml").display().to_string(),
            recipe_sha256: recipe_sha256.map(str::to_owned),
            weights: file("net.pt"),
            weights_sha256: weights_sha256.map(str::to_owned),
        };
        Extractor::of_dataset(&config, None, Device::Cpu)
    };
    open(None, None).unwrap();
    open(Some(&recipe), Some(&weights)).unwrap();
    let error = open(Some(&weights), None).unwrap_err();
    assert!(
        matches!(&error, ExtractError::OtherRecipe { found, .. } if *found == recipe),
        "{error}"
    );
    let error = open(Some(&recipe), Some(&recipe)).unwrap_err();
    assert!(
        matches!(&error, ExtractError::OtherWeights { found, .. } if *found == weights),
        "{error}"
    );
}

#[cfg(target_os = "linux")]
#[test]
fn memory_does_not_grow_with_the_film() {
    let place = Place::new();
    // Two hours at 25 frames a second, after a short one that allocates what every film needs.
    place.run(&place.out("short"), &films(&["250"]), 8);
    let before = resident_bytes().unwrap();
    let mut most = before;
    let stop = AtomicBool::new(false);
    let mut seen = 0;
    let mut observer = |event: ExtractEvent<'_>| {
        if let ExtractEvent::Advanced { windows, .. } = event
            && windows >= seen + 1000
        {
            seen = windows;
            most = most.max(resident_bytes().unwrap());
        }
    };
    place
        .run_until(
            &place.out("long"),
            &films(&["180000"]),
            8,
            &stop,
            &mut observer,
        )
        .unwrap();
    let grown = most.saturating_sub(before);
    assert!(
        seen > 80_000 && grown < 64 << 20,
        "{seen} windows, {grown} bytes more"
    );
}
