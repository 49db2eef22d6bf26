//! The text format of SBHAR on a handmade folder.

use std::path::Path;

use tal_core::Segment;
use tal_corpus::sbhar_text;
use tal_data::annotations;
use tal_data::features::npy;

fn write(folder: &Path, name: &str, text: &str) {
    std::fs::write(folder.join(name), text).unwrap();
}

/// Two experiments of users 1 and 2, four and three samples; activity names one folder up.
fn fixture(root: &Path) -> std::path::PathBuf {
    let folder = root.join("RawData");
    std::fs::create_dir_all(&folder).unwrap();
    write(
        &folder,
        "acc_exp01_user01.txt",
        "0.5 -1 1e-1\n1 2 3\n4 5 6\n7 8 9\n",
    );
    write(
        &folder,
        "gyro_exp01_user01.txt",
        "0 0 0\n0.25 0 0\n0 0 0\n0 0 1\n",
    );
    write(
        &folder,
        "acc_exp02_user02.txt",
        "1 1 1 \n1 1 1 \n1 1 1 \n\n",
    );
    write(&folder, "gyro_exp02_user02.txt", "2 2 2\n2 2 2\n2 2 2\n");
    write(
        &folder,
        "labels.txt",
        "1 1 2 1 2\n1 1 1 3 4\n2 2 2 2 3\n9 5 1 1 1\n",
    );
    write(
        root,
        "activity_labels.txt",
        "1 WALKING   \n2 STAND_TO_SIT\n",
    );
    folder
}

#[test]
fn samples_become_seconds_and_activities_classes() {
    let root = tempfile::tempdir().unwrap();
    let corpus = sbhar_text::read(&fixture(root.path()), &[2]).unwrap();
    assert_eq!(corpus.signals[0].id, "exp01_user01");
    assert_eq!(
        corpus.signals[0].data[..12],
        [0.5, -1.0, 0.1, 0.0, 0.0, 0.0, 1.0, 2.0, 3.0, 0.25, 0.0, 0.0]
    );
    assert_eq!(corpus.signals[1].num_samples(), 3);
    let [first, second] = &corpus.truth.recordings[..] else {
        panic!("two recordings")
    };
    assert_eq!(
        (first.subset.as_str(), second.subset.as_str()),
        ("training", "test")
    );
    assert_eq!((first.duration, first.fps), (Some(0.08), Some(50.0)));
    assert_eq!(first.instances[0].segment, Segment::new(0.0, 0.04));
    assert_eq!(first.instances[1].segment, Segment::new(0.04, 0.08));
    assert_eq!((first.instances[0].label, first.instances[1].label), (1, 0));
    assert_eq!(corpus.truth.classes.name(1), Some("stand_to_sit"));
}

#[test]
fn a_converted_folder_holds_the_same() {
    let root = tempfile::tempdir().unwrap();
    let corpus = sbhar_text::read(&fixture(root.path()), &[2]).unwrap();
    let out = root.path().join("out");
    corpus.write(&out).unwrap();
    assert_eq!(
        annotations::read(&out.join("annotations.json"), Some(2)).unwrap(),
        corpus.truth
    );
    let array = npy::read(&out.join("raw/exp02_user02.npy")).unwrap();
    assert_eq!(
        (array.shape, array.data),
        (vec![3, 6], corpus.signals[1].data.clone())
    );
}

#[test]
fn wrong_files_are_told_what_is_wrong() {
    let error_of = |name: &str, text: &str| {
        let root = tempfile::tempdir().unwrap();
        let folder = fixture(root.path());
        write(&folder, name, text);
        let error = sbhar_text::read(&folder, &[2]).unwrap_err().to_string();
        error.replace(&format!("{}/", folder.display()), "")
    };
    assert_eq!(
        error_of("acc_exp01_user01.txt", "1 2 3\n1 x 3\n"),
        "acc_exp01_user01.txt: line 2: \"1 x 3\"; expected three finite numbers"
    );
    assert!(error_of("acc_exp01_user01.txt", "1 2 nan\n").contains("line 1: \"1 2 nan\""));
    assert_eq!(
        error_of("gyro_exp01_user01.txt", "1 2 3\n"),
        "gyro_exp01_user01.txt: 1 samples, but the accelerometer has 4"
    );
    assert_eq!(
        error_of("labels.txt", "1 1 2 1 2\n1 1 2 3 5\n"),
        "labels.txt: line 2: \"1 1 2 3 5\"; expected 1 <= first <= last <= 4, the number of samples"
    );
    assert!(error_of("labels.txt", "1 1 2 3 2\n").contains("expected 1 <= first <= last"));
    assert!(error_of("labels.txt", "1 1 2 0 2\n").contains("expected 1 <= first <= last"));
    for activity in [0, 3] {
        assert_eq!(
            error_of("labels.txt", &format!("1 1 {activity} 1 2\n")),
            format!("labels.txt: line 1: \"1 1 {activity} 1 2\"; expected an activity of 1 to 2")
        );
    }
    assert!(error_of("labels.txt", "1 1 2 1\n").contains("expected five whole numbers"));
    assert!(
        error_of("activity_labels.txt", "0 NONE\n")
            .contains("expected the activity's number (from 1)")
    );

    let root = tempfile::tempdir().unwrap();
    let folder = fixture(root.path());
    std::fs::remove_file(folder.join("gyro_exp02_user02.txt")).unwrap();
    let error = sbhar_text::read(&folder, &[2]).unwrap_err().to_string();
    assert!(
        error.starts_with("cannot read ") && error.contains("gyro_exp02_user02.txt"),
        "{error}"
    );
    let error = sbhar_text::read(root.path(), &[2]).unwrap_err().to_string();
    assert!(
        error.ends_with("no signals; expected files named acc_expXX_userYY.txt"),
        "{error}"
    );
}
