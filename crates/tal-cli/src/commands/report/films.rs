//! Films of recordings, by addresses relative to the report.

use std::collections::BTreeMap;
use std::path::{Component, Path};

use anyhow::{Result, anyhow};
use tal_core::{Recording, quoted_list};

use crate::failure::bail_usage;

/// Extensions of films, those first that every browser plays.
const EXTENSIONS: [&str; 9] = [
    "mp4", "webm", "m4v", "mov", "ogv", "mkv", "avi", "mpg", "mpeg",
];

/// Addresses of the films in a folder, by recording.
pub(super) fn find(
    folder: &Path,
    out: &Path,
    recordings: &[&Recording],
) -> Result<BTreeMap<String, String>> {
    let absolute = |path: &Path| {
        path.canonicalize()
            .map_err(|error| anyhow!("--media {}: {error}", path.display()))
    };
    let from = match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => absolute(parent)?,
        _ => absolute(Path::new("."))?,
    };
    let place = absolute(folder)?;
    let address = |id: &str| {
        let mut names = EXTENSIONS
            .iter()
            .map(|extension| format!("{id}.{extension}"));
        let name = names.find(|name| place.join(name).is_file())?;
        Some(relative(&from, &place.join(name)))
    };
    let found: BTreeMap<String, String> = recordings
        .iter()
        .filter_map(|recording| Some((recording.id.clone(), address(&recording.id)?)))
        .collect();
    if found.is_empty() {
        let ids = recordings
            .iter()
            .take(5)
            .map(|recording| recording.id.as_str());
        bail_usage!(
            "--media {}: has no film of a recording; a film's name is that of its recording with .mp4 or .webm, and recordings \
             are {}",
            folder.display(),
            quoted_list(ids)
        );
    }
    if found.len() < recordings.len() {
        tracing::warn!(
            "--media {}: has films of {} of {} recordings",
            folder.display(),
            found.len(),
            recordings.len()
        );
    }
    Ok(found)
}

/// The address of an absolute path as seen from an absolute folder.
fn relative(from: &Path, to: &Path) -> String {
    let parts = |path: &Path| -> Vec<String> {
        let names = path.components().filter_map(|part| match part {
            Component::Normal(name) => Some(name.to_string_lossy().into_owned()),
            _ => None,
        });
        names.collect()
    };
    let (from, to) = (parts(from), parts(to));
    let shared = from.iter().zip(&to).take_while(|(a, b)| a == b).count();
    let up = from[shared..].iter().map(|_| "..".to_owned());
    let down = to[shared..].iter().map(|name| encoded(name));
    let address = up.chain(down).collect::<Vec<_>>().join("/");
    // Without it, a colon in the first name would make it a scheme.
    format!("./{address}")
}

/// A name in an address: all but letters, digits and a few signs as `%XX`.
fn encoded(name: &str) -> String {
    let mut text = String::new();
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                text.push(char::from(byte));
            }
            _ => text.push_str(&format!("%{byte:02X}")),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_lead_from_the_report_to_the_film() {
        let address = |from: &str, to: &str| relative(Path::new(from), Path::new(to));
        assert_eq!(address("/a/b", "/a/b/c/x.mp4"), "./c/x.mp4");
        assert_eq!(address("/a/b", "/a/films/x.mp4"), "./../films/x.mp4");
        assert_eq!(address("/a", "/b/x y?#%.mp4"), "./../b/x%20y%3F%23%25.mp4");
        assert_eq!(address("/a", "/a/ü:1.mp4"), "./%C3%BC%3A1.mp4");
    }
}
