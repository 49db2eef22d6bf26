//! Weighted sums of bytes, four places at a time.

use super::filter::PRECISION;

/// Places along the filtered axis that a step sums.
pub(super) const GROUP: usize = 4;
/// Lanes across it that are summed side by side.
pub(super) const LANES: usize = 8;

/// Half a unit of a sum.
const HALF: i32 = 1 << (PRECISION - 1);

/// Bytes of four neighbouring places in eight lanes, for three colours; those of a lane lie together.
#[derive(Clone, Copy, Debug)]
#[repr(C, align(32))]
pub(super) struct Pixels(pub(super) [[[u8; GROUP]; LANES]; 3]);

impl Pixels {
    pub(super) const BLACK: Self = Self([[[0; GROUP]; LANES]; 3]);
}

/// Weights of four places, arranged for some instructions.
pub(super) type Weights = [i32; GROUP];

/// The instructions that sum. The sums are the same, because all are exact.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Instructions {
    /// Those of every processor.
    Plain,
    /// AVX2: two products of 16 bits in one.
    #[cfg(target_arch = "x86_64")]
    Avx2,
    /// AVX-VNNI: four products of a byte in one.
    #[cfg(target_arch = "x86_64")]
    AvxVnni,
    /// The same from AVX-512.
    #[cfg(target_arch = "x86_64")]
    Avx512Vnni,
}

impl Instructions {
    /// Those that the processor has, the best ones first.
    pub(super) fn available() -> Vec<Self> {
        let mut found = Vec::new();
        #[cfg(target_arch = "x86_64")]
        if std::arch::is_x86_feature_detected!("avx2") {
            if std::arch::is_x86_feature_detected!("avxvnni") {
                found.push(Self::AvxVnni);
            }
            if std::arch::is_x86_feature_detected!("avx512vnni")
                && std::arch::is_x86_feature_detected!("avx512vl")
            {
                found.push(Self::Avx512Vnni);
            }
            found.push(Self::Avx2);
        }
        found.push(Self::Plain);
        found
    }

    /// Arranges weights, which are below 2 with [`PRECISION`] bits behind the point.
    pub(super) fn arranged(self, weights: [i32; GROUP]) -> Weights {
        match self {
            Self::Plain => weights,
            // Fifteen low bits and the rest; the even places, then the odd ones.
            #[cfg(target_arch = "x86_64")]
            Self::Avx2 => {
                let pair = |part: fn(i32) -> i32, first: usize| {
                    let word = |place: usize| part(weights[place]) as u16;
                    i32::from(word(first)) | (i32::from(word(first + 2)) << 16)
                };
                let (low, high) = (|weight: i32| weight & 0x7fff, |weight: i32| weight >> 15);
                [pair(low, 0), pair(low, 1), pair(high, 0), pair(high, 1)]
            }
            // Three bytes with signs, each of all places.
            #[cfg(target_arch = "x86_64")]
            Self::AvxVnni | Self::Avx512Vnni => {
                let mut bytes = [[0_i8; GROUP]; 3];
                for (place, mut rest) in weights.into_iter().enumerate() {
                    for bytes in &mut bytes {
                        bytes[place] = rest as i8;
                        rest = (rest - i32::from(bytes[place])) >> 8;
                    }
                    assert_eq!(rest, 0, "a weight below 2");
                }
                let [low, middle, high] =
                    bytes.map(|bytes| i32::from_le_bytes(bytes.map(i8::cast_unsigned)));
                [low, middle, high, 0]
            }
        }
    }
}

/// The rounded sums of groups that lie `step` apart, for three colours; a word holds the first lane in its lowest bits.
#[inline(always)]
pub(super) fn plain(pixels: &[Pixels], step: usize, weights: &[Weights]) -> [u64; 3] {
    let mut sums = [[HALF; LANES]; 3];
    for (index, weights) in weights.iter().enumerate() {
        for (sums, lanes) in sums.iter_mut().zip(&pixels[index * step].0) {
            // Words are taken apart with shifts, which compilers do for several lanes at once.
            let words = lanes.map(u32::from_le_bytes);
            for (place, weight) in weights.iter().enumerate() {
                for (sum, word) in sums.iter_mut().zip(words) {
                    *sum += weight * ((word >> (8 * place)) & 0xff) as i32;
                }
            }
        }
    }
    let rounded = |sum: i32| (sum >> PRECISION).clamp(0, 255) as u8;
    sums.map(|sums| u64::from_le_bytes(sums.map(rounded)))
}

#[cfg(target_arch = "x86_64")]
pub(super) use x86::{avx_vnni, avx2, avx512_vnni};

#[cfg(target_arch = "x86_64")]
mod x86 {
    use std::arch::x86_64::{
        __m256i, _mm256_add_epi32, _mm256_and_si256, _mm256_dpbusd_avx_epi32, _mm256_dpbusd_epi32,
        _mm256_extract_epi64, _mm256_load_si256, _mm256_madd_epi16, _mm256_packs_epi32,
        _mm256_packus_epi16, _mm256_permutevar8x32_epi32, _mm256_set1_epi16, _mm256_set1_epi32,
        _mm256_setr_epi32, _mm256_setzero_si256, _mm256_slli_epi32, _mm256_srai_epi32,
        _mm256_srli_epi16,
    };

    use super::{GROUP, HALF, LANES, PRECISION, Pixels, Weights};

    /// The same as [`super::plain`].
    #[inline]
    #[target_feature(enable = "avx2")]
    pub(crate) fn avx2(pixels: &[Pixels], step: usize, weights: &[Weights]) -> [u64; 3] {
        let byte = _mm256_set1_epi16(0xff);
        // Low and high parts.
        let mut sums = [[_mm256_setzero_si256(); 2]; 3];
        for (index, weights) in weights.iter().enumerate() {
            let [low_even, low_odd, high_even, high_odd] =
                weights.map(|pair| _mm256_set1_epi32(pair));
            for ([low, high], lanes) in sums.iter_mut().zip(&pixels[index * step].0) {
                let lanes = load(lanes);
                let (even, odd) = (_mm256_and_si256(lanes, byte), _mm256_srli_epi16::<8>(lanes));
                let sum = |even_weights, odd_weights| {
                    _mm256_add_epi32(
                        _mm256_madd_epi16(even, even_weights),
                        _mm256_madd_epi16(odd, odd_weights),
                    )
                };
                *low = _mm256_add_epi32(*low, sum(low_even, low_odd));
                *high = _mm256_add_epi32(*high, sum(high_even, high_odd));
            }
        }
        rounded(sums.map(|[low, high]| _mm256_add_epi32(low, _mm256_slli_epi32::<15>(high))))
    }

    macro_rules! vnni {
        ($name:ident, $features:literal, $dot:ident) => {
            /// The same as [`super::plain`].
            #[inline]
            #[target_feature(enable = $features)]
            pub(crate) fn $name(pixels: &[Pixels], step: usize, weights: &[Weights]) -> [u64; 3] {
                // Parts of the weights' low, middle and high bytes.
                let mut sums = [[_mm256_setzero_si256(); 3]; 3];
                for (index, &[low, middle, high, _]) in weights.iter().enumerate() {
                    let parts = [low, middle, high].map(|part| _mm256_set1_epi32(part));
                    for (sums, lanes) in sums.iter_mut().zip(&pixels[index * step].0) {
                        let lanes = load(lanes);
                        for (sum, part) in sums.iter_mut().zip(&parts) {
                            *sum = $dot(*sum, lanes, *part);
                        }
                    }
                }
                rounded(sums.map(|[low, middle, high]| {
                    let high = _mm256_slli_epi32::<16>(high);
                    let middle = _mm256_slli_epi32::<8>(middle);
                    _mm256_add_epi32(_mm256_add_epi32(low, middle), high)
                }))
            }
        };
    }

    vnni!(avx_vnni, "avx2,avxvnni", _mm256_dpbusd_avx_epi32);
    vnni!(avx512_vnni, "avx2,avx512vnni,avx512vl", _mm256_dpbusd_epi32);

    #[inline]
    #[target_feature(enable = "avx2")]
    fn load(lanes: &[[u8; GROUP]; LANES]) -> __m256i {
        // SAFETY: the lanes of pixels are 32 bytes, aligned to 32.
        unsafe { _mm256_load_si256(std::ptr::from_ref(lanes).cast()) }
    }

    /// The bytes of three sums.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn rounded(sums: [__m256i; 3]) -> [u64; 3] {
        let half = _mm256_set1_epi32(HALF);
        let shifted = |sum| _mm256_srai_epi32::<{ PRECISION as i32 }>(_mm256_add_epi32(sum, half));
        let [red, green, blue] = sums.map(shifted);
        // Saturation to 16 and then 8 bits clamps to a byte.
        let halves = _mm256_packus_epi16(
            _mm256_packs_epi32(red, green),
            _mm256_packs_epi32(blue, blue),
        );
        // The first four lanes of all colours come before the last four.
        let words = _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
        [
            _mm256_extract_epi64::<0>(words) as u64,
            _mm256_extract_epi64::<1>(words) as u64,
            _mm256_extract_epi64::<2>(words) as u64,
        ]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sums(
        instructions: Instructions,
        pixels: &[Pixels],
        step: usize,
        weights: &[[i32; GROUP]],
    ) -> [u64; 3] {
        let weights: Vec<_> = weights
            .iter()
            .map(|&four| instructions.arranged(four))
            .collect();
        match instructions {
            Instructions::Plain => plain(pixels, step, &weights),
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has them.
            Instructions::Avx2 => unsafe { avx2(pixels, step, &weights) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has them.
            Instructions::AvxVnni => unsafe { avx_vnni(pixels, step, &weights) },
            #[cfg(target_arch = "x86_64")]
            // SAFETY: the processor has them.
            Instructions::Avx512Vnni => unsafe { avx512_vnni(pixels, step, &weights) },
        }
    }

    #[test]
    fn instructions_do_not_change_sums() {
        let byte = |index: usize| (index * index * 31 + index * 7) as u8;
        let group = |number: usize| {
            let place =
                |colour, lane, place| byte(((number * 3 + colour) * LANES + lane) * GROUP + place);
            Pixels(std::array::from_fn(|colour| {
                std::array::from_fn(|lane| std::array::from_fn(|at| place(colour, lane, at)))
            }))
        };
        let pixels: Vec<_> = (0..40).map(group).collect();
        let white = [Pixels([[[255; GROUP]; LANES]; 3]); 40];
        let one = 1 << PRECISION;
        let spread = |index: usize| (index as i32 * 7919 % 513 - 200) * 401;
        let four = |group: usize| std::array::from_fn(|place| spread(group * GROUP + place));
        let extremes = [one, -one / 4, one / 4 - 1, 0x7fff];
        for instructions in Instructions::available() {
            for count in 0..13 {
                let weights: Vec<[i32; GROUP]> = (0..count).map(four).collect();
                for step in 1..4 {
                    assert_eq!(
                        sums(instructions, &pixels, step, &weights),
                        sums(Instructions::Plain, &pixels, step, &weights),
                        "{instructions:?} {count} {step}"
                    );
                }
            }
            for frame in [&pixels[..], &white] {
                for sign in [1, -1] {
                    let weights = [extremes.map(|weight| sign * weight)];
                    assert_eq!(
                        sums(instructions, frame, 1, &weights),
                        sums(Instructions::Plain, frame, 1, &weights),
                        "{instructions:?}"
                    );
                }
            }
        }
    }
}
