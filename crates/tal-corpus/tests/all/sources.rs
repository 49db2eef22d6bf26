//! Annotations in the formats of their publishers: what is read, with which ids, and what is left out.

use std::path::{Path, PathBuf};

use tal_core::{GroundTruth, Segment};
use tal_corpus::export;
use tal_corpus::source::{
    self, ClassList, Converted, DropReason, SourceFormat, SourceOptions, VideoInfo,
};
use tal_data::annotations;

fn files(all: &[(&str, &str)]) -> Vec<(PathBuf, Vec<u8>)> {
    all.iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()))
        .collect()
}

fn convert(format: SourceFormat, all: &[(&str, &str)], options: &SourceOptions) -> Converted {
    source::parse(format, &files(all), options).unwrap()
}

fn plain(format: SourceFormat, all: &[(&str, &str)]) -> Converted {
    convert(format, all, &SourceOptions::default())
}

/// `id subset duration` and `start end id:name` per annotation, a line each.
fn listing(truth: &GroundTruth) -> String {
    let mut text = String::new();
    for recording in &truth.recordings {
        let duration = recording.duration.map_or("-".into(), |d| d.to_string());
        text += &format!("{} {} {duration}\n", recording.id, recording.subset);
        for instance in &recording.instances {
            let name = truth.classes.name(instance.label).unwrap();
            let Segment { start, end } = instance.segment;
            text += &format!("  {start} {end} {}:{name}\n", instance.label);
        }
    }
    text
}

#[test]
fn activity_net_takes_its_classes_from_the_taxonomy() {
    let text = r#"{"version": "VERSION 1.3", "taxonomy": [
        {"parentName": null, "nodeName": "Root", "nodeId": 0, "parentId": null},
        {"parentName": "Root", "nodeName": "Sports", "nodeId": 1, "parentId": 0},
        {"parentName": "Sports", "nodeName": "Surfing", "nodeId": 9, "parentId": 1},
        {"parentName": "Sports", "nodeName": "Archery", "nodeId": 8, "parentId": 1},
        {"parentName": "Sports", "nodeName": "Kite flying", "nodeId": 7, "parentId": 1}],
      "database": {
        "zz": {"duration": 82.73, "subset": "training", "resolution": "320x240", "url": "u",
          "annotations": [{"segment": [6.5, 19.25], "label": "Surfing"}, {"segment": [20, 90], "label": "Archery"},
                          {"segment": [3, 3], "label": "Archery"}, {"segment": [5, 4], "label": "Surfing"}]},
        "aa": {"duration": 10, "subset": "testing", "annotations": []}}}"#;
    let found = plain(SourceFormat::ActivityNet, &[("anet.json", text)]);
    let expected = "zz training 82.73\n  6.5 19.25 2:Surfing\n  20 90 0:Archery\naa testing 10\n";
    assert_eq!(listing(&found.truth), expected);
    assert_eq!(found.truth.classes.name(1), Some("Kite flying"));
    assert_eq!(found.num_beyond_end, 1);
    let reasons: Vec<_> = found
        .dropped
        .iter()
        .map(|d| (d.recording.as_str(), d.label.as_str(), d.reason))
        .collect();
    assert_eq!(
        reasons,
        [
            ("zz", "Archery", DropReason::ZeroLength),
            ("zz", "Surfing", DropReason::Reversed)
        ]
    );
}

#[test]
fn hacs_writes_durations_as_texts() {
    let text = r#"{"database": {"--0ed": {"annotations": [{"label": "Dodgeball", "segment": [5.4, 11.6]},
        {"label": "Archery", "segment": ["12.60", 88.16]}], "subset": "training", "duration": "92.166667", "url": "u"}}}"#;
    let found = plain(SourceFormat::Hacs, &[("HACS_segments_v1.1.1.json", text)]);
    assert_eq!(
        listing(&found.truth),
        "--0ed training 92.166667\n  5.4 11.6 1:Dodgeball\n  12.6 88.16 0:Archery\n"
    );
}

const THUMOS: [(&str, &str); 4] = [
    (
        "v/Diving_val.txt",
        "video_validation_0000002  1.5 2.5\nvideo_validation_0000001 7.0 7.0\n",
    ),
    (
        "v/Billiards_val.txt",
        "video_validation_0000002  0.5 2.5 \r\n\r\n",
    ),
    ("t/Ambiguous_test.txt", "video_test_0000004  1.0 2.0\n"),
    ("t/Diving_test.txt", "video_test_0000004  0.2 0.9\n"),
];

#[test]
fn thumos_joins_the_files_of_its_classes() {
    let found = plain(SourceFormat::Thumos, &THUMOS);
    let expected = "video_test_0000004 test -\n  0.2 0.9 1:Diving\n  1 2 2:Ambiguous\n\
        video_validation_0000001 validation -\n\
        video_validation_0000002 validation -\n  0.5 2.5 0:Billiards\n  1.5 2.5 1:Diving\n";
    assert_eq!(listing(&found.truth), expected);
    assert_eq!(found.dropped.len(), 1);
    // The order of the files does not matter.
    let mut other = THUMOS;
    other.reverse();
    let other = plain(SourceFormat::Thumos, &other);
    assert_eq!(other.truth, found.truth);
}

#[test]
fn classes_can_be_left_out_and_subsets_renamed() {
    let mut options = SourceOptions {
        drop_classes: vec!["Ambiguous".into()],
        ..SourceOptions::default()
    };
    options
        .subset_map
        .insert("validation".into(), "training".into());
    let found = convert(SourceFormat::Thumos, &THUMOS, &options);
    assert_eq!(found.truth.subset_names(), ["test", "training"]);
    assert_eq!(found.truth.classes.len(), 2);
    assert_eq!(found.truth.recordings[0].instances.len(), 1);
    assert!(found.dropped.iter().any(|d| d.reason == DropReason::Class));
    // A list that lacks what is left out is fine.
    let list = ClassList::parse(b"9 Diving\n7 Billiards\n", Path::new("list.txt")).unwrap();
    options.class_names = Some(list);
    let listed = convert(SourceFormat::Thumos, &THUMOS, &options);
    assert_eq!(listed.truth, found.truth);
}

#[test]
fn multi_thumos_comes_as_text_and_as_json() {
    let texts = [
        ("m/Walk.txt", "video_test_0000004 1.0 2.0\n"),
        (
            "m/Run.txt",
            "video_test_0000004 1.0 2.0\nvideo_validation_0000001 3.0 4.0\n",
        ),
    ];
    let found = plain(SourceFormat::MultiThumos, &texts);
    let expected = "video_test_0000004 test -\n  1 2 0:Run\n  1 2 1:Walk\n\
        video_validation_0000001 validation -\n  3 4 0:Run\n";
    assert_eq!(listing(&found.truth), expected);

    let json = r#"{"video_test_0000004": {"duration": 33.5, "subset": "testing", "actions": [[65, 1.0, 2.0], [4.0, 2, 3]]}}"#;
    let found = plain(SourceFormat::MultiThumos, &[("multithumos.json", json)]);
    let expected = "video_test_0000004 testing 33.5\n  1 2 65:class_65\n  2 3 4:class_4\n";
    assert_eq!(listing(&found.truth), expected);
    let list = ClassList::parse(b"65 Walk\n4 Run\n7 Sit\n", Path::new("class_list.txt")).unwrap();
    let options = SourceOptions {
        class_names: Some(list),
        ..SourceOptions::default()
    };
    let found = convert(
        SourceFormat::MultiThumos,
        &[("multithumos.json", json)],
        &options,
    );
    let expected = "video_test_0000004 testing 33.5\n  1 2 2:Walk\n  2 3 0:Run\n";
    assert_eq!(listing(&found.truth), expected);
}

const EPIC: &str = "narration_id,participant_id,video_id,narration_timestamp,start_timestamp,stop_timestamp,start_frame,\
    stop_frame,narration,verb,verb_class,noun,noun_class,all_nouns,all_noun_classes\n\
    P01_01_0,P01,P01_01,00:00:01.089,00:00:00.14,00:00:03.37,8,202,open door,open,3,door,3,['door'],[3]\n\
    P01_02_0,P01,P01_02,00:00:01.089,00:01:00.00,01:00:00.5,8,202,\"turn, on\",turn-on,0,light,114,\"['light', 'door']\",\"[114, 3]\"\n\
    P01_01_1,P01,P01_01,00:00:02.629,00:00:04.37,00:00:06.17,262,370,close fridge,close,0,fridge,12,['fridge'],[12]\n";

#[test]
fn epic_kitchens_has_verbs_and_nouns() {
    let file = [("EPIC_100_train.csv", EPIC)];
    let verbs = plain(SourceFormat::EpicVerbs, &file);
    let expected = "P01_01 training -\n  0.14 3.37 3:verb_3\n  4.37 6.17 0:verb_0\n\
        P01_02 training -\n  60 3600.5 0:verb_0\n";
    assert_eq!(listing(&verbs.truth), expected);
    let nouns = plain(SourceFormat::EpicNouns, &file);
    assert_eq!(nouns.truth.classes.name(114), Some("noun_114"));

    let names = b"id,key,instances\n0,take,x\n1,put,x\n2,wash,x\n3,open,x\n";
    let info = b"video_id,duration,fps,resolution\nP01_01,1652.15,59.94,1920x1080\n";
    let options = SourceOptions {
        class_names: Some(ClassList::parse(names, Path::new("verbs.csv")).unwrap()),
        video_info: Some(VideoInfo::parse(info, Path::new("info.csv")).unwrap()),
        fps: Some(50.0),
        ..SourceOptions::default()
    };
    let verbs = convert(SourceFormat::EpicVerbs, &file, &options).truth;
    assert_eq!(verbs.classes.len(), 4);
    assert_eq!(verbs.classes.name(3), Some("open"));
    assert_eq!(verbs.recordings[0].duration, Some(1652.15));
    let rates: Vec<_> = verbs.recordings.iter().map(|r| r.fps).collect();
    assert_eq!(rates, [Some(59.94), Some(50.0)]);
}

const CHARADES: &str = "id,subject,scene,quality,relevance,verified,script,objects,descriptions,actions,length\n\
    46GP8,HR43,Kitchen,6,7,Yes,\"A person; cooks, \"\"well\"\".\",food;stove,d,c092 11.90 21.20;c147 0.00 12.60,24.83\n\
    N11GT,0KZ7,Stairs,6,7,No,s,o,d,,18.33\n";

#[test]
fn charades_lists_actions_in_one_cell() {
    let found = plain(
        SourceFormat::Charades,
        &[("Charades_v1_train.csv", CHARADES)],
    );
    let expected =
        "46GP8 training 24.83\n  11.9 21.2 92:c092\n  0 12.6 147:c147\nN11GT training 18.33\n";
    assert_eq!(listing(&found.truth), expected);
    let mut lines = String::new();
    for number in 0..157 {
        lines += &format!("c{number:03} Doing thing {number}\n");
    }
    let options = SourceOptions {
        class_names: Some(ClassList::parse(lines.as_bytes(), Path::new("c.txt")).unwrap()),
        ..SourceOptions::default()
    };
    let found = convert(
        SourceFormat::Charades,
        &[("Charades_v1_test.csv", CHARADES)],
        &options,
    );
    assert_eq!(found.truth.classes.name(92), Some("Doing thing 92"));
    assert_eq!(found.truth.recordings[0].subset, "test");
    assert_eq!(found.truth.recordings[0].instances[0].label, 92);
}

const EGO4D: &str = r#"{"version": "1", "videos": [{"video_uid": "v", "split": "train", "clips": [
    {"clip_uid": "c1", "video_start_sec": 1800.5, "video_end_sec": 2280.5, "annotations": [
      {"annotator_uid": "a", "labels": [
        {"primary": true, "start_time": 1.5, "end_time": 4, "label": "wash_dishes"},
        {"primary": false, "start_time": 1.0, "end_time": 4, "label": "stir_food"}]},
      {"annotator_uid": "b", "labels": [{"primary": true, "start_time": 9, "end_time": 10, "label": "cut_dough"}]}]},
    {"clip_uid": "c2", "video_start_sec": 0, "video_end_sec": 480}]}]}"#;

#[test]
fn ego4d_uses_primary_labels_unless_told_otherwise() {
    let file = [("moments_train.json", EGO4D)];
    let found = plain(SourceFormat::Ego4dMoments, &file);
    let expected = "c1 train 480\n  1.5 4 1:wash_dishes\n  9 10 0:cut_dough\nc2 train 480\n";
    assert_eq!(listing(&found.truth), expected);
    assert_eq!(found.dropped.len(), 1);
    assert_eq!(found.dropped[0].reason, DropReason::NotPrimary);
    let options = SourceOptions {
        all_labels: true,
        ..SourceOptions::default()
    };
    let all = convert(SourceFormat::Ego4dMoments, &file, &options);
    assert_eq!(all.truth.recordings[0].instances.len(), 3);
    assert!(all.dropped.is_empty());
}

#[test]
fn tables_need_four_columns_only() {
    let text = "label\tend\tstart\trecording\nrun\t2.5\t1\tb\njump\t3\t2\ta\nrun\t5\t4\tb\n";
    let options = SourceOptions {
        default_subset: Some("training".into()),
        ..SourceOptions::default()
    };
    let found = convert(SourceFormat::Csv, &[("x.csv", text)], &options);
    let expected = "b training -\n  1 2.5 1:run\n  4 5 1:run\na training -\n  2 3 0:jump\n";
    assert_eq!(listing(&found.truth), expected);
}

#[test]
fn written_formats_read_back() {
    let found = plain(
        SourceFormat::Charades,
        &[("Charades_v1_train.csv", CHARADES)],
    )
    .truth;
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    export::write_csv(&path("a.csv"), &found).unwrap();
    export::write_activity_net(&path("a.json"), &found, "1").unwrap();
    annotations::write(&path("shared.json"), &found, "1").unwrap();
    let read = |format, name: &str| {
        source::read(format, &[path(name)], &SourceOptions::default())
            .unwrap()
            .truth
    };
    assert_eq!(read(SourceFormat::Csv, "a.csv"), found);
    assert_eq!(read(SourceFormat::Json, "shared.json"), found);
    // There, ids are in the order of the names.
    let network = read(SourceFormat::ActivityNet, "a.json");
    assert_eq!(
        listing(&network),
        listing(&found).replace("92:", "0:").replace("147:", "1:")
    );
}

#[test]
fn folders_are_searched_for_the_files_of_a_format() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    for (name, text) in [
        ("Diving_val.txt", "video_validation_0000002 1.5 2.5\n"),
        ("Ambiguous_val.txt", "video_validation_0000002 3.5 4.5\n"),
        ("readme.txt", "not this one"),
        ("EPIC_100_train.csv", EPIC),
        ("EPIC_100_validation.csv", &EPIC.replace("P01", "P02")),
        ("Charades_v1_train.csv", CHARADES),
        ("moments_train.json", EGO4D),
    ] {
        std::fs::write(dir.join(name), text).unwrap();
    }
    for (format, num_recordings) in [
        (SourceFormat::Thumos, 1),
        (SourceFormat::EpicNouns, 4),
        (SourceFormat::Charades, 2),
        (SourceFormat::Ego4dMoments, 2),
    ] {
        let found = source::read(format, &[dir.to_owned()], &SourceOptions::default()).unwrap();
        assert_eq!(found.truth.recordings.len(), num_recordings, "{format:?}");
    }
    let empty = dir.join("empty");
    std::fs::create_dir(&empty).unwrap();
    for format in SourceFormat::all() {
        let error = source::read(
            format,
            std::slice::from_ref(&empty),
            &SourceOptions::default(),
        );
        let error = error.unwrap_err().to_string();
        assert!(
            error.contains("empty: the folder has none of the files"),
            "{error}"
        );
    }
}
