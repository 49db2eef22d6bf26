//! Data of the benchmarks, the same in every run. See `docs/benchmarks.md`.

pub mod beside;
pub mod mixing;
pub mod unit;
pub mod workload;

use std::path::Path;

use tal_core::config::Config;
use tal_core::{Candidates, Detection, DetectionSet, Instance, Recording, Segment};

/// Allocator of the program `tal`, so that benchmarks measure the same.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// Random numbers from 0 to 1 (SplitMix64).
#[derive(Debug, Clone)]
pub struct Uniform(u64);

impl Uniform {
    /// Stream of a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed)
    }

    /// Next number of the stream.
    pub fn draw(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 11) as f64 / (1u64 << 53) as f64
    }
}

/// `count` candidates of `num_classes` classes over 2304 grid units, with log-uniform lengths from 2 to 200.
pub fn candidates(count: usize, num_classes: u32) -> Candidates {
    candidates_within(2304.0, count, num_classes)
}

/// Candidates as of [`candidates`] over `extent` grid units. If `extent` grows with `count`, the number of candidates that
/// one overlaps stays about the same.
pub fn candidates_within(extent: f64, count: usize, num_classes: u32) -> Candidates {
    let mut random = Uniform::new(1);
    let mut candidates = Candidates::with_capacity(count);
    for _ in 0..count {
        let length = 2.0 * 100f64.powf(random.draw());
        let start = random.draw() * (extent - length);
        let segment = Segment::new(start as f32, (start + length) as f32);
        let label = (random.draw() * f64::from(num_classes)) as u32;
        candidates.push(segment, random.draw() as f32, label);
    }
    candidates
}

/// `num_recordings` recordings of 300 seconds with 15 actions of 20 classes each, and `per_recording` detections of each
/// recording, half of them of the class of a near action.
pub fn detections(num_recordings: usize, per_recording: usize) -> (Vec<Recording>, DetectionSet) {
    let mut random = Uniform::new(2);
    let mut recordings = Vec::new();
    let mut found = DetectionSet::new();
    for index in 0..num_recordings {
        let instances: Vec<Instance> = (0..15)
            .map(|_| {
                let (start, length) = (random.draw() * 280.0, 1.0 + 19.0 * random.draw());
                Instance {
                    segment: Segment::new(start, start + length),
                    label: (random.draw() * 20.0) as u32,
                }
            })
            .collect();
        let detections = (0..per_recording)
            .map(|row| {
                let near = instances[row % instances.len()];
                let mut shift = || (random.draw() - 0.5) * near.segment.length();
                let (start, end) = (near.segment.start + shift(), near.segment.end + shift());
                Detection {
                    segment: Segment::new(start.min(end), end.max(start)),
                    label: if row % 2 == 0 {
                        near.label
                    } else {
                        row as u32 % 20
                    },
                    score: random.draw(),
                }
            })
            .collect();
        let id = format!("r{index:04}");
        found.insert(id.clone(), detections);
        recordings.push(Recording {
            id,
            subset: "test".to_owned(),
            duration: Some(300.0),
            fps: Some(30.0),
            instances,
        });
    }
    (recordings, found)
}

/// Configuration file of the repository, with data paths that need not exist.
///
/// # Panics
/// If the file is not a valid configuration.
pub fn config(name: &str, overrides: &[&str]) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../configs/{name}.yaml"));
    let mut all = vec![
        "dataset.annotations=none.json".to_owned(),
        "dataset.features.dir=none".to_owned(),
    ];
    all.extend(overrides.iter().map(|text| (*text).to_owned()));
    tal_config::load(&path, &all).expect("a configuration of the repository")
}
