#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::features::csv;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    for header in [false, true] {
        if let Ok(array) = csv::parse(bytes, Path::new("input.csv"), header) {
            check(&array);
            assert!(array.data.iter().all(|value| value.is_finite()));
        }
    }
});
