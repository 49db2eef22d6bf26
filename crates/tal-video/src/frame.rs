//! The pixels of a frame.

use super::pixels::yuv::{self, YuvMatrix};

/// A frame as its source gives it. It becomes RGB when somebody asks for that, because many frames of a film are only passed
/// over.
#[derive(Clone, Debug, Default)]
pub struct Frame {
    /// RGB, or planes that become RGB.
    stored: Vec<u8>,
    planes: Option<Planes>,
    rgb: Vec<u8>,
    /// Whether `rgb` holds the pixels of `stored`.
    is_converted: bool,
}

#[derive(Clone, Copy, Debug)]
struct Planes {
    width: usize,
    height: usize,
    matrix: YuvMatrix,
}

impl Frame {
    /// A frame without pixels, for a source to fill.
    pub fn new() -> Self {
        Self::default()
    }

    /// The pixels.
    ///
    /// # Shapes
    ///
    /// `height × width × 3`: rows from top to bottom, three bytes for each pixel.
    pub fn rgb(&mut self) -> &[u8] {
        let Some(planes) = self.planes else {
            return &self.stored;
        };
        if !self.is_converted {
            let Planes {
                width,
                height,
                matrix,
            } = planes;
            self.rgb.resize(3 * width * height, 0);
            yuv::convert(&self.stored, width, height, matrix, &mut self.rgb);
            self.is_converted = true;
        }
        &self.rgb
    }

    /// Room for the pixels.
    pub(crate) fn rgb_mut(&mut self, width: usize, height: usize) -> &mut [u8] {
        self.planes = None;
        self.stored.resize(3 * width * height, 0);
        &mut self.stored
    }

    /// Room for planes of luma and chroma, in the order of [`yuv::convert`].
    pub(crate) fn planes_mut(
        &mut self,
        width: usize,
        height: usize,
        matrix: YuvMatrix,
    ) -> &mut [u8] {
        self.is_converted = false;
        self.planes = Some(Planes {
            width,
            height,
            matrix,
        });
        self.stored.resize(yuv::num_bytes(width, height), 0);
        &mut self.stored
    }
}
