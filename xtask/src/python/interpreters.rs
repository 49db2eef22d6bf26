//! Pythons of this machine.

use std::fmt;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::shell::children;

/// The oldest Python 3 that the packages are for.
pub(super) const OLDEST: u32 = 10;
/// The newest that is looked for.
const NEWEST: u32 = 20;

/// A Python 3.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Interpreter {
    /// Its second number.
    pub(super) minor: u32,
    pub(super) path: PathBuf,
}

impl fmt::Display for Interpreter {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Python 3.{}", self.minor)
    }
}

/// One Python of each version from 3.10 on, the oldest first: from PATH, and from the folder of pyenv.
pub(super) fn find() -> Vec<Interpreter> {
    let mut folders: Vec<PathBuf> = std::env::var_os("PATH")
        .map(|path| std::env::split_paths(&path).collect())
        .unwrap_or_default();
    let home = std::env::var_os("HOME").map(PathBuf::from);
    let pyenv = std::env::var_os("PYENV_ROOT")
        .map(PathBuf::from)
        .or_else(|| Some(home?.join(".pyenv")));
    if let Some(root) = pyenv {
        let versions = children(&root.join("versions")).unwrap_or_default();
        folders.extend(versions.into_iter().map(|version| version.join("bin")));
    }
    (OLDEST..=NEWEST)
        .filter_map(|minor| {
            let files = folders
                .iter()
                .map(|folder| folder.join(format!("python3.{minor}")));
            let path = files
                .into_iter()
                .find(|path| path.is_file() && works(path))?;
            Some(Interpreter { minor, path })
        })
        .collect()
}

/// Whether it starts and can make environments; a link of pyenv may lead to a version that is not active.
fn works(path: &Path) -> bool {
    let answer = Command::new(path)
        .args(["-c", "import venv, ensurepip"])
        .output();
    answer.is_ok_and(|output| output.status.success())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pythons_come_oldest_first_and_work() {
        let found = find();
        assert!(found.windows(2).all(|pair| pair[0].minor < pair[1].minor));
        assert!(
            found
                .iter()
                .all(|python| python.minor >= OLDEST && works(&python.path))
        );
    }

    #[test]
    fn what_does_not_start_is_no_python() {
        assert!(!works(Path::new("/no/such/python3.10")));
    }
}
