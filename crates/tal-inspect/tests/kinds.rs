//! Every kind of file under a name that says nothing.

use std::fs;
use std::path::{Path, PathBuf};

use tal_inspect::{Content, InspectOptions, Inspection, Section, inspect};

/// A file without a telling name.
fn file(folder: &Path, content: impl AsRef<[u8]>) -> PathBuf {
    let path = folder.join("thing");
    fs::write(&path, content).unwrap();
    path
}

fn look(path: &Path) -> Inspection {
    let found = inspect(path, &InspectOptions::default()).unwrap();
    // Every kind can be shown and serialised.
    assert!(!found.sections().is_empty());
    let json = serde_json::to_value(&found).unwrap();
    assert!(json["kind"].is_string() && json["path"].is_string());
    found
}

fn refused(path: &Path, part: &str) {
    let error = inspect(path, &InspectOptions::default())
        .unwrap_err()
        .to_string();
    assert!(error.contains(part), "{error}");
    assert!(error.contains("thing") || path.is_dir(), "{error}");
}

/// All texts of what is shown.
fn shown(found: &Inspection) -> String {
    let texts = found.sections().into_iter().map(|section| match section {
        Section::Facts(facts) => facts
            .into_iter()
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect(),
        Section::Table { rows, .. } => rows.into_iter().map(|row| row.join(" ") + "\n").collect(),
        Section::Text { title, text } => format!("{title}\n{text}\n"),
        Section::Plot { title, values } => format!("{title} {}\n", values.len()),
    });
    texts.collect::<Vec<String>>().concat()
}

fn npy(shape: &str, data: &[f32]) -> Vec<u8> {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': {shape}, }}");
    while (header.len() + 11) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut bytes = b"\x93NUMPY\x01\x00".to_vec();
    bytes.extend((header.len() as u16).to_le_bytes());
    bytes.extend(header.bytes());
    bytes.extend(data.iter().flat_map(|value| value.to_le_bytes()));
    bytes
}

fn safetensors(metadata: &str, tensors: &[(&str, &[usize])]) -> Vec<u8> {
    let mut offset = 0;
    let mut entries = Vec::new();
    for (name, shape) in tensors {
        let end = offset + 4 * shape.iter().product::<usize>();
        entries.push(format!(
            "{name:?}:{{\"dtype\":\"F32\",\"shape\":{shape:?},\"data_offsets\":[{offset},{end}]}}"
        ));
        offset = end;
    }
    let header = format!("{{{metadata}{}}}", entries.join(","));
    let mut bytes = (header.len() as u64).to_le_bytes().to_vec();
    bytes.extend(header.bytes());
    bytes.extend(vec![0; offset]);
    bytes
}

#[test]
fn features_have_shape_range_and_holes() {
    let place = tempfile::tempdir().unwrap();
    let path = file(
        place.path(),
        npy("(3, 2)", &[1.0, -2.0, f32::NAN, 0.0, 4.0, f32::INFINITY]),
    );
    let found = look(&path);
    let Content::Features(facts) = &found.content else {
        panic!("{found:?}")
    };
    assert_eq!((facts.format, facts.shape.as_slice()), ("npy", &[3, 2][..]));
    assert_eq!(facts.value_type.as_deref(), Some("<f4"));
    assert_eq!((facts.values.min, facts.values.max), (-2.0, 4.0));
    assert_eq!((facts.values.num_nan, facts.values.num_infinite), (1, 1));
    assert_eq!(facts.course.len(), 3);
    assert!(shown(&found).contains("1 NaN, 1 infinite"));
    let table = look(&file(place.path(), "a,b\n1,2\n3,4\n"));
    let Content::Features(facts) = &table.content else {
        panic!("{table:?}")
    };
    assert_eq!((facts.format, facts.shape.as_slice()), ("csv", &[2, 2][..]));
    let arrays = safetensors("", &[("rgb", &[5, 4]), ("flow", &[5, 3])]);
    let path = file(place.path(), arrays);
    let Content::Features(facts) = look(&path).content else {
        panic!()
    };
    assert_eq!((facts.num_arrays, facts.array.as_deref()), (2, Some("rgb")));
    let options = InspectOptions {
        key: Some("flow".to_owned()),
        ..InspectOptions::default()
    };
    let Content::Features(facts) = inspect(&path, &options).unwrap().content else {
        panic!()
    };
    assert_eq!(facts.shape, [5, 3]);
    refused(&file(place.path(), &npy("(300, 2)", &[1.0])[..80]), "thing");
}

#[test]
fn annotations_are_counted_by_subset_and_class() {
    let place = tempfile::tempdir().unwrap();
    let text = r#"{"database": {
        "a": {"subset": "training", "duration": 10.0, "fps": 25.0, "annotations": [
            {"segment": [1.0, 2.0], "label": "pour"}, {"segment": [3.0, 6.0], "label": "stir"}]},
        "b": {"subset": "test", "duration": 20.0, "annotations": []}}}"#;
    let found = look(&file(place.path(), text));
    let Content::Annotations(facts) = &found.content else {
        panic!("{found:?}")
    };
    assert_eq!(
        (
            facts.num_recordings,
            facts.num_actions,
            facts.num_without_actions
        ),
        (2, 2, 1)
    );
    assert_eq!(facts.subsets[1].seconds, 20.0);
    assert_eq!(
        (facts.classes[1].name.as_str(), facts.classes[1].seconds),
        ("stir", 3.0)
    );
    assert_eq!(facts.action_lengths.unwrap().max, 3.0);
    assert!(
        shown(&found).contains("pour 0 1 1.00 s"),
        "{}",
        shown(&found)
    );
}

#[test]
fn detections_need_no_list_of_classes() {
    let place = tempfile::tempdir().unwrap();
    let json = r#"{"version": "x", "results": {"a": [
        {"label": "pour", "score": 0.5, "segment": [0, 2]}, {"label": "stir", "score": 0.25, "segment": [1, 2]}], "b": []}}"#;
    let table = "recording,start,end,label,score\na,0,2,pour,0.5\na,1,2,stir,0.25\n";
    for (text, recordings) in [(json, 2), (table, 1)] {
        let found = look(&file(place.path(), text));
        let Content::Detections(facts) = &found.content else {
            panic!("{found:?}")
        };
        assert_eq!(
            (facts.num_recordings, facts.num_detections),
            (recordings, 2)
        );
        assert_eq!(facts.classes["stir"], 1);
        assert_eq!(facts.scores.unwrap().max, 0.5);
    }
    let proposals = r#"{"results": {"a": [{"score": 0.5, "segment": [0, 2]}]}}"#;
    assert!(shown(&look(&file(place.path(), proposals))).contains("they are proposals"));
}

#[test]
fn a_checkpoint_says_how_it_came_about() {
    let place = tempfile::tempdir().unwrap();
    let manifest = r#"{"format":2,"code":"tal 0.1.0","config":{"preset":"released","dataset":{"annotations":"/d/gtea/a.json",
        "input_dim":8},"encoder":{"mixer":{"type":"gmg"}},"train":{"epochs":30}},"classes":{"0":"pour","1":"stir"},"weights":"ema",
        "run":{"step":12,"epoch":3,"best":{"epoch":2,"average_map":0.5}},"origin":null}"#;
    let metadata = format!(
        "\"__metadata__\":{{\"tal\":{}}},",
        serde_json::to_string(manifest).unwrap()
    );
    let tensors: [(&str, &[usize]); 3] = [
        ("model.stem.0.weight", &[4, 8]),
        ("model.stem.0.bias", &[4]),
        ("ema.stem.0.weight", &[4, 8]),
    ];
    let path = file(place.path(), safetensors(&metadata, &tensors));
    fs::write(
        place.path().join("summary.json"),
        r#"{"average_map": 0.25}"#,
    )
    .unwrap();
    let found = look(&path);
    let Content::Checkpoint(facts) = &found.content else {
        panic!("{found:?}")
    };
    assert_eq!((facts.num_parameters, facts.average_map), (36, Some(0.25)));
    let text = shown(&found);
    for part in [
        "gtea/a.json",
        "method: gmg",
        "2: pour, stir",
        "12 steps",
        "mAP 50.00 % after epoch 2",
        "stem.0  36",
    ] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn tensors_of_other_programs_are_a_tree() {
    let place = tempfile::tempdir().unwrap();
    let tensors: [(&str, &[usize]); 2] =
        [("blocks.0.weight", &[2, 3]), ("blocks.1.weight", &[2, 3])];
    let found = look(&file(place.path(), safetensors("", &tensors)));
    let Content::Weights(facts) = &found.content else {
        panic!("{found:?}")
    };
    assert_eq!(facts.num_values, 12);
    assert!(shown(&found).contains("└─ blocks  12"), "{}", shown(&found));
}

#[test]
fn configurations_and_fragments_are_told_apart() {
    let place = tempfile::tempdir().unwrap();
    let whole = "dataset: {annotations: a.json, features: {dir: f, format: {type: npy}}, num_classes: 3, input_dim: 8, \
                 feat_stride: 4, num_frames: 16, max_seq_len: 64}\ntrain: {epochs: 7}\n";
    let found = look(&file(place.path(), whole));
    assert_eq!(found.kind(), "configuration");
    let text = shown(&found);
    assert!(
        text.contains("epochs: 7") && text.contains("7 + 5 epochs"),
        "{text}"
    );
    let fragment = look(&file(place.path(), "train: {epochs: 7}\n"));
    let Content::Configuration(facts) = &fragment.content else {
        panic!("{fragment:?}")
    };
    assert!(
        facts.fault.as_ref().unwrap().contains("dataset"),
        "{facts:?}"
    );
    assert_eq!(facts.config["train"]["epochs"], 7);
}

#[test]
fn a_run_folder_is_more_than_its_files() {
    let place = tempfile::tempdir().unwrap();
    fs::write(
        place.path().join("config.yaml"),
        "encoder: {mixer: {type: sgp}}\n",
    )
    .unwrap();
    let step = |step: u32| {
        format!(
            "{{\"event\":\"step\",\"epoch\":1,\"step\":{step},\"loss\":{}.5}}\n",
            9 - step
        )
    };
    let metrics: String = (0..4).map(step).collect();
    fs::write(place.path().join("metrics.jsonl"), metrics).unwrap();
    let log = "ERROR the loss of step 4 is NaN\n";
    fs::write(place.path().join("train.log"), log).unwrap();
    let found = look(place.path());
    let Content::Run(facts) = &found.content else {
        panic!("{found:?}")
    };
    assert_eq!(facts.loss, [9.5, 8.5, 7.5, 6.5]);
    let text = shown(&found);
    for part in ["failed", "is NaN", "--resume", "sgp"] {
        assert!(text.contains(part), "{part}: {text}");
    }
}

#[test]
fn other_files_are_refused_with_the_command_that_reads_them() {
    let place = tempfile::tempdir().unwrap();
    for (text, part) in [
        ("", "is empty"),
        ("{\"videos\": []}", "tal data convert annotations"),
        ("{\"database\": {", "may be truncated"),
        (
            "recording,start,end,label\na,1,2,x\n",
            "tal data convert annotations",
        ),
        ("config: a.yaml\nvariants: []\n", "tal ablate"),
        ("network: x\nframes: {}\n", "tal features extract"),
        ("Call me Ishmael.", "no kind that is known"),
        ("\u{0}\u{1}\u{2}", "no kind that is known"),
    ] {
        refused(&file(place.path(), text), part);
    }
    refused(place.path(), "tal runs");
    refused(&place.path().join("nothing"), "nothing");
}

#[test]
fn a_failed_film_says_why() {
    let place = tempfile::tempdir().unwrap();
    let found = look(&file(
        place.path(),
        r#"{"name": "a.mp4", "error": "no frame"}"#,
    ));
    assert!(matches!(found.content, Content::FailedFilm(_)));
    assert!(shown(&found).contains("no frame"));
}
