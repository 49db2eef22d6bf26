#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::features::npy;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    if let Ok(array) = npy::parse(bytes, Path::new("input.npy"), "npy") {
        check(&array);
    }
});
