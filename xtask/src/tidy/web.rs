//! Rules for scripts and style sheets of pages.

use super::{Finding, Source};

/// The longest script or style sheet.
const MAX_LINES: usize = 400;
/// The longest line.
const MAX_COLUMNS: usize = 132;
/// Ways to turn text into markup or code, which data must never take.
const UNSAFE: [&str; 6] = [
    "innerHTML",
    "outerHTML",
    "insertAdjacentHTML",
    "document.write",
    "eval(",
    "new Function",
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let is_script = ["js", "mjs"].contains(&source.extension());
    if !is_script && source.extension() != "css" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let num_lines = source.lines().count();
    if num_lines > MAX_LINES {
        findings.push(source.finding(
            num_lines,
            format!("{num_lines} lines, at most {MAX_LINES}: divide the file by topic"),
        ));
    }
    let first = source.text.lines().next().unwrap_or_default();
    if !first.starts_with(if is_script { "// " } else { "/* " }) {
        findings.push(source.finding(1, "begin with a comment that says what the file holds"));
    }
    for (number, line) in source.lines() {
        if line.chars().count() > MAX_COLUMNS {
            findings.push(source.finding(
                number,
                format!("longer than {MAX_COLUMNS} columns: break the line"),
            ));
        }
        let is_page = source.extension() == "js";
        if let Some(call) = UNSAFE.iter().find(|call| is_page && line.contains(**call)) {
            findings.push(source.finding(
                number,
                format!("`{call}` makes markup or code of text: use nodes and textContent"),
            ));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).messages(check)
    }

    #[test]
    fn scripts_and_styles_are_short_and_say_what_they_hold() {
        assert!(messages("a.js", "// Data.\nconst a = 1;\n").is_empty());
        assert!(messages("a.css", "/* Colours. */\n").is_empty());
        assert!(messages("a.rs", "no comment\n").is_empty());
        assert_eq!(messages("a.js", "const a = 1;\n").len(), 1);
        let long = format!("// Data.\n{}", "a();\n".repeat(400));
        assert!(messages("a.mjs", &long)[0].contains("divide the file"));
        let wide = format!("// Data.\n{}\n", "a".repeat(133));
        assert!(messages("a.js", &wide)[0].contains("break the line"));
    }

    #[test]
    fn text_never_becomes_markup() {
        for call in UNSAFE {
            let text = format!("// Data.\nnode.{call} = x;\n");
            assert_eq!(messages("a.js", &text).len(), 1, "{call}");
        }
    }
}
