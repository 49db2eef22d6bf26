//! Frames: time in equal steps.

use std::collections::BTreeMap;
use std::ops::Range;

use tal_core::{Instance, Segment};

use super::error::MeasureError;
use super::input::LabelledRecording;

/// Largest number of frames of a recording.
const MAX_FRAMES: f64 = 1e9;

/// Number of frames per second; frame i is labelled as its middle, (i + ½) / rate, is.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct FrameRate(f64);

impl FrameRate {
    /// A frame rate.
    ///
    /// # Errors
    /// If it is not finite and above 0.
    pub fn new(rate: f64) -> Result<Self, MeasureError> {
        let range = "finite and above 0";
        MeasureError::unless(rate.is_finite() && rate > 0.0, "frame rate", rate, range)?;
        Ok(Self(rate))
    }

    /// Frames per second.
    pub fn get(self) -> f64 {
        self.0
    }

    /// Number of frames of a recording: its length times the rate, rounded.
    ///
    /// # Units
    /// `duration` in seconds.
    pub fn num_frames(self, duration: f64) -> usize {
        (duration * self.0).round().clamp(0.0, MAX_FRAMES) as usize
    }

    /// Frames whose middle lies in a segment (its start included, its end not), of the first `num_frames`.
    ///
    /// # Units
    /// `segment` in seconds.
    pub fn frames(self, segment: Segment, num_frames: usize) -> Range<usize> {
        let limit = num_frames as f64;
        let first = |time: f64| (time * self.0 - 0.5).ceil().clamp(0.0, limit) as usize;
        first(segment.start)..first(segment.end)
    }

    /// Class of each frame; `None` for background.
    ///
    /// If segments overlap, the shortest counts, then the earliest, then the smallest class id.
    ///
    /// # Units
    /// `instances` and `duration` in seconds.
    pub fn labels(self, instances: &[Instance], duration: f64) -> Vec<Option<u32>> {
        let mut labels = vec![None; self.num_frames(duration)];
        let mut order: Vec<&Instance> = instances.iter().collect();
        order.sort_by(|a, b| {
            let by_length = b.segment.length().total_cmp(&a.segment.length());
            by_length
                .then(b.segment.start.total_cmp(&a.segment.start))
                .then(b.label.cmp(&a.label))
        });
        for instance in order {
            let frames = self.frames(instance.segment, labels.len());
            labels[frames].fill(Some(instance.label));
        }
        labels
    }

    /// Checks that the recordings have a number of frames that fits into memory.
    pub(super) fn check(
        self,
        durations: impl IntoIterator<Item = f64>,
    ) -> Result<(), MeasureError> {
        for (recording, duration) in durations.into_iter().enumerate() {
            let frames = duration * self.0;
            if frames > MAX_FRAMES {
                return Err(MeasureError::NumFrames {
                    recording,
                    frames,
                    limit: MAX_FRAMES,
                });
            }
        }
        Ok(())
    }

    /// Frames of annotations and of what was found, by class.
    pub(super) fn of(self, recording: &LabelledRecording<'_>) -> [ClassFrames; 2] {
        let num_frames = self.num_frames(recording.duration);
        [recording.truth, recording.found].map(|rows| self.class_frames(rows, num_frames))
    }

    fn class_frames(self, instances: &[Instance], num_frames: usize) -> ClassFrames {
        let mut classes = ClassFrames::new();
        for instance in instances {
            let frames = self.frames(instance.segment, num_frames);
            classes.entry(instance.label).or_default().push(frames);
        }
        for ranges in classes.values_mut() {
            *ranges = merged(std::mem::take(ranges));
        }
        classes
    }
}

/// Frames of each class, as ranges in order that neither overlap nor touch.
pub(super) type ClassFrames = BTreeMap<u32, Vec<Range<usize>>>;

/// Frames of one class.
pub(super) fn of_class(frames: &ClassFrames, label: u32) -> &[Range<usize>] {
    frames.get(&label).map_or(&[], Vec::as_slice)
}

/// Number of frames.
pub(super) fn num_in(ranges: &[Range<usize>]) -> u64 {
    ranges.iter().map(|range| range.len() as u64).sum()
}

/// Number of frames that are in both.
pub(super) fn num_common(a: &[Range<usize>], b: &[Range<usize>]) -> u64 {
    let (mut i, mut j, mut common) = (0, 0, 0);
    while i < a.len() && j < b.len() {
        let start = a[i].start.max(b[j].start);
        let end = a[i].end.min(b[j].end);
        common += end.saturating_sub(start) as u64;
        if a[i].end < b[j].end {
            i += 1;
        } else {
            j += 1;
        }
    }
    common
}

fn merged(mut ranges: Vec<Range<usize>>) -> Vec<Range<usize>> {
    ranges.retain(|range| !range.is_empty());
    ranges.sort_by_key(|range| range.start);
    let mut result: Vec<Range<usize>> = Vec::with_capacity(ranges.len());
    for range in ranges {
        match result.last_mut() {
            Some(last) if range.start <= last.end => last.end = last.end.max(range.end),
            _ => result.push(range),
        }
    }
    result
}
