//! The inputs from which fuzzing starts: files named `valid_*` are read, files named `bad_*` are refused, none panics.

use std::path::{Path, PathBuf};

use tal_core::ClassMap;
use tal_data::features::{csv, npy, npz, safetensors, tensors};
use tal_data::{annotations, class_scores, hdf5, results};

/// The files of a target with their content; whether the name promises that they are valid.
fn corpus(target: &str) -> Vec<(PathBuf, Vec<u8>, bool)> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let files: Vec<_> = std::fs::read_dir(&folder)
        .unwrap()
        .map(|entry| {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_str().unwrap();
            let valid = name.starts_with("valid_");
            assert!(valid || name.starts_with("bad_"), "{name}");
            let bytes = std::fs::read(&path).unwrap();
            (path, bytes, valid)
        })
        .collect();
    assert!(files.iter().any(|f| f.2) && files.iter().any(|f| !f.2));
    files
}

fn check<T, E: std::fmt::Display>(target: &str, parse: impl Fn(&[u8], &Path) -> Result<T, E>) {
    for (path, bytes, valid) in corpus(target) {
        match parse(&bytes, &path) {
            Ok(_) => assert!(valid, "{} is accepted", path.display()),
            Err(error) => {
                let text = error.to_string();
                assert!(!valid, "{text}");
                let name = path.file_name().unwrap().to_str().unwrap();
                assert!(text.contains(name), "the error names no file: {text}");
            }
        }
    }
}

/// As the fuzz targets have them.
fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump", "0", "a, b"]).unwrap()
}

#[test]
fn result_json() {
    check("results_json", |bytes, path| {
        results::parse_json(bytes, path, &classes())
    });
}

#[test]
fn result_json_lines() {
    check("results_json_lines", |bytes, path| {
        results::parse_json_lines(bytes, path, &classes())
    });
}

#[test]
fn result_csv() {
    check("results_csv", |bytes, path| {
        results::parse_csv(bytes, path, &classes())
    });
}

#[test]
fn annotation_json() {
    check("annotations", |bytes, path| {
        annotations::parse(bytes, path, None)
    });
}

#[test]
fn class_score_json() {
    check("class_scores", |bytes, path| {
        class_scores::parse(bytes, path, &classes())
    });
}

#[test]
fn feature_arrays() {
    check("npy", |bytes, path| npy::parse(bytes, path, "npy"));
    check("npz", |bytes, path| npz::parse(bytes, path, "feats"));
    check("safetensors", |bytes, path| {
        safetensors::parse(bytes, path, Some("feats"))
    });
    check("features_csv", |bytes, path| csv::parse(bytes, path, false));
    check("hdf5", |bytes, path| {
        hdf5::File::from_bytes(bytes.to_vec(), path)?.read(None, path)
    });
}

#[test]
fn feature_tensors() {
    // One of the ways in which the files may be keyed.
    let all = [
        &[][..],
        &["feats"],
        &["a", "b"],
        &["slow_feature", "fast_feature"],
    ];
    let keys = all.map(|keys| {
        keys.iter()
            .map(|key| (*key).to_owned())
            .collect::<Vec<String>>()
    });
    check("pth", |bytes, path| {
        let mut results = keys
            .iter()
            .map(|keys| tensors::parse(bytes.to_vec(), path, keys));
        results
            .find(Result::is_ok)
            .unwrap_or_else(|| tensors::parse(bytes.to_vec(), path, &[]))
    });
    check("pickle", |bytes, path| {
        let mut results = keys
            .iter()
            .map(|keys| tensors::parse(bytes.to_vec(), path, keys));
        results
            .find(Result::is_ok)
            .unwrap_or_else(|| tensors::parse(bytes.to_vec(), path, &[]))
    });
}
