//! Keys of recordings, and the names of their files.

use std::path::{Component, Path, PathBuf};

use tal_core::Recording;

use super::FeatureError;

/// Stands for the subset of a recording in the name of a folder.
pub const SUBSET: &str = "{subset}";

/// Parts of a recording that the names of its feature files depend on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RecordingKey<'a> {
    /// The recording's id.
    pub id: &'a str,
    /// Its subset; nothing for a recording outside any annotation file.
    pub subset: Option<&'a str>,
}

impl<'a> From<&'a Recording> for RecordingKey<'a> {
    fn from(recording: &'a Recording) -> Self {
        Self {
            id: &recording.id,
            subset: Some(&recording.subset),
        }
    }
}

impl<'a> From<&'a str> for RecordingKey<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, subset: None }
    }
}

impl RecordingKey<'_> {
    /// The folder, with the subset in lower case for `{subset}`.
    ///
    /// # Errors
    /// A subset that is unknown or leads out of the folder.
    pub(super) fn folder(&self, dir: &Path) -> Result<PathBuf, FeatureError> {
        let Some(text) = dir.to_str().filter(|text| text.contains(SUBSET)) else {
            return Ok(dir.to_owned());
        };
        let subset = self.subset.ok_or_else(|| FeatureError::NoSubset {
            dir: dir.to_owned(),
            id: self.id.to_owned(),
        })?;
        self.check("the subset", subset)?;
        Ok(PathBuf::from(text.replace(SUBSET, &subset.to_lowercase())))
    }

    /// `prefix` + id + `suffix`.
    ///
    /// # Errors
    /// An id that leads out of the folder.
    pub fn name(&self, prefix: &str, suffix: &str) -> Result<String, FeatureError> {
        self.check("the id", self.id)?;
        let name = format!("{prefix}{}{suffix}", self.id);
        // The prefix `.` and the id `./a` make a climb that neither has alone.
        if climbs(&name) > climbs(prefix) + climbs(suffix) {
            return Err(self.outside("the id", self.id));
        }
        Ok(name)
    }

    fn check(&self, what: &'static str, value: &str) -> Result<(), FeatureError> {
        let inside = Path::new(value)
            .components()
            .all(|part| matches!(part, Component::Normal(_) | Component::CurDir));
        let absolute = value.starts_with(['/', '\\']);
        if value.is_empty() || value.contains('\0') || absolute || climbs(value) > 0 || !inside {
            return Err(self.outside(what, value));
        }
        Ok(())
    }

    fn outside(&self, what: &'static str, value: &str) -> FeatureError {
        FeatureError::Outside {
            id: self.id.to_owned(),
            what,
            value: value.to_owned(),
        }
    }
}

/// How often a path goes one folder up, on any system.
fn climbs(path: &str) -> usize {
    path.split(['/', '\\']).filter(|part| *part == "..").count()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(id: &str) -> Result<String, FeatureError> {
        RecordingKey::from(id).name("v_", ".npy")
    }

    #[test]
    fn ids_stay_inside_the_folder() {
        assert_eq!(name("a/b c").unwrap(), "v_a/b c.npy");
        assert_eq!(name("a..b...").unwrap(), "v_a..b....npy");
        for id in [
            "",
            "..",
            "../a",
            "a/../../b",
            "a/..",
            "/etc/passwd",
            "a\0b",
            "..\\a",
            "a\\..\\b",
            "\\a",
        ] {
            let error = name(id).unwrap_err();
            assert!(matches!(error, FeatureError::Outside { .. }), "{id}");
            assert!(error.to_string().contains(&format!("{id:?}")), "{error}");
        }
        assert!(RecordingKey::from("./a").name(".", "").is_err());
        assert!(RecordingKey::from("a").name("../shared/", "").is_ok());
    }

    #[test]
    fn the_subset_is_part_of_the_folder() {
        let key = |subset| RecordingKey { id: "a", subset };
        let dir = Path::new("x/{subset}/y");
        assert_eq!(
            key(Some("Validation")).folder(dir).unwrap(),
            Path::new("x/validation/y")
        );
        assert!(key(Some("../../etc")).folder(dir).is_err());
        let error = key(None).folder(dir).unwrap_err().to_string();
        assert!(error.contains("but \"a\" belongs to none"), "{error}");
        assert_eq!(key(None).folder(Path::new("x")).unwrap(), Path::new("x"));
    }
}
