#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::features::tensors;

mod array;

use array::check;

fuzz_target!(|bytes: &[u8]| {
    for keys in [&[][..], &["feats"], &["slow_feature", "fast_feature"]] {
        let keys: Vec<String> = keys.iter().map(|key| (*key).to_owned()).collect();
        let arrays = tensors::parse(bytes.to_vec(), Path::new("input.pkl"), &keys);
        arrays.iter().flatten().for_each(check);
    }
});
