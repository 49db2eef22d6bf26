//! Durations and frame rates that annotation files lack.

use std::collections::BTreeMap;
use std::path::Path;

use super::SourceError;
use tal_data::Table;
use tal_data::text::{self, finite};

/// Durations and frame rates by recording.
///
/// # Units
/// Seconds, frames per second.
///
/// # Source
/// `EPIC_100_video_info.csv` (columns `video_id`, `duration`, `fps`), or one's own table of that form.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct VideoInfo {
    by_id: BTreeMap<String, (Option<f64>, Option<f64>)>,
}

impl VideoInfo {
    /// Reads a table, see [`VideoInfo::parse`].
    ///
    /// # Errors
    /// A file that is missing or unreadable; as [`VideoInfo::parse`].
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        let bytes = text::read(path)?;
        Self::parse(&bytes, path)
    }

    /// A table with the column `video_id` (or `recording`, `video`, `id`) and `duration`, `fps` or both, or with the columns of
    /// BSN and G-TAD (`video`, `seconds`, `fps`) or TSP (`filename`, `video-duration`, `fps`); cells of these may
    /// be empty, other columns are ignored.
    ///
    /// # Errors
    /// A missing column; a value that is not above 0; a recording that occurs twice.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, SourceError> {
        const COLUMNS: [&str; 3] = ["video_id", "duration", "fps"];
        let mut table = Table::new(bytes, path)?;
        let names = [
            "video_id",
            "recording",
            "video",
            "id",
            "video-name",
            "filename",
        ];
        let id = match table.find(&names) {
            Some(column) => column,
            None => table.column("video_id", &COLUMNS)?,
        };
        let (duration, fps) = (
            table.find(&["duration", "seconds", "video-duration"]),
            table.find(&["fps"]),
        );
        if duration.is_none() && fps.is_none() {
            table.column("duration", &COLUMNS)?;
        }
        let mut by_id = BTreeMap::new();
        while table.next_row()? {
            let positive = |text: &str| finite(text).filter(|n| *n > 0.0);
            let mut name = table.text(id, "the id of a recording")?;
            if table.header(id) == "filename"
                && let Some(stem) = Path::new(&name).file_stem().and_then(|stem| stem.to_str())
            {
                name = stem.to_owned();
            }
            let duration = table.optional(duration, "seconds above 0", positive)?;
            let fps = table.optional(fps, "frames per second above 0", positive)?;
            if by_id.insert(name.clone(), (duration, fps)).is_some() {
                return Err(SourceError::RepeatedRecording {
                    path: path.to_owned(),
                    id: name,
                });
            }
        }
        Ok(Self { by_id })
    }

    /// Ids of the recordings.
    pub(super) fn ids(&self) -> impl Iterator<Item = &str> {
        self.by_id.keys().map(String::as_str)
    }

    /// Duration and frame rate of a recording.
    pub(super) fn get(&self, id: &str) -> (Option<f64>, Option<f64>) {
        self.by_id.get(id).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_their_mistakes() {
        let parse = |text: &str| {
            VideoInfo::parse(text.as_bytes(), Path::new("i.csv")).map_err(|error| error.to_string())
        };
        let info =
            parse("video_id,duration,fps,resolution\nP01_01,1652.15,59.94,x\nP01_02,,50,x\n");
        let info = info.unwrap();
        assert_eq!(info.get("P01_01"), (Some(1652.15), Some(59.94)));
        assert_eq!(info.get("P01_02"), (None, Some(50.0)));
        assert_eq!(info.get("P09_09"), (None, None));
        let table = [
            (
                "",
                "no column \"video_id\" in the first line; expected video_id,duration,fps",
            ),
            (
                "id\nx\n",
                "no column \"duration\" in the first line; expected video_id,duration,fps",
            ),
            (
                "id,fps\nx,0\n",
                "line 2, column \"fps\": \"0\"; expected frames per second above 0",
            ),
            (
                "id,duration\nx,nan\n",
                "line 2, column \"duration\": \"nan\"; expected seconds above 0",
            ),
            (
                "id,fps\n,1\n",
                "line 2, column \"id\": \"\"; expected the id of a recording",
            ),
            (
                "id,fps\nx,1\nx,2\n",
                "recording \"x\" occurs twice; give each recording an id of its own",
            ),
        ];
        for (text, expected) in table {
            assert_eq!(parse(text).unwrap_err(), format!("i.csv: {expected}"));
        }
    }
}
