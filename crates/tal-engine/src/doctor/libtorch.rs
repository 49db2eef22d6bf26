//! LibTorch: version, place, and whether it computes.

use std::fs;
use std::path::{Path, PathBuf};

use tch::{Device, Kind, Tensor};

use super::Finding;
use crate::device::{VERSION, num_threads};

const SUBJECT: &str = "LibTorch";

pub(super) fn finding() -> Finding {
    let place = library();
    let version = place.as_deref().and_then(version);
    let shown = |value: Option<String>| value.unwrap_or_else(|| "of unknown version".to_owned());
    let at = place.map_or(String::new(), |path| format!(", {}", path.display()));
    let threads = num_threads();
    let found = format!("{}{at}, {threads} threads", shown(version.clone()));
    let advice = format!(
        "this program needs LibTorch {VERSION}: run `cargo xtask setup`, or point LIBTORCH to it and build again"
    );
    match (computes(), version) {
        (Err(error), _) => Finding::missing(SUBJECT, format!("{found}: {error}"), advice),
        (Ok(()), Some(version)) if !version.starts_with(VERSION) => {
            Finding::missing(SUBJECT, found, advice)
        }
        (Ok(()), _) => Finding::fine(SUBJECT, found),
    }
}

/// Multiplies two matrices of ones.
fn computes() -> Result<(), String> {
    const SIZE: i64 = 64;
    let product = || -> Result<f64, tch::TchError> {
        let ones = Tensor::f_ones([SIZE, SIZE], (Kind::Float, Device::Cpu))?;
        f64::try_from(ones.f_matmul(&ones)?.f_sum(Kind::Double)?)
    };
    match product() {
        Ok(sum) if sum == (SIZE * SIZE * SIZE) as f64 => Ok(()),
        Ok(sum) => Err(format!("a product of matrices is wrong ({sum})")),
        Err(error) => Err(error.to_string()),
    }
}

/// The file of the library that this process has loaded; `None` if the system does not tell (Linux does).
fn library() -> Option<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").ok()?;
    let line = maps
        .lines()
        .find(|line| line.contains("/libtorch_cpu.so"))?;
    Some(PathBuf::from(&line[line.find('/')?..]))
}

/// The version that stands beside the library, in LibTorch's own layout or in that of the Python package.
fn version(library: &Path) -> Option<String> {
    let root = library.parent()?.parent()?;
    if let Ok(text) = fs::read_to_string(root.join("build-version")) {
        return Some(text.trim().to_owned());
    }
    let text = fs::read_to_string(root.join("version.py")).ok()?;
    let line = text.lines().find(|line| line.starts_with("__version__"))?;
    line.split(['\'', '"']).nth(1).map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_read_in_both_layouts() {
        let root = tempfile::tempdir().unwrap();
        let library = root.path().join("lib/libtorch_cpu.so");
        assert_eq!(version(&library), None);
        fs::write(
            root.path().join("version.py"),
            "x = 1\n__version__ = '2.11.0+cpu'\n",
        )
        .unwrap();
        assert_eq!(version(&library).unwrap(), "2.11.0+cpu");
        fs::write(root.path().join("build-version"), "2.11.0+cu130\n").unwrap();
        assert_eq!(version(&library).unwrap(), "2.11.0+cu130");
    }
}
