//! The stamp of a finished set-up: what was unpacked, and what it measures.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

use super::wheels::Set;

/// The stamp's name in the folder.
pub(super) const FILE: &str = "xtask-setup";

/// The stamp that `folder` would carry if it had just been made from the wheels of `set`.
///
/// It lists the wheels with their checksums, the libraries with their sizes, and number and size of the
/// headers: enough to notice an incomplete copy or a lost file at once, without reading half a gigabyte.
pub(super) fn text(set: Set, folder: &Path) -> Result<String> {
    let mut text = String::from("set-up 1\n");
    for wheel in set.wheels() {
        let _ = writeln!(text, "wheel {} {}", wheel.file, wheel.sha256);
    }
    let mut libraries = Vec::new();
    visit(&folder.join("lib"), &mut |name, bytes| {
        libraries.push((name.to_owned(), bytes));
    })?;
    libraries.sort();
    for (name, bytes) in libraries {
        let _ = writeln!(text, "lib {name} {bytes}");
    }
    let (mut number, mut total) = (0_u64, 0_u64);
    visit(&folder.join("include"), &mut |_, bytes| {
        number += 1;
        total += bytes;
    })?;
    let _ = writeln!(text, "include {number} {total}");
    Ok(text)
}

/// Shows name and size of every file under a folder; a missing folder holds none.
fn visit(folder: &Path, see: &mut dyn FnMut(&str, u64)) -> Result<()> {
    if !folder.is_dir() {
        return Ok(());
    }
    let unreadable = || format!("cannot list {}", folder.display());
    for entry in fs::read_dir(folder).with_context(unreadable)? {
        let entry = entry.with_context(unreadable)?;
        let data = entry.metadata().with_context(unreadable)?;
        if data.is_dir() {
            visit(&entry.path(), see)?;
        } else {
            see(&entry.file_name().to_string_lossy(), data.len());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_wheels_libraries_and_headers() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir_all(folder.path().join("include/a")).unwrap();
        fs::create_dir_all(folder.path().join("lib")).unwrap();
        fs::write(folder.path().join("include/a/b.h"), "12").unwrap();
        fs::write(folder.path().join("include/c.h"), "345").unwrap();
        fs::write(folder.path().join("lib/libz.so"), "1").unwrap();
        fs::write(folder.path().join("lib/liba.so"), "").unwrap();
        let text = text(Set::Cpu, folder.path()).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let wheels = Set::Cpu.wheels().count();
        assert_eq!(lines[0], "set-up 1");
        assert!(lines[1].starts_with("wheel torch-2.11.0"));
        assert_eq!(
            lines[1 + wheels..],
            ["lib liba.so 0", "lib libz.so 1", "include 2 5"]
        );
    }
}
