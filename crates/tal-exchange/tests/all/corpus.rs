//! The corpus of the fuzz target of annotation tools: `valid_*` is read, `bad_*` refused.

use std::path::Path;

use tal_exchange::{FORMATS, ReadOptions};

#[test]
fn names_tell_what_is_read() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/exchange");
    let options = ReadOptions {
        fps: Some(25.0),
        ..ReadOptions::default()
    };
    let mut seen = Vec::new();
    for entry in std::fs::read_dir(&folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        let bytes = std::fs::read(&path).unwrap();
        let read = tal_exchange::parse(None, &[(path.clone(), bytes.clone())], &options);
        let expected = name.starts_with("valid_");
        assert!(expected || name.starts_with("bad_"), "{name}");
        assert_eq!(read.is_ok(), expected, "{name}: {read:?}");
        if expected {
            seen.push(
                tal_exchange::recognise(&tal_exchange::content(&path).unwrap(), &path)
                    .unwrap()
                    .name,
            );
        }
    }
    for format in FORMATS.iter().filter(|format| format.can_read()) {
        assert!(
            seen.contains(&format.name),
            "no valid file of {}",
            format.name
        );
    }
}
