//! NumPy's array files.
//!
//! The header is read here and not by a library: those that we know parse it recursively and multiply its shape unchecked, so
//! that a damaged file could stop the program.

use std::fs::File;
use std::io::{self, Read};
use std::path::Path;

use tal_core::FileError;
use tal_core::atomic::write_atomic;

use super::FeatureError;
use super::array::transpose;
use super::error::unreadable;
use super::value::ValueType;

const MAGIC: &[u8] = b"\x93NUMPY";
/// NumPy's own limit on the length of a header.
const LONGEST_HEADER: usize = 10_000;
/// Holds any header.
const PREFIX: u64 = LONGEST_HEADER as u64 + 12;
/// Most bytes that are reserved before they were seen.
const FIRST_BUFFER: usize = 64 << 20;

/// An array of a file, in row-major (C) order and single precision.
#[derive(Debug, Clone, PartialEq)]
pub struct Array {
    /// Its dimensions.
    pub shape: Vec<usize>,
    /// Its values.
    pub data: Vec<f32>,
}

/// Reads an npy file of half, single or double precision, either byte order, either memory order.
///
/// The file is read and not mapped: its values are converted and turned over anyway, and a mapped file that is truncated
/// meanwhile would end the program.
///
/// # Errors
/// A file that is unreadable, damaged or shorter than its header promises; values of another type; Fortran order in more
/// than two dimensions.
pub fn read(path: &Path) -> Result<Array, FeatureError> {
    let mut file = File::open(path).map_err(unreadable(path))?;
    let found = file.metadata().map_err(unreadable(path))?.len();
    read_from(&mut file, found, path, "npy", Values::Features)
}

/// Which values are read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Values {
    /// Floating point numbers: whole numbers are not features.
    Features,
    /// Whole numbers and truth values as well.
    Numbers,
}

/// Reads an array from `source`, which claims to have `found` bytes; nothing is allocated before that is compared with
/// what the header promises.
pub(super) fn read_from(
    source: &mut dyn Read,
    found: u64,
    path: &Path,
    format: &'static str,
    values: Values,
) -> Result<Array, FeatureError> {
    let mut bytes = Vec::new();
    source
        .take(PREFIX)
        .read_to_end(&mut bytes)
        .map_err(unreadable(path))?;
    let outline = Outline::read(&bytes, found, values);
    let outline = outline.map_err(|fault| fault.at(path, format, found))?;
    // A compressed entry of an archive may still lie, so its buffer grows as it fills.
    let missing = outline.end.saturating_sub(bytes.len());
    bytes.reserve_exact(missing.min(FIRST_BUFFER));
    source
        .take(missing as u64)
        .read_to_end(&mut bytes)
        .map_err(unreadable(path))?;
    let array = outline.array(&bytes);
    array.map_err(|fault| fault.at(path, format, bytes.len() as u64))
}

/// [`read`] of a file's content; errors name `path` and `format`.
///
/// # Errors
/// Those of [`read`], except for those of the file system.
pub fn parse(bytes: &[u8], path: &Path, format: &'static str) -> Result<Array, FeatureError> {
    Outline::read(bytes, bytes.len() as u64, Values::Features)
        .and_then(|outline| outline.array(bytes))
        .map_err(|fault| fault.at(path, format, bytes.len() as u64))
}

/// Why bytes are not an array.
enum Fault {
    /// The file ends too early; this many bytes are needed.
    Short(usize),
    Wrong(String),
    /// Values of another type.
    Type(String),
}

impl Fault {
    /// The error about a file of `found` bytes.
    fn at(self, path: &Path, format: &'static str, found: u64) -> FeatureError {
        let path = path.to_owned();
        match self {
            Self::Short(expected) => FeatureError::Truncated {
                path,
                expected: expected as u64,
                found,
            },
            Self::Wrong(reason) => FeatureError::malformed(&path, format, reason),
            Self::Type(found) => FeatureError::ValueType { path, found },
        }
    }
}

/// Outline of a file, as its header promises it.
struct Outline {
    header: Header,
    value: ValueType,
    big_endian: bool,
    /// Range of the values.
    start: usize,
    end: usize,
}

impl Outline {
    /// The outline of a file of `found` bytes that begins with `bytes`.
    fn read(bytes: &[u8], found: u64, values: Values) -> Result<Self, Fault> {
        let (text, start) = split_header(bytes)?;
        let header = Header::parse(text).map_err(Fault::Wrong)?;
        let known = value_type(&header.descr)
            .filter(|(value, _)| values == Values::Numbers || value.is_float());
        let Some((value, big_endian)) = known else {
            return Err(Fault::Type(header.descr));
        };
        let end = header
            .shape
            .iter()
            .try_fold(1usize, |product, dim| product.checked_mul(*dim))
            .and_then(|count| count.checked_mul(value.width()))
            .and_then(|bytes| bytes.checked_add(start))
            .ok_or_else(|| Fault::Wrong(format!("shape {:?} is too large", header.shape)))?;
        if found < end as u64 {
            return Err(Fault::Short(end));
        }
        Ok(Self {
            header,
            value,
            big_endian,
            start,
            end,
        })
    }

    fn array(self, bytes: &[u8]) -> Result<Array, Fault> {
        let values = bytes.get(self.start..self.end);
        let values = values.ok_or(Fault::Short(self.end))?;
        let mut data = self.value.decode(values, self.big_endian);
        let shape = self.header.shape;
        if self.header.fortran_order {
            match shape[..] {
                [] | [_] => {}
                // Column-major (rows, columns) is row-major (columns, rows).
                [rows, columns] => data = transpose(&data, columns, rows),
                _ => {
                    let reason = format!("Fortran order in {} dimensions", shape.len());
                    return Err(Fault::Wrong(reason));
                }
            }
        }
        Ok(Array { shape, data })
    }
}

/// Writes single-precision values in row-major order; an existing file is replaced at once.
///
/// # Errors
/// If the file cannot be written.
///
/// # Panics
/// If `data` does not hold as many values as `shape` says.
pub fn write(path: &Path, data: &[f32], shape: &[usize]) -> Result<(), FeatureError> {
    let written = write_atomic(path, |out| encode(out, data, shape));
    Ok(written.map_err(FileError::at("write feature file", path))?)
}

/// Writes the content of a file that [`write()`] makes.
///
/// # Errors
/// Those of `out`.
///
/// # Panics
/// If `data` does not hold as many values as `shape` says.
pub fn encode(out: &mut dyn io::Write, data: &[f32], shape: &[usize]) -> io::Result<()> {
    assert_eq!(
        data.len(),
        shape.iter().product::<usize>(),
        "values of shape {shape:?}"
    );
    out.write_all(&header(shape, "<f4")?)?;
    for value in data {
        out.write_all(&value.to_le_bytes())?;
    }
    Ok(())
}

/// All that stands before the values of an array of this shape; `descr` is NumPy's name of their type.
pub(super) fn header(shape: &[usize], descr: &str) -> io::Result<Vec<u8>> {
    let dims: String = shape.iter().map(|dim| format!("{dim}, ")).collect();
    let dict = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        dims.trim_end()
    );
    // The values begin at a multiple of 64 bytes; the header ends with a line feed.
    let unpadded = MAGIC.len() + 4 + dict.len() + 1;
    let padding = unpadded.next_multiple_of(64) - unpadded;
    let text = format!("{dict}{}\n", " ".repeat(padding));
    let length = u16::try_from(text.len())
        .map_err(|_| io::Error::other("too many dimensions for an npy header"))?;
    Ok([MAGIC, &[1, 0], &length.to_le_bytes(), text.as_bytes()].concat())
}

/// The header's text and the position of the values.
fn split_header(bytes: &[u8]) -> Result<(&str, usize), Fault> {
    let at_hand = &bytes[..bytes.len().min(MAGIC.len())];
    if *at_hand != MAGIC[..at_hand.len()] {
        return Err(Fault::Wrong(
            "it does not begin with the npy signature".into(),
        ));
    }
    let need = |count: usize| match bytes.len() < count {
        true => Err(Fault::Short(count)),
        false => Ok(()),
    };
    need(10)?;
    let (length, from) = match (bytes[6], bytes[7]) {
        (1, 0) => (usize::from(u16::from_le_bytes([bytes[8], bytes[9]])), 10),
        (2 | 3, 0) => {
            need(12)?;
            let length = u32::from_le_bytes([bytes[8], bytes[9], bytes[10], bytes[11]]);
            (length as usize, 12)
        }
        (major, minor) => {
            return Err(Fault::Wrong(format!(
                "version {major}.{minor}; expected 1.0, 2.0 or 3.0"
            )));
        }
    };
    if length > LONGEST_HEADER {
        return Err(Fault::Wrong(format!(
            "a header of {length} bytes; expected at most {LONGEST_HEADER}"
        )));
    }
    let end = from + length;
    need(end)?;
    let text = std::str::from_utf8(&bytes[from..end])
        .map_err(|_| Fault::Wrong("the header is not text".into()))?;
    Ok((text, end))
}

/// The dictionary of the header: `{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }`.
#[derive(Debug, PartialEq)]
struct Header {
    descr: String,
    fortran_order: bool,
    shape: Vec<usize>,
}

impl Header {
    fn parse(text: &str) -> Result<Self, String> {
        let wrong = || {
            format!(
                "the header {:?} is not a dictionary of descr, fortran_order and shape",
                text.trim()
            )
        };
        let mut rest = text
            .trim()
            .strip_prefix('{')
            .and_then(|t| t.strip_suffix('}'))
            .ok_or_else(wrong)?
            .trim();
        let (mut descr, mut fortran_order, mut shape) = (None, None, None);
        while !rest.is_empty() {
            let (key, after) = quoted(rest).ok_or_else(wrong)?;
            let value = after
                .trim_start()
                .strip_prefix(':')
                .ok_or_else(wrong)?
                .trim_start();
            rest = match key {
                "descr" => match quoted(value) {
                    Some((name, after)) => {
                        descr = Some(name.to_owned());
                        after
                    }
                    // A list of fields: not numbers, but worth a better message than a syntax error.
                    None => {
                        descr = Some("structured".to_owned());
                        value
                            .rfind(']')
                            .map(|at| &value[at + 1..])
                            .ok_or_else(wrong)?
                    }
                },
                "fortran_order" => {
                    let (word, after) =
                        value.split_at(value.find([',', ' ']).unwrap_or(value.len()));
                    fortran_order = Some(match word {
                        "True" => true,
                        "False" => false,
                        _ => return Err(wrong()),
                    });
                    after
                }
                "shape" => {
                    let (inner, after) = value
                        .strip_prefix('(')
                        .and_then(|v| v.split_once(')'))
                        .ok_or_else(wrong)?;
                    shape = Some(dimensions(inner).ok_or_else(wrong)?);
                    after
                }
                _ => return Err(wrong()),
            };
            rest = rest.trim_start();
            rest = rest.strip_prefix(',').unwrap_or(rest).trim_start();
        }
        match (descr, fortran_order, shape) {
            (Some(descr), Some(fortran_order), Some(shape)) => Ok(Self {
                descr,
                fortran_order,
                shape,
            }),
            _ => Err(wrong()),
        }
    }
}

/// A text in quotes at the beginning, and the rest.
fn quoted(text: &str) -> Option<(&str, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"'))?;
    text[1..].split_once(quote)
}

/// The numbers of a tuple; Python 2 wrote long ones with an `L`.
fn dimensions(inner: &str) -> Option<Vec<usize>> {
    let inner = inner.trim();
    let inner = inner.strip_suffix(',').unwrap_or(inner).trim();
    if inner.is_empty() {
        return Some(Vec::new());
    }
    inner
        .split(',')
        .map(|dim| dim.trim().trim_end_matches('L').parse().ok())
        .collect()
}

/// Type of the values and whether they are big endian.
fn value_type(descr: &str) -> Option<(ValueType, bool)> {
    let (order, kind) = descr.split_at_checked(1)?;
    let big_endian = match order {
        "<" => false,
        ">" => true,
        "=" => cfg!(target_endian = "big"),
        // Single bytes have no order.
        "|" => false,
        _ => return None,
    };
    let (letter, width) = kind.split_at_checked(1)?;
    Some((ValueType::of(letter, width.parse().ok()?)?, big_endian))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn headers_of_numpy_are_understood() {
        let header =
            Header::parse("{'descr': '<f2', 'fortran_order': True, 'shape': (3, 4), }   \n");
        assert_eq!(
            header.unwrap(),
            Header {
                descr: "<f2".into(),
                fortran_order: true,
                shape: vec![3, 4]
            }
        );
        // Any order of the keys, one dimension, none, and Python 2's long numbers.
        for (shape, expected) in [("(7,)", vec![7]), ("()", vec![]), ("(2L, 3L)", vec![2, 3])] {
            let text = format!("{{\"shape\": {shape}, 'fortran_order': False, 'descr': '>f8'}}");
            assert_eq!(Header::parse(&text).unwrap().shape, expected);
        }
        for wrong in [
            "",
            "{}",
            "{'descr': '<f4'}",
            "((((",
            "{'shape': (-1,), }",
            "{'descr': 'é",
        ] {
            assert!(Header::parse(wrong).is_err(), "{wrong}");
        }
    }

    #[test]
    fn structured_arrays_are_named() {
        let text =
            "{'descr': [('a', '<f4'), ('b', '<f4')], 'fortran_order': False, 'shape': (3,), }";
        assert_eq!(Header::parse(text).unwrap().descr, "structured");
    }
}
