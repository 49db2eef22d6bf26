//! Transposition of 8 x 8 bytes.

/// Column `i` of eight rows of bytes as row `i`; a word holds the first byte of a row in its lowest bits.
#[inline(always)]
pub(super) fn transpose(first: [u64; 4], last: [u64; 4]) -> [u64; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{
            __m128i, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_unpackhi_epi16, _mm_unpackhi_epi32,
            _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm_unpacklo_epi32,
        };
        // SAFETY: every x86-64 processor has SSE2.
        unsafe {
            let pair = |a: u64, b: u64| {
                _mm_unpacklo_epi8(_mm_cvtsi64_si128(a as i64), _mm_cvtsi64_si128(b as i64))
            };
            let ([a, b, c, d], [e, f, g, h]) = (first, last);
            let (p0, p2, p4, p6) = (pair(a, b), pair(c, d), pair(e, f), pair(g, h));
            let (q0, q1) = (_mm_unpacklo_epi16(p0, p2), _mm_unpackhi_epi16(p0, p2));
            let (q2, q3) = (_mm_unpacklo_epi16(p4, p6), _mm_unpackhi_epi16(p4, p6));
            let low = |pair: __m128i| _mm_cvtsi128_si64(pair) as u64;
            let high = |pair: __m128i| low(_mm_unpackhi_epi64(pair, pair));
            let (c0, c2) = (_mm_unpacklo_epi32(q0, q2), _mm_unpackhi_epi32(q0, q2));
            let (c4, c6) = (_mm_unpacklo_epi32(q1, q3), _mm_unpackhi_epi32(q1, q3));
            [
                low(c0),
                high(c0),
                low(c2),
                high(c2),
                low(c4),
                high(c4),
                low(c6),
                high(c6),
            ]
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable(first, last)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(first: [u64; 4], last: [u64; 4]) -> [u64; 8] {
    let bytes = [first, last].map(|rows| rows.map(u64::to_le_bytes));
    std::array::from_fn(|column| {
        u64::from_le_bytes(std::array::from_fn(|row| bytes[row / 4][row % 4][column]))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let word =
            |row: u8| u64::from_le_bytes(std::array::from_fn(|column| row * 8 + column as u8));
        let (first, last) = ([0, 1, 2, 3].map(word), [4, 5, 6, 7].map(word));
        let columns = transpose(first, last);
        assert_eq!(columns, portable(first, last));
        assert_eq!(columns[3].to_le_bytes(), [3, 11, 19, 27, 35, 43, 51, 59]);
        let [a, b, c, d, e, f, g, h] = columns;
        let back = transpose([a, b, c, d], [e, f, g, h]);
        assert_eq!((&back[..4], &back[4..]), (&first[..], &last[..]));
    }
}
