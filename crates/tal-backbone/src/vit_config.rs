//! Sizes of the ViT of VideoMAE and VideoMAEv2.

/// Sizes of a ViT for clips.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct VitConfig {
    /// Channels of the tokens and the features.
    pub width: i64,
    /// Number of blocks.
    pub depth: i64,
    /// Number of attention heads, a divisor of the width.
    pub heads: i64,
    /// Channels inside the MLP of a block.
    pub hidden: i64,
    /// Edge of a patch, in pixels; a token covers two frames.
    pub patch: i64,
    /// Frames of a clip, an even number.
    pub frames: i64,
    /// Edge of a frame, in pixels, a multiple of `patch`.
    pub size: i64,
}

/// Frames that a token covers.
pub(crate) const TUBELET: i64 = 2;

impl VitConfig {
    /// ViT-S/16.
    pub const SMALL: Self = Self::released(384, 12, 6, 4 * 384, 16);
    /// ViT-B/16.
    pub const BASE: Self = Self::released(768, 12, 12, 4 * 768, 16);
    /// ViT-L/16.
    pub const LARGE: Self = Self::released(1024, 24, 16, 4 * 1024, 16);
    /// ViT-H/16.
    pub const HUGE: Self = Self::released(1280, 32, 16, 4 * 1280, 16);
    /// ViT-g/14.
    pub const GIANT: Self = Self::released(1408, 40, 16, 6144, 14);

    const fn released(width: i64, depth: i64, heads: i64, hidden: i64, patch: i64) -> Self {
        Self {
            width,
            depth,
            heads,
            hidden,
            patch,
            frames: 16,
            size: 224,
        }
    }

    /// Number of tokens of a clip.
    pub fn num_tokens(&self) -> i64 {
        let edge = self.size / self.patch;
        self.frames / TUBELET * edge * edge
    }

    /// The first value that is out of range, in words.
    pub(crate) fn fault(&self) -> Option<String> {
        let Self {
            width,
            depth,
            heads,
            hidden,
            patch,
            frames,
            size,
        } = *self;
        let values = [width, depth, heads, hidden, patch, frames, size];
        if values.iter().any(|value| !(1..1 << 20).contains(value)) {
            Some(format!(
                "a size of {self:?} is out of range, must be from 1 to 1048575"
            ))
        } else if width % heads != 0 || width % 2 != 0 {
            Some(format!(
                "the width {width} must be even and a multiple of the {heads} heads"
            ))
        } else if frames % TUBELET != 0 || size % patch != 0 {
            Some(format!(
                "clips of {frames} frames of {size} pixels must divide into patches of {TUBELET} frames of {patch} pixels"
            ))
        } else {
            None
        }
    }
}
