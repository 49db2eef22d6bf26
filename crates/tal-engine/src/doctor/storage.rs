//! Room on the disk for runs.

use std::path::Path;

use super::Finding;

const SUBJECT: &str = "disk";
const GIB: f64 = (1_u64 << 30) as f64;
/// Below this, not even the checkpoints of a small network are safe.
const LEAST: f64 = 0.25 * GIB;
/// Below this, a run with checkpoints of a large network may fill the disk.
const COMFORTABLE: f64 = 4.0 * GIB;

pub(super) fn finding(folder: &Path) -> Finding {
    // The folder may not be there yet: what counts is the disk that it will lie on.
    let absolute = std::path::absolute(folder).unwrap_or_else(|_| folder.to_owned());
    let there = absolute
        .ancestors()
        .find(|path| path.is_dir())
        .unwrap_or(Path::new("."));
    let place = there.display();
    if let Err(error) = tempfile::tempfile_in(there) {
        let advice = "write to another folder: `--out DIR`, or start the program elsewhere";
        return Finding::missing(
            SUBJECT,
            format!("{place} cannot be written: {error}"),
            advice,
        );
    }
    let Some(free) = free_bytes(there) else {
        return Finding::fine(SUBJECT, format!("{place} can be written"));
    };
    let found = format!("{:.1} GiB free in {place}", free / GIB);
    let advice = "make room, or write runs to another disk with `--out DIR`";
    if free < LEAST {
        Finding::missing(SUBJECT, found, advice)
    } else if free < COMFORTABLE {
        Finding::note(SUBJECT, found, advice)
    } else {
        Finding::fine(SUBJECT, found)
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<f64> {
    let disk = nix::sys::statvfs::statvfs(folder).ok()?;
    Some(disk.blocks_available() as f64 * disk.fragment_size() as f64)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<f64> {
    None
}
