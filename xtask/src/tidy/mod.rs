//! `cargo xtask tidy`: rules about source files and documents that no compiler checks.

mod documents;
mod messages;
mod prose;
mod rust;
mod share;
mod text;
mod web;

use std::fmt;
use std::fs;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell::Workspace;

/// Checks every file that git knows or would add.
///
/// # Errors
///
/// If git cannot list the files, or a rule is broken; the message holds one line for each breach.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    let sources = sources(workspace)?;
    let mut findings = Vec::new();
    for source in &sources {
        findings.extend(text::check(source));
        findings.extend(rust::check(source));
        findings.extend(documents::check(source, workspace.root()));
        findings.extend(prose::check(source));
        findings.extend(web::check(source));
    }
    let (num_messages, of_errors) = messages::check(&sources);
    findings.extend(of_errors);
    let lines = share::lines_of_crates(&sources);
    findings.extend(share::check(&lines));
    if !findings.is_empty() {
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        bail!("{} breaches:\n{}", findings.len(), lines.join("\n"));
    }
    for (name, num) in &lines {
        eprintln!("tidy: {num:6} source lines without tests in {name}");
    }
    eprintln!("tidy: {:6} in all", lines.values().sum::<usize>());
    eprintln!("tidy: {num_messages} messages of errors are bounded and complete");
    eprintln!("tidy: {} files keep to the rules", sources.len());
    Ok(())
}

/// A text file of the repository.
#[derive(Debug)]
struct Source {
    /// Relative to the repository, with `/`.
    path: String,
    text: String,
}

impl Source {
    #[cfg(test)]
    fn new(path: &str, text: &str) -> Self {
        Self {
            path: path.to_owned(),
            text: text.to_owned(),
        }
    }

    /// What a check finds, in words.
    #[cfg(test)]
    fn messages(&self, check: fn(&Self) -> Vec<Finding>) -> Vec<String> {
        check(self).iter().map(Finding::to_string).collect()
    }

    /// What the file's name ends in, after the last dot.
    fn extension(&self) -> &str {
        let name = self.path.rsplit('/').next().unwrap_or_default();
        name.rsplit_once('.').map_or("", |(_, extension)| extension)
    }

    /// Lines with their numbers from 1.
    fn lines(&self) -> impl Iterator<Item = (usize, &str)> {
        self.text.lines().enumerate().map(|(i, line)| (i + 1, line))
    }

    fn finding(&self, line: usize, message: impl Into<String>) -> Finding {
        Finding {
            path: self.path.clone(),
            line,
            message: message.into(),
        }
    }
}

/// A breach of a rule; the message tells what to do.
#[derive(Debug)]
struct Finding {
    path: String,
    line: usize,
    message: String,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}: {}", self.path, self.line, self.message)
    }
}

/// All text files, but neither what others wrote (lock file, licences) nor the fixtures of tests and fuzzing.
fn sources(workspace: &Workspace) -> Result<Vec<Source>> {
    let output = Command::new("git")
        .args(["ls-files", "-z", "--cached", "--others"])
        .arg("--exclude-standard")
        .current_dir(workspace.root())
        .output()
        .context("tidy asks git for the files of the repository, but git cannot be started")?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!(
            "tidy asks git for the files of the repository: {}",
            said.trim()
        );
    }
    let names = String::from_utf8(output.stdout).context("a file name is not UTF-8")?;
    let mut sources = Vec::new();
    for path in names.split('\0').filter(|name| is_ours(name)) {
        let file = workspace.path(path);
        // Listed but deleted, or a link to a folder.
        if !file.is_file() {
            continue;
        }
        let bytes = fs::read(&file).with_context(|| format!("cannot read {path}"))?;
        if let Ok(text) = String::from_utf8(bytes) {
            sources.push(Source {
                path: path.to_owned(),
                text,
            });
        }
    }
    if sources.is_empty() {
        bail!("git names no file of the repository");
    }
    Ok(sources)
}

fn is_ours(path: &str) -> bool {
    let fixture = ["/fixtures/", "fuzz/corpus/"]
        .iter()
        .any(|folder| path.contains(folder))
        || path.ends_with(".proptest-regressions");
    !(path.is_empty() || path == "Cargo.lock" || path.starts_with("LICENSE") || fixture)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_what_git_knows_and_would_add_but_not_what_it_ignores() {
        let folder = tempfile::tempdir().unwrap();
        let git = |arguments: &[&str]| {
            let done = Command::new("git")
                .args(arguments)
                .current_dir(folder.path())
                .output()
                .unwrap();
            assert!(done.status.success());
        };
        let workspace = Workspace::at(folder.path());
        assert!(sources(&workspace).is_err());
        git(&["init", "--quiet"]);
        assert!(sources(&workspace).is_err());
        fs::write(workspace.path(".gitignore"), "/ignored\n").unwrap();
        fs::write(workspace.path("added.rs"), "\n").unwrap();
        git(&["add", "added.rs"]);
        fs::write(workspace.path("new.md"), "\n").unwrap();
        fs::write(workspace.path("ignored"), "\n").unwrap();
        fs::write(workspace.path("binary"), [0xff, 0xfe]).unwrap();
        fs::write(workspace.path("LICENSE-MIT"), "no newline").unwrap();
        let found = sources(&workspace).unwrap();
        let mut paths: Vec<&str> = found.iter().map(|s| s.path.as_str()).collect();
        paths.sort_unstable();
        assert_eq!(paths, [".gitignore", "added.rs", "new.md"]);
        run(&workspace).unwrap();
        fs::write(workspace.path("new.md"), "text \n").unwrap();
        let text = run(&workspace).unwrap_err().to_string();
        assert!(
            text.starts_with("1 breaches:\nnew.md:1: trailing white space"),
            "{text}"
        );
    }

    #[test]
    fn leaves_fixtures_alone() {
        assert!(is_ours("crates/tal-core/src/lib.rs"));
        assert!(!is_ours("crates/tal-core/tests/fixtures/a.json"));
        assert!(!is_ours("fuzz/corpus/annotations/a.json"));
        assert!(is_ours("fuzz/fuzz_targets/annotations.rs"));
        assert!(!is_ours("Cargo.lock"));
    }
}
