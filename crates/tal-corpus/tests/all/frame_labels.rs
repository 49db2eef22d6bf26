//! Frame labels and features as MS-TCN's authors distribute them.

use std::fs;
use std::path::Path;

use tal_core::Segment;
use tal_corpus::frame_labels::{self, FrameLabelConfig};
use tal_data::annotations;
use tal_data::features::npy;

/// Two videos of 7 and 4 frames at 15 per second.
fn publisher(folder: &Path) {
    for name in ["groundTruth", "features", "splits"] {
        fs::create_dir_all(folder.join(name)).unwrap();
    }
    let write = |name: &str, text: &str| fs::write(folder.join(name), text).unwrap();
    write("mapping.txt", "0 take\n1 background\n2 pour\n");
    write(
        "groundTruth/S1_Tea.txt",
        "background\ntake\ntake\npour\nbackground\npour\npour\n",
    );
    write("groundTruth/S2_Tea.txt", "take\ntake\ntake\nbackground");
    write("splits/train.split1.bundle", "S2_Tea.txt\n");
    write("splits/test.split1.bundle", "S1_Tea.txt\r\n\r\n");
    write("splits/train.split3.bundle", "");
    // (2, 7) and (2, 5): one frame more than labels.
    let features = |len: usize| (0..2 * len).map(|v| v as f32).collect::<Vec<_>>();
    npy::write(&folder.join("features/S1_Tea.npy"), &features(7), &[2, 7]).unwrap();
    npy::write(&folder.join("features/S2_Tea.npy"), &features(5), &[2, 5]).unwrap();
}

#[test]
fn runs_of_labels_become_segments() {
    let dir = tempfile::tempdir().unwrap();
    let (from, out) = (dir.path().join("gtea"), dir.path().join("out"));
    publisher(&from);
    let truth = frame_labels::prepare(&from, &out, &FrameLabelConfig::gtea(1)).unwrap();
    let names: Vec<_> = truth.classes.iter().collect();
    assert_eq!(names, [(0, "take"), (1, "pour")]);
    let [training, test] = &truth.recordings[..] else {
        panic!("{truth:?}")
    };
    assert_eq!(
        (training.id.as_str(), training.subset.as_str()),
        ("S2_Tea", "training")
    );
    assert_eq!(
        (training.duration, training.fps),
        (Some(4.0 / 15.0), Some(15.0))
    );
    let at = |start: u32, end: u32| Segment::new(f64::from(start) / 15.0, f64::from(end) / 15.0);
    let segments: Vec<_> = test
        .instances
        .iter()
        .map(|i| (i.segment, i.label))
        .collect();
    assert_eq!(segments, [(at(1, 3), 0), (at(3, 4), 1), (at(5, 7), 1)]);
    assert_eq!(
        annotations::read(&out.join("annotations.json"), Some(2)).unwrap(),
        truth
    );
    let features = npy::read(&out.join("features/S2_Tea.npy")).unwrap();
    assert_eq!(features.shape, [4, 2]);
    assert_eq!(features.data, [0.0, 5.0, 1.0, 6.0, 2.0, 7.0, 3.0, 8.0]);
}

#[test]
fn every_second_frame_halves_the_rate() {
    let dir = tempfile::tempdir().unwrap();
    let (from, out) = (dir.path().join("gtea"), dir.path().join("out"));
    publisher(&from);
    let config = FrameLabelConfig {
        every: 2,
        ..FrameLabelConfig::gtea(1)
    };
    let truth = frame_labels::prepare(&from, &out, &config).unwrap();
    let test = &truth.recordings[1];
    // Frames 0, 2, 4 and 6: background, take, background, pour.
    let segments: Vec<_> = test
        .instances
        .iter()
        .map(|i| (i.segment, i.label))
        .collect();
    let expected = [
        (Segment::new(1.0 / 7.5, 2.0 / 7.5), 0),
        (Segment::new(3.0 / 7.5, 4.0 / 7.5), 1),
    ];
    assert_eq!(segments, expected);
    assert_eq!((test.duration, test.fps), (Some(4.0 / 7.5), Some(7.5)));
    let features = npy::read(&out.join("features/S1_Tea.npy")).unwrap();
    assert_eq!(features.shape, [4, 2]);
    assert_eq!(features.data, [0.0, 7.0, 2.0, 9.0, 4.0, 11.0, 6.0, 13.0]);
}

#[test]
fn mistakes_are_named_and_nothing_is_left() {
    let tea = "groundTruth/S1_Tea.txt";
    let test = "splits/test.split1.bundle";
    let cases: [(&str, &str, &str); 9] = [
        (
            tea,
            "take\nstir\n",
            "S1_Tea.txt: line 2: \"stir\"; expected a class of mapping.txt",
        ),
        (
            tea,
            "\n\n",
            "S1_Tea.txt: line 1: \"\"; expected the name of a class for each frame",
        ),
        (
            tea,
            "take\n\ntake\n",
            "S1_Tea.txt: line 2: \"\"; expected a class",
        ),
        (
            "mapping.txt",
            "0 take\n1 pour\n",
            "mapping.txt: no class \"background\", which should be",
        ),
        (
            "mapping.txt",
            "0 take\n0 pour\n",
            "mapping.txt: class id 0 has two names",
        ),
        (
            test,
            "S2_Tea.txt\n",
            "line 1: \"S2_Tea.txt\"; expected each recording once",
        ),
        (
            test,
            "../S2_Tea.txt\n",
            "line 1: \"../S2_Tea.txt\"; expected the name of a file",
        ),
        (test, "S9_Tea.txt\n", "S9_Tea.txt: "),
        ("features/S1_Tea.npy", "no array", "not a valid npy file"),
    ];
    for (file, content, expected) in cases {
        let dir = tempfile::tempdir().unwrap();
        let (from, out) = (dir.path().join("gtea"), dir.path().join("out"));
        publisher(&from);
        fs::write(from.join(file), content).unwrap();
        let error = frame_labels::prepare(&from, &out, &FrameLabelConfig::gtea(1)).unwrap_err();
        let text = error.to_string();
        assert!(text.contains(expected), "{text}");
        assert!(!out.exists(), "{text}");
    }
    let dir = tempfile::tempdir().unwrap();
    let (from, out) = (dir.path().join("gtea"), dir.path().join("out"));
    publisher(&from);
    let refuse = |config: &FrameLabelConfig, expected: &str| {
        let error = frame_labels::prepare(&from, &out, config)
            .unwrap_err()
            .to_string();
        assert!(error.contains(expected), "{error}");
    };
    let gtea = FrameLabelConfig::gtea;
    refuse(
        &gtea(2),
        "there is no split 2; the folder has the splits 1, 3",
    );
    refuse(&FrameLabelConfig::salads(1), "no class \"action_start\"");
    refuse(
        &FrameLabelConfig {
            every: 0,
            ..gtea(1)
        },
        "every 0th frame",
    );
    refuse(
        &FrameLabelConfig {
            fps: 0.0,
            ..gtea(1)
        },
        "0 frames per second",
    );
    npy::write(&from.join("features/S1_Tea.npy"), &[0.0; 60], &[30, 2]).unwrap();
    refuse(
        &FrameLabelConfig {
            fps: 4.0,
            ..gtea(1)
        },
        "array of shape [30, 2] for 7 labelled frames",
    );
    npy::write(&from.join("features/S1_Tea.npy"), &[f32::NAN; 14], &[2, 7]).unwrap();
    refuse(&gtea(1), "NaN at time step 0, channel 0");
    assert!(!out.exists());
    fs::create_dir(&out).unwrap();
    fs::write(out.join("mine.txt"), "").unwrap();
    refuse(
        &gtea(1),
        "is not empty; choose another one, nothing is overwritten",
    );
}
