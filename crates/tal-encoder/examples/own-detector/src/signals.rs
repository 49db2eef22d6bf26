//! Made-up recordings: some channels rise while an action of their class goes on, all have noise.

use tal_core::{Instance, Recording, Segment};
use tch::{Kind, Tensor};

/// Channels of a signal.
pub const CHANNELS: usize = 6;
/// Positions of a signal.
pub const LENGTH: usize = 128;
/// Classes; class k raises the channels k and k + 1.
pub const CLASSES: usize = 3;

/// A recording, and what a network should say about it.
pub struct Signal {
    /// (C, T)
    pub values: Tensor,
    /// (K, T): 1 inside an action of the class.
    pub class_targets: Tensor,
    /// (2, T): logarithms of the distances to start and end, 0 outside of actions.
    pub distance_targets: Tensor,
    actions: Vec<(Segment, u32)>,
}

impl Signal {
    /// The annotated recording.
    pub fn recording(&self, number: usize) -> Recording {
        Recording {
            id: format!("signal_{number}"),
            subset: "test".to_owned(),
            duration: Some(LENGTH as f64),
            fps: None,
            instances: self
                .actions
                .iter()
                .map(|&(segment, label)| Instance { segment, label })
                .collect(),
        }
    }
}

/// The signal of a number, always the same one.
pub fn make(number: usize) -> Signal {
    let mut random =
        Random(0x9E37_79B9_7F4A_7C15 ^ (number as u64 + 1).wrapping_mul(0xD134_2543_DE82_EF95));
    let mut values = vec![0f32; CHANNELS * LENGTH];
    for value in &mut values {
        *value = 0.7 * (random.share() + random.share() + random.share() - 1.5) as f32;
    }
    let mut classes = vec![0f32; CLASSES * LENGTH];
    let mut distances = vec![0f32; 2 * LENGTH];
    let mut actions = Vec::new();
    let mut position = 4 + random.below(20);
    loop {
        let len = 8 + random.below(28);
        if position + len + 4 > LENGTH {
            break;
        }
        let class = random.below(CLASSES);
        for at in position..position + len {
            for channel in [class, class + 1] {
                values[channel * LENGTH + at] += 1.0;
            }
            classes[class * LENGTH + at] = 1.0;
            distances[at] = ((at - position) as f32 + 0.5).ln();
            distances[LENGTH + at] = ((position + len - at) as f32 - 0.5).ln();
        }
        // A position stands for the middle of its second.
        let segment = Segment::new(position as f64 - 0.5, (position + len) as f64 - 0.5);
        actions.push((segment, class as u32));
        position += len + 4 + random.below(24);
    }
    let tensor = |values: &[f32], rows: usize| {
        Tensor::from_slice(values)
            .view([rows as i64, LENGTH as i64])
            .to_kind(Kind::Float)
    };
    Signal {
        values: tensor(&values, CHANNELS),
        class_targets: tensor(&classes, CLASSES),
        distance_targets: tensor(&distances, 2),
        actions,
    }
}

/// Random numbers (xorshift).
struct Random(u64);

impl Random {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn share(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    fn below(&mut self, end: usize) -> usize {
        (self.next() % end as u64) as usize
    }
}
