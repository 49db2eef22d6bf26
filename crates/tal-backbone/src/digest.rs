//! SHA-256 of files.

use std::fs::File;
use std::io::Read;
use std::path::Path;

use sha2::{Digest, Sha256};

use crate::error::BackboneError;

/// SHA-256 of a file, in 64 hexadecimal digits.
///
/// # Errors
/// If the file cannot be read.
pub fn sha256(path: &Path) -> Result<String, BackboneError> {
    let io = |source| BackboneError::Io {
        path: path.to_owned(),
        source,
    };
    let mut file = File::open(path).map_err(io)?;
    let mut digest = Sha256::new();
    let mut block = vec![0; 1 << 20];
    loop {
        let length = file.read(&mut block).map_err(io)?;
        if length == 0 {
            break;
        }
        digest.update(&block[..length]);
    }
    Ok(format!("{:x}", digest.finalize()))
}
