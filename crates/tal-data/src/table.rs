//! Tables with a header line, cells checked by name.

use std::path::Path;

use crate::text::{TextFileError, shortened};

/// A table in memory.
pub struct Table<'a> {
    path: &'a Path,
    headers: csv::StringRecord,
    reader: csv::Reader<&'a [u8]>,
    row: csv::StringRecord,
}

impl<'a> Table<'a> {
    /// Reads the first line, which names the columns; commas, or tabs if the first line has one.
    pub fn new(bytes: &'a [u8], path: &'a Path) -> Result<Self, TextFileError> {
        let bytes = bytes.strip_prefix(b"\xef\xbb\xbf").unwrap_or(bytes);
        let head = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(if head.contains(&b'\t') { b'\t' } else { b',' })
            .from_reader(bytes);
        let headers = match reader.headers() {
            Ok(headers) => headers.clone(),
            Err(error) => return Err(explain(error, path)),
        };
        Ok(Self {
            path,
            headers,
            reader,
            row: csv::StringRecord::new(),
        })
    }

    /// The column of one of the names, the first of which is the usual one.
    pub fn find(&self, names: &[&str]) -> Option<usize> {
        self.headers.iter().position(|name| names.contains(&name))
    }

    /// [`Table::find`] of a column that must be there; `expected` lists all that are needed.
    pub fn column(&self, name: &'static str, expected: &[&str]) -> Result<usize, TextFileError> {
        self.find(&[name])
            .ok_or_else(|| TextFileError::MissingColumn {
                path: self.path.to_owned(),
                column: name,
                expected: expected.join(","),
            })
    }

    /// Goes on to the next row.
    pub fn next_row(&mut self) -> Result<bool, TextFileError> {
        self.reader
            .read_record(&mut self.row)
            .map_err(|error| explain(error, self.path))
    }

    /// A cell of the row.
    pub fn cell(&self, column: usize) -> &str {
        self.row.get(column).unwrap_or_default()
    }

    /// A cell through `parse`.
    pub fn parse<T>(
        &self,
        column: usize,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, TextFileError> {
        parse(self.cell(column)).ok_or_else(|| self.wrong(column, expected))
    }

    /// A cell that must not be empty.
    pub fn text(&self, column: usize, expected: &str) -> Result<String, TextFileError> {
        self.parse(column, expected, |text| {
            (!text.is_empty()).then(|| text.to_owned())
        })
    }

    /// A cell that is empty or through `parse`.
    pub fn optional<T>(
        &self,
        column: Option<usize>,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<Option<T>, TextFileError> {
        match column {
            Some(column) if !self.cell(column).is_empty() => {
                self.parse(column, expected, parse).map(Some)
            }
            _ => Ok(None),
        }
    }

    /// An error about a cell of the row.
    pub fn wrong(&self, column: usize, expected: &str) -> TextFileError {
        TextFileError::Cell {
            path: self.path.to_owned(),
            line: self.row.position().map_or(0, csv::Position::line) as usize,
            column: self.headers.get(column).unwrap_or_default().to_owned(),
            found: shortened(self.cell(column)),
            expected: expected.to_owned(),
        }
    }
}

fn explain(error: csv::Error, path: &Path) -> TextFileError {
    let line = error.position().map_or(1, csv::Position::line);
    let (found, expected) = match error.into_kind() {
        csv::ErrorKind::UnequalLengths {
            expected_len, len, ..
        } => (
            format!("{len} fields"),
            format!("{expected_len}, as in the first line"),
        ),
        csv::ErrorKind::Utf8 { .. } => ("bytes that are not text".to_owned(), "UTF-8".to_owned()),
        // Nothing else can happen in memory.
        other => (format!("{other:?}"), "a table".to_owned()),
    };
    TextFileError::line(path, line as usize, &found, expected)
}
