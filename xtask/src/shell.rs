//! Starting other programs.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

/// The repository.
#[derive(Clone, Debug)]
pub(crate) struct Workspace {
    root: PathBuf,
}

impl Workspace {
    /// The repository that this program was built from.
    pub(crate) fn find() -> Self {
        let manifest = std::env::var_os("CARGO_MANIFEST_DIR")
            .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")), PathBuf::from);
        let root = manifest.parent().unwrap_or(&manifest).to_path_buf();
        Self { root }
    }

    /// A repository at `root`.
    #[cfg(test)]
    pub(crate) fn at(root: &Path) -> Self {
        Self {
            root: root.to_path_buf(),
        }
    }

    /// Its top folder.
    pub(crate) fn root(&self) -> &Path {
        &self.root
    }

    /// Where cargo builds, which a user's configuration may have moved.
    pub(crate) fn target_folder(&self) -> Result<PathBuf> {
        let text = Cargo::new(["metadata", "--no-deps", "--format-version", "1"]).output(self)?;
        let metadata: Value =
            serde_json::from_str(&text).context("cargo metadata wrote no valid JSON")?;
        let folder = metadata["target_directory"].as_str();
        Ok(folder
            .context("cargo metadata names no target folder")?
            .into())
    }

    /// A path inside it.
    pub(crate) fn path(&self, relative: &str) -> PathBuf {
        self.root.join(relative)
    }
}

/// One call of cargo.
pub(crate) struct Cargo {
    arguments: Vec<OsString>,
    variables: Vec<(&'static str, Option<OsString>)>,
}

impl Cargo {
    pub(crate) fn new<I: IntoIterator<Item = &'static str>>(arguments: I) -> Self {
        Self {
            arguments: arguments.into_iter().map(OsString::from).collect(),
            variables: Vec::new(),
        }
    }

    pub(crate) fn arguments<S: AsRef<OsStr>>(
        mut self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Self {
        self.arguments
            .extend(arguments.into_iter().map(|a| a.as_ref().to_os_string()));
        self
    }

    pub(crate) fn variable(mut self, name: &'static str, value: impl AsRef<OsStr>) -> Self {
        self.variables
            .push((name, Some(value.as_ref().to_os_string())));
        self
    }

    pub(crate) fn without_variable(mut self, name: &'static str) -> Self {
        self.variables.push((name, None));
        self
    }

    /// Runs it with our own input and output.
    ///
    /// # Errors
    ///
    /// If it cannot be started or ends with another exit code than 0.
    pub(crate) fn run(self, workspace: &Workspace) -> Result<()> {
        let shown = self.shown();
        eprintln!("$ {shown}");
        let status = self
            .command(workspace)
            .status()
            .with_context(|| format!("cannot start `{shown}`"))?;
        if !status.success() {
            bail!("`{shown}` failed ({status})");
        }
        Ok(())
    }

    /// Runs it and returns what it wrote to its standard output.
    ///
    /// # Errors
    ///
    /// As for [`Cargo::run`]; the message then holds what it wrote to standard error.
    pub(crate) fn output(self, workspace: &Workspace) -> Result<String> {
        let shown = self.shown();
        let output = self
            .command(workspace)
            .output()
            .with_context(|| format!("cannot start `{shown}`"))?;
        if !output.status.success() {
            let said = String::from_utf8_lossy(&output.stderr);
            bail!("`{shown}` failed ({}): {}", output.status, said.trim());
        }
        String::from_utf8(output.stdout).with_context(|| format!("`{shown}` wrote no UTF-8"))
    }

    fn command(&self, workspace: &Workspace) -> Command {
        let program = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let mut command = Command::new(program);
        command.args(&self.arguments).current_dir(workspace.root());
        for (name, value) in &self.variables {
            match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        command
    }

    /// The command as one would type it.
    fn shown(&self) -> String {
        let mut words = Vec::new();
        for (name, value) in &self.variables {
            if let Some(value) = value {
                words.push(format!("{name}={}", quoted(value)));
            }
        }
        words.push("cargo".to_owned());
        words.extend(self.arguments.iter().map(|a| quoted(a)));
        words.join(" ")
    }
}

/// The program `tal` as the tests build it, started in the repository.
pub(crate) struct Tal {
    /// The file.
    pub(crate) program: PathBuf,
    root: PathBuf,
}

impl Tal {
    /// The program, built. With the features of the whole workspace, as the tests are built: nothing is compiled twice.
    ///
    /// # Errors
    ///
    /// If it does not compile.
    pub(crate) fn build(workspace: &Workspace) -> Result<Self> {
        Cargo::new(["build", "--workspace", "--bins"]).run(workspace)?;
        Ok(Self {
            program: workspace.target_folder()?.join("debug/tal"),
            root: workspace.root().to_path_buf(),
        })
    }

    /// Runs it.
    ///
    /// # Errors
    ///
    /// If it cannot be started or ends with another exit code than 0.
    pub(crate) fn run<S: AsRef<OsStr>>(
        &self,
        arguments: impl IntoIterator<Item = S>,
    ) -> Result<()> {
        let mut command = Command::new(&self.program);
        command.arg("--quiet").args(arguments);
        succeed(&mut command, &self.root)
    }
}

/// Runs a command in `folder` with our own input and output, and shows it.
///
/// # Errors
///
/// If it cannot be started or ends with another exit code than 0.
pub(crate) fn succeed(command: &mut Command, folder: &Path) -> Result<()> {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let shown = words.map(quoted).collect::<Vec<_>>().join(" ");
    eprintln!("$ {shown}");
    let status = command
        .current_dir(folder)
        .status()
        .with_context(|| format!("cannot start `{shown}`"))?;
    if !status.success() {
        bail!("`{shown}` failed ({status})");
    }
    Ok(())
}

/// Removes what an earlier call left at `folder`.
///
/// # Errors
///
/// If it cannot be removed.
pub(crate) fn empty(folder: &Path) -> Result<()> {
    if folder.is_dir() {
        std::fs::remove_dir_all(folder)
            .with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    Ok(())
}

/// A word as a shell would take it.
pub(crate) fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,+@%".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        word.into_owned()
    } else {
        format!("'{}'", word.replace('\'', r"'\''"))
    }
}

/// The entries of a folder, sorted; none if it does not exist.
///
/// # Errors
///
/// If the folder cannot be listed.
pub(crate) fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    if !folder.is_dir() {
        return Ok(Vec::new());
    }
    let entries =
        std::fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))?;
    let mut paths = entries
        .map(|entry| Ok(entry?.path()))
        .collect::<Result<Vec<_>>>()?;
    paths.sort();
    Ok(paths)
}

/// The first of these programs that can be found along `PATH`.
pub(crate) fn find_program(names: &[&str]) -> Option<PathBuf> {
    let path = std::env::var_os("PATH")?;
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    names.iter().find_map(|name| {
        folders
            .iter()
            .map(|folder| folder.join(name))
            .find(|file| file.is_file())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shows_a_command_as_typed() {
        let cargo = Cargo::new(["test"])
            .variable("RUSTDOCFLAGS", "-D warnings")
            .without_variable("LIBTORCH")
            .arguments(["it's", ""]);
        assert_eq!(
            cargo.shown(),
            r"RUSTDOCFLAGS='-D warnings' cargo test 'it'\''s' ''"
        );
    }

    #[test]
    fn a_failing_command_is_an_error_that_names_it() {
        let workspace = Workspace::find();
        let error = Cargo::new(["no-such-subcommand"])
            .output(&workspace)
            .unwrap_err();
        let text = error.to_string();
        assert!(
            text.starts_with("`cargo no-such-subcommand` failed"),
            "{text}"
        );
    }

    #[test]
    fn a_failing_program_is_shown_with_its_arguments() {
        let folder = tempfile::tempdir().unwrap();
        let error = succeed(Command::new("false").arg("a b"), folder.path()).unwrap_err();
        assert!(
            error.to_string().starts_with("`false 'a b'` failed"),
            "{error}"
        );
        let mut absent = Command::new("no-such-program");
        let error = succeed(&mut absent, folder.path()).unwrap_err();
        assert_eq!(error.to_string(), "cannot start `no-such-program`");
    }

    #[test]
    fn finds_only_programs_that_exist() {
        assert!(find_program(&["no-such-program-here", "sh"]).is_some());
        assert!(find_program(&["no-such-program-here"]).is_none());
    }
}
