//! Recognition of publishers' formats by a file's content.

use std::path::Path;

use serde_json::Value;

use super::SourceFormat;

/// The publisher's format of a file's content, decoded to UTF-8; none if none is recognised. Only formats that are one file of
/// any name are.
pub fn recognise(bytes: &[u8], path: &Path) -> Option<SourceFormat> {
    let start = bytes.trim_ascii_start();
    if start.starts_with(b"{") {
        let content: Value = serde_json::from_slice(bytes).ok()?;
        let database = content.get("database")?.as_object()?;
        let mut annotations = (database.values())
            .filter_map(|one| one.get("annotations")?.as_array())
            .flatten();
        // Ids of labels are what ActivityNet's own files lack.
        return Some(match annotations.any(|one| one.get("label_id").is_some()) {
            true => SourceFormat::Json,
            false => SourceFormat::ActivityNet,
        });
    }
    let table = tal_data::Table::new(bytes, path).ok()?;
    super::instances::is_table(&table).then_some(SourceFormat::Csv)
}
