#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::class_scores;

#[allow(dead_code, reason = "its checks of detections are for other targets")]
mod check;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(all) = class_scores::parse(bytes, Path::new("input.json"), &check::classes()) {
        let mut values = all.values().flatten();
        assert!(values.all(|value| value.is_finite() && *value >= 0.0));
    }
});
