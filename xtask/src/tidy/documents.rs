//! Rules for Markdown: what it points to exists.

use std::path::Path;

use super::{Finding, Source};

/// The name that examples give to a configuration which the reader writes.
const READERS_OWN: &str = "configs/mine.yaml";

pub(super) fn check(source: &Source, root: &Path) -> Vec<Finding> {
    if source.extension() != "md" {
        return Vec::new();
    }
    let mut findings = Vec::new();
    let mut in_code = false;
    for (number, line) in source.lines() {
        if line.trim_start().starts_with("```") {
            in_code = !in_code;
        }
        if !in_code {
            for target in links(line) {
                if !target_exists(&source.path, target, root) {
                    findings.push(
                        source.finding(number, format!("the link to {target} leads nowhere")),
                    );
                }
            }
        }
        // History may name what is gone.
        if source.path != "CHANGELOG.md" {
            for config in configurations(line) {
                if config != READERS_OWN && !root.join(config).is_file() {
                    findings.push(source.finding(number, format!("{config} does not exist")));
                }
            }
        }
    }
    findings
}

/// The targets of `[text](target)` outside of code spans, without a title.
fn links(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("](").filter_map(move |(at, _)| {
        if line[..at].matches('`').count() % 2 == 1 && !line[..at].ends_with('`') {
            return None;
        }
        let rest = &line[at + 2..];
        let target = &rest[..rest.find(')')?];
        target.split_whitespace().next()
    })
}

fn target_exists(from: &str, target: &str, root: &Path) -> bool {
    let scheme = target.split_once(':').map(|(scheme, _)| scheme);
    if scheme.is_some_and(|s| !s.is_empty() && s.chars().all(|c| c.is_ascii_alphanumeric())) {
        return true;
    }
    let file = target.split('#').next().unwrap_or_default();
    let folder = Path::new(from).parent().unwrap_or(Path::new(""));
    file.is_empty() || root.join(folder).join(file).exists()
}

/// Every `configs/….yaml` of a line.
fn configurations(line: &str) -> impl Iterator<Item = &str> {
    line.match_indices("configs/").filter_map(move |(at, _)| {
        let before = line[..at].chars().next_back();
        if before.is_some_and(|c| c.is_alphanumeric() || "_-/".contains(c)) {
            return None;
        }
        let rest = &line[at..];
        let end = rest
            .find(|c: char| !(c.is_ascii_alphanumeric() || "/_-.".contains(c)))
            .unwrap_or(rest.len());
        let path = rest[..end].trim_end_matches('.');
        path.ends_with(".yaml").then_some(path)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn messages(path: &str, text: &str) -> Vec<String> {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("docs")).unwrap();
        fs::create_dir_all(root.path().join("configs")).unwrap();
        fs::write(root.path().join("docs/a.md"), "").unwrap();
        fs::write(root.path().join("configs/demo.yaml"), "").unwrap();
        check(&Source::new(path, text), root.path())
            .iter()
            .map(Finding::to_string)
            .collect()
    }

    #[test]
    fn links_to_files_are_followed() {
        let fine = "[a](docs/a.md) [b](docs/a.md#part) [c](#part) [d](https://x.org/y) [e](docs)\n";
        assert!(messages("README.md", fine).is_empty());
        assert!(
            messages(
                "docs/b.md",
                "[a](a.md \"title\") [r](../configs/demo.yaml)\n"
            )
            .is_empty()
        );
        assert_eq!(
            messages("docs/b.md", "\n[a](docs/a.md)\n"),
            ["docs/b.md:2: the link to docs/a.md leads nowhere"]
        );
        assert_eq!(
            messages("README.md", "[`a`](none.md) ![b](none.svg)\n").len(),
            2
        );
    }

    #[test]
    fn code_holds_no_links() {
        assert!(messages("README.md", "```\nf[a](b)\n```\n").is_empty());
        assert!(messages("README.md", "`f[a](b)`\n").is_empty());
        assert!(messages("a.rs", "f[a](b)\n").is_empty());
    }

    #[test]
    fn configurations_exist_even_in_code() {
        let fine =
            "```\ntal train configs/demo.yaml\n```\nSee configs/demo.yaml. All configs/*.yaml\n";
        assert!(messages("README.md", fine).is_empty());
        assert_eq!(
            messages(
                "README.md",
                "```\ntal train configs/none.yaml --seed 1\n```\n"
            ),
            ["README.md:2: configs/none.yaml does not exist"]
        );
        assert!(messages("README.md", "`tal train configs/mine.yaml`\n").is_empty());
        assert!(messages("CHANGELOG.md", "configs/none.yaml is gone\n").is_empty());
    }
}
