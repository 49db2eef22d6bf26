//! Tables with a header line, cells checked by name.

use std::borrow::Cow;
use std::io::{Cursor, Read};
use std::path::Path;

use crate::encoding::decode;
use crate::line_ends::LineEnds;
use crate::text::{TextFileError, shortened, unquoted};

/// A table in memory.
pub struct Table<'a> {
    path: &'a Path,
    headers: csv::StringRecord,
    reader: csv::Reader<LineEnds<Cursor<Cow<'a, [u8]>>>>,
    /// First byte of the row, or of what is skipped before it.
    start: u64,
    delimiter: u8,
    row: csv::StringRecord,
}

/// The character between the cells of a table, by its first line: a tab, a semicolon, or else a comma.
pub(crate) fn delimiter(head: &[u8]) -> u8 {
    let count = |delimiter: u8| head.iter().filter(|byte| **byte == delimiter).count();
    if head.contains(&b'\t') {
        b'\t'
    } else if count(b';') > count(b',') {
        b';'
    } else {
        b','
    }
}

/// A number as the programs write it that separate cells by semicolons: with a decimal comma.
pub(crate) fn with_point(text: &str, delimiter: u8) -> Cow<'_, str> {
    if delimiter == b';' && text.matches(',').count() == 1 && !text.contains('.') {
        Cow::Owned(text.replace(',', "."))
    } else {
        Cow::Borrowed(text)
    }
}

impl<'a> Table<'a> {
    /// Reads the first line, which names the columns and says what separates cells: tabs, semicolons or commas. Numbers
    /// beside semicolons may have a decimal comma. Rows whose cells are all empty are skipped.
    pub fn new(bytes: &'a [u8], path: &'a Path) -> Result<Self, TextFileError> {
        let bytes = decode(bytes);
        let head = bytes.split(|b| *b == b'\n').next().unwrap_or_default();
        let delimiter = delimiter(head);
        let mut reader = csv::ReaderBuilder::new()
            .trim(csv::Trim::All)
            .delimiter(delimiter)
            .flexible(true)
            .from_reader(LineEnds::new(Cursor::new(bytes)));
        let headers = match reader.headers() {
            Ok(headers) => headers.clone(),
            Err(error) => return Err(explain(error, &reader, path)),
        };
        Ok(Self {
            path,
            headers,
            reader,
            delimiter,
            row: csv::StringRecord::new(),
            start: 0,
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

    /// Name of a column.
    pub fn header(&self, column: usize) -> &str {
        self.headers.get(column).unwrap_or_default()
    }

    /// Goes on to the next row.
    pub fn next_row(&mut self) -> Result<bool, TextFileError> {
        loop {
            self.start = self.reader.position().byte();
            self.reader.get_mut().forget(self.start);
            match self.reader.read_record(&mut self.row) {
                Ok(true) => {}
                Ok(false) => return Ok(false),
                Err(error) => return Err(explain(error, &self.reader, self.path)),
            }
            let (found, expected) = (self.row.len(), self.headers.len());
            if self.row.iter().all(str::is_empty) {
                continue;
            }
            if found != expected {
                let line = self.line();
                let (found, expected) = (
                    format!("{found} fields"),
                    format!("{expected}, as in the first line"),
                );
                return Err(TextFileError::line(self.path, line, &found, expected));
            }
            return Ok(true);
        }
    }

    /// A cell of the row.
    pub fn cell(&self, column: usize) -> &str {
        unquoted(self.row.get(column).unwrap_or_default())
    }

    /// A cell that is a number, with a decimal point.
    pub fn number(&self, column: usize) -> Cow<'_, str> {
        with_point(self.cell(column), self.delimiter)
    }

    /// A cell through `parse`.
    pub fn parse<T>(
        &self,
        column: usize,
        expected: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Result<T, TextFileError> {
        parse(&self.number(column)).ok_or_else(|| self.wrong(column, expected))
    }

    /// A cell that must not be empty.
    pub fn text(&self, column: usize, expected: &str) -> Result<String, TextFileError> {
        match self.cell(column) {
            "" => Err(self.wrong(column, expected)),
            text => Ok(text.to_owned()),
        }
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

    /// Line of the row, from 1.
    pub fn line(&self) -> usize {
        self.reader.get_ref().of_row(self.start) as usize
    }

    /// An error about a cell of the row.
    pub fn wrong(&self, column: usize, expected: &str) -> TextFileError {
        TextFileError::Cell {
            path: self.path.to_owned(),
            line: self.line(),
            column: self.headers.get(column).unwrap_or_default().to_owned(),
            found: shortened(self.cell(column)),
            expected: expected.to_owned(),
        }
    }
}

fn explain<R: Read>(
    error: csv::Error,
    reader: &csv::Reader<LineEnds<R>>,
    path: &Path,
) -> TextFileError {
    let start = error.position().map_or(0, csv::Position::byte);
    let line = reader.get_ref().of_row(start);
    let (found, expected) = match error.into_kind() {
        csv::ErrorKind::Utf8 { .. } => ("bytes that are not text".to_owned(), "UTF-8".to_owned()),
        // Nothing else can happen in memory.
        other => (format!("{other:?}"), "a table".to_owned()),
    };
    TextFileError::line(path, line as usize, &found, expected)
}
