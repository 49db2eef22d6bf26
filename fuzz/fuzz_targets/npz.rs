#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::features::npz;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = npz::parse(bytes, Path::new("input.npz"), "feats") {
        check(&array);
    }
});
