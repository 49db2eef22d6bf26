//! Rules for every text file.

use super::{Finding, Source};

/// Places of one person's machine; put together here so that this file keeps its own rule.
const MACHINE_PATHS: [&str; 4] = [
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/wo", "rk/"),
    concat!("/Us", "ers/"),
];

/// Marks of unfinished work.
const UNFINISHED: [&str; 5] = [
    concat!("TO", "DO"),
    concat!("FIX", "ME"),
    concat!("XX", "X:"),
    concat!("to", "do!("),
    UNIMPLEMENTED,
];

/// Stands for a caller's part in the examples of documentation, so it is allowed in comments.
const UNIMPLEMENTED: &str = concat!("unimple", "mented!(");

/// Extensions of files that run or configure something.
const CODE: [&str; 9] = ["rs", "toml", "yaml", "yml", "sh", "py", "js", "mjs", "css"];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    if !source.text.is_empty() && !source.text.ends_with('\n') {
        let last = source.text.lines().count();
        findings.push(source.finding(last, "the file must end with a newline"));
    }
    let is_code = CODE.contains(&source.extension()) || source.path.starts_with(".ci/");
    for (number, line) in source.lines() {
        if line.ends_with([' ', '\t', '\r']) {
            findings.push(source.finding(number, "trailing white space"));
        }
        if let Some(path) = MACHINE_PATHS.iter().find(|p| names_path(line, p)) {
            findings.push(source.finding(
                number,
                format!("{path} exists on one machine only: use a path inside the repository or a variable"),
            ));
        }
        let is_comment = line.trim_start().starts_with("//");
        let unfinished = |mark: &&&str| {
            is_code && line.contains(**mark) && !(is_comment && **mark == UNIMPLEMENTED)
        };
        if let Some(mark) = UNFINISHED.iter().find(unfinished) {
            findings.push(source.finding(
                number,
                format!("{mark} marks unfinished work: finish it or file an issue"),
            ));
        }
    }
    findings
}

/// Whether `path` stands at the start of a word, so not inside a web address or a longer path.
fn names_path(line: &str, path: &str) -> bool {
    line.match_indices(path).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || "._-/}~*".contains(c)))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).messages(check)
    }

    #[test]
    fn a_clean_file_passes() {
        assert!(messages("a.md", "text\n\nmore https://x.org/home/y ../work/z\n").is_empty());
        assert!(messages("empty", "").is_empty());
    }

    #[test]
    fn ends_of_lines_and_files() {
        assert_eq!(
            messages("a.md", "text"),
            ["a.md:1: the file must end with a newline"]
        );
        assert_eq!(
            messages("a.md", "a \nb\t\nc\r\n"),
            [
                "a.md:1: trailing white space",
                "a.md:2: trailing white space"
            ]
        );
    }

    #[test]
    fn paths_of_one_machine() {
        for path in MACHINE_PATHS {
            for line in [
                format!("{path}x\n"),
                format!("a \"{path}x\"\n"),
                format!("A={path}\n"),
            ] {
                let found = messages("a.yaml", &line);
                assert_eq!(found.len(), 1, "{line}");
                assert!(found[0].contains("one machine"), "{found:?}");
            }
        }
    }

    #[test]
    fn unfinished_work_in_code_but_not_in_prose() {
        for mark in UNFINISHED {
            let text = format!("a {mark}\n");
            assert_eq!(messages("src/a.rs", &text).len(), 1, "{mark}");
            assert_eq!(messages(".ci/run", &text).len(), 1, "{mark}");
            assert!(messages("CHANGELOG.md", &text).is_empty(), "{mark}");
            let comment = messages("src/a.rs", &format!("/// {mark}\n"));
            assert_eq!(comment.is_empty(), mark == UNIMPLEMENTED, "{mark}");
        }
    }
}
