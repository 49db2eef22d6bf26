//! Files of named arrays: NumPy's archives, safetensors, HDF5.

use std::io::{self, Cursor};

use hdf5_writer::{DatasetBuilder, Hdf5Builder, WriteOptions};
use safetensors::Dtype;
use safetensors::tensor::TensorView;
use tal_data::features::npy::{self, Array};
use zip::write::SimpleFileOptions;
use zip::{CompressionMethod, ZipWriter};

use super::to_le_bytes;

/// An npz file of one array, stored without compression.
pub(super) fn npz(key: &str, array: &Array) -> io::Result<Vec<u8>> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default()
        .compression_method(CompressionMethod::Stored)
        .large_file(array.data.len() >= 1 << 30);
    zip.start_file(format!("{key}.npy"), options)?;
    npy::encode(&mut zip, &array.data, &array.shape)?;
    Ok(zip.finish()?.into_inner())
}

/// A safetensors file of one array.
pub(super) fn safetensors(key: &str, array: &Array) -> io::Result<Vec<u8>> {
    let values = to_le_bytes(&array.data);
    TensorView::new(Dtype::F32, array.shape.clone(), &values)
        .and_then(|tensor| safetensors::serialize([(key, tensor)], None))
        .map_err(io::Error::other)
}

/// An HDF5 file of arrays by name.
pub(super) fn hdf5(arrays: &[(String, Array)]) -> io::Result<Vec<u8>> {
    let encode = || {
        let mut builder = Hdf5Builder::new();
        for (name, array) in arrays {
            let shape: Vec<u64> = array.shape.iter().map(|size| *size as u64).collect();
            let data = DatasetBuilder::typed_data(name.clone(), shape, &array.data)?;
            builder = builder.dataset(data);
        }
        builder.into_plan()?.encode(WriteOptions::default())
    };
    encode().map_err(|error: hdf5_writer::Error| io::Error::other(error))
}
