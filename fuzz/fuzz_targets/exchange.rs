#![no_main]

use std::path::PathBuf;

use libfuzzer_sys::fuzz_target;
use tal_exchange::{FORMATS, ReadOptions, WriteOptions};

// Every format reads the bytes; what one of them accepts, every format can write.
fuzz_target!(|bytes: &[u8]| {
    let options = ReadOptions {
        fps: Some(25.0),
        ..ReadOptions::default()
    };
    for format in FORMATS.iter().filter(|format| format.can_read()) {
        let path = PathBuf::from("a").with_extension(format.extensions[0]);
        let Ok(project) = tal_exchange::parse(Some(format), &[(path, bytes.to_vec())], &options) else {
            continue;
        };
        for event in project.events() {
            assert!(!event.class.is_empty() && project.classes.contains(&event.class));
            assert!(event.start.is_finite() && event.end_or_start().is_finite());
            assert!(event.start <= event.end_or_start());
            assert!(event.score.is_none_or(f64::is_finite));
        }
        let options = WriteOptions {
            fps: Some(25.0),
            date: "2026-01-02T03:04:05".to_owned(),
            ..WriteOptions::default()
        };
        for format in FORMATS.iter().filter(|format| format.can_write()) {
            let _ = tal_exchange::files(format, &project, &options);
        }
    }
});
