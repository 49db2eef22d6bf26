//! Content of files that are written.

use serde_json::Value;

/// A table.
pub(super) fn table<R: AsRef<[String]>>(rows: &[R], delimiter: u8) -> Vec<u8> {
    let mut writer = csv::WriterBuilder::new()
        .delimiter(delimiter)
        .from_writer(Vec::new());
    for row in rows {
        // Memory does not fail, and all rows are of one length.
        let _ = writer.write_record(row.as_ref());
    }
    writer.into_inner().unwrap_or_default()
}

/// JSON over several lines.
pub(super) fn pretty(value: &Value) -> Vec<u8> {
    // Memory does not fail, and keys of objects are texts.
    let mut content = serde_json::to_vec_pretty(value).unwrap_or_default();
    content.push(b'\n');
    content
}
