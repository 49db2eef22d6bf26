//! What every set of annotations that a reader of a publisher's format accepts must be.

use std::path::PathBuf;

use tal_corpus::source::{self, SourceFormat, SourceOptions};

/// Panics where something is read that is not annotations.
pub(crate) fn check(format: SourceFormat, path: &str, bytes: &[u8]) {
    let files = [(PathBuf::from(path), bytes.to_vec())];
    let options = SourceOptions {
        default_subset: Some("training".to_owned()),
        ..SourceOptions::default()
    };
    let Ok(found) = source::parse(format, &files, &options) else {
        return;
    };
    for recording in &found.truth.recordings {
        assert!(
            recording
                .duration
                .is_none_or(|seconds| seconds > 0.0 && seconds.is_finite())
        );
        for instance in &recording.instances {
            assert!(instance.segment.is_ordered() && instance.segment.length() > 0.0);
            assert!(found.truth.classes.name(instance.label).is_some());
        }
    }
}
