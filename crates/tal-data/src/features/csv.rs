//! Text files, one line per feature.

use std::io::Read;
use std::path::Path;

use csv::{ByteRecord, ErrorKind, ReaderBuilder, Trim};

use super::FeatureError;
use super::error::unreadable;
use super::npy::Array;
use crate::encoding::Decoded;
use crate::line_ends::LineEnds;

/// Reads a matrix: lines of numbers separated by commas, all of one length; empty lines do not count.
///
/// # Errors
/// A file that is unreadable; lines of different lengths; something that is not a number; a value that is not finite in
/// single precision. Each names the line.
pub fn read(path: &Path, header: bool) -> Result<Array, FeatureError> {
    let file = std::fs::File::open(path).map_err(unreadable(path))?;
    let text = Decoded::new(file).map_err(unreadable(path))?;
    read_from(text, path, header)
}

/// [`read`] of a file's content; errors name `path`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path, header: bool) -> Result<Array, FeatureError> {
    read_from(bytes, path, header)
}

fn read_from(source: impl Read, path: &Path, header: bool) -> Result<Array, FeatureError> {
    let malformed = |reason: String| FeatureError::malformed(path, "csv", reason);
    let mut reader = ReaderBuilder::new()
        .has_headers(header)
        .trim(Trim::All)
        .from_reader(LineEnds::new(source));
    let mut record = ByteRecord::new();
    let (mut data, mut rows, mut columns) = (Vec::new(), 0, 0);
    loop {
        let start = reader.position().byte();
        reader.get_mut().forget(start);
        match reader.read_byte_record(&mut record) {
            Ok(true) => {}
            Ok(false) => break,
            Err(error) => {
                return Err(match error.into_kind() {
                    ErrorKind::Io(source) => unreadable(path)(source).into(),
                    ErrorKind::UnequalLengths {
                        expected_len, len, ..
                    } => malformed(format!(
                        "line {}: {len} values, the first line has {expected_len}",
                        reader.get_ref().of_row(start)
                    )),
                    other => malformed(format!("{other:?}")),
                });
            }
        }
        let line = reader.get_ref().of_row(start);
        columns = record.len();
        rows += 1;
        for (index, text) in record.iter().enumerate() {
            let value = std::str::from_utf8(text)
                .ok()
                .and_then(|text| text.parse::<f32>().ok())
                .filter(|value| value.is_finite())
                .ok_or_else(|| {
                    let text = String::from_utf8_lossy(&text[..text.len().min(40)]);
                    let hint = if rows == 1 && !header {
                        "; does the first line name the columns (header: true)?"
                    } else {
                        ""
                    };
                    malformed(format!(
                        "line {line}, column {}: {text:?} is not a finite number{hint}",
                        index + 1
                    ))
                })?;
            data.push(value);
        }
    }
    Ok(Array {
        shape: vec![rows, columns],
        data,
    })
}
