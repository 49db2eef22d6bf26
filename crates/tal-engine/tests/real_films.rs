//! Real weights on real films, if both are at hand: the films in `TAL_DATA`, the weights of EfficientNet-Lite0 in `TAL_WEIGHTS` or
//! from `cargo xtask setup --video`.

use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use tal_backbone::{Backbone, BackboneOptions, Network, StateDict};
use tal_data::features::{RowPrecision, npy};
use tal_engine::extract::{
    ExtractOptions, Extractor, FfmpegFilms, Film, FilmPaths, NamedRecipe, OnFailure,
};
use tal_video::{Ffmpeg, VideoError};
use tch::{Device, Kind, Tensor};

const WEIGHTS: &str = "efficientnet-lite0-57934424.pth";
/// Number of frames from one that the fixture has features of to the next.
const EVERY: i64 = 6;

/// Films with the largest difference of a feature in standard deviations. Versions of FFmpeg agree about the pixels of the first;
/// those of the second (MS-MPEG-4) differ by up to two levels.
const FILMS: [(&str, &str, f64); 2] = [
    ("v_GGSY1Qvo990", "local/v_GGSY1Qvo990.mp4", 1e-3),
    ("vtest_10s", "vtest_10s.avi", 0.05),
];

fn weights() -> Option<PathBuf> {
    let own = std::env::var_os("TAL_WEIGHTS").map(PathBuf::from);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.weights");
    let mut folders = own
        .into_iter()
        .chain([ours])
        .map(|folder| folder.join(WEIGHTS));
    folders.find(|file| file.is_file())
}

#[test]
fn every_frame_has_the_class_that_the_public_code_gives() {
    let Some(data) = std::env::var_os("TAL_DATA").map(PathBuf::from) else {
        eprintln!("SKIPPED: TAL_DATA is not set");
        return;
    };
    let films: Vec<_> = FILMS
        .iter()
        .filter(|(_, file, _)| data.join("video").join(file).is_file())
        .collect();
    let (false, Some(weights)) = (films.is_empty(), weights()) else {
        eprintln!("SKIPPED: the films are not in TAL_DATA, or there is no {WEIGHTS}");
        return;
    };
    let ffmpeg = match Ffmpeg::find(None) {
        Ok(found) => found,
        Err(error @ VideoError::NoProgram) => {
            eprintln!("SKIPPED: {error}");
            return;
        }
        Err(error) => panic!("{error}"),
    };
    let recipe = NamedRecipe::open("efficientnet_lite0_frames").unwrap();
    let extractor = Extractor::open(recipe, &weights, Device::Cpu).unwrap();
    let reader = FfmpegFilms {
        ffmpeg: Some(ffmpeg),
        stream: 0,
        image_rate: None,
    };
    let out = tempfile::tempdir().unwrap();
    let options = ExtractOptions {
        out: out.path().to_owned(),
        batch_size: 1,
        on_failure: OnFailure::Stop,
        precision: Some(RowPrecision::Single),
    };
    let all: Vec<_> = films
        .iter()
        .map(|(id, file, _)| Film {
            id: (*id).to_owned(),
            path: data.join("video").join(file),
        })
        .collect();
    let stop = AtomicBool::new(false);
    extractor
        .run(&all, &reader, &options, &stop, &mut |_| {})
        .unwrap();

    let with_classes = BackboneOptions {
        classifier: true,
        ..BackboneOptions::default()
    };
    let state = StateDict::open(&weights).unwrap();
    let backbone = Backbone::load(&Network::EfficientNetLite0, state, &with_classes).unwrap();
    let fixture =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/real_films.safetensors");
    let golden: std::collections::BTreeMap<String, Tensor> = Tensor::read_safetensors(fixture)
        .unwrap()
        .into_iter()
        .collect();
    for (id, _, bound) in films {
        let read = npy::read(&FilmPaths::new(out.path(), id).features).unwrap();
        let shape = [read.shape[0] as i64, read.shape[1] as i64];
        let features = Tensor::from_slice(&read.data).reshape(shape);
        let classes = backbone.logits(&features).unwrap().argmax(1, false);
        let wanted = golden[&format!("{id}.classes")].to_kind(Kind::Int64);
        assert_eq!(classes, wanted, "{id}: classes");
        let wanted = &golden[&format!("{id}.features")];
        let found = features.slice(0, 0, None, EVERY);
        let std = wanted.std(false).double_value(&[]);
        let difference = (found - wanted).abs().max().double_value(&[]) / std;
        println!(
            "{id}: {} frames, features differ by {difference:.1e} of their deviation",
            shape[0]
        );
        assert!(difference <= *bound, "{id}: {difference}");
    }
}
