//! Files of a prediction in several shards.

use std::fs;
use std::path::{Path, PathBuf};

use tal_core::plain_list;

use super::ResultsError;

/// Part `index` of `count`, which one process predicts; `index` counts from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Shard {
    /// Its number.
    pub index: usize,
    /// Number of all shards.
    pub count: usize,
}

impl Shard {
    /// Name of the shard's file without extension, such as `shard-03-of-16`.
    pub fn stem(self) -> String {
        let width = self.count.saturating_sub(1).to_string().len();
        format!("shard-{:0width$}-of-{}", self.index, self.count)
    }

    /// The shard whose file has this name.
    fn of_stem(stem: &str) -> Option<Self> {
        let (index, count) = stem.strip_prefix("shard-")?.split_once("-of-")?;
        let (index, count) = (index.parse().ok()?, count.parse().ok()?);
        (index < count).then_some(Self { index, count })
    }

    /// Whether the item with this number, counted from 0, belongs to the shard.
    pub fn has(self, number: usize) -> bool {
        number % self.count == self.index
    }
}

/// Extension of a file of JSON Lines under way, behind `.jsonl`.
pub const PARTIAL: &str = "partial";

/// The files of JSON Lines in a folder, shards in their order.
///
/// # Errors
/// A folder without such a file; a shard that is missing or not complete; shards of several predictions.
pub(super) fn files(folder: &Path) -> Result<Vec<PathBuf>, ResultsError> {
    let refuse = |message: String| ResultsError::Syntax {
        path: folder.to_owned(),
        message,
    };
    let unreadable = ResultsError::unreadable(folder);
    let entries: Result<Vec<_>, _> = fs::read_dir(folder).and_then(Iterator::collect);
    let mut paths: Vec<PathBuf> = match entries {
        Ok(entries) => entries.iter().map(fs::DirEntry::path).collect(),
        Err(error) => return Err(unreadable(error)),
    };
    paths.sort();
    let has = |path: &&PathBuf, extension: &str| path.extension().is_some_and(|e| e == extension);
    if let Some(path) = paths.iter().find(|path| has(path, PARTIAL)) {
        let name = path.file_name().unwrap_or_default().display();
        return Err(refuse(format!(
            "{name} is not complete; go on with the same `tal predict` and --resume"
        )));
    }
    let files: Vec<PathBuf> = paths.iter().filter(|p| has(p, "jsonl")).cloned().collect();
    let shard = |path: &PathBuf| Shard::of_stem(path.file_stem()?.to_str()?);
    let shards: Option<Vec<Shard>> = files.iter().map(shard).collect();
    match shards {
        _ if files.is_empty() => Err(refuse(
            "no file in this folder ends in .jsonl; expected those of `tal predict --out`"
                .to_owned(),
        )),
        Some(shards) => {
            let count = shards[0].count;
            if let Some(other) = shards.iter().find(|one| one.count != count) {
                return Err(refuse(format!(
                    "shards of several predictions: {} and {}; give each a folder of its own",
                    shards[0].stem(),
                    other.stem()
                )));
            }
            let missing: Vec<usize> = (0..count)
                .filter(|index| !shards.iter().any(|one| one.index == *index))
                .collect();
            match missing.is_empty() {
                true => Ok(files),
                false => Err(refuse(format!(
                    "{} of {count} shards are missing: {}",
                    missing.len(),
                    plain_list(&missing)
                ))),
            }
        }
        None => Ok(files),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_sort_as_numbers_and_come_back() {
        let shard = Shard {
            index: 3,
            count: 16,
        };
        assert_eq!(shard.stem(), "shard-03-of-16");
        assert_eq!(Shard::of_stem("shard-03-of-16"), Some(shard));
        for stem in ["shard-16-of-16", "shard-x-of-2", "found", "shard-0"] {
            assert_eq!(Shard::of_stem(stem), None, "{stem}");
        }
    }

    #[test]
    fn folders_say_what_they_lack() {
        let folder = tempfile::tempdir().unwrap();
        let message = || files(folder.path()).unwrap_err().to_string();
        let write = |name: &str| fs::write(folder.path().join(name), "").unwrap();
        assert!(message().contains("ends in .jsonl"));
        write("shard-0-of-3.jsonl");
        write("shard-2-of-3.jsonl");
        assert!(message().contains("1 of 3 shards are missing: 1"));
        write("shard-1-of-3.jsonl");
        assert_eq!(files(folder.path()).unwrap().len(), 3);
        write("shard-1-of-2.jsonl");
        assert!(message().contains("several predictions"));
        write("shard-1-of-2.jsonl.partial");
        assert!(message().contains("--resume"));
    }
}
