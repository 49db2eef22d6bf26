//! Errors of reading files of `torch.save`.

use std::path::{Path, PathBuf};

use super::DType;

/// Why a file of `torch.save` cannot be read.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum PthError {
    /// The operating system refused.
    #[error("{}: cannot read: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The operating system's error.
        source: std::io::Error,
    },
    /// The format of PyTorch 0.1, a tar archive.
    #[error(
        "{}: this is the tar archive of PyTorch 0.1, which is not read; convert it once with PyTorch: \
         `import torch; torch.save(torch.load(f, map_location=\"cpu\"), g)`",
        path.display()
    )]
    Legacy {
        /// The file.
        path: PathBuf,
    },
    /// Neither a zip archive nor a pickle.
    #[error(
        "{}: not a file of torch.save or pickle: begins with {found}, a zip archive begins with \"PK\\x03\\x04\", a pickle \
         (protocol 2 or later) with \"\\x80\"",
        path.display()
    )]
    NotAnArchive {
        /// The file.
        path: PathBuf,
        /// Its first bytes, or that it is empty.
        found: String,
    },
    /// The archive is damaged or not one of `torch.save`.
    #[error("{}: damaged archive: {reason}", path.display())]
    Archive {
        /// The file.
        path: PathBuf,
        /// Fault.
        reason: String,
    },
    /// The pickle holds something that is neither plain data nor a tensor.
    #[error(
        "{}: refused {what} (opcode {opcode} at byte {position} of the pickle): only plain data, tensors, \
         arrays and tables of pandas are read, and no code is run",
        path.display()
    )]
    Refused {
        /// The file.
        path: PathBuf,
        /// The function, class or kind of value that was found.
        what: String,
        /// Name of the opcode.
        opcode: String,
        /// Its position in the pickle.
        position: usize,
    },
    /// The pickle is not well formed.
    #[error("{}: damaged pickle at byte {position} (opcode {opcode}): {reason}", path.display())]
    Malformed {
        /// The file.
        path: PathBuf,
        /// Fault.
        reason: String,
        /// Name of the opcode.
        opcode: String,
        /// Its position in the pickle.
        position: usize,
    },
    /// Larger than anything a checkpoint needs.
    #[error("{}: {what}: {found} is more than the allowed {limit}", path.display())]
    Limit {
        /// The file.
        path: PathBuf,
        /// The quantity that is too large.
        what: &'static str,
        /// How large it is.
        found: u64,
        /// How large it may be.
        limit: u64,
    },
    /// The values of a tensor cannot be read.
    #[error("{}: storage {key:?}: {reason}", path.display())]
    Storage {
        /// The file.
        path: PathBuf,
        /// The name of the storage in the archive.
        key: String,
        /// Fault.
        reason: String,
    },
    /// The file has no such key.
    #[error("{}: no {key:?}: there is {found}", path.display())]
    Missing {
        /// The file.
        path: PathBuf,
        /// The key up to the part that is missing.
        key: String,
        /// Content found instead.
        found: String,
    },
}

/// Reason why the values of a tensor cannot be taken as numbers of another type.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a tensor of {found:?} values cannot be read as {wanted}")]
pub struct TensorDataError {
    /// Type of the values.
    pub found: DType,
    /// The type asked for.
    pub wanted: &'static str,
}

/// Fault of the pickle machine, before the file's path is known.
#[derive(Debug)]
pub(crate) struct Fault {
    pub(crate) kind: FaultKind,
    pub(crate) opcode: String,
    pub(crate) position: usize,
}

#[derive(Debug)]
pub(crate) enum FaultKind {
    Refused(String),
    Malformed(String),
    Storage(String, String),
    Limit(&'static str, u64, u64),
}

/// The outcome of a pickle that is not well formed.
pub(crate) fn malformed<T>(reason: impl Into<String>) -> Result<T, FaultKind> {
    Err(FaultKind::Malformed(reason.into()))
}

/// The outcome of a pickle with something that is neither plain data nor a tensor.
pub(crate) fn refused<T>(what: impl Into<String>) -> Result<T, FaultKind> {
    Err(FaultKind::Refused(what.into()))
}

/// Checks a quantity that a pickle can make large.
pub(crate) fn at_most(what: &'static str, found: usize, limit: usize) -> Result<(), FaultKind> {
    match found <= limit {
        true => Ok(()),
        false => Err(FaultKind::Limit(what, found as u64, limit as u64)),
    }
}

impl PthError {
    /// Checks a number of bytes before they are read.
    pub(crate) fn at_most(
        path: &Path,
        what: &'static str,
        found: u64,
        limit: u64,
    ) -> Result<(), PthError> {
        if found <= limit {
            return Ok(());
        }
        let path = path.to_owned();
        Err(PthError::Limit {
            path,
            what,
            found,
            limit,
        })
    }
}

impl Fault {
    pub(crate) fn at(self, path: &Path) -> PthError {
        let path = path.to_owned();
        let (opcode, position) = (self.opcode, self.position);
        match self.kind {
            FaultKind::Refused(what) => PthError::Refused {
                path,
                what,
                opcode,
                position,
            },
            FaultKind::Malformed(reason) => PthError::Malformed {
                path,
                reason,
                opcode,
                position,
            },
            FaultKind::Storage(key, reason) => PthError::Storage { path, key, reason },
            FaultKind::Limit(what, found, limit) => PthError::Limit {
                path,
                what,
                found,
                limit,
            },
        }
    }
}
