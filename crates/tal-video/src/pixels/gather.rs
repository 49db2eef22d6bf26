//! Bytes of rows in the order in which they are summed.

use super::weighted::{GROUP, LANES, Pixels};

/// Bytes of a group of pixels in a row.
const BYTES: usize = 3 * GROUP;

/// The pixels of eight rows of equal length, four columns together. Columns that fill up the last group are black.
#[inline(always)]
pub(super) fn plain(rows: [&[u8]; LANES], block: &mut [Pixels]) {
    from(0, rows, block);
}

/// [`plain`] from a group on.
#[inline(always)]
fn from(first: usize, rows: [&[u8]; LANES], block: &mut [Pixels]) {
    let mut put = |index: usize, lane: usize, bytes: &[u8; BYTES]| {
        let Pixels(colours) = &mut block[index];
        for (colour, lanes) in colours.iter_mut().enumerate() {
            lanes[lane] = std::array::from_fn(|place| bytes[3 * place + colour]);
        }
    };
    for (lane, row) in rows.into_iter().enumerate() {
        let (groups, rest) = row.as_chunks::<BYTES>();
        for (index, bytes) in groups.iter().enumerate().skip(first) {
            put(index, lane, bytes);
        }
        if !rest.is_empty() {
            let mut bytes = [0; BYTES];
            bytes[..rest.len()].copy_from_slice(rest);
            put(groups.len(), lane, &bytes);
        }
    }
}

/// The same as [`plain`].
#[cfg(target_arch = "x86_64")]
#[inline]
#[target_feature(enable = "avx2")]
pub(super) fn avx2(rows: [&[u8]; LANES], block: &mut [Pixels]) {
    use std::arch::x86_64::{
        _mm_loadu_si128, _mm256_castsi128_si256, _mm256_inserti128_si256, _mm256_setr_epi8,
        _mm256_shuffle_epi8, _mm256_store_si256, _mm256_unpackhi_epi32, _mm256_unpackhi_epi64,
        _mm256_unpacklo_epi32, _mm256_unpacklo_epi64,
    };

    /// Bytes that are read for a group, four more than it has.
    const READ: usize = 16;

    let len = rows[0].len();
    assert!(
        rows.iter().all(|row| row.len() == len),
        "rows of one length"
    );
    let num_groups = ((len + BYTES).saturating_sub(READ) / BYTES).min(block.len());
    let colours_apart = _mm256_setr_epi8(
        0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1, //
        0, 3, 6, 9, 1, 4, 7, 10, 2, 5, 8, 11, -1, -1, -1, -1,
    );
    for (index, Pixels([red, green, blue])) in block[..num_groups].iter_mut().enumerate() {
        // A row and the one four below it: four words of each, one for each colour.
        let pair = |lane: usize| {
            // SAFETY: the sixteen bytes from there are in the rows, because at most `num_groups` groups are read.
            let [upper, lower] = [lane, lane + LANES / 2].map(|lane| unsafe {
                _mm_loadu_si128(rows[lane].as_ptr().add(index * BYTES).cast())
            });
            let both = _mm256_inserti128_si256::<1>(_mm256_castsi128_si256(upper), lower);
            _mm256_shuffle_epi8(both, colours_apart)
        };
        let (a, b, c, d) = (pair(0), pair(1), pair(2), pair(3));
        let (ab, cd) = (_mm256_unpacklo_epi32(a, b), _mm256_unpacklo_epi32(c, d));
        let (ab_blue, cd_blue) = (_mm256_unpackhi_epi32(a, b), _mm256_unpackhi_epi32(c, d));
        for (colour, words) in [
            (red, _mm256_unpacklo_epi64(ab, cd)),
            (green, _mm256_unpackhi_epi64(ab, cd)),
            (blue, _mm256_unpacklo_epi64(ab_blue, cd_blue)),
        ] {
            // SAFETY: the lanes of pixels are 32 bytes, aligned to 32.
            unsafe { _mm256_store_si256(std::ptr::from_mut(colour).cast(), words) };
        }
    }
    from(num_groups, rows, block);
}

#[cfg(all(test, target_arch = "x86_64"))]
mod tests {
    use super::*;

    #[test]
    fn instructions_do_not_change_the_order() {
        if !std::arch::is_x86_feature_detected!("avx2") {
            return;
        }
        let bytes: Vec<u8> = (0..5_000)
            .map(|index: usize| (index * index * 31 + index) as u8)
            .collect();
        for columns in 1..40 {
            let rows: [&[u8]; LANES] =
                std::array::from_fn(|lane| &bytes[lane * 300..][..columns * 3]);
            let mut found = vec![Pixels::BLACK; columns.div_ceil(GROUP)];
            let mut expected = found.clone();
            plain(rows, &mut expected);
            // SAFETY: the processor has AVX2.
            unsafe { avx2(rows, &mut found) };
            for (found, expected) in found.iter().zip(&expected) {
                assert_eq!(found.0, expected.0, "{columns}");
            }
            let Pixels([_, green, _]) = expected[(columns - 1) / GROUP];
            let last = (columns - 1) % GROUP;
            assert_eq!(green[5][last], bytes[5 * 300 + (columns - 1) * 3 + 1]);
        }
    }
}
