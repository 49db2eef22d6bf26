//! Errors of preprocessing.

/// A frame that a recipe cannot be applied to.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum PixelError {
    /// A side of the frame is zero or too long.
    #[error("frames are {width} x {height} pixels; sides must be 1 to {most}")]
    FrameSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// The longest side.
        most: usize,
    },
    /// A resized frame is too large, because the frame is very long and narrow.
    #[error(
        "frames of {width} x {height} pixels would be resized to {resized_width} x {resized_height}; sides must be 1 to {most}: set `pixels.resize` to an exact size"
    )]
    ResizedSize {
        /// Columns.
        width: usize,
        /// Rows.
        height: usize,
        /// Columns after resizing.
        resized_width: usize,
        /// Rows after resizing.
        resized_height: usize,
        /// The longest side.
        most: usize,
    },
    /// The part to keep is larger than the frame.
    #[error(
        "frames are {width} x {height} pixels after resizing, too small for `pixels.crop` of {crop_width} x {crop_height}"
    )]
    CropTooLarge {
        /// Columns after resizing.
        width: usize,
        /// Rows after resizing.
        height: usize,
        /// Columns of the part.
        crop_width: usize,
        /// Rows of the part.
        crop_height: usize,
    },
    /// The output has no fixed size, so that frames of different sizes would not fit together.
    #[error("`pixels` has neither a crop nor an exact size")]
    NoFixedSize,
}
