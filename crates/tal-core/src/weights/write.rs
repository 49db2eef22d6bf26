//! Writing safetensors files.

use std::cmp::Reverse;
use std::io;
use std::path::Path;

use safetensors::tensor::Dtype;
use serde_json::{Map, Value, json};
use tch::Tensor;

use super::error::WeightsError;
use super::read::{KINDS, Metadata, NamedTensors};
use crate::FileError;
use crate::atomic::write_atomic;

/// Writes tensors and metadata as a safetensors file; equal contents give equal bytes.
///
/// At any moment `path` holds the old file or the whole new one: a temporary file in the same folder is written, synced and
/// renamed, and the folder is synced.
///
/// # Errors
/// If a kind is not supported (see [`super::read_safetensors`]), or the file system refuses; the old file is untouched then.
pub fn write_safetensors(
    path: &Path,
    tensors: &NamedTensors,
    metadata: &Metadata,
) -> Result<(), WeightsError> {
    let entries = sorted(path, tensors)?;
    let header = header(&entries, metadata);
    let written = write_atomic(path, |file| {
        file.write_all(&header)?;
        let mut bytes = Vec::new();
        for entry in &entries {
            bytes.resize(entry.num_bytes, 0);
            entry
                .tensor
                .f_copy_data_u8(&mut bytes, entry.tensor.numel())
                .map_err(|error| io::Error::other(format!("tensor {}: {error}", entry.name)))?;
            file.write_all(&bytes)?;
        }
        Ok(())
    });
    Ok(written.map_err(FileError::at("write", path))?)
}

/// A tensor of the file.
struct Item<'a> {
    name: &'a str,
    tensor: &'a Tensor,
    dtype: Dtype,
    num_bytes: usize,
}

/// Tensors in the order of the file: large elements first, so that each tensor is aligned to its elements, then by name.
fn sorted<'a>(path: &Path, tensors: &'a NamedTensors) -> Result<Vec<Item<'a>>, WeightsError> {
    let item = |(name, tensor): (&'a String, &'a Tensor)| {
        let kind = tensor.kind();
        let dtype = KINDS.iter().find(|(_, known)| *known == kind);
        let (dtype, _) = dtype.ok_or_else(|| WeightsError::UnsupportedKind {
            path: path.to_owned(),
            name: name.clone(),
            kind: format!("{kind:?}"),
        })?;
        Ok(Item {
            name,
            tensor,
            dtype: *dtype,
            num_bytes: tensor.numel() * kind.elt_size_in_bytes(),
        })
    };
    let entries = tensors.iter().map(item);
    let mut entries: Vec<Item<'_>> = entries.collect::<Result<_, WeightsError>>()?;
    entries.sort_by_key(|item| Reverse(item.tensor.kind().elt_size_in_bytes()));
    Ok(entries)
}

/// The length of the JSON in eight bytes, then the JSON, padded with spaces to a multiple of eight. The header of the crate
/// `safetensors` keeps metadata in a hash map, whose order changes from run to run.
fn header(entries: &[Item<'_>], metadata: &Metadata) -> Vec<u8> {
    let mut object = Map::new();
    if !metadata.is_empty() {
        let metadata: Map<String, Value> = metadata
            .iter()
            .map(|(k, v)| (k.clone(), Value::from(v.clone())))
            .collect();
        object.insert("__metadata__".to_owned(), Value::Object(metadata));
    }
    let mut offset = 0;
    for entry in entries {
        let end = offset + entry.num_bytes;
        let info = json!({
            "dtype": entry.dtype,
            "shape": entry.tensor.size(),
            "data_offsets": [offset, end],
        });
        object.insert(entry.name.to_owned(), info);
        offset = end;
    }
    let mut json = Value::Object(object).to_string().into_bytes();
    json.resize(json.len().next_multiple_of(8), b' ');
    let mut header = (json.len() as u64).to_le_bytes().to_vec();
    header.append(&mut json);
    header
}

#[cfg(test)]
mod tests {
    use std::fs;

    use tch::{Device, Kind};

    use super::*;
    use crate::weights::read_safetensors;

    fn all_kinds() -> NamedTensors {
        let values = Tensor::from_slice(&[0f64, 1., 2., 3., 4., 5.]).view([2, 3]);
        let kinds = [
            Kind::Bool,
            Kind::Uint8,
            Kind::Int,
            Kind::Int64,
            Kind::Half,
            Kind::BFloat16,
            Kind::Float,
            Kind::Double,
        ];
        let mut tensors: NamedTensors = kinds
            .into_iter()
            .map(|kind| (format!("t.{kind:?}"), values.to_kind(kind)))
            .collect();
        let empty = Tensor::zeros([0, 3], (Kind::Float, Device::Cpu));
        tensors.insert("scalar".to_owned(), Tensor::from(2.5f32));
        tensors.insert("empty".to_owned(), empty);
        tensors.insert("transposed".to_owned(), values.transpose(0, 1));
        tensors
    }

    fn metadata() -> Metadata {
        let text = |s: &str| s.to_owned();
        (0..20)
            .map(|i| (format!("key{i}"), text("a \"quoted\"\nline")))
            .collect()
    }

    #[test]
    fn what_is_written_is_read_back() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        let tensors = all_kinds();
        write_safetensors(&path, &tensors, &metadata()).unwrap();
        let (read, text) = read_safetensors(&path).unwrap();
        assert_eq!(text, metadata());
        assert_eq!(read.len(), tensors.len());
        for (name, tensor) in &tensors {
            let back = &read[name];
            assert_eq!(back.kind(), tensor.kind(), "{name}");
            assert_eq!(back.size(), tensor.size(), "{name}");
            assert!(back.equal(tensor), "{name}");
        }
        let names: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "litter: {names:?}");
    }

    #[test]
    fn equal_contents_give_equal_bytes() {
        let folder = tempfile::tempdir().unwrap();
        let [first, second] = ["a", "b"].map(|name| folder.path().join(name));
        for path in [&first, &second] {
            write_safetensors(path, &all_kinds(), &metadata()).unwrap();
        }
        assert!(fs::read(first).unwrap() == fs::read(second).unwrap());
    }

    #[test]
    fn a_refused_write_leaves_the_old_file() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("weights.safetensors");
        fs::write(&path, "old").unwrap();
        let tensors =
            |kind| NamedTensors::from([("a".to_owned(), Tensor::from(1f32).to_kind(kind))]);
        let complex = tensors(Kind::ComplexFloat);
        let error = write_safetensors(&path, &complex, &Metadata::new()).unwrap_err();
        assert!(error.to_string().contains("ComplexFloat"), "{error}");
        assert_eq!(fs::read(&path).unwrap(), b"old");

        let absent = folder.path().join("absent/weights.safetensors");
        let one = tensors(Kind::Float);
        let error = write_safetensors(&absent, &one, &Metadata::new()).unwrap_err();
        assert!(error.to_string().starts_with("cannot write"), "{error}");
    }
}
