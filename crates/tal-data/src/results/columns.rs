//! Names of the columns of a table of detections.

/// The columns, in the order in which they are written.
pub(super) const COLUMNS: [&str; 5] = ["recording", "start", "end", "label", "score"];

/// Names in the data frames of ActionFormer, TriDet and OpenTAD.
const DATA_FRAME: [&str; 5] = ["video-id", "t-start", "t-end", "label", "score"];

/// Position of the column `label`, which proposals lack.
const LABEL: usize = 3;

/// Where [`COLUMNS`] are among these; the label may be missing.
pub(super) fn find<'a>(
    names: impl Iterator<Item = &'a str> + Clone,
    place: &str,
) -> Result<[Option<usize>; 5], String> {
    let mut places = [None; 5];
    for (index, (ours, other)) in COLUMNS.iter().zip(DATA_FRAME).enumerate() {
        let mut found = names
            .clone()
            .enumerate()
            .filter(|(_, name)| *name == *ours || *name == other);
        places[index] = found.next().map(|(place, _)| place);
        if places[index].is_none() && index != LABEL {
            return Err(format!(
                "no column {ours:?}{place}; expected {} or {}",
                COLUMNS.join(","),
                DATA_FRAME.join(",")
            ));
        }
        if let Some((_, second)) = found.next() {
            return Err(format!("column {second:?}{place} repeats {ours:?}"));
        }
    }
    Ok(places)
}
