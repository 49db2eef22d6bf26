//! A generated film of any length, for tests and measurements.

use super::timeline::Times;
use super::{
    Damage, Decoder, Frame, FrameFormat, FrameRate, FrameSource, FrameStamp, Report, VideoError,
};

/// Moving gradients that are computed frame by frame, the same on every machine.
pub struct TestPattern {
    format: FrameFormat,
    frames: u64,
    times: Times,
}

impl TestPattern {
    /// A film of `frames` frames.
    pub fn new(width: usize, height: usize, frames: u64, rate: FrameRate) -> Self {
        let format = FrameFormat {
            width,
            height,
            time_base: rate.time_base(),
            nominal_rate: Some(rate),
        };
        Self {
            format,
            frames,
            times: Times::new(format.time_base, Some(rate)),
        }
    }
}

impl FrameSource for TestPattern {
    fn format(&self) -> FrameFormat {
        self.format
    }

    fn read(&mut self, frame: &mut Frame) -> Result<Option<FrameStamp>, VideoError> {
        let index = self.times.frames();
        if index == self.frames {
            return Ok(None);
        }
        let (width, height) = (self.format.width, self.format.height);
        let rgb = frame.rgb_mut(width, height);
        for (y, row) in rgb.chunks_exact_mut(3 * width).enumerate() {
            for (x, pixel) in row.chunks_exact_mut(3).enumerate() {
                // Wraps around: a gradient that starts again.
                pixel[0] = (x as u64 + 2 * index) as u8;
                pixel[1] = (y as u64 + index) as u8;
                pixel[2] = ((x ^ y) as u64 + 3 * index) as u8;
            }
        }
        let pts = index as i64;
        self.times.push(pts);
        Ok(Some(FrameStamp { index, pts }))
    }

    fn report(&self) -> Report {
        Report {
            timeline: self.times.timeline(),
            decoder: Decoder {
                name: "generated".to_owned(),
                version: None,
                threads: None,
            },
            damage: Damage::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_frame_differs_and_the_film_ends() {
        let mut film = TestPattern::new(7, 5, 3, "30".parse().unwrap());
        let mut frame = Frame::new();
        let mut frames = Vec::new();
        while let Some(stamp) = film.read(&mut frame).unwrap() {
            assert_eq!(stamp.index, frames.len() as u64);
            frames.push(frame.rgb().to_vec());
        }
        assert_eq!(frames.len(), 3);
        assert_eq!(&frames[2][3 * 7 + 3..3 * 7 + 6], [5, 3, 6]);
        assert_ne!(frames[0], frames[1]);
        assert_eq!(film.report().timeline.duration(), 0.1);
    }
}
