//! Fixtures, and short forms of recordings and detections.

use std::path::PathBuf;

use proptest::collection::{SizeRange, vec};
use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};
use tal_core::{Candidates, Detection, DetectionSet, Instance, Recording, Segment};

/// A recording with (start, end, label) as annotations.
pub(crate) fn recording(
    id: &str,
    duration: Option<f64>,
    instances: &[(f64, f64, u32)],
) -> Recording {
    Recording {
        id: id.into(),
        subset: "test".into(),
        duration,
        fps: None,
        instances: instances
            .iter()
            .map(|&(start, end, label)| Instance {
                segment: Segment::new(start, end),
                label,
            })
            .collect(),
    }
}

/// (start, end, label, score) as detections of recording `id`.
pub(crate) fn found(id: &str, rows: &[(f64, f64, u32, f64)]) -> (String, Vec<Detection>) {
    let rows = rows
        .iter()
        .map(|&(start, end, label, score)| Detection {
            segment: Segment::new(start, end),
            label,
            score,
        })
        .collect();
    (id.to_owned(), rows)
}

/// Detections of recordings r0, r1, … on a grid of half seconds; `row` gives start and length in half seconds, the label,
/// and the score in twelfths.
pub(crate) fn detections(
    row: impl Strategy<Value = (u8, u8, u32, u8)>,
    num_rows: impl Into<SizeRange>,
    num_recordings: impl Into<SizeRange>,
) -> impl Strategy<Value = DetectionSet> {
    vec(vec(row, num_rows), num_recordings).prop_map(|all| {
        all.into_iter()
            .enumerate()
            .map(|(number, rows)| {
                let rows: Vec<_> = rows
                    .into_iter()
                    .map(|(start, length, label, score)| {
                        let start = f64::from(start) / 2.0;
                        let end = start + f64::from(length) / 2.0;
                        (start, end, label, f64::from(score) / 12.0)
                    })
                    .collect();
                found(&format!("r{number}"), &rows)
            })
            .collect()
    })
}

pub(crate) fn fixture(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures")
        .join(name);
    std::fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// Values of a tensor of any type in the fixtures, widened to `f64`.
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

/// (start, length, score, label) as candidates.
pub(crate) fn from_rows(rows: Vec<(f32, f32, f32, u32)>) -> Candidates {
    let mut candidates = Candidates::default();
    for (start, length, score, label) in rows {
        candidates.push(Segment::new(start, start + length), score, label);
    }
    candidates
}
