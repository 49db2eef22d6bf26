#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_corpus::source::{ClassList, VideoInfo};

fuzz_target!(|bytes: &[u8]| {
    for path in ["input.csv", "input.txt"] {
        if let Ok(list) = ClassList::parse(bytes, Path::new(path)) {
            assert_eq!(list.classes().id_bound() as usize, list.classes().len());
        }
    }
    let _ = VideoInfo::parse(bytes, Path::new("input.csv"));
});
