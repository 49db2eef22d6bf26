//! Circles in a graph of imports.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

/// One file names items of another.
#[derive(Debug)]
pub(super) struct Import {
    pub(super) from: PathBuf,
    pub(super) to: PathBuf,
    pub(super) names: BTreeSet<String>,
}

/// The imports of each circle: two files are in one if each can be reached from the other.
pub(super) fn circles(imports: &[Import]) -> Vec<Vec<&Import>> {
    let files: BTreeSet<&Path> = imports.iter().map(|import| import.from.as_path()).collect();
    let mut circles = Vec::new();
    let mut done: BTreeSet<&Path> = BTreeSet::new();
    for &file in &files {
        if done.contains(file) {
            continue;
        }
        let ahead = reached(imports, file);
        if !ahead.contains(file) {
            continue;
        }
        let members: BTreeSet<&Path> = ahead
            .into_iter()
            .filter(|other| reached(imports, other).contains(file))
            .collect();
        let inside = |path: &Path| members.contains(path);
        circles.push(
            imports
                .iter()
                .filter(|import| inside(&import.from) && inside(&import.to))
                .collect(),
        );
        done.extend(members);
    }
    circles
}

/// All files that `file` imports, straight or through others.
fn reached<'a>(imports: &'a [Import], file: &Path) -> BTreeSet<&'a Path> {
    let mut found: BTreeSet<&Path> = BTreeSet::new();
    let mut open = vec![file];
    while let Some(next) = open.pop() {
        for import in imports.iter().filter(|import| import.from == next) {
            if found.insert(&import.to) {
                open.push(&import.to);
            }
        }
    }
    found
}
