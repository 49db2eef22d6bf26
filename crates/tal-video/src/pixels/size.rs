//! Sizes after resizing and cropping.

use std::ops::Range;

use crate::{Crop, CropRounding, PixelError, TargetSize};

/// The longest side of a frame, before and after resizing.
pub(super) const MOST: usize = 16_384;

/// Rows and columns of a frame.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Size {
    pub(super) height: usize,
    pub(super) width: usize,
}

/// The size after resizing, and the factor if pixels lie at its exact multiples.
pub(super) fn resized(from: Size, to: TargetSize) -> Result<(Size, Option<f64>), PixelError> {
    let Size { height, width } = from;
    let short = height.min(width);
    let (size, factor) = match to {
        TargetSize::Exact([height, width]) => (
            Size {
                height: height as usize,
                width: width as usize,
            },
            None,
        ),
        TargetSize::ShortSide(side) => {
            let side = side as usize;
            (
                Size {
                    height: side * height / short,
                    width: side * width / short,
                },
                None,
            )
        }
        TargetSize::ScaleFactor(side) => {
            let factor = f64::from(side) / short as f64;
            let scaled = |side: usize| (side as f64 * factor).floor() as usize;
            (
                Size {
                    height: scaled(height),
                    width: scaled(width),
                },
                Some(factor),
            )
        }
    };
    let fits = |side| (1..=MOST).contains(&side);
    match fits(size.height) && fits(size.width) {
        true => Ok((size, factor)),
        false => Err(PixelError::ResizedSize {
            width,
            height,
            resized_width: size.width,
            resized_height: size.height,
            most: MOST,
        }),
    }
}

/// The rows and columns that a crop keeps.
pub(super) fn cropped(
    from: Size,
    crop: Option<Crop>,
) -> Result<(Range<usize>, Range<usize>), PixelError> {
    let Size { height, width } = from;
    let Some(crop) = crop else {
        return Ok((0..height, 0..width));
    };
    let [crop_height, crop_width] = crop.size.map(|side| side as usize);
    if crop_height > height || crop_width > width {
        return Err(PixelError::CropTooLarge {
            width,
            height,
            crop_width,
            crop_height,
        });
    }
    let kept = |side: usize, part: usize| {
        let first = margin(side - part, crop.rounding);
        first..first + part
    };
    Ok((kept(height, crop_height), kept(width, crop_width)))
}

/// Half of what is cut off.
fn margin(difference: usize, rounding: CropRounding) -> usize {
    let half = difference / 2;
    match rounding {
        CropRounding::HalfEven if difference % 2 == 1 => half + half % 2,
        _ => half,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(height: usize, width: usize) -> Size {
        Size { height, width }
    }

    #[test]
    fn short_sides_keep_the_aspect_and_cut() {
        let to = TargetSize::ShortSide(256);
        let of = |height, width| resized(size(height, width), to).unwrap().0;
        assert_eq!(of(240, 320), size(256, 341));
        assert_eq!(of(720, 1280), size(256, 455));
        assert_eq!(of(1280, 720), size(455, 256));
        assert!(resized(size(1, 10_000), to).is_err());
    }

    #[test]
    fn scale_factors_cut_in_floats() {
        let (found, factor) = resized(size(240, 320), TargetSize::ScaleFactor(224)).unwrap();
        assert_eq!((found.width, factor), (298, Some(224.0 / 240.0)));
    }

    #[test]
    fn crops_round_as_their_originals() {
        let crop = |size, rounding| Some(Crop { size, rounding });
        let even = crop([112, 112], CropRounding::HalfEven);
        assert_eq!(cropped(size(128, 171), even).unwrap(), (8..120, 30..142));
        let floor = crop([224, 224], CropRounding::Floor);
        assert_eq!(cropped(size(256, 340), floor).unwrap(), (16..240, 58..282));
        assert_eq!(cropped(size(256, 455), floor).unwrap().1, 115..339);
        let even = crop([224, 224], CropRounding::HalfEven);
        assert_eq!(cropped(size(256, 455), even).unwrap().1, 116..340);
        assert_eq!(cropped(size(224, 225), even).unwrap().1, 0..224);
        assert!(cropped(size(100, 300), floor).is_err());
    }
}
