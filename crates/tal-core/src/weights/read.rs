//! Reading safetensors files.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::Read;
use std::path::Path;

use safetensors::tensor::{Dtype, Metadata as Header, SafeTensorError, TensorInfo};
use tch::{Kind, Tensor};

use super::error::WeightsError;
use crate::FileError;

/// Tensors and their names.
pub type NamedTensors = BTreeMap<String, Tensor>;

/// Free text beside the tensors of a file, by key.
pub type Metadata = BTreeMap<String, String>;

/// Reads all tensors of a safetensors file, onto the CPU, and its metadata. Beside the tensors, memory holds one of them at a
/// time.
///
/// # Errors
/// If the file cannot be read, is truncated or damaged, or holds a kind other than bool, u8, i32, i64, f16, bf16, f32 and f64.
pub fn read_safetensors(path: &Path) -> Result<(NamedTensors, Metadata), WeightsError> {
    let (mut file, header) = open(path)?;
    let mut tensors = NamedTensors::new();
    let mut bytes = Vec::new();
    for name in header.offset_keys() {
        let Some(info) = header.info(&name) else {
            continue;
        };
        let (start, end) = info.data_offsets;
        bytes.resize(end - start, 0);
        file.read_exact(&mut bytes)
            .map_err(FileError::at("read", path))?;
        let tensor = tensor(path, &name, info, &bytes)?;
        tensors.insert(name, tensor);
    }
    let metadata = header.metadata().iter().flatten();
    let metadata = metadata.map(|(key, value)| (key.clone(), value.clone()));
    Ok((tensors, metadata.collect()))
}

/// Opens a file and reads its header; the tensors' bytes follow.
fn open(path: &Path) -> Result<(File, Header), WeightsError> {
    const LEN_SIZE: u64 = 8;
    let unreadable = FileError::at("read", path);
    let corrupt = |error| corrupt(path, error);
    let file = File::open(path).map_err(&unreadable)?;
    let file_len = file.metadata().map_err(&unreadable)?.len();
    let read = |len: u64| {
        let mut bytes = Vec::new();
        (&file)
            .take(len)
            .read_to_end(&mut bytes)
            .map(|_| bytes)
            .map_err(&unreadable)
    };
    let len = <[u8; LEN_SIZE as usize]>::try_from(read(LEN_SIZE)?)
        .map_err(|_| corrupt(SafeTensorError::HeaderTooSmall))?;
    let len = u64::from_le_bytes(len);
    if len > file_len - LEN_SIZE {
        return Err(corrupt(SafeTensorError::InvalidHeaderLength));
    }
    let header: Header = serde_json::from_slice(&read(len)?)
        .map_err(|error| corrupt(SafeTensorError::InvalidHeaderDeserialization(error)))?;
    if header.data_len() as u64 != file_len - LEN_SIZE - len {
        return Err(corrupt(SafeTensorError::MetadataIncompleteBuffer));
    }
    Ok((file, header))
}

fn corrupt(path: &Path, error: SafeTensorError) -> WeightsError {
    WeightsError::Corrupt {
        path: path.to_owned(),
        reason: error.to_string(),
    }
}

fn tensor(
    path: &Path,
    name: &str,
    info: &TensorInfo,
    bytes: &[u8],
) -> Result<Tensor, WeightsError> {
    let kind = KINDS.iter().find(|(dtype, _)| *dtype == info.dtype);
    let (_, kind) = kind.ok_or_else(|| WeightsError::UnsupportedKind {
        path: path.to_owned(),
        name: name.to_owned(),
        kind: info.dtype.to_string(),
    })?;
    let size: Option<Vec<i64>> = info.shape.iter().map(|&n| i64::try_from(n).ok()).collect();
    let Some(size) = size else {
        return Err(corrupt(path, SafeTensorError::ValidationOverflow));
    };
    let tensor = match *kind {
        // Any byte but 0 counts as true; a boolean tensor may hold nothing but 0 and 1.
        Kind::Bool => Tensor::f_from_data_size(bytes, &size, Kind::Uint8).and_then(|t| t.f_ne(0)),
        kind => Tensor::f_from_data_size(bytes, &size, kind),
    };
    tensor.map_err(|source| WeightsError::Torch {
        name: name.to_owned(),
        source,
    })
}

/// The supported kinds, as files and as LibTorch name them.
pub(super) const KINDS: [(Dtype, Kind); 8] = [
    (Dtype::BOOL, Kind::Bool),
    (Dtype::U8, Kind::Uint8),
    (Dtype::I32, Kind::Int),
    (Dtype::I64, Kind::Int64),
    (Dtype::F16, Kind::Half),
    (Dtype::BF16, Kind::BFloat16),
    (Dtype::F32, Kind::Float),
    (Dtype::F64, Kind::Double),
];

#[cfg(test)]
mod tests {
    use std::fs;

    use proptest::prelude::*;
    use safetensors::tensor::TensorView;

    use super::*;
    use crate::weights::write_safetensors;

    fn sample(folder: &Path) -> Vec<u8> {
        let path = folder.join("sample.safetensors");
        let tensors = NamedTensors::from([
            ("a".to_owned(), Tensor::from_slice(&[1f32, 2., 3.])),
            ("b".to_owned(), Tensor::from_slice(&[1i64]).view([1, 1])),
        ]);
        let metadata = Metadata::from([("k".to_owned(), "v".to_owned())]);
        write_safetensors(&path, &tensors, &metadata).unwrap();
        fs::read(path).unwrap()
    }

    #[test]
    fn every_truncation_is_an_error_with_the_path() {
        let folder = tempfile::tempdir().unwrap();
        let bytes = sample(folder.path());
        let path = folder.path().join("cut.safetensors");
        for len in 0..bytes.len() {
            fs::write(&path, &bytes[..len]).unwrap();
            let error = read_safetensors(&path).unwrap_err();
            assert!(
                matches!(error, WeightsError::Corrupt { .. }),
                "{len}: {error}"
            );
            assert!(error.to_string().contains("cut.safetensors"), "{error}");
        }
        fs::write(&path, &bytes).unwrap();
        let (tensors, metadata) = read_safetensors(&path).unwrap();
        assert_eq!((tensors.len(), metadata["k"].as_str()), (2, "v"));
    }

    #[test]
    fn missing_file_and_foreign_kind_are_errors() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("absent.safetensors");
        let error = read_safetensors(&path).unwrap_err();
        assert!(error.to_string().starts_with("cannot read"), "{error}");

        let view = TensorView::new(Dtype::U16, vec![1], &[0, 0]).unwrap();
        fs::write(&path, safetensors::serialize([("x", view)], None).unwrap()).unwrap();
        let error = read_safetensors(&path).unwrap_err().to_string();
        assert!(error.contains("`x`") && error.contains("U16"), "{error}");
    }

    proptest! {
        #[test]
        fn a_changed_byte_never_panics(position in 0usize..200, value: u8) {
            let folder = tempfile::tempdir().unwrap();
            let mut bytes = sample(folder.path());
            let position = position % bytes.len();
            bytes[position] = value;
            let path = folder.path().join("changed.safetensors");
            fs::write(&path, &bytes).unwrap();
            // A change inside a tensor or a name is still a valid file; anything else must be an error, not a panic.
            if let Err(error) = read_safetensors(&path) {
                prop_assert!(error.to_string().contains("changed.safetensors"));
            }
        }
    }
}
