#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::hdf5;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    let path = Path::new("input.h5");
    let Ok(file) = hdf5::File::from_bytes(bytes.to_vec(), path) else {
        return;
    };
    for name in [None, Some("feats"), Some("v_r/c3d_features"), Some("v_r")] {
        if let Ok(array) = file.read(name, path) {
            check(&array);
        }
    }
});
