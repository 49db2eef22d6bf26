//! Links of HTML pages as mdBook writes them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

/// Pages that repeat others or hold paths that only a server resolves.
const SKIPPED: [&str; 3] = ["404.html", "print.html", "toc.html"];

/// What a page offers and asks for.
#[derive(Debug, Default)]
pub(super) struct Page {
    anchors: BTreeSet<String>,
    targets: BTreeSet<String>,
}

impl Page {
    fn new(html: &str) -> Self {
        let all = |names: &[&str]| -> BTreeSet<String> {
            let values = names.iter().flat_map(|name| attributes(html, name));
            values.map(|text| text.replace("&amp;", "&")).collect()
        };
        Self {
            anchors: all(&["id"]),
            targets: all(&["href", "src"]),
        }
    }
}

/// The pages of a book without sub-folders, by file name.
pub(super) fn read(book: &Path) -> Result<BTreeMap<String, Page>> {
    let mut pages = BTreeMap::new();
    let entries = fs::read_dir(book).with_context(|| format!("cannot list {}", book.display()))?;
    for entry in entries {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.ends_with(".html") && !SKIPPED.contains(&name.as_ref()) {
            let html = fs::read_to_string(&path)
                .with_context(|| format!("cannot read {}", path.display()))?;
            pages.insert(name.into_owned(), Page::new(&html));
        }
    }
    Ok(pages)
}

/// A line for each link that leads nowhere: to no file of the book, or to no heading of a page.
pub(super) fn check(pages: &BTreeMap<String, Page>, book: &Path) -> Vec<String> {
    let mut findings = Vec::new();
    for (name, page) in pages {
        for target in page.targets.iter().filter(|target| is_local(target)) {
            let (path, anchor) = target.split_once('#').unwrap_or((target, ""));
            let file = if path.is_empty() { name } else { path };
            let exists = match pages.get(file) {
                Some(page) => anchor.is_empty() || page.anchors.contains(anchor),
                None => !path.ends_with(".md") && book.join(path).is_file(),
            };
            if !exists {
                findings.push(format!(
                    "{name}: the link to {target} leads nowhere in the book"
                ));
            }
        }
    }
    findings
}

fn is_local(target: &str) -> bool {
    let scheme = target.split_once(':').map_or("", |(scheme, _)| scheme);
    let is_scheme = !scheme.is_empty() && scheme.chars().all(|c| c.is_ascii_alphanumeric());
    !is_scheme && !target.starts_with("//")
}

/// The values of an attribute, wherever it stands in a tag.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let opening = format!(" {name}=\"");
    html.split('<')
        .filter_map(|tag| {
            let tag = tag.split('>').next()?;
            let rest = &tag[tag.find(&opening)? + opening.len()..];
            Some(&rest[..rest.find('"')?])
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(pages: &[(&str, &str)]) -> Vec<String> {
        let book = tempfile::tempdir().unwrap();
        fs::write(book.path().join("a.svg"), "").unwrap();
        fs::write(book.path().join("b.md"), "").unwrap();
        for (name, html) in pages {
            fs::write(book.path().join(name), html).unwrap();
        }
        check(&read(book.path()).unwrap(), book.path())
    }

    #[test]
    fn pages_files_and_headings_are_found() {
        let a = r##"<h2 class="x" id="part">A</h2><a href="#part">1</a> <img alt="" src="a.svg"> <a href="https://x.org/y">2</a>"##;
        let b = r##"<a href="a.html">1</a> <a href="a.html#part">2</a>"##;
        assert!(findings(&[("a.html", a), ("b.html", b)]).is_empty());
    }

    #[test]
    fn links_that_lead_nowhere_are_told() {
        for target in [
            "none.html",
            "b.html#none",
            "#none",
            "../README.md",
            "b.md",
            "none.svg",
        ] {
            let html = format!("<a class=\"x\" href=\"{target}\">1</a>");
            assert_eq!(
                findings(&[("a.html", &html), ("b.html", "")]),
                [format!(
                    "a.html: the link to {target} leads nowhere in the book"
                )]
            );
        }
    }
}
