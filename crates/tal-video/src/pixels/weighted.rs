//! Weighted sums of pixels of eight rows.

use super::filter::PRECISION;

/// Rows that are filtered together.
pub(super) const BLOCK: usize = 8;

/// Half a unit of a sum.
pub(super) const HALF: i32 = 1 << (PRECISION - 1);

/// The bytes of one place in eight rows.
pub(super) type Place = [u8; BLOCK];

/// The rounded sums for three colours; a word holds the first row in its lowest bits.
#[inline(always)]
pub(super) fn plain(pixels: &[[Place; 3]], weights: &[i32]) -> [u64; 3] {
    let mut sums = [[HALF; BLOCK]; 3];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        for (sums, place) in sums.iter_mut().zip(pixel) {
            for (sum, &byte) in sums.iter_mut().zip(place) {
                *sum += weight * i32::from(byte);
            }
        }
    }
    sums.map(|sums| u64::from_le_bytes(sums.map(rounded)))
}

/// The byte of a sum.
#[inline(always)]
pub(super) fn rounded(sum: i32) -> u8 {
    (sum >> PRECISION).clamp(0, 255) as u8
}

/// The same as [`plain`]. The compiler would vectorise it over the pixels and gather single bytes.
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn avx2(pixels: &[[Place; 3]], weights: &[i32]) -> [u64; 3] {
    use std::arch::x86_64::{
        _mm_cvtsi64_si128, _mm256_add_epi32, _mm256_cvtepu8_epi32, _mm256_extract_epi64,
        _mm256_mullo_epi32, _mm256_packs_epi32, _mm256_packus_epi16, _mm256_permutevar8x32_epi32,
        _mm256_set1_epi32, _mm256_setr_epi32, _mm256_srai_epi32,
    };

    let mut sums = [_mm256_set1_epi32(HALF); 3];
    for (pixel, &weight) in pixels.iter().zip(weights) {
        let weight = _mm256_set1_epi32(weight);
        for (sum, &place) in sums.iter_mut().zip(pixel) {
            let bytes = _mm_cvtsi64_si128(i64::from_le_bytes(place));
            let product = _mm256_mullo_epi32(_mm256_cvtepu8_epi32(bytes), weight);
            *sum = _mm256_add_epi32(*sum, product);
        }
    }
    // Saturation to 16 and then 8 bits clamps to a byte.
    let [red, green, blue] = sums.map(|sum| _mm256_srai_epi32::<{ PRECISION as i32 }>(sum));
    let halves = _mm256_packus_epi16(
        _mm256_packs_epi32(red, green),
        _mm256_packs_epi32(blue, blue),
    );
    // The first four rows of all colours come before the last four.
    let words = _mm256_permutevar8x32_epi32(halves, _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7));
    [
        _mm256_extract_epi64::<0>(words) as u64,
        _mm256_extract_epi64::<1>(words) as u64,
        _mm256_extract_epi64::<2>(words) as u64,
    ]
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn instructions_do_not_change_sums() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let byte = |index: usize| (index * index * 31 + index * 7) as u8;
        let place = |index: usize| std::array::from_fn(|row| byte(index * BLOCK + row));
        let pixels: Vec<[Place; 3]> = (0..40)
            .map(|pixel| std::array::from_fn(|colour| place(pixel * 3 + colour)))
            .collect();
        for count in 0..40 {
            let weight = |tap: usize| (tap as i32 * 7919 % 513 - 200) * 4001;
            let weights: Vec<i32> = (0..count).map(weight).collect();
            // SAFETY: the processor has AVX2.
            let found = unsafe { avx2(&pixels, &weights) };
            assert_eq!(found, plain(&pixels, &weights), "{count}");
        }
    }
}
