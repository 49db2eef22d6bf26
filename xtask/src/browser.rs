//! `cargo xtask browser`: pages of `tal report` in a browser, driven by a script.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::real_reports;
use crate::shell::{Cargo, Workspace, find_program, succeed};

/// Scripts and their pinned packages.
const SCRIPTS: &str = "crates/tal-report/tests/browser";
/// Files of the scripts.
const FILES: [&str; 4] = [
    "package.json",
    "package-lock.json",
    "check.mjs",
    "timeline.mjs",
];
/// Pages, packages and pictures.
const FOLDER: &str = "target/browser";
/// Names of the browser in `PATH`.
const BROWSERS: [&str; 4] = ["chromium", "chromium-browser", "google-chrome", "chrome"];
/// Pictures that the documents show.
const PICTURES: [&str; 2] = ["report-light.png", "report-dark.png"];

/// Makes the pages of the example `report` and those of real recordings and films, opens them in Chromium and checks them; with
/// `pictures` also puts pictures of them into `docs/figures`.
///
/// Without Node, npm or a browser it says so and checks nothing.
///
/// # Errors
///
/// If the pages cannot be made, or a check fails.
pub(crate) fn run(workspace: &Workspace, pictures: bool) -> Result<()> {
    let folder = workspace.path(FOLDER);
    fs::create_dir_all(&folder).with_context(|| format!("cannot create {FOLDER}"))?;
    for name in FILES {
        fs::copy(workspace.path(SCRIPTS).join(name), folder.join(name))
            .with_context(|| format!("cannot copy {SCRIPTS}/{name}"))?;
    }
    let mut npm = Command::new("npm");
    npm.args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"]);
    if let Err(error) = succeed(&mut npm, &folder) {
        return skip(&format!("no packages from npm ({error:#})"));
    }
    let browser = match find_browser() {
        Some(browser) => browser,
        None => match fetch_browser(&folder) {
            Ok(browser) => browser,
            Err(error) => {
                return skip(&format!(
                    "no Chromium in PATH or in TAL_CHROMIUM, and none could be fetched ({error:#})"
                ));
            }
        },
    };
    let film = make_film(workspace, &folder);
    // With the features of the whole workspace, as the tests are built: nothing is compiled twice.
    Cargo::new(["build", "--workspace", "--bins", "--example", "report"]).run(workspace)?;
    let example = workspace.target_folder()?.join("debug/examples/report");
    let mut pages = Command::new(example);
    pages.arg(".").args(film);
    succeed(&mut pages, &folder)?;
    real_reports::make(workspace, &folder)?;
    let mut check = Command::new("node");
    check.args(["check.mjs", "."]).arg(&browser);
    succeed(&mut check, &folder)?;
    if pictures {
        for name in PICTURES {
            fs::copy(folder.join(name), workspace.path("docs/figures").join(name))
                .with_context(|| format!("cannot copy {FOLDER}/{name} to docs/figures"))?;
        }
    }
    Ok(())
}

fn skip(reason: &str) -> Result<()> {
    eprintln!("SKIPPED the checks in a browser: {reason}");
    Ok(())
}

/// The program that `TAL_CHROMIUM` names, or one in `PATH`.
fn find_browser() -> Option<PathBuf> {
    if let Some(own) = env::var_os("TAL_CHROMIUM").filter(|value| !value.is_empty()) {
        return Some(own.into());
    }
    find_program(&BROWSERS)
}

/// The browser that belongs to the pinned Playwright, fetched into the user's cache.
fn fetch_browser(folder: &Path) -> Result<PathBuf> {
    let mut install = Command::new("node");
    install.args(["node_modules/playwright-core/cli.js", "install", "chromium"]);
    succeed(&mut install, folder)?;
    let mut ask = Command::new("node");
    ask.args([
        "--input-type=module",
        "--eval",
        "import { chromium } from 'playwright-core'; console.log(chromium.executablePath());",
    ]);
    let output = ask
        .current_dir(folder)
        .output()
        .context("cannot start node")?;
    let path = PathBuf::from(String::from_utf8_lossy(&output.stdout).trim());
    if !path.is_file() {
        bail!("Playwright names no browser");
    }
    Ok(path)
}

/// A small film beside the pages; `None` without ffmpeg, and then the script leaves out its checks of films.
fn make_film(workspace: &Workspace, folder: &Path) -> Option<&'static str> {
    let film = "film.webm";
    if folder.join(film).is_file() {
        return Some(film);
    }
    let own = env::var_os("TAL_FFMPEG").filter(|value| !value.is_empty());
    let ours = workspace.path(".ffmpeg/ffmpeg");
    let program = match own {
        Some(own) => own.into(),
        None if ours.is_file() => ours,
        None => PathBuf::from("ffmpeg"),
    };
    let mut ffmpeg = Command::new(program);
    ffmpeg.args(["-loglevel", "error", "-y", "-f", "lavfi"]);
    ffmpeg.args(["-i", "testsrc2=size=320x180:rate=15:duration=60"]);
    ffmpeg.args(["-c:v", "libvpx", "-b:v", "150k", "-g", "15", film]);
    match succeed(&mut ffmpeg, folder) {
        Ok(()) => Some(film),
        Err(error) => {
            // An interrupted film would be taken for a whole one.
            let _ = fs::remove_file(folder.join(film));
            eprintln!("SKIPPED the film: {error:#}");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_script_is_copied() {
        let workspace = Workspace::find();
        let entries = fs::read_dir(workspace.path(SCRIPTS)).unwrap();
        let mut found: Vec<String> = entries
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .filter(|name| name != "node_modules")
            .collect();
        let mut expected = FILES.map(str::to_owned).to_vec();
        found.sort();
        expected.sort();
        assert_eq!(found, expected);
    }
}
