//! Values of a YAML text that change while everything else stays as somebody wrote it.

/// Sets plain values of keys directly below the key `section` of a text in block style. Comments and all other lines stay;
/// keys that are missing come first in the section. Returns the text and, for each key, the value that stood there.
///
/// The caller should read the result again: this looks at lines and indents only.
pub(super) fn set(
    text: &str,
    section: &str,
    values: &[(&str, String)],
) -> Result<(String, Vec<Option<String>>), String> {
    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
    let head = lines
        .iter()
        .position(|line| is_key(line, section))
        .ok_or_else(|| format!("no line begins with `{section}:`"))?;
    if !value_and_comment(&lines[head][section.len() + 1..])
        .0
        .is_empty()
    {
        return Err(format!("`{section}:` is not written with one key per line"));
    }
    let is_text = |line: &str| !line.trim().is_empty() && !line.trim_start().starts_with('#');
    let first = lines[head + 1..].iter().find(|line| is_text(line));
    let indent = first.map_or(0, |line| indent_of(line));
    if indent == 0 {
        return Err(format!("`{section}:` has no keys"));
    }
    let mut before = Vec::new();
    let mut missing = Vec::new();
    for (key, value) in values {
        let end = lines[head + 1..]
            .iter()
            .position(|line| is_text(line) && indent_of(line) == 0)
            .map_or(lines.len(), |length| head + 1 + length);
        let found = (head + 1..end).find(|&number| {
            indent_of(&lines[number]) == indent && is_key(&lines[number][indent..], key)
        });
        let Some(number) = found else {
            before.push(None);
            missing.push(format!("{}{key}: {value}", " ".repeat(indent)));
            continue;
        };
        let (start, rest) = lines[number].split_at(indent + key.len() + 1);
        let (old, comment) = value_and_comment(rest);
        if old.is_empty() {
            return Err(format!("`{key}:` has no value in its line"));
        }
        before.push(Some(old.to_owned()));
        let line = format!("{start} {value}{comment}");
        lines[number] = line;
    }
    lines.splice(head + 1..head + 1, missing);
    let newline = if text.contains("\r\n") { "\r\n" } else { "\n" };
    let end = if text.ends_with('\n') { newline } else { "" };
    Ok((lines.join(newline) + end, before))
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
        let (changed, before) = set(text, "dataset", &values).unwrap();
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
        let (changed, before) = set(text, "dataset", &values).unwrap();
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
            ("dataset: { fps: 3 }\n", "one key per line"),
            ("dataset:\ntrain: {}\n", "has no keys"),
            ("dataset:\n  fps:\n    - 3\n", "`fps:` has no value"),
        ] {
            let error = set(text, "dataset", &value).unwrap_err();
            assert!(error.contains(fault), "{text}: {error}");
        }
    }
}
