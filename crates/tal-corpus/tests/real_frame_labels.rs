//! GTEA and 50 Salads, where they are at hand (environment variable `TAL_DATA`): frame labels and (C, T) features rebuilt from the
//! converted data set give that data set again.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use tal_core::GroundTruth;
use tal_corpus::frame_labels::{self, FrameLabelConfig};
use tal_data::annotations;
use tal_data::features::npy;

/// Annotations of the data sets are rounded to four decimals.
const TOLERANCE: f64 = 5.1e-5;

/// Writes the publisher's layout of `folder` (annotations.json, features/) to `to`.
fn rebuild(folder: &Path, to: &Path, background: &[String]) -> GroundTruth {
    let truth = annotations::read(&folder.join("annotations.json"), None).unwrap();
    for name in ["groundTruth", "features", "splits"] {
        fs::create_dir_all(to.join(name)).unwrap();
    }
    let actions = truth.classes.iter().map(|(_, name)| name);
    let names = actions.chain(background.iter().map(String::as_str));
    let mapping: String = names
        .enumerate()
        .map(|(n, name)| format!("{n} {name}\n"))
        .collect();
    fs::write(to.join("mapping.txt"), mapping).unwrap();
    for (bundle, subset) in [("train", "training"), ("test", "test")] {
        let ids = truth.recordings.iter().filter(|r| r.subset == subset);
        let lines: String = ids.map(|r| format!("{}.txt\n", r.id)).collect();
        fs::write(to.join(format!("splits/{bundle}.split1.bundle")), lines).unwrap();
    }
    for recording in &truth.recordings {
        let name = format!("features/{}.npy", recording.id);
        let array = npy::read(&folder.join(&name)).unwrap();
        let [len, channels] = array.shape[..] else {
            panic!("{:?}", array.shape)
        };
        let turned: Vec<f32> = (0..channels)
            .flat_map(|c| (0..len).map(move |t| t * channels + c))
            .map(|at| array.data[at])
            .collect();
        npy::write(&to.join(name), &turned, &[channels, len]).unwrap();
        let mut labels = vec![background[0].clone(); len];
        for instance in &recording.instances {
            let frame = |seconds: f64| (seconds * recording.fps.unwrap()).round() as usize;
            let name = truth.classes.display_name(instance.label);
            labels[frame(instance.segment.start)..frame(instance.segment.end)].fill(name);
        }
        let path = to.join(format!("groundTruth/{}.txt", recording.id));
        fs::write(path, labels.join("\n") + "\n").unwrap();
    }
    truth
}

#[test]
fn the_converted_data_sets_come_out_again() {
    let Some(data) = std::env::var_os("TAL_DATA").map(PathBuf::from) else {
        // Not `eprintln!`: the test harness would swallow it.
        let _ = writeln!(
            std::io::stderr(),
            "SKIPPED real_frame_labels: TAL_DATA is not set"
        );
        return;
    };
    let salads = FrameLabelConfig {
        fps: 2.5,
        ..FrameLabelConfig::salads(1)
    };
    for (name, config, num_instances) in [
        ("gtea/split1", FrameLabelConfig::gtea(1), 526),
        ("50salads/split1", salads, 898),
    ] {
        let scratch = tempfile::tempdir().unwrap();
        let (from, out) = (scratch.path().join("from"), scratch.path().join("out"));
        let folder = data.join(name);
        let expected = rebuild(&folder, &from, &config.background);
        let found = frame_labels::prepare(&from, &out, &config).unwrap();
        assert_eq!(found.classes, expected.classes);
        assert_eq!(found.recordings.len(), expected.recordings.len());
        let mut count = 0;
        for recording in &expected.recordings {
            let id = &recording.id;
            let other = found.recordings.iter().find(|r| r.id == *id).unwrap();
            assert_eq!(
                (&other.subset, other.fps),
                (&recording.subset, recording.fps)
            );
            assert!((other.duration.unwrap() - recording.duration.unwrap()).abs() < TOLERANCE);
            assert_eq!(other.instances.len(), recording.instances.len(), "{id}");
            for (a, b) in other.instances.iter().zip(&recording.instances) {
                assert_eq!(a.label, b.label, "{id}");
                assert!(
                    (a.segment.start - b.segment.start).abs() < TOLERANCE,
                    "{id}"
                );
                assert!((a.segment.end - b.segment.end).abs() < TOLERANCE, "{id}");
                count += 1;
            }
            let read =
                |folder: &Path| npy::read(&folder.join(format!("features/{id}.npy"))).unwrap();
            assert_eq!(read(&out), read(&folder), "{id}");
        }
        assert_eq!(count, num_instances, "{name}");
    }
}
