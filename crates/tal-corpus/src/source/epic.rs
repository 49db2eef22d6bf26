//! The tables of EPIC-Kitchens-100, `EPIC_100_train.csv` and `EPIC_100_validation.csv`.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::Segment;

use super::SourceError;
use super::class_list::whole;
use super::raw::{Label, Parsed, RawInstance, RawRecording};
use tal_data::Table;

/// The files of a folder.
pub(super) const FILES: [&str; 2] = ["EPIC_100_train.csv", "EPIC_100_validation.csv"];

/// Rows of one file; `class` is the column of the class, `verb_class` or `noun_class`.
pub(super) fn parse(bytes: &[u8], path: &Path, class: &'static str) -> Result<Parsed, SourceError> {
    let columns = ["video_id", "start_timestamp", "stop_timestamp", class];
    let mut table = Table::new(bytes, path)?;
    let [id, start, stop, class] = [
        table.column(columns[0], &columns)?,
        table.column(columns[1], &columns)?,
        table.column(columns[2], &columns)?,
        table.column(columns[3], &columns)?,
    ];
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    let mut recordings: Vec<RawRecording> = Vec::new();
    while table.next_row()? {
        const TIME: &str = "hours:minutes:seconds, such as 00:01:07.50";
        let name = table.text(id, "the id of a video, such as P01_01")?;
        let instance = RawInstance {
            segment: Segment::new(
                table.parse(start, TIME, seconds)?,
                table.parse(stop, TIME, seconds)?,
            ),
            label: Label::Number(table.parse(class, "a whole number from 0", whole)?),
        };
        let place = *places.entry(name).or_insert_with_key(|name| {
            recordings.push(RawRecording {
                id: name.clone(),
                subset: subset(path).map(str::to_owned),
                duration: None,
                fps: None,
                instances: Vec::new(),
                not_primary: Vec::new(),
                path: path.to_owned(),
            });
            recordings.len() - 1
        });
        recordings[place].instances.push(instance);
    }
    Ok(Parsed {
        recordings,
        classes: None,
    })
}

/// The subset, from the file's name.
fn subset(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_str()?.to_lowercase();
    [("train", "training"), ("validation", "validation")]
        .into_iter()
        .find_map(|(part, subset)| name.contains(part).then_some(subset))
}

/// Seconds of `HH:MM:SS.ss`.
fn seconds(text: &str) -> Option<f64> {
    let mut parts = text.split(':');
    let (hours, minutes, rest) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let (whole_seconds, fraction) = rest.split_once('.').unwrap_or((rest, "0"));
    whole(fraction.get(..fraction.len().min(9))?)?;
    if !fraction.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    let (hours, minutes) = (whole(hours)?, whole(minutes)?);
    if minutes >= 60 || whole(whole_seconds)? >= 60 {
        return None;
    }
    let seconds: f64 = rest.parse().ok()?;
    Some(f64::from(hours) * 3600.0 + f64::from(minutes) * 60.0 + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn timestamps_are_strict() {
        for (text, expected) in [
            ("00:00:00.14", Some(0.14)),
            ("00:01:07.5", Some(67.5)),
            ("01:00:00", Some(3600.0)),
            ("00:00:59.999999999999", Some(59.999999999999)),
            ("00:60:00", None),
            ("00:00:60.0", None),
            ("00:00", None),
            ("00:00:00:00", None),
            ("-1:00:00", None),
            ("00:00:1e3", None),
            ("00:00:01.", None),
            ("00:00:01.5é", None),
            ("00:00:01.٣", None),
            ("", None),
        ] {
            assert_eq!(seconds(text), expected, "{text}");
        }
    }
}
