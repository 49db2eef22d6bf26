//! Transposition of 8 x 8 bytes.

/// Column `i` of eight rows of bytes as row `i`; a word holds the first byte of a row in its lowest bits.
#[inline(always)]
pub(super) fn transpose(rows: [u64; 8]) -> [u64; 8] {
    #[cfg(target_arch = "x86_64")]
    {
        use std::arch::x86_64::{
            __m128i, _mm_cvtsi64_si128, _mm_cvtsi128_si64, _mm_unpackhi_epi16, _mm_unpackhi_epi32,
            _mm_unpackhi_epi64, _mm_unpacklo_epi8, _mm_unpacklo_epi16, _mm_unpacklo_epi32,
        };
        // SAFETY: every x86-64 processor has SSE2.
        unsafe {
            let row = |index: usize| _mm_cvtsi64_si128(rows[index] as i64);
            let pair = |a: usize| _mm_unpacklo_epi8(row(a), row(a + 1));
            let (p0, p2, p4, p6) = (pair(0), pair(2), pair(4), pair(6));
            let (q0, q1) = (_mm_unpacklo_epi16(p0, p2), _mm_unpackhi_epi16(p0, p2));
            let (q2, q3) = (_mm_unpacklo_epi16(p4, p6), _mm_unpackhi_epi16(p4, p6));
            let columns: [__m128i; 4] = [
                _mm_unpacklo_epi32(q0, q2),
                _mm_unpackhi_epi32(q0, q2),
                _mm_unpacklo_epi32(q1, q3),
                _mm_unpackhi_epi32(q1, q3),
            ];
            let mut words = [0; 8];
            for (pair, column) in words.as_chunks_mut::<2>().0.iter_mut().zip(columns) {
                pair[0] = _mm_cvtsi128_si64(column) as u64;
                pair[1] = _mm_cvtsi128_si64(_mm_unpackhi_epi64(column, column)) as u64;
            }
            words
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    portable(rows)
}

#[cfg(any(test, not(target_arch = "x86_64")))]
fn portable(rows: [u64; 8]) -> [u64; 8] {
    let bytes = rows.map(u64::to_le_bytes);
    std::array::from_fn(|column| u64::from_le_bytes(std::array::from_fn(|row| bytes[row][column])))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_become_rows() {
        let rows = std::array::from_fn(|row| {
            u64::from_le_bytes(std::array::from_fn(|column| (row * 8 + column) as u8))
        });
        let columns = transpose(rows);
        assert_eq!(columns, portable(rows));
        assert_eq!(columns[3].to_le_bytes(), [3, 11, 19, 27, 35, 43, 51, 59]);
        assert_eq!(transpose(columns), rows);
    }
}
