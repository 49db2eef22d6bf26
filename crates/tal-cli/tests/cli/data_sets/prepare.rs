//! `tal data prepare`.

use std::fs;

use tal_data::features::npy;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::{Place, words};

/// Two videos as MS-TCN's authors distribute them; `background` names what is no action.
fn frame_labels(place: &Place, background: &[&str]) {
    for name in ["groundTruth", "features", "splits"] {
        fs::create_dir_all(place.path(&format!("from/{name}"))).unwrap();
    }
    let mut mapping = "0 take\n1 pour\n".to_owned();
    for (index, name) in background.iter().enumerate() {
        mapping += &format!("{} {name}\n", index + 2);
    }
    place.write("from/mapping.txt", mapping);
    for (id, split) in [("S1_Tea", "test"), ("S2_Tea", "train")] {
        let lines = format!("{0}\n{0}\ntake\ntake\npour\npour\n", background[0]);
        place.write(&format!("from/groundTruth/{id}.txt"), lines);
        place.write(
            &format!("from/splits/{split}.split2.bundle"),
            format!("{id}.txt\n"),
        );
        let values: Vec<f32> = (0..18).map(|v| v as f32).collect();
        npy::write(
            &place.path(&format!("from/features/{id}.npy")),
            &values,
            &[3, 6],
        )
        .unwrap();
    }
}

#[test]
fn frame_labels_are_prepared() {
    let place = Place::without_data();
    frame_labels(&place, &["background"]);
    let gtea = words("data prepare gtea --from from --out gtea --split");
    refused(
        &place,
        &[&gtea[..], &["1"]].concat(),
        USAGE,
        &["--split", "no split 1", "splits 2"],
    );
    refused(
        &place,
        &[&gtea[..], &["0"]].concat(),
        USAGE,
        &["--split", "at least 1"],
    );
    let printed = place.ok(&[&gtea[..], &["2"]].concat());
    assert!(
        printed.contains("2 recordings, 4 annotations, 2 classes, 15 features per second"),
        "{printed}"
    );
    let found = place.json("gtea/annotations.json");
    let test = &found["database"]["S1_Tea"];
    assert_eq!(test["subset"], "test");
    assert_eq!(test["annotations"][0]["segment"][0], 2.0 / 15.0);
    refused(
        &place,
        &[&gtea[..], &["2"]].concat(),
        USAGE,
        &["--out gtea", "not empty"],
    );

    let salads = words("data prepare 50salads --from from --split 2 --out");
    refused(
        &place,
        &[&salads[..], &["s"]].concat(),
        FAILED,
        &["mapping.txt", "no class \"action_start\""],
    );
    frame_labels(&place, &["action_start", "action_end"]);
    let printed = place.ok(&[&salads[..], &["s", "--every", "2"]].concat());
    assert!(printed.contains("15 features per second"), "{printed}");
    assert_eq!(
        npy::read(&place.path("s/features/S2_Tea.npy"))
            .unwrap()
            .shape,
        [3, 3]
    );
    let slow = place.ok(&[&salads[..], &["t", "--fps", "2.5"]].concat());
    assert!(slow.contains("2.5 features per second"), "{slow}");
}

#[test]
fn preparing_says_where_files_come_from_and_what_is_wrong() {
    let place = Place::without_data();
    let help = place.ok(&["data", "prepare", "--help"]);
    assert!(help.contains("zenodo.org/record/3625992"), "{help}");
    let sbhar = ["data", "prepare", "sbhar", "--from", "none", "--out", "out"];
    refused(
        &place,
        &[&sbhar[..], &["--split", "1"]].concat(),
        USAGE,
        &["--split", "gtea"],
    );
    refused(&place, &sbhar, FAILED, &["none", "No such file"]);
    let gtea = ["data", "prepare", "gtea", "--from", "none", "--out", "out"];
    refused(&place, &gtea, FAILED, &["mapping.txt", "groundTruth/"]);
    assert!(!place.path("out").exists());
}
