#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::results;

mod check;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(all) = results::parse_json_lines(bytes, Path::new("input.jsonl"), &check::classes()) {
        check::detections(&all);
    }
});
