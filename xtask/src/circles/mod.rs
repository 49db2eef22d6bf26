//! Circles of imports among the files of a crate, which no file may take part in.
//!
//! A file imports another if it names one of the other's items, in a `use` or by a path, wherever the name is re-exported.
//! Re-exports themselves (`pub use`) hand names on and count as no import. A module and what is inside it may use each
//! other. Tests do not count.

mod names;
mod search;
mod tree;

use std::path::Path;

use anyhow::{Result, bail};

use crate::shell::{Workspace, children};
use search::{Import, circles};
use tree::Tree;

/// Checks the sources of all crates.
///
/// # Errors
///
/// If a file cannot be read or parsed, or if files import each other in a circle; the message names what each takes from
/// the next.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mut roots = Vec::new();
    for package in children(&workspace.path("crates"))? {
        roots.extend(["src/lib.rs", "src/main.rs"].map(|file| package.join(file)));
    }
    roots.push(workspace.path("xtask/src/main.rs"));
    roots.retain(|root| root.is_file());
    let mut breaches = Vec::new();
    let mut num_files = 0;
    for root in roots {
        let tree = Tree::read(&root)?;
        num_files += tree.files().len();
        for circle in circles(&names::imports(&tree)) {
            breaches.push(described(&circle, workspace.root()));
        }
    }
    if !breaches.is_empty() {
        bail!(
            "files that import each other in a circle; move what they share to a file of its own:\n{}",
            breaches.join("\n")
        );
    }
    eprintln!("circles: none among {num_files} files");
    Ok(())
}

/// One line for each import of a circle.
fn described(circle: &[&Import], root: &Path) -> String {
    let shown = |path: &Path| {
        path.strip_prefix(root)
            .unwrap_or(path)
            .display()
            .to_string()
    };
    let lines: Vec<String> = circle
        .iter()
        .map(|import| {
            let names: Vec<&str> = import.names.iter().map(String::as_str).collect();
            format!(
                "  {} takes {} from {}",
                shown(&import.from),
                names.join(", "),
                shown(&import.to)
            )
        })
        .collect();
    format!("circle:\n{}", lines.join("\n"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    /// The files of the circles in a crate, each circle sorted.
    fn found(files: &[(&str, &str)]) -> Vec<Vec<String>> {
        let folder = tempfile::tempdir().unwrap();
        for (name, text) in files {
            let path = folder.path().join(name);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, text).unwrap();
        }
        let tree = Tree::read(&folder.path().join("lib.rs")).unwrap();
        circles(&names::imports(&tree))
            .iter()
            .map(|circle| {
                let mut names: Vec<String> = circle
                    .iter()
                    .map(|import| {
                        let path = import.from.strip_prefix(folder.path()).unwrap();
                        path.display().to_string()
                    })
                    .collect();
                names.sort();
                names.dedup();
                names
            })
            .collect()
    }

    const ROOT: (&str, &str) = ("lib.rs", "mod a; mod b; pub use a::A; pub use b::B;");

    #[test]
    fn imports_by_use_make_a_circle() {
        let a = ("a.rs", "use crate::b::B; pub struct A(B);");
        let b = ("b.rs", "use crate::a::A; pub struct B(Box<A>);");
        assert_eq!(found(&[ROOT, a, b]), [["a.rs", "b.rs"]]);
        let free = ("b.rs", "pub struct B;");
        assert!(found(&[ROOT, a, free]).is_empty());
    }

    #[test]
    fn reexports_and_paths_are_followed() {
        // Through the face of the crate, by a path in a type, by a renamed import of a module, and by a glob.
        for text in [
            "use crate::A; pub struct B(A);",
            "pub struct B(Box<crate::A>);",
            "use super::a as other; pub fn f() { other::g() } pub struct B;",
            "use crate::*; pub struct B(Box<A>);",
            "pub struct B; impl B { fn f() { let _ = vec![super::a::g()]; } }",
        ] {
            let a = ("a.rs", "use crate::B; pub struct A(B); pub fn g() {}");
            let circles = found(&[ROOT, a, ("b.rs", text)]);
            assert_eq!(circles, [["a.rs", "b.rs"]], "{text}");
        }
    }

    #[test]
    fn a_module_and_its_parts_may_use_each_other() {
        let child = ("a.rs", "use super::Shared; pub fn f(_: Shared) {}");
        let user = (
            "lib.rs",
            "mod a; use a::f; pub struct Shared; pub fn g() { f(Shared) }",
        );
        assert!(found(&[user, child]).is_empty());
    }

    #[test]
    fn tests_and_strangers_do_not_count() {
        let a = ("a.rs", "use crate::b::B; use std::fmt; pub struct A(B);");
        let b = (
            "b.rs",
            "pub struct B; #[cfg(test)] mod tests { use super::*; use crate::a::A; }",
        );
        assert!(found(&[ROOT, a, b]).is_empty());
    }

    #[test]
    fn longer_circles_are_found_whole() {
        let root = (
            "lib.rs",
            "mod a; mod b; mod c { mod d; pub use d::D; } mod e;",
        );
        let files = [
            root,
            ("a.rs", "use crate::b; pub fn f() { b::f() }"),
            ("b.rs", "pub fn f() { crate::c::D::new() }"),
            (
                "c/d.rs",
                "pub struct D; impl D { pub fn new() { crate::a::f() } }",
            ),
            ("e.rs", "pub fn f() { crate::a::f() }"),
        ];
        assert_eq!(found(&files), [["a.rs", "b.rs", "c/d.rs"]]);
    }

    #[test]
    fn what_cannot_be_read_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("lib.rs");
        fs::write(&root, "mod missing;").unwrap();
        let text = format!("{:#}", Tree::read(&root).unwrap_err());
        assert!(text.contains("missing"), "{text}");
        fs::write(&root, "fn (").unwrap();
        let text = format!("{:#}", Tree::read(&root).unwrap_err());
        assert!(text.contains("lib.rs"), "{text}");
    }
}
