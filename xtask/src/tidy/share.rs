//! How the source lines are shared out among the crates.

use std::collections::BTreeMap;

use super::rust::num_lines_before_tests;
use super::{Finding, Source};

/// The largest part of all source lines that one crate may hold, in percent.
const MAX_PERCENT: usize = 14;

/// The lines of each crate's sources, without tests.
pub(super) fn lines_of_crates(sources: &[Source]) -> BTreeMap<String, usize> {
    let mut lines = BTreeMap::new();
    for source in sources {
        let parts: Vec<&str> = source.path.split('/').collect();
        let name = match parts.as_slice() {
            ["crates", name, "src", ..] => name,
            [name @ "xtask", "src", ..] | [name @ "benches", ..] => name,
            _ => continue,
        };
        let is_test = source.path.ends_with("/tests.rs") || source.path.contains("/tests/");
        if source.extension() == "rs" && !is_test {
            *lines.entry((*name).to_owned()).or_default() += num_lines_before_tests(source);
        }
    }
    lines
}

pub(super) fn check(lines: &BTreeMap<String, usize>) -> Vec<Finding> {
    let total: usize = lines.values().sum();
    lines
        .iter()
        .filter(|(_, num)| **num * 100 > total * MAX_PERCENT)
        .map(|(name, num)| Finding {
            path: format!("crates/{name}"),
            line: *num,
            message: format!(
                "{num} of {total} source lines, more than {MAX_PERCENT} %: divide the crate by topic"
            ),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_sources_without_tests_and_finds_a_fat_crate() {
        let mut sources: Vec<Source> = (0..8)
            .map(|i| Source::new(&format!("crates/c{i}/src/lib.rs"), &"x\n".repeat(10)))
            .collect();
        assert_eq!(lines_of_crates(&sources)["c0"], 10);
        assert!(check(&lines_of_crates(&sources)).is_empty());
        let tests = "x\n#[cfg(test)]\nmod tests {\nx\n}\n";
        sources.push(Source::new("crates/c0/src/a.rs", tests));
        sources.push(Source::new("crates/c0/src/a/tests.rs", "x\n"));
        sources.push(Source::new("crates/c0/tests/all.rs", "x\n"));
        sources.push(Source::new("crates/c0/README.md", "x\n"));
        assert_eq!(lines_of_crates(&sources)["c0"], 11);
        sources.push(Source::new("xtask/src/main.rs", "x\n"));
        sources.push(Source::new("benches/lib.rs", "x\n"));
        assert_eq!(lines_of_crates(&sources).len(), 10);
        sources.push(Source::new("crates/c0/src/b.rs", &"x\n".repeat(10)));
        let found = check(&lines_of_crates(&sources));
        assert_eq!(found.len(), 1);
        assert!(found[0].to_string().contains("21 of 93 source lines"));
    }
}
