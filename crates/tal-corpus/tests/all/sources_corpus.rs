//! The fuzz targets' corpora of publishers' annotations: `valid_*` is read, `bad_*` refused.

use std::path::{Path, PathBuf};

use tal_corpus::source::{self, ClassList, SourceFormat, SourceOptions, VideoInfo};

/// Runs `read` on every file of a target and compares with what its name says.
fn check(target: &str, read: impl Fn(&str, &[u8]) -> Result<(), String>) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../fuzz/corpus")
        .join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let outcome = read(name, &std::fs::read(&path).unwrap());
        let expected = name.starts_with("valid_");
        assert!(expected || name.starts_with("bad_"), "{target}/{name}");
        assert_eq!(outcome.is_ok(), expected, "{target}/{name}: {outcome:?}");
        count += 1;
    }
    assert!(count >= 3, "{target}: {count} files");
}

#[test]
fn names_tell_what_is_read() {
    let options = SourceOptions {
        default_subset: Some("training".to_owned()),
        ..SourceOptions::default()
    };
    for (target, format, path) in [
        ("source_activity_net", SourceFormat::ActivityNet, "a.json"),
        ("source_thumos", SourceFormat::Thumos, "Diving_val.txt"),
        ("source_multi_thumos", SourceFormat::MultiThumos, "m.json"),
        ("source_epic", SourceFormat::EpicVerbs, "EPIC_100_train.csv"),
        (
            "source_charades",
            SourceFormat::Charades,
            "Charades_v1_train.csv",
        ),
        (
            "source_ego4d",
            SourceFormat::Ego4dMoments,
            "moments_train.json",
        ),
        ("source_csv", SourceFormat::Csv, "a.csv"),
    ] {
        check(target, |_, bytes| {
            let files = [(PathBuf::from(path), bytes.to_vec())];
            let found = source::parse(format, &files, &options);
            found.map(drop).map_err(|error| error.to_string())
        });
    }
    check("class_list", |name, bytes| {
        let path = Path::new(name);
        let found = match name.contains("info") {
            true => VideoInfo::parse(bytes, path).map(drop),
            false => ClassList::parse(bytes, path).map(drop),
        };
        found.map_err(|error| error.to_string())
    });
}
