//! Rules for the words of documents, documentation and messages.

use super::{Finding, Source};

/// Openings and turns of phrase that hide the subject or the condition, each with the cure.
const PHRASES: [(&str, &str); 4] = [
    ("unless given", "say the default: `[default: 1]`"),
    ("is none where", "say `None if …`"),
    ("none where", "say `None if …`"),
    ("the begin of", "say `the start of`"),
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let ours = ["crates/", "docs/", "benches/", "configs/"]
        .iter()
        .any(|folder| source.path.starts_with(folder))
        || !source.path.contains('/');
    if !ours {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in source.lines() {
        for (phrase, cure) in PHRASES {
            if line.contains(phrase) {
                findings.push(source.finding(number, format!("`{phrase}` reads badly: {cure}")));
            }
        }
        let heading = source.extension() == "md" && line.starts_with('#');
        let opening = line.strip_prefix("//! ").filter(|_| number == 1);
        let opening = opening.or_else(|| {
            line.trim_start_matches('#')
                .strip_prefix(' ')
                .filter(|_| heading)
        });
        if opening.is_some_and(|text| text.starts_with("What ")) {
            findings.push(source.finding(
                number,
                "begins with `What`: begin with the thing itself, such as `Targets of a batch`",
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
    fn phrases_are_found_in_sources_and_documents() {
        for path in [
            "crates/tal-core/src/a.rs",
            "docs/a.md",
            "README.md",
            "configs/a.yaml",
        ] {
            let found = messages(path, "\n# 1 unless given\n");
            assert_eq!(found.len(), 1, "{path}");
            assert!(found[0].starts_with(&format!("{path}:2: ")), "{found:?}");
            assert!(messages(path, "1 [default: 1]\n").is_empty());
        }
        assert!(messages("xtask/src/a.rs", "// unless given\n").is_empty());
    }

    #[test]
    fn openings_name_the_thing() {
        let rust = "crates/tal-core/src/a.rs";
        assert_eq!(messages(rust, "//! What a batch holds.\n").len(), 1);
        assert!(messages(rust, "//! Batches.\n//! What follows is more.\n").is_empty());
        assert_eq!(messages("docs/a.md", "text\n## What it is\n").len(), 1);
        assert!(messages("docs/a.md", "What it is, is said here.\n").is_empty());
        assert!(messages("docs/a.md", "## Whatever\n").is_empty());
    }
}
