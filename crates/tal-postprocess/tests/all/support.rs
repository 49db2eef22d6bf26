//! Reads fixtures.

use std::path::PathBuf;

use safetensors::{Dtype, SafeTensors};
use tal_core::{Candidates, Segment};

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// A tensor of any of the fixtures' types, flat, widened to `f64`.
pub(crate) fn numbers(file: &SafeTensors, name: &str) -> Vec<f64> {
    let tensor = file.tensor(name).unwrap();
    let data = tensor.data();
    fn each<const N: usize>(data: &[u8], read: impl Fn([u8; N]) -> f64) -> Vec<f64> {
        data.chunks_exact(N)
            .map(|chunk| read(chunk.try_into().unwrap()))
            .collect()
    }
    match tensor.dtype() {
        Dtype::F64 => each(data, f64::from_le_bytes),
        Dtype::F32 => each(data, |b| f64::from(f32::from_le_bytes(b))),
        Dtype::I64 => each(data, |b| i64::from_le_bytes(b) as f64),
        Dtype::U16 => each(data, |b| f64::from(u16::from_le_bytes(b))),
        Dtype::U8 => each(data, |[b]| f64::from(b)),
        other => panic!("{name} has dtype {other:?}"),
    }
}

/// `PREFIX.segments` (N, 2), `PREFIX.scores` and `PREFIX.labels` as candidates.
pub(crate) fn candidates(file: &SafeTensors, prefix: &str) -> Candidates {
    let segments = numbers(file, &format!("{prefix}.segments"));
    let scores = numbers(file, &format!("{prefix}.scores"));
    let labels = numbers(file, &format!("{prefix}.labels"));
    assert_eq!(
        [segments.len(), labels.len()],
        [2 * scores.len(), scores.len()]
    );
    let mut candidates = Candidates::default();
    for ((ends, score), label) in segments.chunks_exact(2).zip(scores).zip(labels) {
        let segment = Segment::new(ends[0] as f32, ends[1] as f32);
        candidates.push(segment, score as f32, label as u32);
    }
    candidates
}
