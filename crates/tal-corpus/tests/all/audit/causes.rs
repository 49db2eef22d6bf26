//! Causes that explain many recordings at once.

use serde_json::{Value, json};
use tal_core::config::FeatureLayout;
use tal_corpus::audit::Code::*;
use tal_corpus::audit::Severity::*;
use tal_corpus::features::write_all;
use tal_data::FeatureArray;

use super::corpus::{Corpus, LEN};
use super::faults::{found, only};

const IDS: [&str; 6] = ["a", "b", "c", "d", "t", "u"];

/// Changes every segment.
fn scale(corpus: &mut Corpus, factor: f64) {
    for recording in corpus.database.values_mut() {
        for annotation in recording["annotations"].as_array_mut().unwrap() {
            for end in annotation["segment"].as_array_mut().unwrap() {
                *end = json!(end.as_f64().unwrap() * factor);
            }
        }
    }
}

/// Recordings of different durations, with as many features as the extractor gives at `fps`, `stride` and `window`.
fn lasting(corpus: &mut Corpus, fps: f64, stride: f64, window: f64) {
    for (id, duration) in IDS.into_iter().zip([20.0, 31.7, 44.9, 25.3, 60.1, 38.4]) {
        corpus.database[id]["duration"] = json!(duration);
        let len = ((duration * fps - window) / stride).floor() as usize + 1;
        let seed = id.as_bytes()[0] as f32;
        let values = (0..len * 4)
            .map(|i| (i as f32 * 0.37 + seed).sin())
            .collect();
        corpus.features.insert(id.into(), (values, vec![len, 4]));
    }
}

#[test]
fn other_units_than_seconds_are_named_and_nothing_that_follows() {
    for (factor, unit) in [
        (1.0 / 20.0, "fractions of the duration"),
        (30.0, "frames"),
        (1000.0, "milliseconds"),
        (5.0, "percentages of the duration"),
        (44_100.0, "microseconds, or samples of a signal"),
    ] {
        for features in [false, true] {
            let mut corpus = Corpus::new();
            scale(&mut corpus, factor);
            let audit = corpus.check(!features);
            let one = only(&audit);
            assert_eq!((one.severity, one.code), (Error, TimeUnit));
            assert_eq!(one.expected, format!("seconds; {unit} are likely meant"));
        }
    }
}

#[test]
fn durations_in_another_unit_are_told_from_features() {
    for (factor, unit) in [
        (1.0 / 60.0, "seconds; the durations are likely in minutes"),
        (30.0, "seconds; the durations are likely in frames"),
        (1000.0, "seconds; the durations are likely in milliseconds"),
    ] {
        let mut corpus = Corpus::new();
        lasting(&mut corpus, 30.0, 4.0, 16.0);
        for recording in corpus.database.values_mut() {
            recording["duration"] = json!(recording["duration"].as_f64().unwrap() * factor);
        }
        let audit = corpus.check(false);
        assert_eq!(only(&audit).code, TimeUnit);
        assert_eq!(only(&audit).expected, unit);
    }
    let mut corpus = Corpus::new();
    scale(&mut corpus, 30.0);
    for recording in corpus.database.values_mut() {
        recording["duration"] = json!(20.0 * 30.0);
    }
    let audit = corpus.check(false);
    assert!(only(&audit).expected.contains("durations and segments"));
}

#[test]
fn segments_near_the_start_are_no_fractions_if_one_is_not() {
    let mut corpus = Corpus::new();
    scale(&mut corpus, 1.0 / 20.0);
    corpus.annotation("d", 1)["segment"] = json!([6.0, 9.0]);
    let audit = corpus.check(false);
    assert!(!found(&audit).iter().any(|one| one.1 == TimeUnit));
}

#[test]
fn what_no_point_learns_from_is_an_error() {
    // Segments in seconds, but shorter than any feature.
    let shorten = |annotation: &mut Value, length: f64| {
        let start = annotation["segment"][0].as_f64().unwrap() + 0.04;
        annotation["segment"] = json!([start, start + length]);
    };
    let mut corpus = Corpus::new();
    for id in IDS {
        (0..3).for_each(|index| shorten(corpus.annotation(id, index), 0.02));
    }
    let audit = corpus.check(false);
    let first = &audit.findings[0];
    assert_eq!((first.severity, first.code), (Error, NothingToLearn));
    assert!(first.found.contains("any of the 12 training actions"));
    assert_eq!(audit.num_errors, 1);

    let mut corpus = Corpus::new();
    for id in IDS {
        shorten(corpus.annotation(id, 2), 0.02);
    }
    let audit = corpus.check(false);
    let first = &audit.findings[0];
    assert_eq!((first.severity, first.code), (Error, ClassNotLearned));
    assert!(first.found.contains("the 4 training actions of \"fall\""));
    assert_eq!(audit.num_errors, 1);

    // A unit that is wrong is the reason, and not told twice.
    let mut corpus = Corpus::new();
    scale(&mut corpus, 1e-3);
    assert_eq!(only(&corpus.check(false)).code, TimeUnit);

    let mut corpus = Corpus::new();
    for id in ["a", "b", "c", "d"] {
        corpus.database[id]["annotations"] = json!([]);
    }
    let audit = corpus.check(false);
    let codes: Vec<_> = audit.findings.iter().map(|one| one.code).collect();
    assert_eq!(audit.findings[0].code, SubsetWithoutAnnotations);
    assert!(!codes.contains(&RecordingWithoutAnnotations), "{codes:?}");

    let mut corpus = Corpus::new();
    for id in ["a", "b", "c", "d"] {
        corpus.features.get_mut(id).unwrap().0.fill(0.5);
    }
    let audit = corpus.check(false);
    assert_eq!(
        (audit.findings[0].severity, audit.findings[0].code),
        (Error, FeatureConstant)
    );
    assert_eq!(audit.num_errors, 1);
}

#[test]
fn recordings_that_are_left_out_are_an_error_if_none_is_left() {
    let mut corpus = Corpus::new();
    corpus.set("dataset.skip_missing_features=true");
    for id in ["a", "b", "c"] {
        corpus.features.remove(id);
    }
    let audit = corpus.check(false);
    assert_eq!((audit.num_errors, audit.num_warnings), (0, 3));
    corpus.features.remove("d");
    // Files of the check before lie there still.
    let config = corpus.config();
    std::fs::remove_file(corpus.folder.path().join("features/d.npy")).unwrap();
    let audit = super::corpus::check(&config, false);
    assert_eq!(audit.num_errors, 1);
    assert_eq!(
        audit.findings[0].found,
        "no recording to train on has features"
    );
}

/// The features of the corpus in one HDF5 file, under `name(id)`, those of `left_out` missing.
fn one_file(corpus: &mut Corpus, name: impl Fn(&str) -> String, left_out: &[&str]) {
    let arrays: Vec<(String, FeatureArray)> = IDS
        .into_iter()
        .filter(|id| !left_out.contains(id))
        .map(|id| {
            let (values, shape) = &corpus.features[id];
            (name(id), FeatureArray::from_time_first(values, 4, shape[0]))
        })
        .collect();
    let folder = corpus.folder.path().join("features");
    std::fs::create_dir_all(&folder).unwrap();
    write_all(
        &folder.join("all.h5"),
        None,
        FeatureLayout::TimeFirst,
        &arrays,
    )
    .unwrap();
    corpus.features.clear();
    corpus.set("dataset.features.format={type: hdf5, file: all.h5}");
}

#[test]
fn a_file_of_all_recordings_that_lacks_some_is_an_error() {
    let mut corpus = Corpus::new();
    one_file(&mut corpus, |id| format!("v_{id}"), &[]);
    let audit = corpus.check(false);
    let missing = |id| (Error, FeatureMissing, Some(id));
    assert_eq!(found(&audit), IDS.map(missing));
    assert!(
        audit.findings[0]
            .expected
            .ends_with("the file holds \"v_a\": check features.prefix"),
        "{audit:?}"
    );
    for quick in [false, true] {
        let mut corpus = Corpus::new();
        one_file(&mut corpus, str::to_owned, &["b", "u"]);
        let audit = corpus.check(quick);
        assert_eq!(found(&audit), [missing("b"), missing("u")]);
        assert!(
            audit.findings[0]
                .expected
                .contains("the file holds \"a\", \"c\"")
        );
    }
    // A file that is not there, or not one, is told once.
    let mut corpus = Corpus::new();
    one_file(&mut corpus, str::to_owned, &[]);
    let path = corpus.folder.path().join("features/all.h5");
    std::fs::write(&path, "nothing").unwrap();
    assert_eq!(
        found(&corpus.check(false)),
        [(Error, FeatureUnreadable, None)]
    );
    std::fs::remove_file(&path).unwrap();
    assert_eq!(found(&corpus.check(false)), [(Error, FeatureMissing, None)]);
}

#[test]
fn rates_are_explained_for_all_recordings_together() {
    for (fps, stride, window, cause) in [
        (30.0, 8.0, 16.0, "feat_stride: 8"),
        (25.0, 4.0, 16.0, "fps: 25"),
        (30.0, 16.0, 64.0, "feat_stride: 16, num_frames: 64"),
    ] {
        let mut corpus = Corpus::new();
        lasting(&mut corpus, fps, stride, window);
        let audit = corpus.check(false);
        let one = only(&audit);
        assert_eq!((one.severity, one.code), (Error, FeatureRate));
        let expected =
            format!("{cause}; it gives the number of features of all 6 recordings exactly");
        assert_eq!(one.expected, expected);
    }
    let mut corpus = Corpus::new();
    lasting(&mut corpus, 30.0, 4.0, 16.0);
    corpus.set("dataset.max_seq_len=480");
    assert_eq!(corpus.check(false).findings, []);
    for (values, shape) in corpus.features.values_mut() {
        values.truncate(LEN * 4);
        shape[0] = LEN;
    }
    let audit = corpus.check(false);
    assert_eq!(only(&audit).code, FeatureRate);
    assert!(only(&audit).expected.starts_with("feat_stride: null"));
}

#[test]
fn labels_that_differ_by_spaces_or_case_are_told() {
    let mut corpus = Corpus::new();
    for id in IDS {
        for annotation in corpus.database[id]["annotations"].as_array_mut().unwrap() {
            annotation.as_object_mut().unwrap().remove("label_id");
        }
    }
    corpus.annotation("a", 0)["label"] = json!("Run");
    corpus.annotation("b", 1)["label"] = json!("jump ");
    corpus.set("dataset.num_classes=5");
    let audit = corpus.check(false);
    let spelling = (Warning, LabelSpelling, None);
    assert_eq!(found(&audit), [spelling, spelling]);
    assert_eq!(
        audit.findings[1].found,
        "\"Run\" and \"run\" differ by spaces or case alone"
    );
}
