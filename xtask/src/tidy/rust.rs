//! Rules for Rust files and the manifests of crates.

use super::{Finding, Source};

const MAX_LINES: usize = 500;

/// Ways to print or to end the program, which a library leaves to its caller.
const FOR_PROGRAMS: [&str; 6] = [
    "println!",
    "print!",
    "eprint!",
    "eprintln!",
    "dbg!",
    "process::exit",
];

/// The crates that are programs.
const PROGRAMS: [&str; 1] = ["crates/tal-cli/"];

/// The homes of the tIoU formula: for scalars and for tensors.
const TIOU_HOMES: [&str; 2] = [
    "crates/tal-core/src/segment.rs",
    "crates/tal-decoder/src/loss/",
];

pub(super) fn check(source: &Source) -> Vec<Finding> {
    let path = source.path.as_str();
    if path.ends_with("/Cargo.toml") {
        return check_manifest(source);
    }
    let ours = ["crates/", "benches/", "xtask/"];
    if source.extension() != "rs" || !ours.iter().any(|folder| path.starts_with(folder)) {
        return Vec::new();
    }
    let mut findings = check_length(source);
    // xtask has no features, and its tests speak about them.
    if !path.starts_with("xtask/") {
        findings.extend(check_features(source));
    }
    if is_library(path) {
        findings.extend(check_printing(source));
        findings.extend(check_tiou(source));
    }
    findings
}

/// Every crate takes the lints of the workspace; one that is a workspace of its own cannot.
fn check_manifest(source: &Source) -> Vec<Finding> {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    let inherits = lines
        .windows(2)
        .any(|w| w == ["[lints]", "workspace = true"]);
    if inherits || lines.contains(&"[workspace]") {
        Vec::new()
    } else {
        vec![source.finding(1, "add `[lints]` with `workspace = true`")]
    }
}

fn check_length(source: &Source) -> Vec<Finding> {
    let lines = source.text.lines().count();
    if lines <= MAX_LINES {
        return Vec::new();
    }
    vec![source.finding(
        MAX_LINES + 1,
        format!("{lines} lines, at most {MAX_LINES}: split the file by topic"),
    )]
}

/// `cfg(feature)` stands on modules of a `lib.rs`, or for the whole of an integration test or example; the schema of the
/// configuration may be derived conditionally.
fn check_features(source: &Source) -> Vec<Finding> {
    let lines: Vec<(usize, &str)> = code(source).collect();
    let mut findings = Vec::new();
    for (index, (number, line)) in lines.iter().enumerate() {
        let conditional = ["cfg(", "cfg!(", "cfg_attr("]
            .iter()
            .any(|c| line.contains(c));
        if !(conditional && line.contains("feature =")) {
            continue;
        }
        let on_module = source.path.ends_with("/src/lib.rs")
            && lines[index + 1..]
                .iter()
                .map(|(_, next)| next.trim())
                .find(|next| !next.is_empty() && !next.starts_with("#["))
                .is_some_and(is_module);
        let whole_program = line.trim().starts_with("#![cfg(") && !source.path.contains("/src/");
        // Derives of the configuration's schema add no code that other code could depend on.
        let schema = line.trim().starts_with("#[cfg_attr(feature = \"schema\", ");
        if !(on_module || whole_program || schema) {
            findings.push(source.finding(
                *number,
                "cfg(feature) belongs on a `mod` line of lib.rs: move what depends on it to a module of its own",
            ));
        }
    }
    findings
}

fn is_module(line: &str) -> bool {
    let line = line.strip_prefix("pub").unwrap_or(line);
    let line = match line.strip_prefix('(') {
        Some(rest) => rest.split_once(')').map_or(rest, |(_, after)| after),
        None => line,
    };
    line.trim_start().starts_with("mod ") && line.ends_with(';')
}

fn is_library(path: &str) -> bool {
    let in_sources =
        path.starts_with("crates/") && path.contains("/src/") && !path.contains("/examples/");
    let tests = path.ends_with("/tests.rs") || path.contains("/tests/");
    in_sources && !tests && !PROGRAMS.iter().any(|program| path.starts_with(program))
}

fn check_printing(source: &Source) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in before_tests(source) {
        if let Some(word) = FOR_PROGRAMS.iter().find(|word| has_word(line, word)) {
            findings.push(source.finding(
                number,
                format!("a library must not use {word}: return a value or report through tracing"),
            ));
        }
    }
    findings
}

/// Whether `word` stands in the line and does not just end a longer one.
fn has_word(line: &str, word: &str) -> bool {
    line.match_indices(word).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|c| !(c.is_alphanumeric() || c == '_'))
    })
}

/// A function named after an overlap of segments must be where the formula is.
fn check_tiou(source: &Source) -> Vec<Finding> {
    if TIOU_HOMES.iter().any(|home| source.path.starts_with(home)) {
        return Vec::new();
    }
    let mut findings = Vec::new();
    for (number, line) in before_tests(source) {
        let Some(name) = function_name(line) else {
            continue;
        };
        // The last part says what a function returns: `min_tiou`, but not `tiou_thresholds`.
        if name
            .rsplit('_')
            .next()
            .is_some_and(|part| IOU.contains(&part))
        {
            findings.push(source.finding(
                number,
                format!(
                    "{name}: the tIoU formula is in {} (scalars) and {} (tensors): call those",
                    TIOU_HOMES[0], TIOU_HOMES[1]
                ),
            ));
        }
    }
    findings
}

/// Names of the overlap and of its relatives.
const IOU: [&str; 6] = ["iou", "tiou", "giou", "diou", "ciou", "ious"];

fn function_name(line: &str) -> Option<&str> {
    let at = line.match_indices("fn ").map(|(at, _)| at).find(|&at| {
        let before = line[..at].chars().next_back();
        before.is_none_or(char::is_whitespace)
    })?;
    let rest = line[at + 3..].trim_start();
    let end = rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))?;
    (end > 0).then(|| &rest[..end])
}

/// Lines without comments.
fn code(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    source
        .lines()
        .filter(|(_, line)| !line.trim_start().starts_with("//"))
        .map(|(number, line)| (number, line.split(" // ").next().unwrap_or_default()))
}

/// Lines of code before the tests at the end of the file.
fn before_tests(source: &Source) -> impl Iterator<Item = (usize, &str)> {
    let end = num_lines_before_tests(source);
    code(source).take_while(move |(number, _)| *number <= end)
}

/// Number of lines, comments included, before the tests at the end of the file.
pub(super) fn num_lines_before_tests(source: &Source) -> usize {
    let lines: Vec<&str> = source.text.lines().map(str::trim).collect();
    lines
        .windows(2)
        .position(|w| w[0] == "#[cfg(test)]" && w[1].contains("mod tests {"))
        .unwrap_or(lines.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn messages(path: &str, text: &str) -> Vec<String> {
        Source::new(path, text).messages(check)
    }

    const LIBRARY: &str = "crates/tal-core/src/a.rs";

    #[test]
    fn files_have_a_largest_length() {
        assert!(messages(LIBRARY, &"\n".repeat(MAX_LINES)).is_empty());
        let found = messages(LIBRARY, &"\n".repeat(MAX_LINES + 1));
        assert_eq!(
            found,
            [format!(
                "{LIBRARY}:501: 501 lines, at most 500: split the file by topic"
            )]
        );
        assert!(messages("docs/a.md", &"\n".repeat(MAX_LINES + 1)).is_empty());
    }

    #[test]
    fn libraries_neither_print_nor_exit() {
        for word in FOR_PROGRAMS {
            let text = format!("fn f() {{\n    std::{word}(1);\n}}\n");
            assert_eq!(messages(LIBRARY, &text).len(), 1, "{word}");
            for module in ["mod tests {", "pub(super) mod tests {"] {
                let tests = format!("#[cfg(test)]\n{module}\n{word}(1);\n}}\n");
                assert!(messages(LIBRARY, &tests).is_empty(), "{word}");
            }
            assert!(messages("crates/tal-cli/src/main.rs", &text).is_empty());
            assert!(messages("crates/tal-core/tests/a.rs", &text).is_empty());
            assert!(messages("crates/tal-core/examples/a.rs", &text).is_empty());
            assert!(messages("crates/tal-core/examples/own/src/main.rs", &text).is_empty());
            assert!(messages(LIBRARY, &format!("/// {word}(1)\n")).is_empty());
        }
        assert!(messages(LIBRARY, "blueprint!(1); // no println!\n").is_empty());
    }

    #[test]
    fn features_choose_whole_modules() {
        let attribute = "#[cfg(feature = \"torch\")]\n";
        let lib = "crates/tal-core/src/lib.rs";
        for module in ["mod nn;", "pub mod nn;", "pub(crate) mod nn;"] {
            assert!(messages(lib, &format!("{attribute}{module}\n")).is_empty());
            assert!(
                messages(lib, &format!("{attribute}#[path = \"n.rs\"]\n{module}\n")).is_empty()
            );
            assert_eq!(
                messages(LIBRARY, &format!("{attribute}{module}\n")).len(),
                1
            );
        }
        for other in ["fn f() {}", "pub use nn::Linear;", "mod nn {", "models;"] {
            assert_eq!(
                messages(lib, &format!("{attribute}{other}\n")).len(),
                1,
                "{other}"
            );
        }
        let inside = "fn f() {\n    if cfg!(feature = \"torch\") {}\n}\n";
        assert_eq!(messages(lib, inside).len(), 1);
        let whole = "#![cfg(feature = \"torch\")]\n";
        assert!(messages("crates/tal-core/tests/a.rs", whole).is_empty());
        assert_eq!(messages(LIBRARY, whole).len(), 1);
        assert!(messages(LIBRARY, "#[cfg(unix)]\nfn f() {}\n").is_empty());
        let derived = |feature: &str| {
            let text = format!("#[cfg_attr(feature = \"{feature}\", derive(A))]\nstruct S;\n");
            messages(LIBRARY, &text).len()
        };
        assert_eq!((derived("schema"), derived("torch")), (0, 1));
    }

    #[test]
    fn the_overlap_formula_has_two_homes() {
        let text = "pub(crate) fn pair_tiou(a: f64) -> f64 {\n";
        let found = messages("crates/tal-postprocess/src/nms.rs", text);
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("pair_tiou"), "{found:?}");
        assert!(messages("crates/tal-core/src/segment.rs", text).is_empty());
        assert!(messages("crates/tal-decoder/src/loss/diou.rs", text).is_empty());
        assert_eq!(messages("crates/tal-decoder/src/assign.rs", text).len(), 1);
        for other in [
            "fn previous(",
            "fn tiou_thresholds(",
            "let tiou = f(",
            "// fn tiou(",
        ] {
            assert!(
                messages(LIBRARY, &format!("{other}\n")).is_empty(),
                "{other}"
            );
        }
    }

    #[test]
    fn every_crate_takes_the_lints_of_the_workspace() {
        let with = "[package]\n\n[lints]\nworkspace = true\n";
        assert!(messages("crates/tal-core/Cargo.toml", with).is_empty());
        assert_eq!(
            messages("crates/tal-core/Cargo.toml", "[package]\n").len(),
            1
        );
        assert!(messages("Cargo.toml", "[workspace]\n").is_empty());
    }
}
