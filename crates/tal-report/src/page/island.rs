//! Data within a page: JSON, compressed, as letters that mean nothing to a parser of HTML.

use std::io::{self, Write};

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::write::DeflateEncoder;
use serde::Serialize;

/// JSON of `data`, compressed by DEFLATE (RFC 1951, without a header), in base64.
pub(super) fn packed(data: &impl Serialize) -> io::Result<String> {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::default());
    serde_json::to_writer(io::BufWriter::new(&mut encoder), data)?;
    encoder.flush()?;
    Ok(STANDARD.encode(encoder.finish()?))
}
