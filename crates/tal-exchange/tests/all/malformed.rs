//! Malformed files: the error names the file, the place, the value, and what would be right.

use tal_exchange::ReadOptions;

use super::parse_with;

/// The error of every case begins with the name of the file and has all parts.
fn check(format: &str, file: &str, cases: &[(&str, &[&str])]) {
    for (content, parts) in cases {
        let read = parse_with(format, file, content.as_bytes(), &ReadOptions::default());
        let error = match read {
            Ok(project) => panic!("{format}: {content:?} gives {project:?}"),
            Err(error) => error.to_string(),
        };
        assert!(error.starts_with(file), "{format}: {error}");
        for part in *parts {
            assert!(
                error.contains(part),
                "{format}: {content:?}: {error}; expected {part}"
            );
        }
    }
}

#[test]
fn audacity() {
    check(
        "audacity",
        "a.txt",
        &[
            (
                "0\t1\tpour\nx\t2\tstir\n",
                &["line 2", "\"x\\t2\\tstir\"", "times in seconds"],
            ),
            ("0 1 pour\n", &["line 1", "separated by tabs"]),
            ("0\n", &["line 1"]),
            ("0\t1\n", &["line 1", "the name of a class"]),
            (
                "2\t1\tpour\n",
                &["line 1", "an end that is not before the start"],
            ),
            ("0\tinf\tpour\n", &["line 1", "times in seconds"]),
            ("0\tNaN\tpour\n", &["line 1"]),
        ],
    );
}

#[test]
fn elan() {
    let document = |order: &str, tiers: &str| {
        format!(
            "<ANNOTATION_DOCUMENT>\n<HEADER TIME_UNITS=\"milliseconds\"/>\n<TIME_ORDER>{order}</TIME_ORDER>\n{tiers}</ANNOTATION_DOCUMENT>"
        )
    };
    let aligned = |first: &str, last: &str| {
        format!(
            "<TIER TIER_ID=\"t\">\n<ANNOTATION><ALIGNABLE_ANNOTATION ANNOTATION_ID=\"a1\" TIME_SLOT_REF1=\"{first}\" TIME_SLOT_REF2=\"{last}\">\
             <ANNOTATION_VALUE>x</ANNOTATION_VALUE></ALIGNABLE_ANNOTATION></ANNOTATION></TIER>"
        )
    };
    let slots = "<TIME_SLOT TIME_SLOT_ID=\"ts1\" TIME_VALUE=\"900\"/><TIME_SLOT TIME_SLOT_ID=\"ts2\" TIME_VALUE=\"100\"/><TIME_SLOT TIME_SLOT_ID=\"ts3\"/>";
    let circle = "<TIER TIER_ID=\"t\"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID=\"a1\" ANNOTATION_REF=\"a2\"/></ANNOTATION>\
         <ANNOTATION><REF_ANNOTATION ANNOTATION_ID=\"a2\" ANNOTATION_REF=\"a1\"/></ANNOTATION></TIER>";
    let cases = [
        (String::new(), "not well-formed"),
        ("<ANNOTATION_DOCUMENT>".to_owned(), "not well-formed"),
        (
            "<!DOCTYPE a [<!ENTITY x \"y\">]><ANNOTATION_DOCUMENT>&x;</ANNOTATION_DOCUMENT>"
                .to_owned(),
            "it has a document type definition (DTD); expected a file that ELAN saved (.eaf)",
        ),
        (
            "<html/>".to_owned(),
            "line 1, element html: the first element; expected ANNOTATION_DOCUMENT",
        ),
        ("<ANNOTATION_DOCUMENT/>".to_owned(), "no TIME_ORDER"),
        (
            "<ANNOTATION_DOCUMENT><HEADER TIME_UNITS=\"PAL-frames\"/></ANNOTATION_DOCUMENT>"
                .to_owned(),
            "HEADER, TIME_UNITS: PAL-frames; expected milliseconds",
        ),
        (
            document("<TIME_SLOT TIME_SLOT_ID=\"ts1\" TIME_VALUE=\"1.5\"/>", ""),
            "line 3, element TIME_SLOT: 1.5; expected a whole number of milliseconds",
        ),
        (
            document("<TIME_SLOT TIME_VALUE=\"1\"/>", ""),
            "no TIME_SLOT_ID",
        ),
        (
            document("", "<TIER/>"),
            "line 4, element TIER: no TIER_ID; expected the name of the tier",
        ),
        (
            document(slots, &aligned("ts1", "ts9")),
            "line 5, element ALIGNABLE_ANNOTATION: unknown time slot ts9; expected one of TIME_ORDER",
        ),
        (
            document(slots, &aligned("ts1", "ts2")),
            "900 to 100 ms; expected an end that is not before the start",
        ),
        (
            document(slots, &aligned("ts1", "ts3")),
            "time slot ts3 without time",
        ),
        (document(slots, circle), "a circle of references"),
        (
            document(
                slots,
                "<TIER TIER_ID=\"t\"><ANNOTATION><REF_ANNOTATION ANNOTATION_ID=\"a1\" ANNOTATION_REF=\"a7\"/></ANNOTATION></TIER>",
            ),
            "unknown annotation a7",
        ),
    ];
    for (content, part) in &cases {
        check("elan", "a.eaf", &[(content, &[part])]);
    }
    let bytes = b"<ANNOTATION_DOCUMENT>\n\xff".to_vec();
    let error = parse_with("elan", "a.eaf", &bytes, &ReadOptions::default()).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a.eaf: line 2: bytes that are not text; expected UTF-8 or UTF-16"
    );
}

#[test]
fn boris() {
    let project = |events: &str| {
        format!(
            "{{\"behaviors_conf\": {{\"0\": {{\"code\": \"groom\", \"type\": \"State event\"}}}}, \"observations\": {{\"o\": {{\"events\": {events}}}}}}}"
        )
    };
    let cases = [
        ("".to_owned(), "line 1, column 0: the file is empty; expected JSON"),
        ("{\"observations\": {}}".to_owned(), "behaviors_conf: missing; expected an object"),
        ("{\"behaviors_conf\": {}}".to_owned(), "observations: missing; expected an object"),
        (
            "{\"behaviors_conf\": {\"0\": {\"code\": \"\", \"type\": \"State event\"}}, \"observations\": {}}".to_owned(),
            "behaviors_conf.0.code: \"\"; expected the code of a behaviour",
        ),
        (
            "{\"behaviors_conf\": {\"0\": {\"code\": \"a\", \"type\": \"x\"}}, \"observations\": {}}".to_owned(),
            "behaviors_conf.0.type: \"x\"; expected \"State event\" or \"Point event\"",
        ),
        (project("{}"), "observations.o.events: {}; expected a list"),
        (project("[[1, \"\"]]"), "observations.o.events[0]: [1,\"\"]; expected time, subject, code, modifier and comment; there is no code"),
        (project("[[\"x\", \"\", \"groom\", \"\", \"\"]]"), "observations.o.events[0][0]: \"x\"; expected a time in seconds"),
        (project("[[1e999, \"\", \"groom\", \"\", \"\"]]"), "a.boris"),
        (
            project("[[1, \"\", \"groom\", \"\", \"\"]]"),
            "observations.o.events: \"groom\" of \"\" begins at 1 s and has no end; expected an even number of rows",
        ),
    ];
    for (content, part) in &cases {
        check("boris", "a.boris", &[(content, &[part])]);
    }
    let packed = [0x1f, 0x8b, 8, 0, 1, 2, 3];
    let error = parse_with("boris", "a.boris.gz", &packed, &ReadOptions::default()).unwrap_err();
    assert!(
        error.to_string().contains("expected a whole gzip file"),
        "{error}"
    );
}

#[test]
fn boris_tables() {
    check(
        "boris-csv",
        "a.csv",
        &[
            ("Time,Status\n", &["no column \"Behavior\""]),
            ("Behavior,Subject\n", &["no column \"Time\""]),
            ("Behavior,Start (s)\n", &["no column \"Stop (s)\""]),
            (
                "Behavior,Start (s),Stop (s)\ngroom,x,2\n",
                &["line 2, column \"Start (s)\"", "\"x\"", "a time in seconds"],
            ),
            (
                "Behavior,Start (s),Stop (s)\ngroom,3,2\n",
                &["line 2, column \"Stop (s)\"", "not before the start"],
            ),
            (
                "Behavior,Start (s),Stop (s)\n,1,2\n",
                &["line 2, column \"Behavior\"", "the name of a behaviour"],
            ),
            (
                "Behavior,Time,Status\ngroom,1,START\n",
                &["line 2", "begins and does not end", "a row with STOP"],
            ),
            (
                "Behavior,Time,Status\ngroom,1,STOP\n",
                &["line 2, column \"Status\"", "a row with START before it"],
            ),
            (
                "Behavior,Time,Status\ngroom,1,START\ngroom,2,START\n",
                &["line 3, column \"Status\"", "has begun before"],
            ),
            (
                "Behavior,Time,Status\ngroom,1,x\n",
                &["line 2, column \"Status\"", "START, STOP or POINT"],
            ),
        ],
    );
}

#[test]
fn via() {
    let project = |metadata: &str| {
        format!(
            "{{\"attribute\": {{\"1\": {{\"aname\": \"a\", \"type\": 4, \"anchor_id\": \"FILE1_Z2_XY0\", \"options\": {{\"0\": \"pour\"}}}}}}, \
             \"file\": {{\"1\": {{\"fname\": \"a.mp4\"}}}}, \"view\": {{\"1\": {{\"fid_list\": [\"1\"]}}}}, \"metadata\": {{\"m\": {metadata}}}}}"
        )
    };
    let cases = [
        ("{}".to_owned(), "attribute: missing; expected an object"),
        (
            "{\"attribute\": {\"1\": {}}}".to_owned(),
            "attribute.1.aname: missing; expected the name of an attribute",
        ),
        (
            "{\"attribute\": {}, \"view\": {\"1\": {}}}".to_owned(),
            "view.1.fid_list: missing; expected a list",
        ),
        (
            "{\"attribute\": {}, \"view\": {\"1\": {\"fid_list\": [1]}}}".to_owned(),
            "file.1.fname: missing",
        ),
        (
            project("{}"),
            "metadata.m.vid: missing; expected the id of a view",
        ),
        (
            project("{\"vid\": \"7\", \"z\": []}"),
            "metadata.m.vid: \"7\"; expected the id of a view with a file",
        ),
        (
            project("{\"vid\": \"1\", \"z\": 1}"),
            "metadata.m.z: 1; expected a list",
        ),
        (
            project("{\"vid\": \"1\", \"z\": [\"x\"]}"),
            "metadata.m.z[0]: \"x\"; expected seconds",
        ),
        (
            project("{\"vid\": \"1\", \"z\": [2, 1], \"av\": {}}"),
            "metadata.m.z: [2,1]; expected a time, or start and end, in seconds",
        ),
        (
            project("{\"vid\": \"1\", \"z\": [1, 2]}"),
            "metadata.m.av: missing; expected an object",
        ),
        (
            project("{\"vid\": \"1\", \"z\": [1, 2], \"av\": {\"1\": \"9\"}}"),
            "metadata.m.av.1: \"9\"; expected the id of a choice of \"a\"",
        ),
    ];
    for (content, part) in &cases {
        check("via", "a.json", &[(content, &[part])]);
    }
    let head = "# CSV_HEADER = metadata_id,file_list,flags,temporal_coordinates,spatial_coordinates,metadata\n";
    let row = |row: &str| format!("{head}{row}\n");
    let cases = [
        ("a,b\n".to_owned(), "no line with CSV_HEADER"),
        (
            "# CSV_HEADER = metadata_id\n".to_owned(),
            "CSV_HEADER: metadata_id; expected the column file_list",
        ),
        (
            row("1,x,0,[1],[],{}"),
            "line 2, column file_list: x; expected JSON",
        ),
        (
            row("1,[],0,[1],[],{}"),
            "line 2, column file_list: []; expected a list with the name of a file",
        ),
        (
            row("1,\"[\"\"a.mp4\"\"]\",0,\"[2,1]\",[],{}"),
            "line 2, column temporal_coordinates: [2.0, 1.0]; expected a time",
        ),
        (
            row("1,\"[\"\"a.mp4\"\"]\",0,{},[],{}"),
            "line 2, column temporal_coordinates: {}; expected a list of seconds",
        ),
        (
            row("1,\"[\"\"a.mp4\"\"]\",0,[1],[],[1]"),
            "line 2, column metadata: [1]; expected an object",
        ),
        (
            "# ATTRIBUTE = x\n# CSV_HEADER = metadata_id,file_list,temporal_coordinates,metadata\n"
                .to_owned(),
            "line 1:  x; expected JSON with the attributes",
        ),
    ];
    for (content, part) in &cases {
        check("via-csv", "a.csv", &[(content, &[part])]);
    }
}

#[test]
fn v_trace() {
    check(
        "v-trace",
        "a.csv",
        &[
            ("labelId,timestamp\n", &["no column \"endTimestamp\""]),
            (
                "labelId,timestamp,endTimestamp\ngroom,x,1\n",
                &["line 2, column \"timestamp\"", "seconds"],
            ),
            (
                "labelId,timestamp,endTimestamp\ngroom,2,1\n",
                &["line 2, column \"endTimestamp\"", "not before timestamp"],
            ),
            (
                "labelId,timestamp,endTimestamp\n,1,2\n",
                &["line 2, column \"labelId\"", "the name of a class"],
            ),
            (
                "labelId,timestamp,endTimestamp,score\na,1,2,x\n",
                &["line 2, column \"score\"", "a finite number"],
            ),
        ],
    );
}

#[test]
fn text_grid() {
    let head = "File type = \"ooTextFile\"\nObject class = \"TextGrid\"\nxmin = 0\nxmax = 2\ntiers? <exists>\n";
    let with = |rest: &str| format!("{head}{rest}");
    let cases = [
        (
            String::new(),
            "line 1: the end of the file; expected \"ooTextFile\"",
        ),
        (
            "\"ooTextFile\"\n\"Sound\"\n".to_owned(),
            "line 2: Sound; expected \"TextGrid\"",
        ),
        (
            "\"ooTextFile\"\n\"TextGrid\"\nxmin = \"a\"".to_owned(),
            "line 3: a; expected xmin",
        ),
        (
            with("size = 1.5"),
            "line 6: 1.5; expected the number of tiers",
        ),
        (
            with("size = -1"),
            "line 6: -1; expected the number of tiers",
        ),
        (
            with("size = 99999999999999999999"),
            "the end of the file; expected \"IntervalTier\" or \"TextTier\"",
        ),
        (
            with("size = 1 \"Tier\""),
            "line 6: Tier; expected \"IntervalTier\" or \"TextTier\"",
        ),
        (
            with("size = 1 \"IntervalTier\" \"a\" 0 2 1\n1 0 \"x\""),
            "line 7: x; expected an xmax that is not before xmin",
        ),
        (
            with("size = 1 \"IntervalTier\" \"a\" 0 2 1\n0 1 \"x"),
            "line 7: \"x; expected a quotation mark at the end",
        ),
        (
            with("size = 1 \"TextTier\" \"a\" 0 2 1\n0 <exists>"),
            "line 7: <exists>; expected a text in quotes",
        ),
    ];
    for (content, part) in &cases {
        check("textgrid", "a.TextGrid", &[(content, &[part])]);
    }
}

#[test]
fn subtitles() {
    check(
        "srt",
        "a.srt",
        &[
            (
                "1\npour\n",
                &["line 2: \"pour\"", "00:00:01.000 --> 00:00:02.500"],
            ),
            ("1\n00:00:01,00 --> 00:00:02,500\npour\n", &["line 2"]),
            ("1\n00:61:01,000 --> 00:00:02,500\npour\n", &["line 2"]),
            (
                "1\n00:00:03,000 --> 00:00:02,500\npour\n",
                &["line 2", "an end that is not before the start"],
            ),
            (
                "1\n00:00:01,000 --> 00:00:02,500\n",
                &["line 2", "the name of a class in the line below"],
            ),
        ],
    );
    check(
        "webvtt",
        "a.vtt",
        &[
            ("", &["line 1", "expected WEBVTT"]),
            ("\nWEBVTT\n", &["line 1"]),
            ("WEBVTT\n\nid\npour\n", &["line 4: \"pour\""]),
            ("WEBVTT\n\n00:01.000 --> x\npour\n", &["line 3"]),
            (
                "WEBVTT\n\n00:01.000 --> 00:02.000\n<b></b>\n",
                &["line 3", "the name of a class as text of the cue"],
            ),
        ],
    );
}

#[test]
fn deep_nesting_is_no_danger() {
    let deep = "<a>".repeat(100_000);
    let _ = parse_with("elan", "a.eaf", deep.as_bytes(), &ReadOptions::default());
    let deep = format!("{{\"observations\": {}", "[".repeat(100_000));
    for format in ["boris", "via"] {
        assert!(parse_with(format, "a", deep.as_bytes(), &ReadOptions::default()).is_err());
    }
}
