//! Published files with their own names of columns, lists and layouts.

use std::path::{Path, PathBuf};

use tal_core::GroundTruth;
use tal_corpus::source::{
    self, ClassList, Converted, DropReason, SourceFormat, SourceOptions, VideoInfo,
};

fn convert(
    format: SourceFormat,
    all: &[(&str, &str)],
    options: &SourceOptions,
) -> Result<Converted, String> {
    let files: Vec<(PathBuf, Vec<u8>)> = all
        .iter()
        .map(|(path, text)| (PathBuf::from(path), text.as_bytes().to_vec()))
        .collect();
    source::parse(format, &files, options).map_err(|error| error.to_string())
}

/// `id: start-end name, …` per recording.
fn listing(truth: &GroundTruth) -> Vec<String> {
    let recordings = truth.recordings.iter();
    let line = |recording: &tal_core::Recording| {
        let instances = recording.instances.iter().map(|instance| {
            let name = truth.classes.display_name(instance.label);
            format!("{}-{} {name}", instance.segment.start, instance.segment.end)
        });
        format!(
            "{}: {}",
            recording.id,
            instances.collect::<Vec<_>>().join(", ")
        )
    };
    recordings.map(line).collect()
}

fn in_training() -> SourceOptions {
    SourceOptions {
        default_subset: Some("training".to_owned()),
        ..SourceOptions::default()
    }
}

#[test]
fn the_json_of_bsn_needs_only_a_subset() {
    let text = r#"{"v_b": {"duration_second": 82.75, "duration_frame": 1986, "feature_frame": 1984,
        "annotations": [{"segment": [6.5, 19.25], "label": "Surfing"}, {"segment": [5, 4], "label": "Archery"}]},
      "v_a": {"duration_second": "10.5", "subset": "validation", "annotations": []}}"#;
    let found = convert(
        SourceFormat::Bsn,
        &[("anet_anno_action.json", text)],
        &in_training(),
    )
    .unwrap();
    assert_eq!(listing(&found.truth), ["v_b: 6.5-19.25 Surfing", "v_a: "]);
    assert_eq!(found.truth.recordings[0].duration, Some(82.75));
    assert_eq!(found.truth.recordings[1].subset, "validation");
    assert_eq!(found.dropped[0].reason, DropReason::Reversed);
    let error = convert(
        SourceFormat::Bsn,
        &[("a.json", text)],
        &SourceOptions::default(),
    )
    .unwrap_err();
    assert!(
        error.contains("\"v_b\"") && error.contains("--default-subset"),
        "{error}"
    );
    let strict = SourceOptions {
        strict: true,
        ..in_training()
    };
    assert_eq!(
        convert(SourceFormat::Bsn, &[("a.json", text)], &strict).unwrap_err(),
        "a.json: recording \"v_b\": \"Archery\" from 5 to 4 s ends before it starts; without --strict it is left out"
    );
}

#[test]
fn the_shared_json_follows_the_same_rule() {
    let text = r#"{"database": {"r": {"subset": "test", "annotations": [
        {"segment": [2, 1], "label": "a"}, {"segment": [3, 3], "label": "b"}, {"segment": [3, 4], "label": "c"}]}}}"#;
    let found = convert(
        SourceFormat::Json,
        &[("a.json", text)],
        &SourceOptions::default(),
    )
    .unwrap();
    assert_eq!(listing(&found.truth), ["r: 3-4 c"]);
    let reasons: Vec<DropReason> = found.dropped.iter().map(|d| d.reason).collect();
    assert_eq!(reasons, [DropReason::Reversed, DropReason::ZeroLength]);
}

#[test]
fn tables_of_tsp_and_g_tad_are_read() {
    let tsp = "filename,fps,t-start,t-end,action-label,temporal-region-label,video-duration,subset\n\
        videos/v_a.mp4,30,1.5,4,Surfing,Action,20,training\n\
        videos/v_a.mp4,30,4,9,,No action,20,training\n\
        v_b.mkv,25,0,2,Archery,Action,5,validation\n";
    let found = convert(
        SourceFormat::Csv,
        &[("train.csv", tsp)],
        &SourceOptions::default(),
    )
    .unwrap();
    assert_eq!(
        listing(&found.truth),
        ["v_a: 1.5-4 Surfing", "v_b: 0-2 Archery"]
    );
    assert_eq!(found.truth.recordings[0].duration, Some(20.0));
    assert_eq!(found.truth.recordings[1].fps, Some(25.0));
    let gtad = "video,type,type_idx,start,end,startFrame,endFrame\n\
        video_validation_0000266,CricketBowling,23,72.8,76.4,2184,2292\n";
    let found = convert(
        SourceFormat::Csv,
        &[("val_Annotation.csv", gtad)],
        &in_training(),
    )
    .unwrap();
    assert_eq!(
        listing(&found.truth),
        ["video_validation_0000266: 72.8-76.4 CricketBowling"]
    );
    // The table of durations beside it.
    let info =
        "video,numFrame,seconds,fps,rfps,subset,featureFrame\nv_a,300,10.5,29.97,30,training,288\n";
    let options = SourceOptions {
        video_info: Some(
            VideoInfo::parse(info.as_bytes(), Path::new("video_info_new.csv")).unwrap(),
        ),
        ..in_training()
    };
    let rows = "recording;start;end;label\n;;;\nv_a;1,5;2;jump\n";
    let found = convert(SourceFormat::Csv, &[("a.csv", rows)], &options).unwrap();
    assert_eq!(listing(&found.truth), ["v_a: 1.5-2 jump"]);
    assert_eq!(found.truth.recordings[0].duration, Some(10.5));
    assert_eq!(found.truth.recordings[0].fps, Some(29.97));
}

fn names(text: &str) -> Vec<String> {
    let list = ClassList::parse(text.as_bytes(), Path::new("c.txt")).unwrap();
    list.classes()
        .iter()
        .map(|(_, name)| name.to_owned())
        .collect()
}

#[test]
fn class_lists_may_be_in_quotes() {
    assert_eq!(names("\"Run fast\"\n\"Jump\"\n"), ["Run fast", "Jump"]);
    assert_eq!(names("'Run fast',\n'Jump',\n"), ["Run fast", "Jump"]);
    assert_eq!(names("2 \"Run fast\"\n1 'Jump'\n"), ["Jump", "Run fast"]);
    // Quotes that are part of a name stay.
    assert_eq!(
        names("Drive a \"car\"\nSay 'no'\n"),
        ["Drive a \"car\"", "Say 'no'"]
    );
}

#[test]
fn the_class_list_of_thumos_goes_with_the_ambiguous_annotations() {
    let files = [
        (
            "BaseballPitch_val.txt",
            "video_validation_0000001 1.0 2.0\n",
        ),
        ("Diving_val.txt", "video_validation_0000001 3.0 4.0\n"),
        ("Ambiguous_val.txt", "video_validation_0000001 5.0 6.0\n"),
    ];
    let list = ClassList::parse(
        b"7 BaseballPitch\n26 Diving\n31 FrisbeeCatch\n",
        Path::new("detclasslist.txt"),
    );
    let options = SourceOptions {
        class_names: Some(list.unwrap()),
        ..SourceOptions::default()
    };
    let found = convert(SourceFormat::Thumos, &files, &options).unwrap();
    let classes: Vec<(u32, &str)> = found.truth.classes.iter().collect();
    assert_eq!(
        classes,
        [
            (0, "BaseballPitch"),
            (1, "Diving"),
            (2, "FrisbeeCatch"),
            (3, "Ambiguous")
        ]
    );
    let labels = found.truth.recordings[0].instances.iter().map(|i| i.label);
    assert_eq!(labels.collect::<Vec<_>>(), [0, 1, 3]);
    // It can still be dropped, and any other unknown class is an error.
    let dropped = SourceOptions {
        drop_classes: vec!["Ambiguous".to_owned()],
        ..options.clone()
    };
    let found = convert(SourceFormat::Thumos, &files, &dropped).unwrap();
    assert_eq!((found.truth.classes.len(), found.dropped.len()), (3, 1));
    let other = [("Swimming_val.txt", "video_validation_0000001 5.0 6.0\n")];
    let error = convert(SourceFormat::Thumos, &other, &options).unwrap_err();
    assert!(
        error.contains("\"Swimming\" is not a class of the given class list"),
        "{error}"
    );
}
