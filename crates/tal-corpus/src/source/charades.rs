//! The tables of Charades, `Charades_v1_train.csv` and `Charades_v1_test.csv`.

use std::path::Path;

use tal_core::Segment;

use super::SourceError;
use super::class_list::class_number;
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use tal_data::Table;
use tal_data::text::finite;

/// The files of a folder.
pub(super) const FILES: [&str; 2] = ["Charades_v1_train.csv", "Charades_v1_test.csv"];

pub(super) fn parse(bytes: &[u8], path: &Path) -> Result<Parsed, SourceError> {
    let columns = ["id", "actions", "length"];
    let mut table = Table::new(bytes, path)?;
    let [id, actions, length] = [
        table.column(columns[0], &columns)?,
        table.column(columns[1], &columns)?,
        table.column(columns[2], &columns)?,
    ];
    let subset = subset(path);
    let mut recordings = Vec::new();
    while table.next_row()? {
        const ACTIONS: &str =
            "class, start and end, such as c092 11.90 21.20, with semicolons between";
        let positive = |text: &str| finite(text).filter(|n| *n > 0.0);
        recordings.push(RawRecording {
            id: table.text(id, "the id of a video")?,
            subset: subset.map(str::to_owned),
            duration: Some(table.parse(length, "seconds above 0", positive)?),
            fps: None,
            instances: table.parse(actions, ACTIONS, instances)?,
            not_primary: Vec::new(),
            path: path.to_owned(),
        });
    }
    Ok(Parsed {
        recordings,
        classes: None,
    })
}

/// The subset, from the file's name.
fn subset(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    [("train", "training"), ("test", "test")]
        .into_iter()
        .find_map(|(part, subset)| name.contains(part).then_some(subset))
}

/// `c092 11.90 21.20;c147 0.00 12.60`, or nothing.
fn instances(text: &str) -> Option<Vec<RawInstance>> {
    if text.is_empty() {
        return Some(Vec::new());
    }
    text.split(';')
        .map(|action| {
            let fields: Vec<&str> = action.split_whitespace().collect();
            let [class, start, end] = fields[..] else {
                return None;
            };
            class.strip_prefix('c')?;
            Some(RawInstance {
                segment: Segment::new(finite(start)?, finite(end)?),
                label: Label::Number(class_number(class)?),
            })
        })
        .collect()
}
