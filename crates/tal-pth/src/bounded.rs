//! Sizes of the entries of zip archives, checked before anything is allocated.

use std::io::Read;

use zip::CompressionMethod;
use zip::read::ZipFile;

/// Largest factor by which deflate expands its input.
pub const MAX_DEFLATE_RATIO: u64 = 1032;

/// Unpacked size of an entry in a file of `num_bytes`, at most `limit` if the entry is deflated.
///
/// # Errors
/// The reason, as a clause that follows the entry's name: an unknown compression; more bytes than the file can hold.
pub fn unpacked_size<R: Read>(
    entry: &ZipFile<'_, R>,
    num_bytes: u64,
    limit: u64,
) -> Result<u64, String> {
    let (size, packed) = (entry.size(), entry.compressed_size());
    let room = match entry.compression() {
        CompressionMethod::Stored => packed,
        CompressionMethod::Deflated => packed.saturating_mul(MAX_DEFLATE_RATIO).min(limit),
        other => {
            return Err(format!(
                "is compressed by {other}; expected stored or deflated"
            ));
        }
    };
    if packed > num_bytes || size > room {
        return Err(format!(
            "claims {size} bytes ({packed} compressed) in a file of {num_bytes}"
        ));
    }
    Ok(size)
}
