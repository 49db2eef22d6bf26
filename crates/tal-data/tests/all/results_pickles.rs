//! `eval_results.pkl` as several versions of NumPy and pandas write it; `make.py` beside the fixtures made them.

use std::path::{Path, PathBuf};

use tal_core::{ClassMap, Detection, DetectionSet, Segment};
use tal_data::results;

fn fixture(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/results")
        .join(name)
}

fn classes() -> ClassMap {
    ClassMap::from_names(["run", "jump"]).unwrap()
}

fn read(name: &str) -> Result<DetectionSet, String> {
    results::read(&fixture(name), &classes()).map_err(|error| error.to_string())
}

const ROWS: [(&str, f64, f64, u32, f64); 5] = [
    ("v_b", 0.5, 2.5, 0, 0.75),
    ("v_b", 3.0, 4.0, 1, 0.5),
    ("v_a", 1.0, 2.0, 1, 0.5),
    ("v_a", 4.25, 6.0, 0, 0.25),
    ("v_c", 0.0, 9.5, 1, 0.5),
];

fn set(rows: &[(&str, f64, f64, u32, f64)]) -> DetectionSet {
    let mut set = DetectionSet::new();
    for (id, start, end, label, score) in rows {
        let (segment, label, score) = (Segment::new(*start, *end), *label, *score);
        set.push(
            id,
            Detection {
                segment,
                label,
                score,
            },
        );
    }
    set
}

#[test]
fn dictionaries_of_every_version_give_the_rows_in_their_order() {
    for name in [
        "dict_numpy1.23_protocol2.pkl",
        "dict_numpy1.26.pkl",
        "dict_numpy2.1.pkl",
        "dict_numpy2.4_protocol5.pkl",
        "texts_numpy1.26.pkl",
        "objects_numpy2.4.pkl",
    ] {
        assert_eq!(
            read(name).unwrap_or_else(|e| panic!("{e}")),
            set(&ROWS),
            "{name}"
        );
    }
}

#[test]
fn data_frames_of_every_version_give_the_same_rows() {
    for name in [
        "frame_pandas1.5_protocol2.pkl",
        "frame_pandas1.5.pkl",
        "frame_pandas2.1_protocol5.pkl",
        "frame_pandas2.2.pkl",
        "frame_pandas3.1.pkl",
        "frame_pandas3.1_protocol5.pkl",
        "frame_pandas3.1_pyarrow.pkl",
        "frame_pandas3.1_pyarrow_protocol2.pkl",
    ] {
        assert_eq!(
            read(name).unwrap_or_else(|e| panic!("{e}")),
            set(&ROWS),
            "{name}"
        );
    }
    // Selected rows leave an index with gaps, and arrays in another order of memory.
    let selected: Vec<_> = ROWS.into_iter().filter(|row| row.4 > 0.3).collect();
    for name in [
        "frame_selected_pandas1.5.pkl",
        "frame_selected_pandas3.1.pkl",
    ] {
        assert_eq!(
            read(name).unwrap_or_else(|e| panic!("{e}")),
            set(&selected),
            "{name}"
        );
    }
}

#[test]
fn a_pickle_that_would_run_code_is_refused() {
    for (name, part) in [
        ("command.pkl", "refused posix.system"),
        ("eval.pkl", "refused builtins.eval"),
        ("read_pickle.pkl", "refused pandas.io.pickle.read_pickle"),
    ] {
        let error = read(name).unwrap_err();
        assert!(
            error.contains(part) && error.contains("no code is run"),
            "{name}: {error}"
        );
    }
}

#[test]
fn other_content_is_named() {
    let error = read("frame_categories_pandas2.2.pkl").unwrap_err();
    assert!(
        error.contains("column \"video-id\" of the data frame is an object of"),
        "{error}"
    );
    let parse = |bytes: &[u8]| {
        let found = results::parse_pickle(bytes, Path::new("r.pkl"), &classes());
        found.unwrap_err().to_string()
    };
    assert!(parse(b"\x80\x02]q\x00.").contains("expected a dictionary of columns or a data frame"));
    assert!(parse(b"\x80\x02}q\x00.").contains("no column \"recording\" in the dictionary"));
    // Every prefix is an error and no panic.
    for name in [
        "frame_pandas3.1_pyarrow.pkl",
        "frame_pandas1.5.pkl",
        "texts_numpy1.26.pkl",
    ] {
        let bytes = std::fs::read(fixture(name)).unwrap();
        for length in 0..bytes.len() {
            parse(&bytes[..length]);
        }
        // Nor does a changed byte do harm, whatever it changes.
        for place in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[place] ^= 0x15;
            let _ = results::parse_pickle(&changed, Path::new("r.pkl"), &classes());
        }
    }
}
