//! Line numbers of the keys of a YAML text.

use std::collections::BTreeMap;

use saphyr_parser::{Event, Parser};

/// An open mapping or sequence.
enum Frame {
    /// A mapping at a path (`None` inside sequences) and the key whose value comes next.
    Mapping {
        path: Option<String>,
        key: Option<String>,
    },
    Sequence,
}

/// The lines, counted from 1, of all keys outside sequences, by path (`train.learning_rate`). The list ends at the first
/// syntax error, which the reader of the values reports.
pub(crate) fn key_lines(text: &str) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    let mut frames: Vec<Frame> = Vec::new();
    for event in Parser::new_from_str(text) {
        let Ok((event, span)) = event else { break };
        match event {
            Event::MappingStart(..) => {
                let path = value_path(&frames);
                frames.push(Frame::Mapping { path, key: None });
            }
            Event::SequenceStart(..) => frames.push(Frame::Sequence),
            Event::MappingEnd | Event::SequenceEnd => {
                frames.pop();
                node(&mut frames, String::new());
            }
            Event::Scalar(name, ..) => {
                if let Some(path) = node(&mut frames, name.into_owned()) {
                    lines.entry(path).or_insert(span.start.line());
                }
            }
            Event::Alias(_) => {
                node(&mut frames, String::new());
            }
            _ => {}
        }
    }
    lines
}

/// Path of the value that comes next; `None` inside sequences.
fn value_path(frames: &[Frame]) -> Option<String> {
    match frames.last() {
        None => Some(String::new()),
        Some(Frame::Mapping {
            path: Some(path),
            key: Some(key),
        }) => Some(join(path, key)),
        Some(_) => None,
    }
}

/// Registers a whole node; returns its path if it is a key.
fn node(frames: &mut [Frame], name: String) -> Option<String> {
    let Some(Frame::Mapping { path, key }) = frames.last_mut() else {
        return None;
    };
    if key.take().is_some() {
        return None;
    }
    let found = path.as_ref().map(|path| join(path, &name));
    *key = Some(name);
    found
}

/// A path extended by a key.
pub(crate) fn join(path: &str, key: &str) -> String {
    if path.is_empty() {
        key.to_owned()
    } else {
        format!("{path}.{key}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_have_lines_in_block_and_flow_style() {
        let text = "# what\na: 1\nb:\n  c: [1, { d: 2 }]\n  e: { f: 1,\n       g: {} }\nh:\n- i: 1\nj: x\n";
        let found: Vec<(String, usize)> = key_lines(text).into_iter().collect();
        let expected = [
            ("a", 2),
            ("b", 3),
            ("b.c", 4),
            ("b.e", 5),
            ("b.e.f", 5),
            ("b.e.g", 6),
            ("h", 7),
            ("j", 9),
        ];
        assert_eq!(found, expected.map(|(key, line)| (key.to_owned(), line)));
    }

    #[test]
    fn odd_texts_do_no_harm() {
        for text in [
            "",
            "3",
            "[1, 2]",
            "a: [",
            "{ {a: 1}: 2, b: 3 }",
            "a: &x 1\nb: *x\nc: 2",
            "? [a]\n: b",
        ] {
            key_lines(text);
        }
        assert_eq!(key_lines("a: &x 1\nb: *x\nc: 2")["c"], 3);
        assert_eq!(key_lines("{ {a: 1}: 2,\n b: 3 }")["b"], 2);
    }
}
