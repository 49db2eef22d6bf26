//! Class scores in both layouts, and wrong files are told what is wrong.

use std::collections::BTreeMap;
use std::path::Path;

use proptest::prelude::*;
use tal_core::ClassMap;
use tal_data::class_scores::{parse, read};

/// Ids 0, 1 and 3; nothing has the id 2.
fn classes() -> ClassMap {
    let mut classes = ClassMap::from_names(["run", "jump"]).unwrap();
    classes.insert(3, "fall").unwrap();
    classes
}

fn scores(text: &str) -> BTreeMap<String, Vec<f64>> {
    parse(text.as_bytes(), Path::new("s.json"), &classes()).unwrap()
}

fn one(id: &str, scores: &[f64]) -> BTreeMap<String, Vec<f64>> {
    BTreeMap::from([(id.to_owned(), scores.to_vec())])
}

#[test]
fn names_say_which_score_is_whose() {
    let text = r#"{"version": 1, "class": ["fall", "run", "jump"],
        "results": {"v_b": [0.5, 0.25, 0], "a": [1, 2e-3, 3]}}"#;
    let mut expected = one("v_b", &[0.25, 0.0, 0.0, 0.5]);
    expected.insert("a".into(), vec![0.002, 3.0, 0.0, 1.0]);
    assert_eq!(scores(text), expected);
    // The names may come last, and need not be all classes.
    let text = r#"{"results": {"a": [0.5]}, "class": ["jump"]}"#;
    assert_eq!(scores(text), one("a", &[0.0, 0.5, 0.0, 0.0]));
}

#[test]
fn without_names_the_position_is_the_id() {
    let text = r#"{"results": {"a": [0.1, 0.2, 0.3, 0.4]}}"#;
    assert_eq!(scores(text), one("a", &[0.1, 0.2, 0.3, 0.4]));
    // More classes than have names.
    let text = r#"{"a": [0.1, 0.2, 0.3, 0.4, 0.5]}"#;
    assert_eq!(scores(text), one("a", &[0.1, 0.2, 0.3, 0.4, 0.5]));
}

#[test]
fn the_plain_layout_names_each_score() {
    let text = "\u{feff}{\"a\": {\"fall\": 0.5, \"run\": 1}, \"class\": {}}";
    let mut expected = one("a", &[1.0, 0.0, 0.0, 0.5]);
    expected.insert("class".into(), vec![0.0; 4]);
    assert_eq!(scores(text), expected);
    assert!(scores("{}").is_empty());
    // All recordings get equally many scores.
    let text = r#"{"a": {"run": 1}, "b": [0, 0, 0, 0, 1]}"#;
    assert_eq!(scores(text)["a"], [1.0, 0.0, 0.0, 0.0, 0.0]);
}

#[test]
fn results_of_the_classification_challenge_label_each_score() {
    let text = r#"{"version": "VERSION 1.3", "external_data": {}, "results": {
        "a": [{"label": "run", "score": 0.75}, {"score": 0.25, "label": "fall"}], "b": []}}"#;
    let all = scores(text);
    let ids = classes();
    let score = |id: &str, name: &str| all[id][ids.id(name).unwrap() as usize];
    assert_eq!(
        (score("a", "run"), score("a", "fall"), score("a", "jump")),
        (0.75, 0.25, 0.0)
    );
    assert!(all["b"].iter().all(|score| *score == 0.0));
    for (entry, part) in [
        (r#"{"label": "run"}"#, "position 0: expected {\"label\""),
        (
            r#"{"label": "swim", "score": 1}"#,
            "\"swim\" is not a class",
        ),
        (
            r#"{"label": "run", "score": -1}"#,
            "class \"run\": score -1",
        ),
        (
            r#"{"label": "run", "score": 1}, {"label": "run", "score": 1}"#,
            "occurs twice",
        ),
        (
            r#"{"label": "run", "score": 1}, 5"#,
            "position 1: expected {\"label\"",
        ),
    ] {
        let text = format!(r#"{{"results": {{"a": [{entry}]}}}}"#);
        let error = parse(text.as_bytes(), Path::new("s.json"), &ids).unwrap_err();
        assert!(error.to_string().contains(part), "{error}");
    }
}

#[test]
fn wrong_files_are_told_what_is_wrong() {
    let names = r#""class": ["fall", "run"]"#;
    let cases = [
        (
            r#"{"results": {"a": [0.5"#,
            "line 1, column 22: EOF while parsing a list",
        ),
        (
            "{\"a\":\n {\"run\": NaN}}",
            "line 2, column 10: expected value (NaN is not a number; expected a finite one)",
        ),
        ("{\"a\": [1e999]}", "line 1, column 12: number out of range"),
        ("", "line 1, column 0: the file is empty; expected JSON"),
        (
            "[1]",
            "the file is a list; expected an object of recordings",
        ),
        (
            r#"{"results": 3}"#,
            "\"results\": it is 3; expected an object of recordings",
        ),
        (
            r#"{"results": {}, "results": {}}"#,
            "key \"results\" occurs twice; expected it once",
        ),
        (
            r#"{"results": {}, "class": {"run": 0}}"#,
            "\"class\": it is an object; expected a list of class names",
        ),
        (
            r#"{"results": {}, "class": ["run", 7]}"#,
            "\"class\", position 1: it is 7; expected the name of a class",
        ),
        (
            r#"{"results": {}, "class": ["run", "swim", "fly"]}"#,
            "\"class\", position 1: \"swim\" is not a class; the classes begin with fall, jump, run",
        ),
        (
            r#"{"results": {}, "class": ["run", "fall", "run"]}"#,
            "\"class\", position 2: class \"run\" occurs twice; expected each class once",
        ),
        (
            &format!(r#"{{"results": {{"a": [1, 2], "b": [1]}}, {names}}}"#),
            "recording \"b\": 1 scores; expected 2, one for each name under \"class\"",
        ),
        (
            &format!(r#"{{"results": {{"a": [1, -0.5]}}, {names}}}"#),
            "recording \"a\", position 1: score -0.5; expected a finite number, at least 0",
        ),
        (
            &format!(r#"{{"results": {{"a": [[1], 2]}}, {names}}}"#),
            "recording \"a\", position 0: score a list; expected a finite number, at least 0",
        ),
        (
            r#"{"a": [1, 2, 3]}"#,
            "recording \"a\": 3 scores; expected at least 4, one for each class id",
        ),
        (
            r#"{"a": [1, 2, 3, 4, 5], "b": [1, 2, 3, 4]}"#,
            "recording \"b\": 4 scores; expected 5, as many as recording \"a\" has",
        ),
        (
            r#"{"a": {"run": 1}, "a": {"run": 1}}"#,
            "recording \"a\": it occurs twice; give each recording its scores once",
        ),
        (
            r#"{"a": {"run": 1, "run": 0}}"#,
            "recording \"a\", class \"run\": it occurs twice; expected each class once",
        ),
        (
            r#"{"a": {"swim": 1}}"#,
            "recording \"a\": \"swim\" is not a class; the classes begin with fall, jump, run",
        ),
        (
            r#"{"a": {"run": "0.5"}}"#,
            "recording \"a\", class \"run\": score the text \"0.5\"; expected a finite number, at least 0",
        ),
        (
            r#"{"a": null}"#,
            "recording \"a\": it is null; expected a list of scores, or an object from class names to scores",
        ),
    ];
    for (text, message) in cases {
        let error = parse(text.as_bytes(), Path::new("s.json"), &classes()).unwrap_err();
        assert_eq!(error.to_string(), format!("s.json: {message}"), "{text}");
    }
    let deep = "[".repeat(100_000);
    assert!(parse(deep.as_bytes(), Path::new("s.json"), &classes()).is_err());
}

#[test]
fn files_are_read_and_missing_ones_named() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("s.json");
    std::fs::write(&path, r#"{"a": {"jump": 0.75}}"#).unwrap();
    assert_eq!(
        read(&path, &classes()).unwrap(),
        one("a", &[0.0, 0.75, 0.0, 0.0])
    );
    let error = read(Path::new("no/such.json"), &classes()).unwrap_err();
    let message = error.to_string();
    assert!(
        message.starts_with("cannot read class scores from no/such.json: "),
        "{message}"
    );
}

proptest! {
    #[test]
    fn both_layouts_say_the_same(
        all in prop::collection::btree_map("[a-z]{1,4}", prop::collection::vec(0.0..2.0f64, 3), 0..6),
        order in Just([(0usize, "run"), (1, "jump"), (3, "fall")]).prop_shuffle(),
    ) {
        let names: Vec<&str> = order.iter().map(|(_, name)| *name).collect();
        let listed = serde_json::json!({"results": all, "class": names}).to_string();
        let by_name: BTreeMap<&String, BTreeMap<&str, f64>> = all
            .iter()
            .map(|(id, scores)| (id, names.iter().copied().zip(scores.iter().copied()).collect()))
            .collect();
        let plain = serde_json::json!(by_name).to_string();
        let expected: BTreeMap<String, Vec<f64>> = all
            .iter()
            .map(|(id, scores)| {
                let mut by_id = vec![0.0; 4];
                for ((class, _), score) in order.iter().zip(scores) {
                    by_id[*class] = *score;
                }
                (id.clone(), by_id)
            })
            .collect();
        prop_assert_eq!(&scores(&listed), &expected);
        prop_assert_eq!(&scores(&plain), &expected);
    }

    #[test]
    fn a_file_that_ends_early_is_refused(end in 0..56usize) {
        let text = r#"{"results": {"a": [0.5, 0.25]}, "class": ["run","jump"]}"#;
        prop_assert!(parse(&text.as_bytes()[..end], Path::new("s.json"), &classes()).is_err());
    }
}
