#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::features::safetensors;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = safetensors::parse(bytes, Path::new("input.safetensors"), Some("feats")) {
        check(&array);
    }
});
