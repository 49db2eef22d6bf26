//! Values of a YAML text that change while everything else stays as somebody wrote it.

use std::ops::Range;

/// Sets plain values of keys directly below the key that `section` leads to, such as `["dataset", "extract"]`. The text is in
/// block style; only the last section may be a mapping in braces, in one line. Comments and all other lines stay; keys that
/// are missing come first in a block, last in braces. Returns the text and, for each key, the value that stood there.
///
/// The caller should read the result again: this looks at lines and indents only.
pub(super) fn set(
    text: &str,
    section: &[&str],
    values: &[(&str, String)],
) -> Result<(String, Vec<Option<String>>), String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let mut block = Block {
        lines: 0..lines.len(),
        indent: 0,
    };
    let mut before = None;
    for (depth, key) in section.iter().enumerate() {
        let head = block.line_of(&lines, key).ok_or_else(|| {
            let parents = section[..depth].iter().map(|key| format!("{key}: "));
            format!(
                "no line begins with `{}{key}:`",
                parents.collect::<String>()
            )
        })?;
        let start = block.indent + key.len() + 1;
        let (value, _) = value_and_comment(&lines[head][start..]);
        if value.is_empty() {
            block = Block::below(&lines, head, block.indent)
                .ok_or_else(|| format!("`{key}:` has no keys"))?;
            continue;
        }
        let in_braces = (depth + 1 == section.len()).then(|| set_in_braces(value, values));
        let Some((changed, found)) = in_braces.flatten() else {
            return Err(format!("`{key}:` is not written with one key per line"));
        };
        let at = start + lines[head][start..].find(value).unwrap_or_default();
        let end = at + value.len();
        lines[head].replace_range(at..end, &changed);
        before = Some(found);
    }
    let before = match before {
        Some(before) => before,
        None => set_in_block(&mut lines, &block, values)?,
    };
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let end = if text.ends_with('\n') { newline } else { "" };
    Ok((lines.join(newline) + end, before))
}

/// The lines of a section, and the indent of its keys.
struct Block {
    lines: Range<usize>,
    indent: usize,
}

impl Block {
    /// The section below the line `head`, whose key has the indent `outer`; none if there is nothing in it.
    fn below(lines: &[String], head: usize, outer: usize) -> Option<Self> {
        let is_text = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
        let mut inside = (head + 1..lines.len()).filter(|&number| is_text(&lines[number]));
        let indent = inside.next().map_or(0, |number| indent_of(&lines[number]));
        let end = inside.find(|&number| indent_of(&lines[number]) <= outer);
        (indent > outer).then(|| Self {
            lines: head + 1..end.unwrap_or(lines.len()),
            indent,
        })
    }

    /// The line of a key.
    fn line_of(&self, lines: &[String], key: &str) -> Option<usize> {
        self.lines.clone().find(|&number| {
            let line = &lines[number];
            indent_of(line) == self.indent && is_key(&line[self.indent..], key)
        })
    }
}

fn set_in_block(
    lines: &mut Vec<String>,
    block: &Block,
    values: &[(&str, String)],
) -> Result<Vec<Option<String>>, String> {
    let mut before = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in values {
        let Some(number) = block.line_of(lines, key) else {
            before.push(None);
            missing.push(format!("{}{key}: {value}", " ".repeat(block.indent)));
            continue;
        };
        let (start, rest) = lines[number].split_at(block.indent + key.len() + 1);
        let (old, comment) = value_and_comment(rest);
        if old.is_empty() {
            return Err(format!("`{key}:` has no value in its line"));
        }
        before.push(Some(old.to_owned()));
        let line = format!("{start} {value}{comment}");
        lines[number] = line;
    }
    let first = block.lines.start;
    lines.splice(first..first, missing);
    Ok(before)
}

/// A mapping in braces with these values, and those that stood there; none if it is no such mapping, or does not end in its line.
fn set_in_braces(
    mapping: &str,
    values: &[(&str, String)],
) -> Option<(String, Vec<Option<String>>)> {
    let mut inner = mapping.strip_prefix('{')?.strip_suffix('}')?.to_owned();
    let mut before = Vec::new();
    for (key, value) in values {
        let mut start = 0;
        let mut found = None;
        for entry in inner.split(',') {
            let name = start + entry.len() - entry.trim_start().len();
            if is_key(entry.trim_start(), key) {
                found = Some(name + key.len() + 1..start + entry.trim_end().len());
            }
            start += entry.len() + 1;
        }
        let Some(place) = found else {
            before.push(None);
            let end = inner.trim_end().len();
            let comma = if end == 0 || inner[..end].ends_with(',') {
                ""
            } else {
                ","
            };
            inner.insert_str(end, &format!("{comma} {key}: {value}"));
            continue;
        };
        before.push(Some(inner[place.clone()].trim().to_owned()));
        inner.replace_range(place, &format!(" {value}"));
    }
    Some((format!("{{{inner}}}"), before))
}

fn indent_of(line: &str) -> usize {
    line.len() - line.trim_start_matches(' ').len()
}

/// Whether a line without indent holds this key.
fn is_key(line: &str, key: &str) -> bool {
    line.strip_prefix(key)
        .and_then(|rest| rest.strip_prefix(':'))
        .is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\r']))
}

/// A plain value, and the comment behind it with the space before it.
fn value_and_comment(rest: &str) -> (&str, &str) {
    let rest = rest.trim_end();
    let mut at = rest.len();
    let begins = |at: &usize| rest[..*at].is_empty() || rest[..*at].ends_with(char::is_whitespace);
    if let Some(found) = rest.match_indices('#').map(|(at, _)| at).find(begins) {
        at = rest[..found].trim_end().len();
    }
    (rest[..at].trim(), &rest[at..])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_change_and_all_else_stays() {
        let text = "# mine\npreset: paper\ndataset:   # ours\n\n  fps: 25   # a guess\n  features:\n    fps: 3\n  num_frames: 1\ntrain:\n  fps: 4\n";
        let values = [
            ("fps", "30".to_owned()),
            ("feat_stride", "4".to_owned()),
            ("num_frames", "16".to_owned()),
        ];
        let (changed, before) = set(text, &["dataset"], &values).unwrap();
        assert_eq!(
            changed,
            "# mine\npreset: paper\ndataset:   # ours\n  feat_stride: 4\n\n  fps: 30   # a guess\n  features:\n    fps: 3\n  num_frames: 16\ntrain:\n  fps: 4\n"
        );
        assert_eq!(before, [Some("25".to_owned()), None, Some("1".to_owned())]);
    }

    #[test]
    fn line_ends_and_comments_after_tabs_stay() {
        let text = "dataset:\r\n  fps: 25\t# a guess\r\ntrain: {}\r\n";
        let values = [("fps", "30".to_owned()), ("num_frames", "1".to_owned())];
        let (changed, before) = set(text, &["dataset"], &values).unwrap();
        assert_eq!(
            changed,
            "dataset:\r\n  num_frames: 1\r\n  fps: 30\t# a guess\r\ntrain: {}\r\n"
        );
        assert_eq!(before, [Some("25".to_owned()), None]);
    }

    #[test]
    fn other_styles_are_left_alone() {
        let value = [("fps", "30".to_owned())];
        for (text, fault) in [
            ("train: {}\n", "no line begins with `dataset:`"),
            ("dataset: { fps: 3,\n  a: 1 }\n", "one key per line"),
            ("dataset: *other\n", "one key per line"),
            ("dataset:\ntrain: {}\n", "has no keys"),
            ("dataset:\n  fps:\n    - 3\n", "`fps:` has no value"),
        ] {
            let error = set(text, &["dataset"], &value).unwrap_err();
            assert!(error.contains(fault), "{text}: {error}");
        }
    }

    #[test]
    fn sections_of_sections_are_blocks_or_braces() {
        let values = [
            ("recipe_sha256", "\"ab\"".to_owned()),
            ("weights_sha256", "\"cd\"".to_owned()),
        ];
        let section = ["dataset", "extract"];
        for (text, expected, before) in [
            (
                "dataset:\n  extract:  # mine\n    recipe: a\n    weights_sha256: null\n  fps: 3\n",
                "dataset:\n  extract:  # mine\n    recipe_sha256: \"ab\"\n    recipe: a\n    weights_sha256: \"cd\"\n  fps: 3\n",
                Some("null"),
            ),
            (
                "dataset:\n  extract: { recipe: a, weights: b }  # mine\n",
                "dataset:\n  extract: { recipe: a, weights: b, recipe_sha256: \"ab\", weights_sha256: \"cd\" }  # mine\n",
                None,
            ),
            (
                "dataset:\n  extract: {recipe: a, weights_sha256: \"ef\", weights: b}",
                "dataset:\n  extract: {recipe: a, weights_sha256: \"cd\", weights: b, recipe_sha256: \"ab\"}",
                Some("\"ef\""),
            ),
        ] {
            let (changed, found) = set(text, &section, &values).unwrap();
            assert_eq!(changed, expected);
            assert_eq!(found, [None, before.map(str::to_owned)]);
            let (again, found) = set(&changed, &section, &values).unwrap();
            assert_eq!(again, changed);
            assert_eq!(found, values.clone().map(|(_, value)| Some(value)));
        }
        for (text, fault) in [
            (
                "dataset:\n  fps: 3\nextract:\n  recipe: a\n",
                "no line begins with `dataset: extract:`",
            ),
            (
                "dataset:\n  extract: { recipe: a,\n    weights: b }\n",
                "one key per line",
            ),
            (
                "dataset: { extract: { recipe: a } }\n",
                "`dataset:` is not written",
            ),
        ] {
            let error = set(text, &section, &values).unwrap_err();
            assert!(error.contains(fault), "{text}: {error}");
        }
    }
}
