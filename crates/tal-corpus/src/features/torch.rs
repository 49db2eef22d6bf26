//! Files of `torch.save`.

use std::io::{self, Cursor, Write};

use tal_data::features::npy::Array;
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::emit::Emitter;
use super::to_le_bytes;

/// Tensors as PyTorch 1.6 and later write them: a dictionary with `keys`, or, without keys, the only tensor.
pub(super) fn encode(keys: &[String], arrays: &[Array]) -> io::Result<Vec<u8>> {
    let pickle = Emitter::pickle(2, keys, arrays, tensor);
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let mut entry = |name: &str, bytes: &[u8]| {
        let options = SimpleFileOptions::default()
            .compression_method(CompressionMethod::Stored)
            .large_file(bytes.len() >= u32::MAX as usize);
        zip.start_file(format!("archive/{name}"), options)?;
        zip.write_all(bytes)
    };
    entry("data.pkl", &pickle)?;
    entry("byteorder", b"little")?;
    for (index, array) in arrays.iter().enumerate() {
        entry(&format!("data/{index}"), &to_le_bytes(&array.data))?;
    }
    entry("version", b"3\n")?;
    Ok(zip.finish()?.into_inner())
}

/// `_rebuild_tensor_v2(storage, offset, size, stride, requires_grad, hooks)`
fn tensor(pickle: &mut Emitter, array: &Array, index: usize) {
    pickle.global("torch._utils", "_rebuild_tensor_v2");
    pickle.ops(b"((");
    pickle.text("storage");
    pickle.global("torch", "FloatStorage");
    pickle.text(&index.to_string());
    pickle.text("cpu");
    pickle.int(array.data.len());
    pickle.ops(b"tQ");
    pickle.int(0);
    pickle.sizes(&array.shape);
    let places = 1..=array.shape.len();
    let strides: Vec<usize> = places
        .map(|place| array.shape[place..].iter().product())
        .collect();
    pickle.sizes(&strides);
    pickle.bool(false);
    pickle.global("collections", "OrderedDict");
    pickle.ops(b"(tRtR");
}
