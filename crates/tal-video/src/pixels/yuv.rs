//! From planes of luma and chroma to RGB, in the sums of ffmpeg's own conversion on x86.

/// The weights of luma and chroma in the colours, for values from 16 to 235 and from 16 to 240.
///
/// ffmpeg rounds each product on its own, and the third decimal of the weights is its own too; decoded frames are only equal
/// to those of other programs that use it if the sums are these. Source: libswscale, `yuv2rgb`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct YuvMatrix {
    luma: i16,
    cr_red: i16,
    cb_blue: i16,
    cb_green: i16,
    cr_green: i16,
}

/// Pixels that are converted at once.
const BLOCK: usize = 32;

impl YuvMatrix {
    /// The matrix of a colour space by its name in ffmpeg's log; none if the conversion is left to ffmpeg.
    pub(crate) fn of_space(name: &str) -> Option<Self> {
        // In units of 1/65536.
        match name {
            "unknown" | "bt470bg" | "smpte170m" => {
                Some(Self::new(104_597, 132_201, 25_675, 53_279))
            }
            "bt709" => Some(Self::new(117_489, 138_438, 13_975, 34_925)),
            _ => None,
        }
    }

    fn new(cr_red: i32, cb_blue: i32, cb_green: i32, cr_green: i32) -> Self {
        // Values are shifted by 3 before the product and by 16 after it, so that weights have 13 bits behind the point.
        let rounded = |weight: i32| ((weight + 4) >> 3) as i16;
        Self {
            luma: rounded((1 << 16) * 255 / 219),
            cr_red: rounded(cr_red),
            cb_blue: rounded(cb_blue),
            cb_green: rounded(-cb_green),
            cr_green: rounded(-cr_green),
        }
    }
}

/// Number of bytes of the three planes of a frame whose chroma has half the width and height.
pub(crate) fn num_bytes(width: usize, height: usize) -> usize {
    width * height + 2 * width.div_ceil(2) * height.div_ceil(2)
}

/// Converts a frame.
///
/// # Shapes
///
/// `planes`: luma `height × width`, then blue and red chroma `⌈height / 2⌉ × ⌈width / 2⌉`. `rgb`: `height × width × 3`.
///
/// # Panics
///
/// If a slice has another length.
pub(crate) fn convert(
    planes: &[u8],
    width: usize,
    height: usize,
    matrix: YuvMatrix,
    rgb: &mut [u8],
) {
    assert_eq!(planes.len(), num_bytes(width, height));
    assert_eq!(rgb.len(), 3 * width * height);
    let half = width.div_ceil(2);
    let (luma, chroma) = planes.split_at(width * height);
    let (blue, red) = chroma.split_at(half * height.div_ceil(2));
    if width == 0 {
        return;
    }
    let rows = luma
        .chunks_exact(width)
        .zip(rgb.chunks_exact_mut(3 * width));
    for (y, (luma, rgb)) in rows.enumerate() {
        let at = y / 2 * half;
        convert_row(luma, &blue[at..at + half], &red[at..at + half], matrix, rgb);
    }
}

fn convert_row(luma: &[u8], blue: &[u8], red: &[u8], matrix: YuvMatrix, rgb: &mut [u8]) {
    #[cfg(target_arch = "x86_64")]
    if std::arch::is_x86_feature_detected!("avx2") {
        // SAFETY: the processor has AVX2.
        return unsafe { avx2::convert_row(luma, blue, red, matrix, rgb) };
    }
    in_blocks(luma, blue, red, rgb, |luma, blue, red, rgb| {
        convert_block(luma, blue, red, matrix, rgb);
    });
}

type Block = [u8; BLOCK];
type HalfBlock = [u8; BLOCK / 2];
type RgbBlock = [u8; 3 * BLOCK];

/// Calls `convert` for each block of a row; the last one may hold fewer pixels.
#[inline(always)]
fn in_blocks(
    luma: &[u8],
    blue: &[u8],
    red: &[u8],
    rgb: &mut [u8],
    convert: impl Fn(&Block, &HalfBlock, &HalfBlock, &mut RgbBlock),
) {
    let whole = luma.len() / BLOCK;
    let (blue, blue_rest) = blue.split_at(whole * BLOCK / 2);
    let (red, red_rest) = red.split_at(whole * BLOCK / 2);
    let (luma, luma_rest) = luma.as_chunks();
    let (rgb, rgb_rest) = rgb.as_chunks_mut();
    let chroma = blue.as_chunks().0.iter().zip(red.as_chunks().0);
    for ((luma, (blue, red)), rgb) in luma.iter().zip(chroma).zip(rgb) {
        convert(luma, blue, red, rgb);
    }
    if !luma_rest.is_empty() {
        let mut converted = [0; 3 * BLOCK];
        let (luma, blue, red) = (padded(luma_rest), padded(blue_rest), padded(red_rest));
        convert(&luma, &blue, &red, &mut converted);
        rgb_rest.copy_from_slice(&converted[..rgb_rest.len()]);
    }
}

fn padded<const N: usize>(values: &[u8]) -> [u8; N] {
    let mut block = [0; N];
    block[..values.len()].copy_from_slice(values);
    block
}

fn convert_block(
    luma: &Block,
    blue: &HalfBlock,
    red: &HalfBlock,
    matrix: YuvMatrix,
    rgb: &mut RgbBlock,
) {
    // The upper half of a product.
    let product = |value: i16, weight: i16| ((i32::from(value) * i32::from(weight)) >> 16) as i16;
    for (i, rgb) in rgb.as_chunks_mut::<3>().0.iter_mut().enumerate() {
        let light = product(i16::from(luma[i]) * 8 - 128, matrix.luma);
        let blue = i16::from(blue[i / 2]) * 8 - 1024;
        let red = i16::from(red[i / 2]) * 8 - 1024;
        let green = product(blue, matrix.cb_green) + product(red, matrix.cr_green);
        let added = [
            product(red, matrix.cr_red),
            green,
            product(blue, matrix.cb_blue),
        ];
        *rgb = added.map(|added| (light + added).clamp(0, 255) as u8);
    }
}

#[cfg(target_arch = "x86_64")]
mod avx2 {
    use std::arch::x86_64::*;

    use super::{Block, HalfBlock, RgbBlock, YuvMatrix, in_blocks};

    #[target_feature(enable = "avx2")]
    pub(super) fn convert_row(
        luma: &[u8],
        blue: &[u8],
        red: &[u8],
        matrix: YuvMatrix,
        rgb: &mut [u8],
    ) {
        in_blocks(luma, blue, red, rgb, |luma, blue, red, rgb| {
            convert_block(luma, blue, red, matrix, rgb);
        });
    }

    /// Values of 16 bits of pixels 0 to 7 and 16 to 23, then of the others.
    type Halves = [__m256i; 2];

    #[inline]
    #[target_feature(enable = "avx2")]
    fn convert_block(
        luma: &Block,
        blue: &HalfBlock,
        red: &HalfBlock,
        matrix: YuvMatrix,
        rgb: &mut RgbBlock,
    ) {
        // SAFETY: each pointer is that of an array as large as what is read.
        let (luma, blue, red) = unsafe {
            (
                _mm256_loadu_si256(luma.as_ptr().cast()),
                _mm_loadu_si128(blue.as_ptr().cast()),
                _mm_loadu_si128(red.as_ptr().cast()),
            )
        };
        let scaled = |values, zero| {
            _mm256_sub_epi16(_mm256_slli_epi16::<3>(values), _mm256_set1_epi16(zero))
        };
        let product = |values, weight| _mm256_mulhi_epi16(values, _mm256_set1_epi16(weight));
        let light = [
            _mm256_unpacklo_epi8(luma, _mm256_setzero_si256()),
            _mm256_unpackhi_epi8(luma, _mm256_setzero_si256()),
        ]
        .map(|values| product(scaled(values, 128), matrix.luma));
        let blue = scaled(_mm256_cvtepu8_epi16(blue), 1024);
        let red = scaled(_mm256_cvtepu8_epi16(red), 1024);
        let green = _mm256_add_epi16(
            product(blue, matrix.cb_green),
            product(red, matrix.cr_green),
        );
        let colours = [
            colour(light, product(red, matrix.cr_red)),
            colour(light, green),
            colour(light, product(blue, matrix.cb_blue)),
        ];
        let first = interleaved(colours, &PLACES[0]);
        let second = interleaved(colours, &PLACES[1]);
        let third = interleaved(colours, &PLACES[2]);
        let stored = [
            _mm256_permute2x128_si256::<0x20>(first, second),
            _mm256_permute2x128_si256::<0x30>(third, first),
            _mm256_permute2x128_si256::<0x31>(second, third),
        ];
        for (values, rgb) in stored.into_iter().zip(rgb.as_chunks_mut::<32>().0) {
            // SAFETY: the pointer is that of 32 bytes.
            unsafe { _mm256_storeu_si256(rgb.as_mut_ptr().cast(), values) };
        }
    }

    /// The bytes of a colour: the chroma of a pair is added to the light of both pixels.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn colour([low, high]: Halves, chroma: __m256i) -> __m256i {
        _mm256_packus_epi16(
            _mm256_add_epi16(low, _mm256_unpacklo_epi16(chroma, chroma)),
            _mm256_add_epi16(high, _mm256_unpackhi_epi16(chroma, chroma)),
        )
    }

    /// For each 16 of the 48 bytes of 16 pixels, and each colour, the pixels that give it. A negative place is a zero.
    const PLACES: [[[i8; 16]; 3]; 3] = {
        let mut places = [[[-1; 16]; 3]; 3];
        let mut at = 0;
        while at < 48 {
            places[at / 16][at % 3][at % 16] = (at / 3) as i8;
            at += 1;
        }
        places
    };

    /// The bytes at `places` of the pixels in the lower half, and of those in the upper half.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn interleaved(colours: [__m256i; 3], places: &[[i8; 16]; 3]) -> __m256i {
        let mut all = _mm256_setzero_si256();
        for (colour, places) in colours.into_iter().zip(places) {
            // SAFETY: the pointer is that of 16 bytes.
            let places = unsafe { _mm_loadu_si128(places.as_ptr().cast()) };
            let places = _mm256_broadcastsi128_si256(places);
            all = _mm256_or_si256(all, _mm256_shuffle_epi8(colour, places));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The definition, pixel by pixel.
    fn pixel(luma: u8, blue: u8, red: u8, weights: [i32; 4]) -> [u8; 3] {
        let weight = |value: i32| (value + 4).div_euclid(8);
        let times = |value: i32, weight: i32| (value * weight).div_euclid(65536);
        let [cr_red, cb_blue, cb_green, cr_green] = weights;
        let light = times(8 * i32::from(luma) - 128, weight(65536 * 255 / 219));
        let (blue, red) = (8 * i32::from(blue) - 1024, 8 * i32::from(red) - 1024);
        [
            light + times(red, weight(cr_red)),
            light + times(blue, weight(-cb_green)) + times(red, weight(-cr_green)),
            light + times(blue, weight(cb_blue)),
        ]
        .map(|colour| colour.clamp(0, 255) as u8)
    }

    #[test]
    fn grey_has_the_range_of_television() {
        let matrix = YuvMatrix::of_space("unknown").unwrap();
        let mut rgb = [0; 12];
        convert(&[16, 235, 126, 0, 128, 128], 2, 2, matrix, &mut rgb);
        assert_eq!(rgb, [0, 0, 0, 255, 255, 255, 128, 128, 128, 0, 0, 0]);
    }

    #[test]
    fn other_spaces_are_left_to_the_program() {
        for space in ["gbr", "ycgco", "bt2020nc", "reserved", ""] {
            assert_eq!(YuvMatrix::of_space(space), None);
        }
    }

    proptest! {
        #[test]
        fn a_frame_of_any_size_is_its_pixels(
            (width, height, planes) in (1_usize..80, 1_usize..6).prop_flat_map(|(width, height)| {
                let planes = prop::collection::vec(any::<u8>(), num_bytes(width, height));
                (Just(width), Just(height), planes)
            }),
            high_definition: bool,
        ) {
            let (space, weights) = match high_definition {
                true => ("bt709", [117_489, 138_438, 13_975, 34_925]),
                false => ("smpte170m", [104_597, 132_201, 25_675, 53_279]),
            };
            let mut rgb = vec![0; 3 * width * height];
            convert(&planes, width, height, YuvMatrix::of_space(space).unwrap(), &mut rgb);
            let half = width.div_ceil(2);
            let (luma, chroma) = planes.split_at(width * height);
            let (blue, red) = chroma.split_at(half * height.div_ceil(2));
            for (i, found) in rgb.chunks_exact(3).enumerate() {
                let at = i / width / 2 * half + i % width / 2;
                prop_assert_eq!(found, pixel(luma[i], blue[at], red[at], weights));
            }
        }
    }
}
