//! npy files that grow row by row.

use std::fs::File;
use std::io::{self, BufWriter, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use half::f16;
use tal_core::FileError;

use super::FeatureError;
use super::npy::header;

/// The precision of the values in a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum RowPrecision {
    /// 32 bits.
    #[default]
    Single,
    /// 16 bits: half the size, three decimal digits, at most 65,504.
    Half,
}

impl RowPrecision {
    /// Bytes of a value.
    pub fn num_bytes(self) -> u64 {
        match self {
            Self::Single => 4,
            Self::Half => 2,
        }
    }

    /// The largest value.
    pub fn largest(self) -> f32 {
        match self {
            Self::Single => f32::MAX,
            Self::Half => f16::MAX.to_f32(),
        }
    }

    fn descr(self) -> &'static str {
        match self {
            Self::Single => "<f4",
            Self::Half => "<f2",
        }
    }
}

/// An npy file (T, C) that grows row by row, in constant memory.
#[derive(Debug)]
pub struct RowWriter {
    file: BufWriter<File>,
    path: PathBuf,
    num_channels: usize,
    precision: RowPrecision,
    num_rows: usize,
}

impl RowWriter {
    /// Begins a file; an existing one is emptied. Until [`RowWriter::finish`] its header says that it has no rows.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn create(
        path: &Path,
        num_channels: usize,
        precision: RowPrecision,
    ) -> Result<Self, FeatureError> {
        let open = || {
            let mut file = BufWriter::new(File::create(path)?);
            file.write_all(&header(&[0, num_channels], precision.descr())?)?;
            Ok(file)
        };
        Ok(Self {
            file: open().map_err(FileError::at("write feature file", path))?,
            path: path.to_owned(),
            num_channels,
            precision,
            num_rows: 0,
        })
    }

    /// Number of rows T so far.
    pub fn num_rows(&self) -> usize {
        self.num_rows
    }

    /// Appends whole rows, (n, C) row-major.
    ///
    /// # Errors
    /// If the file cannot be written.
    ///
    /// # Panics
    /// If the number of values is no multiple of C.
    pub fn push(&mut self, rows: &[f32]) -> Result<(), FeatureError> {
        assert_eq!(rows.len() % self.num_channels, 0, "whole rows");
        let mut write = || {
            rows.iter().try_for_each(|&value| match self.precision {
                RowPrecision::Single => self.file.write_all(&value.to_le_bytes()),
                RowPrecision::Half => self.file.write_all(&f16::from_f32(value).to_le_bytes()),
            })
        };
        write().map_err(FileError::at("write feature file", &self.path))?;
        self.num_rows += rows.len() / self.num_channels;
        Ok(())
    }

    /// Completes the header and waits until the file is on the disk.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn finish(self) -> Result<(), FeatureError> {
        let Self {
            file,
            path,
            num_channels,
            precision,
            num_rows,
        } = self;
        let complete = || {
            let mut file = file.into_inner()?;
            let (before, after) = (
                header(&[0, num_channels], precision.descr())?,
                header(&[num_rows, num_channels], precision.descr())?,
            );
            if before.len() != after.len() {
                return Err(io::Error::other("too many rows for the room in the header"));
            }
            file.seek(SeekFrom::Start(0))?;
            file.write_all(&after)?;
            file.sync_all()
        };
        Ok(complete().map_err(FileError::at("write feature file", &path))?)
    }
}

#[cfg(test)]
mod tests {
    use super::super::npy;
    use super::*;

    #[test]
    fn a_grown_file_is_that_of_the_whole_array() {
        let folder = tempfile::tempdir().unwrap();
        let (grown, whole) = (folder.path().join("a.npy"), folder.path().join("b.npy"));
        let values: Vec<f32> = (0..15).map(|i| i as f32 / 7.0).collect();
        let mut writer = RowWriter::create(&grown, 3, RowPrecision::Single).unwrap();
        writer.push(&values[..3]).unwrap();
        writer.push(&values[3..]).unwrap();
        assert_eq!(writer.num_rows(), 5);
        writer.finish().unwrap();
        npy::write(&whole, &values, &[5, 3]).unwrap();
        let read = |path| std::fs::read(path).unwrap();
        assert_eq!(read(&grown), read(&whole));
    }

    #[test]
    fn half_precision_is_that_of_the_nearest_values() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let mut writer = RowWriter::create(&path, 2, RowPrecision::Half).unwrap();
        writer.push(&[1.0 / 3.0, -65_504.0, 0.0, 1e-7]).unwrap();
        writer.finish().unwrap();
        let read = npy::read(&path).unwrap();
        assert_eq!(read.shape, [2, 2]);
        assert_eq!(read.data, [0.333_251_95, -65_504.0, 0.0, 1.192_092_9e-7]);
        let bytes = std::fs::metadata(&path).unwrap().len();
        assert_eq!(bytes % 64, 4 * RowPrecision::Half.num_bytes());
    }

    #[test]
    fn an_unfinished_file_has_no_rows() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.npy");
        let mut writer = RowWriter::create(&path, 2, RowPrecision::Single).unwrap();
        writer.push(&[1.0, 2.0]).unwrap();
        drop(writer);
        assert_eq!(npy::read(&path).unwrap().shape, [0, 2]);
        let nowhere = folder.path().join("none/a.npy");
        assert!(
            RowWriter::create(&nowhere, 2, RowPrecision::Single)
                .unwrap_err()
                .to_string()
                .contains("none")
        );
    }
}
