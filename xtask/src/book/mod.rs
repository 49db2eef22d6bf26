//! The book of `docs/`: built by mdBook, its links followed.

mod links;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::pip;
use crate::shell::Workspace;

/// mdBook, pinned by version and checksum.
const REQUIREMENTS: &str = "xtask/src/book/requirements.txt";
/// Its folder.
const TOOL: &str = "target/mdbook";
/// The book, where `docs/book.toml` puts it.
const BOOK: &str = "target/book";

/// Builds the book and follows every link within it.
///
/// # Errors
///
/// If pip cannot install mdBook, a page does not build, a page is missing from `SUMMARY.md`, or a link leads nowhere; the
/// message holds one line for each link.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let mdbook = install(workspace)?;
    start(Command::new(&mdbook).arg("build").arg("docs"), workspace)?;
    let mut findings = missing_pages(&workspace.path("docs"))?;
    let pages = links::read(&workspace.path(BOOK))?;
    findings.extend(links::check(&pages, &workspace.path(BOOK)));
    if !findings.is_empty() {
        bail!("{}", findings.join("\n"));
    }
    eprintln!(
        "book: {} pages in {BOOK}, all links lead somewhere",
        pages.len()
    );
    Ok(())
}

/// The program, installed on the first call.
fn install(workspace: &Workspace) -> Result<PathBuf> {
    let program = workspace.path(TOOL).join("bin/mdbook");
    let wanted = pip::wanted(workspace, REQUIREMENTS)?;
    let stamp = workspace.path(TOOL).join("installed.txt");
    if program.is_file() && std::fs::read_to_string(&stamp).is_ok_and(|found| found == wanted) {
        return Ok(program);
    }
    pip::install(workspace, &workspace.path(TOOL), REQUIREMENTS)?;
    std::fs::write(&stamp, wanted).with_context(|| format!("cannot write {}", stamp.display()))?;
    Ok(program)
}

fn start(command: &mut Command, workspace: &Workspace) -> Result<()> {
    let program = command.get_program().to_string_lossy().into_owned();
    let status = command
        .current_dir(workspace.root())
        .status()
        .with_context(|| format!("cannot start {program}"))?;
    if !status.success() {
        bail!("{program} failed ({status})");
    }
    Ok(())
}

/// Pages that `SUMMARY.md` does not list, which mdBook would leave out silently.
fn missing_pages(docs: &Path) -> Result<Vec<String>> {
    let read = |path: &Path| {
        std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))
    };
    let summary = read(&docs.join("SUMMARY.md"))?;
    let mut missing = Vec::new();
    for entry in std::fs::read_dir(docs).context("cannot list docs")? {
        let name = entry?.file_name().to_string_lossy().into_owned();
        let is_page = name.ends_with(".md") && name != "SUMMARY.md";
        if is_page && !summary.contains(&format!("({name})")) {
            missing.push(format!("docs/{name} is not in docs/SUMMARY.md"));
        }
    }
    missing.sort();
    Ok(missing)
}
