#![no_main]

use std::path::Path;

use libfuzzer_sys::fuzz_target;
use tal_data::annotations;

fuzz_target!(|bytes: &[u8]| {
    for num_classes in [None, Some(4)] {
        let Ok(truth) = annotations::parse(bytes, Path::new("input.json"), num_classes) else {
            continue;
        };
        for instance in truth.recordings.iter().flat_map(|r| &r.instances) {
            assert!(instance.segment.is_ordered());
            assert!(truth.classes.name(instance.label).is_some());
        }
        if let Some(bound) = num_classes {
            assert!(truth.classes.id_bound() as usize <= bound);
        }
    }
});
