//! Which crate may depend on which: the picture of `docs/architecture.md`, checked.

use std::collections::BTreeSet;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use crate::shell::{Cargo, Workspace};
use crate::testing::PURE;

/// For each of our crates, those of ours that it may name in its manifest.
const ALLOWED: &[(&str, &[&str])] = &[
    ("tal-libtorch", &[]),
    ("tal-torch", &["tal-libtorch"]),
    ("tal-kernels", &[]),
    ("tal-core", &["tal-libtorch", "tal-kernels", "tal-torch"]),
    ("tal-config", &["tal-core"]),
    ("tal-pth", &[]),
    ("tal-data", &["tal-core", "tal-pth"]),
    ("tal-exchange", &["tal-core", "tal-data"]),
    (
        "tal-corpus",
        &["tal-core", "tal-data", "tal-exchange", "tal-pth"],
    ),
    (
        "tal-synth",
        &["tal-core", "tal-corpus", "tal-data", "tal-video"],
    ),
    ("tal-postprocess", &["tal-core"]),
    ("tal-report", &["tal-core", "tal-postprocess"]),
    ("tal-runs", &["tal-core"]),
    (
        "tal-inspect",
        &[
            "tal-core",
            "tal-config",
            "tal-data",
            "tal-pth",
            "tal-runs",
            "tal-video",
        ],
    ),
    ("tal-video", &["tal-core"]),
    ("tal-encoder", &["tal-core", "tal-kernels", "tal-torch"]),
    ("tal-decoder", &["tal-core"]),
    ("tal-backtal", &["tal-core"]),
    ("tal-backbone", &["tal-core", "tal-pth"]),
    (
        "tal-python",
        &[
            "tal-config",
            "tal-core",
            "tal-corpus",
            "tal-data",
            "tal-exchange",
            "tal-postprocess",
            "tal-pth",
        ],
    ),
    (
        "tal-engine",
        &[
            "tal-core",
            "tal-config",
            "tal-data",
            "tal-postprocess",
            "tal-encoder",
            "tal-decoder",
            "tal-backbone",
            "tal-backtal",
            "tal-pth",
            "tal-runs",
            "tal-torch",
            "tal-video",
        ],
    ),
    (
        "tal-cli",
        &[
            "tal-backbone",
            "tal-core",
            "tal-config",
            "tal-corpus",
            "tal-exchange",
            "tal-data",
            "tal-engine",
            "tal-inspect",
            "tal-postprocess",
            "tal-report",
            "tal-runs",
            "tal-synth",
            "tal-video",
        ],
    ),
    (
        "tal-benches",
        &[
            "tal-core",
            "tal-config",
            "tal-data",
            "tal-postprocess",
            "tal-encoder",
            "tal-decoder",
            "tal-backtal",
            "tal-engine",
            "tal-synth",
        ],
    ),
    ("xtask", &[]),
];

/// What a crate's examples and tests may use besides.
const ALLOWED_IN_EXAMPLES: &[(&str, &str)] = &[
    ("tal-data", "tal-config"),
    ("tal-corpus", "tal-config"),
    ("tal-postprocess", "tal-config"),
    ("tal-postprocess", "tal-data"),
    ("tal-engine", "tal-synth"),
    ("tal-encoder", "tal-config"),
    ("tal-decoder", "tal-config"),
    ("tal-backtal", "tal-config"),
];

/// The crates whose errors end in front of a user, and need no type.
const MAY_USE_ANYHOW: [&str; 2] = ["tal-cli", "xtask"];

/// A crate that others take alone, with the most crates that its tree may hold.
const SMALL: (&str, usize) = ("tal-postprocess", 25);

/// What reads configuration files, which a small crate has no use for.
const YAML: [&str; 3] = ["saphyr-parser", "yaml_serde", "shellexpand"];

/// What links LibTorch.
const TORCH: [&str; 2] = ["torch-sys", "tch"];

/// Checks the dependencies of all crates of the workspace.
///
/// # Errors
///
/// If cargo fails or a rule is broken; the message holds one line for each breach.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let text = Cargo::new(["metadata", "--no-deps", "--format-version", "1"]).output(workspace)?;
    let edges = parse_edges(&text)?;
    let mut breaches = check_edges(&edges);
    for package in PURE {
        let tree = Cargo::new(["tree", "--edges", "normal,build,dev", "--prefix", "none"])
            .arguments(["--package", package])
            .output(workspace)?;
        breaches.extend(check_tree(package, &tree)?);
    }
    let tree = Cargo::new(["tree", "--edges", "normal", "--prefix", "none"])
        .arguments(["--package", SMALL.0])
        .output(workspace)?;
    breaches.extend(check_size(&tree));
    if !breaches.is_empty() {
        bail!("layering is broken:\n{}", breaches.join("\n"));
    }
    eprintln!("layering: {} crates keep to the picture", edges.len());
    Ok(())
}

/// A crate of the workspace with the names of all its direct dependencies, of every kind, but for those that only its
/// examples may have.
type Edges = Vec<(String, Vec<String>)>;

fn parse_edges(metadata: &str) -> Result<Edges> {
    let metadata: Value =
        serde_json::from_str(metadata).context("cargo metadata wrote no valid JSON")?;
    let packages = list(&metadata, "packages")?;
    packages
        .iter()
        .map(|package| {
            let dependencies = list(package, "dependencies")?
                .iter()
                .filter(|dependency| !for_examples(package, dependency))
                .map(name)
                .collect::<Result<_>>()?;
            Ok((name(package)?, dependencies))
        })
        .collect()
}

/// Whether a dependency is one that the crate needs for examples and tests only, and may.
fn for_examples(package: &Value, dependency: &Value) -> bool {
    dependency["kind"] == "dev"
        && ALLOWED_IN_EXAMPLES
            .iter()
            .any(|(from, to)| package["name"] == *from && dependency["name"] == *to)
}

fn list<'a>(value: &'a Value, key: &str) -> Result<&'a Vec<Value>> {
    value[key]
        .as_array()
        .with_context(|| format!("cargo metadata has no list `{key}`"))
}

fn name(value: &Value) -> Result<String> {
    let name = value["name"].as_str();
    Ok(name
        .context("cargo metadata has an entry without a name")?
        .to_owned())
}

fn check_edges(edges: &Edges) -> Vec<String> {
    let mut breaches = Vec::new();
    if edges.is_empty() {
        breaches.push("cargo metadata names no crate at all".to_owned());
    }
    for (package, dependencies) in edges {
        let Some((_, allowed)) = ALLOWED.iter().find(|(known, _)| known == package) else {
            breaches.push(format!(
                "{package} is not in the picture: add it to docs/architecture.md and to ALLOWED in xtask/src/layering.rs"
            ));
            continue;
        };
        for dependency in dependencies {
            let ours = edges.iter().any(|(known, _)| known == dependency);
            if ours && !allowed.contains(&dependency.as_str()) {
                breaches.push(format!(
                    "{package} must not depend on {dependency}: move what both need to tal-core, or join them in tal-engine"
                ));
            }
            if dependency == "anyhow" && !MAY_USE_ANYHOW.contains(&package.as_str()) {
                breaches.push(format!(
                    "{package} must not depend on anyhow: a library returns typed errors (thiserror)"
                ));
            }
        }
    }
    breaches
}

/// Finds LibTorch in the output of `cargo tree` for a crate that must not link it.
fn check_tree(package: &str, tree: &str) -> Result<Option<String>> {
    let mut names = tree.lines().filter_map(|line| line.split(' ').next());
    // An empty or foreign answer proves nothing.
    if names.next() != Some(package) {
        bail!("cargo tree does not start with {package}");
    }
    Ok(names.find(|name| TORCH.contains(name)).map(|name| {
        format!(
            "{package} must not link LibTorch, but its tree names {name}: see `cargo tree -p {package} -i {name}`"
        )
    }))
}

/// Finds too many crates, or ones for configuration files, in the tree of the small crate.
fn check_size(tree: &str) -> Vec<String> {
    let names: BTreeSet<&str> = tree
        .lines()
        .filter_map(|line| line.split(' ').next())
        .collect();
    let (package, most) = SMALL;
    let mut breaches: Vec<String> = YAML
        .iter()
        .filter(|name| names.contains(*name))
        .map(|name| {
            format!("{package} must not need {name}: see `cargo tree -p {package} -i {name}`")
        })
        .collect();
    if !names.contains(package) || names.len() > most {
        breaches.push(format!(
            "{package} needs {} crates with itself, at most {most}: see `cargo tree -p {package} -e normal`",
            names.len()
        ));
    }
    breaches
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(list: &[(&str, &[&str])]) -> Edges {
        list.iter()
            .map(|(name, all)| {
                let all = all.iter().map(|&d| d.to_owned()).collect();
                ((*name).to_owned(), all)
            })
            .collect()
    }

    #[test]
    fn reads_every_kind_of_edge() {
        let text = r#"{"packages": [{"name": "tal-data", "dependencies": [
            {"name": "tal-core", "kind": null}, {"name": "approx", "kind": "dev"}]}]}"#;
        let expected = edges(&[("tal-data", &["tal-core", "approx"])]);
        assert_eq!(parse_edges(text).unwrap(), expected);
        let example = |kind: &str| {
            format!(
                r#"{{"packages": [{{"name": "tal-postprocess", "dependencies": [{{"name": "tal-data", "kind": {kind}}}]}}]}}"#
            )
        };
        let none = edges(&[("tal-postprocess", &[])]);
        assert_eq!(parse_edges(&example("\"dev\"")).unwrap(), none);
        let real = edges(&[("tal-postprocess", &["tal-data"])]);
        assert_eq!(parse_edges(&example("null")).unwrap(), real);
        assert!(parse_edges("{}").is_err());
        assert!(parse_edges("").is_err());
    }

    #[test]
    fn siblings_may_not_see_each_other() {
        let bad = edges(&[
            ("tal-decoder", &["tal-core", "tal-postprocess", "tch"]),
            ("tal-postprocess", &["tal-core"]),
            ("tal-core", &[]),
        ]);
        let breaches = check_edges(&bad);
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert!(breaches[0].starts_with("tal-decoder must not depend on tal-postprocess"));
    }

    #[test]
    fn anyhow_is_for_programs() {
        let both = edges(&[("tal-engine", &["anyhow"]), ("tal-cli", &["anyhow"])]);
        let breaches = check_edges(&both);
        assert_eq!(breaches.len(), 1, "{breaches:?}");
        assert!(breaches[0].starts_with("tal-engine must not depend on anyhow"));
    }

    #[test]
    fn unknown_crates_and_empty_answers_are_breaches() {
        assert_eq!(check_edges(&edges(&[("tal-new", &[])])).len(), 1);
        assert_eq!(check_edges(&edges(&[])).len(), 1);
    }

    #[test]
    fn a_small_crate_stays_small() {
        let tree = |num: usize| {
            let others: String = (1..num).map(|i| format!("c{i} v1.0.0\n")).collect();
            format!("tal-postprocess v0.1.0 (/x)\n{others}")
        };
        assert!(check_size(&tree(25)).is_empty());
        assert_eq!(check_size(&tree(26)).len(), 1);
        assert_eq!(check_size("").len(), 1);
        let yaml = format!("{}yaml_serde v0.10.0\n", tree(3));
        assert!(check_size(&yaml)[0].contains("must not need yaml_serde"));
    }

    #[test]
    fn a_tree_with_libtorch_is_a_breach() {
        let clean = "tal-data v0.1.0 (/x)\nserde v1.0.0\n";
        assert_eq!(check_tree("tal-data", clean).unwrap(), None);
        let bad = "tal-data v0.1.0 (/x)\ntch v0.24.0\ntorch-sys v0.24.0\n";
        assert!(check_tree("tal-data", bad).unwrap().is_some());
        assert!(check_tree("tal-data", "").is_err());
        assert!(check_tree("tal-data", "serde v1.0.0\n").is_err());
    }
}
