//! Files as the tools themselves write them.

use tal_exchange::{ClassFrom, Event, IdSource, ReadOptions};

use super::{event, parse, parse_with};

#[test]
fn audacity_labels_with_frequencies_and_commas() {
    let project = parse(
        "audacity",
        "b.txt",
        "0.5\t2\tpour\n\\\t100\t200\n3,25\t3,25\tbell ü\n",
    );
    let events = [event("pour", 0.5, 2.0), Event::point("bell ü", 3.25)];
    assert_eq!(project.tracks[0].id, "b");
    assert_eq!(project.tracks[0].events, events);
    assert_eq!(project.unread.get("frequency ranges"), Some(&1));
}

const EAF: &str = r#"<?xml version="1.0" encoding="UTF-8"?>
<ANNOTATION_DOCUMENT AUTHOR="" DATE="2020-01-01T00:00:00+01:00" FORMAT="3.0" VERSION="3.0">
  <HEADER MEDIA_FILE="" TIME_UNITS="milliseconds">
    <MEDIA_DESCRIPTOR MEDIA_URL="file:///C:/films/kitchen.mp4" MIME_TYPE="video/mp4" RELATIVE_MEDIA_URL="../kitchen.mp4"/>
  </HEADER>
  <TIME_ORDER>
    <TIME_SLOT TIME_SLOT_ID="ts1" TIME_VALUE="1000"/>
    <TIME_SLOT TIME_SLOT_ID="ts2"/>
    <TIME_SLOT TIME_SLOT_ID="ts3"/>
    <TIME_SLOT TIME_SLOT_ID="ts4" TIME_VALUE="4000"/>
  </TIME_ORDER>
  <TIER TIER_ID="Ann" LINGUISTIC_TYPE_REF="default-lt" ANNOTATOR="Bob">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a1" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts4">
      <ANNOTATION_VALUE>cooking &amp; more</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER TIER_ID="steps" PARENT_REF="Ann" LINGUISTIC_TYPE_REF="parts">
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a2" TIME_SLOT_REF1="ts1" TIME_SLOT_REF2="ts2">
      <ANNOTATION_VALUE>pour</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a3" TIME_SLOT_REF1="ts2" TIME_SLOT_REF2="ts3">
      <ANNOTATION_VALUE></ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
    <ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID="a4" TIME_SLOT_REF1="ts3" TIME_SLOT_REF2="ts4">
      <ANNOTATION_VALUE>stir</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION>
  </TIER>
  <TIER TIER_ID="mood" PARENT_REF="steps" LINGUISTIC_TYPE_REF="notes">
    <ANNOTATION><REF_ANNOTATION ANNOTATION_ID="a5" ANNOTATION_REF="a4"><ANNOTATION_VALUE>good</ANNOTATION_VALUE></REF_ANNOTATION></ANNOTATION>
  </TIER>
</ANNOTATION_DOCUMENT>"#;

#[test]
fn elan_tiers_with_slots_without_time_and_references() {
    let project = parse("elan", "session.eaf", EAF);
    let track = &project.tracks[0];
    assert_eq!(
        (track.id.as_str(), track.media.as_deref()),
        ("session", Some("../kitchen.mp4"))
    );
    let found: Vec<_> = (track.events.iter())
        .map(|one| {
            (
                one.class.as_str(),
                one.start,
                one.end.unwrap(),
                one.subject.as_deref(),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            ("cooking & more", 1.0, 4.0, Some("Ann")),
            ("pour", 1.0, 2.0, Some("steps")),
            ("steps", 2.0, 3.0, None),
            ("stir", 3.0, 4.0, Some("steps")),
            ("good", 3.0, 4.0, Some("mood")),
        ]
    );
    assert_eq!(track.events[0].annotator.as_deref(), Some("Bob"));
    let options = ReadOptions {
        class_from: ClassFrom::Tier,
        tiers: vec!["steps".into()],
        ids: IdSource::Media,
        ..ReadOptions::default()
    };
    let project = parse_with("elan", "session.eaf", EAF.as_bytes(), &options).unwrap();
    assert_eq!(project.tracks[0].id, "kitchen");
    let comments: Vec<_> = project.events().map(|one| one.comment.as_deref()).collect();
    assert_eq!(comments, [Some("pour"), None, Some("stir")]);
    assert_eq!(project.classes, ["steps"]);
    let options = ReadOptions {
        tiers: vec!["none".into()],
        ..options
    };
    let error = parse_with("elan", "a.eaf", EAF.as_bytes(), &options).unwrap_err();
    assert_eq!(
        error.to_string(),
        "--tier \"none\" does not occur; the files have \"Ann\", \"steps\", \"mood\""
    );
}

const BORIS: &str = r#"{"time_format": "hh:mm:ss", "project_format_version": "7.0",
 "subjects_conf": {"0": {"key": "", "name": "rat", "description": ""}},
 "behaviors_conf": {"0": {"type": "State event", "key": "g", "code": "groom"}, "1": {"type": "Point event", "key": "b", "code": "bite"}},
 "observations": {
  "first": {"file": {"1": ["/films/a.mp4"], "2": []}, "type": "MEDIA", "time offset": 0,
   "events": [[1.5, "rat", "groom", "paw|None", "", 38], [2.0, "", "bite", "", "hard", 50], [2.5, "rat", "groom", "paw|None", "", 63], [1.0, "", "groom", "", "score 0.75", 25], [3.0, "", "groom", "", "", 75]],
   "media_info": {"length": {"/films/a.mp4": 52.7}, "fps": {"/films/a.mp4": 25.0}}},
  "second": {"file": {"1": ["/films/a.mp4"]}, "events": [[9, "No focal subject", "bite", "", "", 1]]}}}"#;

#[test]
fn boris_projects_with_states_and_points() {
    let project = parse("boris", "p.boris", BORIS);
    let first = &project.tracks[0];
    assert_eq!(
        (first.duration, first.fps, first.media.as_deref()),
        (Some(52.7), Some(25.0), Some("/films/a.mp4"))
    );
    let expected = [
        Event {
            score: Some(0.75),
            ..event("groom", 1.0, 3.0)
        },
        Event {
            subject: Some("rat".into()),
            modifiers: vec!["paw".into()],
            ..event("groom", 1.5, 2.5)
        },
        Event {
            comment: Some("hard".into()),
            ..Event::point("bite", 2.0)
        },
    ];
    assert_eq!(first.events, expected);
    assert_eq!(project.tracks[1].events, [Event::point("bite", 9.0)]);
    let with = |options: ReadOptions| parse_with("boris", "p.boris", BORIS.as_bytes(), &options);
    let joined = with(ReadOptions {
        ids: IdSource::Media,
        modifiers_in_class: true,
        ..ReadOptions::default()
    })
    .unwrap();
    assert_eq!(
        (joined.tracks.len(), joined.tracks[0].id.as_str()),
        (1, "a")
    );
    assert_eq!(joined.classes, ["groom", "bite", "groom:paw"]);
    let rat = with(ReadOptions {
        subjects: vec!["rat".into()],
        ..ReadOptions::default()
    })
    .unwrap();
    assert_eq!(rat.events().count(), 1);
    let error = with(ReadOptions {
        subjects: vec!["cat".into()],
        ..ReadOptions::default()
    })
    .unwrap_err();
    assert_eq!(
        error.to_string(),
        "--subject \"cat\" does not occur; the files have \"rat\""
    );
}

#[test]
fn boris_tables_of_both_kinds() {
    let aggregated = "Observation id,Observation date,Media duration (s),FPS (frame/s),Subject,Behavior,Modifier #1,Behavior type,Start (s),Stop (s),Duration (s),Media file name,Comment start,Comment stop\n\
         o1,2024-01-01,52.7,25.0,rat,groom,paw,STATE,1.5,2.5,1.0,a.mp4,,\n\
         o1,2024-01-01,52.7,25.0,No focal subject,bite,None,POINT,2.0,2.0,NA,a.mp4,hard,\n\
         o2,2024-01-01,NA,NA,rat,groom,,STATE,0,1,1,b.mp4,,\n";
    let project = parse("boris-csv", "t.csv", aggregated);
    assert_eq!(project.tracks.len(), 2);
    assert_eq!(
        (project.tracks[0].duration, project.tracks[1].duration),
        (Some(52.7), None)
    );
    let expected = [
        Event {
            subject: Some("rat".into()),
            modifiers: vec!["paw".into()],
            ..event("groom", 1.5, 2.5)
        },
        Event {
            comment: Some("hard".into()),
            ..Event::point("bite", 2.0)
        },
    ];
    assert_eq!(project.tracks[0].events, expected);
    let tabular = "Observation id\tTime\tSubject\tBehavior\tStatus\n\
         o1\t1.5\trat\tgroom\tSTART\no1\t2\t\tbite\tPOINT\no1\t2.5\trat\tgroom\tSTOP\n";
    let project = parse("boris-csv", "t.tsv", tabular);
    let expected = [
        Event {
            subject: Some("rat".into()),
            ..event("groom", 1.5, 2.5)
        },
        Event::point("bite", 2.0),
    ];
    assert_eq!(project.tracks[0].events, expected);
}

#[test]
fn via_projects_and_tables() {
    let project = r#"{"project": {"data_format_version": "3.1.1", "vid_list": ["1"]}, "config": {},
      "attribute": {"1": {"aname": "note", "anchor_id": "FILE1_Z2_XY0", "type": 1, "options": {}},
        "2": {"aname": "activity", "anchor_id": "FILE1_Z2_XY0", "type": 2, "options": {"0": "pour", "1": "stir"}}},
      "file": {"1": {"fid": "1", "fname": "a.b.mp4", "type": 4, "loc": 1, "src": ""}},
      "metadata": {"1_x": {"vid": "1", "flg": 0, "z": [0.8, 4.7], "xy": [], "av": {"2": "0,1", "1": "hot"}},
        "1_y": {"vid": "1", "flg": 0, "z": [5.0], "xy": [], "av": {"2": "1"}},
        "1_z": {"vid": "1", "flg": 0, "z": [1.0], "xy": [2, 0, 0, 5, 5], "av": {}},
        "1_n": {"vid": "1", "flg": 0, "z": [6, 7], "xy": [], "av": {}}},
      "view": {"1": {"fid_list": ["1"]}}}"#;
    let project = parse("via", "v.json", project);
    assert_eq!(
        (project.tracks[0].id.as_str(), project.classes.len()),
        ("a.b", 2)
    );
    let hot = |class: &str| Event {
        modifiers: vec!["note=hot".into()],
        ..event(class, 0.8, 4.7)
    };
    assert_eq!(
        project.tracks[0].events,
        [hot("pour"), hot("stir"), Event::point("stir", 5.0)]
    );
    let unread: Vec<_> = project
        .unread
        .iter()
        .map(|(what, count)| (*what, *count))
        .collect();
    assert_eq!(
        unread,
        [("regions of pictures", 1), ("segments without a value", 1)]
    );
    let table = "# Exported using VGG Image Annotator (http://www.robots.ox.ac.uk/~vgg/software/via)\n\
        # ATTRIBUTE = {\"1\":{\"aname\":\"activity\",\"anchor_id\":\"FILE1_Z2_XY0\",\"type\":4,\"options\":{\"0\":\"pour\"}}}\n\
        # CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n\
        \"1_a\",\"[\"\"films/a.mp4\"\"]\",0,\"[0.8,4.7]\",\"[]\",\"{\"\"1\"\":\"\"0\"\"}\"\n";
    let project = parse("via-csv", "v.csv", table);
    assert_eq!(project.tracks[0].id, "a");
    assert_eq!(project.tracks[0].events, [event("pour", 0.8, 4.7)]);
    let temporal = "# CSV_HEADER = metadata_id,file_list,temporal_segment_start,temporal_segment_end,metadata\n\
        \"1_a\",\"[\"\"a.mp4\"\"]\",0.8,4.7,\"{\"\"TEMPORAL-SEGMENTS\"\":\"\"pour\"\"}\"\n";
    assert_eq!(
        parse("via-csv", "v.csv", temporal).tracks[0].events,
        [event("pour", 0.8, 4.7)]
    );
}

#[test]
fn v_trace_tables_with_settings_and_scores() {
    let text = "# trace-meta: behaviors=groom:g\nlabelId,timestamp,endTimestamp,score\ngroom,12.430,18.970,0.83\nrear,1,2,\n";
    let project = parse("v-trace", "a.csv", text);
    let scored = Event {
        score: Some(0.83),
        ..event("groom", 12.43, 18.97)
    };
    assert_eq!(project.tracks[0].events, [scored, event("rear", 1.0, 2.0)]);
}

const TEXT_GRID: &str = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\n\nxmin = 0 \nxmax = 5.5 \ntiers? <exists> \nsize = 2 \nitem []: \n    \
    item [1]:\n        class = \"IntervalTier\" \n        name = \"word\" \n        xmin = 0 \n        xmax = 5.5 \n        intervals: size = 2 \n        \
    intervals [1]:\n            xmin = 0 \n            xmax = 1 \n            text = \"\" \n        \
    intervals [2]:\n            xmin = 1 \n            xmax = 5.5 \n            text = \"say \"\"hé\"\"\" \n    \
    item [2]:\n        class = \"TextTier\" \n        name = \"bell\" \n        xmin = 0 \n        xmax = 5.5 \n        points: size = 1 \n        \
    points [1]:\n            number = 2.25 \n            mark = \"ding\" \n";

#[test]
fn text_grids_long_and_short_in_both_encodings() {
    let short = "File type = \"ooTextFile\"\n\"TextGrid\"\n\n0\n5.5\n<exists>\n2\n\"IntervalTier\"\n\"word\"\n0\n5.5\n2\n0\n1\n\"\"\n1\n5.5\n\"say \"\"hé\"\"\"\n\
         \"TextTier\"\n\"bell\"\n0\n5.5\n1\n2.25\n\"ding\"\n";
    let utf16: Vec<u8> = (std::iter::once(0xfeff).chain(TEXT_GRID.encode_utf16()))
        .flat_map(u16::to_be_bytes)
        .collect();
    for bytes in [TEXT_GRID.as_bytes(), short.as_bytes(), &utf16] {
        let project = parse_with("textgrid", "a.TextGrid", bytes, &ReadOptions::default()).unwrap();
        let track = &project.tracks[0];
        assert_eq!(track.duration, Some(5.5));
        let expected = [
            Event {
                subject: Some("word".into()),
                ..event("say \"hé\"", 1.0, 5.5)
            },
            Event {
                subject: Some("bell".into()),
                ..Event::point("ding", 2.25)
            },
        ];
        assert_eq!(track.events, expected);
    }
}

#[test]
fn subtitles_with_voices_tags_notes_and_scores() {
    let text = "WEBVTT - title\n\nSTYLE\n::cue { color: red }\n\nNOTE a note\n\n1\n00:01.000 --> 00:02.500 align:start\n<v.loud Ann>pour &amp; <b>stir</b> (0.83)\n\n\
         01:00:00.000 --> 01:00:01.000\ntwo\nlines\n";
    let project = parse("webvtt", "a.vtt", text);
    let expected = [
        Event {
            subject: Some("Ann".into()),
            score: Some(0.83),
            ..event("pour & stir", 1.0, 2.5)
        },
        event("two lines", 3600.0, 3601.0),
    ];
    assert_eq!(project.tracks[0].events, expected);
    assert_eq!(project.unread.get("notes and styles"), Some(&2));
    let text = "\u{feff}1\r\n00:00:01,000 --> 00:00:02,500\r\npour (2)\r\n\r\n2\r\n00:00:03,000 --> 00:00:04,000\r\nstir (0.5)\r\n";
    let project = parse("srt", "a.srt", text);
    let expected = [
        event("pour (2)", 1.0, 2.5),
        Event {
            score: Some(0.5),
            ..event("stir", 3.0, 4.0)
        },
    ];
    assert_eq!(project.tracks[0].events, expected);
}
