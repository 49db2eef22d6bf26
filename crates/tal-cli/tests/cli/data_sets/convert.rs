//! `tal data convert annotations`.

use std::collections::BTreeMap;
use std::fs;

use serde_json::Value;

use crate::bad_input::{FAILED, USAGE, refused};
use crate::support::Place;

/// Two classes and Ambiguous; one annotation has no length.
fn thumos(place: &Place) {
    fs::create_dir(place.path("val")).unwrap();
    place.write(
        "val/Diving_val.txt",
        "video_validation_0000002  1.5 2.5\nvideo_validation_0000001 7.0 7.0\n",
    );
    place.write(
        "val/Billiards_val.txt",
        "video_validation_0000002  0.5 2.5\n",
    );
    place.write("val/Ambiguous_val.txt", "video_validation_0000002  3 4\n");
}

const THUMOS: [&str; 7] = [
    "data",
    "convert",
    "annotations",
    "val",
    "--from",
    "thumos14",
    "--out",
];

fn labels(annotations: &Value) -> BTreeMap<String, u64> {
    let database = annotations["database"].as_object().unwrap();
    database
        .values()
        .flat_map(|recording| recording["annotations"].as_array().unwrap())
        .map(|annotation| {
            let label = annotation["label"].as_str().unwrap().to_owned();
            (label, annotation["label_id"].as_u64().unwrap())
        })
        .collect()
}

#[test]
fn annotations_are_converted_and_reported() {
    let place = Place::without_data();
    thumos(&place);
    let more = [
        "a.json",
        "--drop-class",
        "Ambiguous",
        "--subset-map",
        "Validation=training",
        "--fps",
        "30",
    ];
    let printed = place.ok(&[&THUMOS[..], &more].concat());
    for part in [
        "a.json: 2 recordings, 2 annotations, 2 classes",
        "  training: 2 recordings, 2 annotations",
        "left out: 1 (start where they end), the first is Diving in video_validation_0000001, 7 to 7 s",
        "left out: 1 (class dropped), the first is Ambiguous in video_validation_0000002, 3 to 4 s",
        "without duration: 2 recordings (--video-info)",
    ] {
        assert!(printed.contains(part), "no {part:?}: {printed}");
    }
    assert!(!printed.contains("without frame rate"), "{printed}");
    let found = place.json("a.json");
    let expected = BTreeMap::from([("Billiards".to_owned(), 0), ("Diving".to_owned(), 1)]);
    assert_eq!(labels(&found), expected);
    assert_eq!(found["database"]["video_validation_0000001"]["fps"], 30.0);

    // There and back through the other formats.
    let convert = |input: &str, from: &str, out: &str, to: &[&str]| {
        let args = [
            "data",
            "convert",
            "annotations",
            input,
            "--from",
            from,
            "--out",
            out,
        ];
        place.ok(&[&args[..], to].concat());
    };
    convert("a.json", "json", "a.csv", &[]);
    convert("a.csv", "csv", "b.json", &[]);
    assert_eq!(place.json("b.json"), found);
    convert("a.json", "json", "anet.json", &["--to", "activitynet"]);
    assert!(!place.read("anet.json").contains("label_id"));
    convert("anet.json", "activitynet", "c.json", &["--fps", "30"]);
    assert_eq!(place.json("c.json"), found);
}

#[test]
fn without_options_everything_is_kept() {
    let place = Place::without_data();
    thumos(&place);
    let printed = place.ok(&[&THUMOS[..], &["a.json"]].concat());
    assert!(printed.contains("3 classes"), "{printed}");
    assert!(
        printed.contains("without frame rate: 2 recordings"),
        "{printed}"
    );
    assert_eq!(labels(&place.json("a.json"))["Ambiguous"], 2);
}

#[test]
fn conversions_that_cannot_be() {
    let place = Place::without_data();
    thumos(&place);
    fs::create_dir(place.path("empty")).unwrap();
    place.write("classes.txt", "Diving\nBilliard\nAmbiguous\n");
    place.write("there.json", "mine");
    let cases: [(&[&str], i32, &[&str]); 12] = [
        (
            &["there.json"],
            USAGE,
            &["--out there.json: the file exists", "--force"],
        ),
        (
            &["a.txt"],
            USAGE,
            &["--out a.txt: the name must end in .json"],
        ),
        (&["none/a.json"], USAGE, &["no folder none"]),
        (
            &["a.json", "--drop-class", "Ambigous"],
            USAGE,
            &["\"Ambigous\"", "\"Ambiguous\""],
        ),
        (
            &["a.json", "--subset-map", "test=training"],
            USAGE,
            &["\"test\"", "validation"],
        ),
        (&["a.json", "--subset-map", "test"], USAGE, &["OLD=NEW"]),
        (&["a.json", "--fps", "0"], USAGE, &["--fps", "above 0"]),
        (&["a.json", "--fps", "nan"], USAGE, &["--fps", "finite"]),
        (
            &["a.json", "--all-labels"],
            USAGE,
            &["--all-labels", "ego4d-mq"],
        ),
        (&["a.json", "--to", "voc"], USAGE, &["voc", "activitynet"]),
        (
            &["a.json", "--class-names", "classes.txt"],
            FAILED,
            &[
                "Billiards_val.txt",
                "\"Billiards\" is not a class",
                "is \"Billiard\" meant?",
            ],
        ),
        (
            &["a.json", "--class-names", "none.txt"],
            FAILED,
            &["none.txt", "No such file"],
        ),
    ];
    for (more, code, parts) in cases {
        refused(&place, &[&THUMOS[..], more].concat(), code, parts);
    }
    let from = |input: &'static str, format: &'static str| {
        [
            "data",
            "convert",
            "annotations",
            input,
            "--from",
            format,
            "--out",
            "a.json",
        ]
    };
    refused(
        &place,
        &from("empty", "thumos14"),
        FAILED,
        &["empty", "CLASS_val.txt"],
    );
    refused(
        &place,
        &from("val", "json"),
        FAILED,
        &["val", "the name of a file instead"],
    );
    refused(
        &place,
        &from("none.json", "hacs"),
        FAILED,
        &["none.json", "No such file"],
    );
    refused(
        &place,
        &from("val/Diving_val.txt", "charades"),
        FAILED,
        &["no column \"id\""],
    );
    refused(
        &place,
        &from("val/Diving_val.txt", "activitynet"),
        FAILED,
        &["line 1, column"],
    );
    refused(&place, &from("val", "thumos"), USAGE, &["thumos14"]);
    assert_eq!(place.read("there.json"), "mine");
    place.ok(&[&THUMOS[..], &["there.json", "--force"]].concat());
    assert_eq!(labels(&place.json("there.json")).len(), 3);
}
