//! TensorFlow's padding SAME.

/// Rule for the zeros around an input.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Padding {
    /// So many zeros at both ends of each axis.
    Fixed([i64; 3]),
    /// TensorFlow's SAME: as many as the size asks for.
    Same,
    /// SAME for sizes that the stride divides, whatever the size is.
    SameStatic,
}

impl Padding {
    /// Zeros before and behind an axis.
    pub(crate) fn of_axis(self, axis: usize, size: i64, kernel: i64, stride: i64) -> (i64, i64) {
        let total = match self {
            Self::Fixed(pads) => return (pads[axis], pads[axis]),
            Self::Same if size % stride != 0 => kernel - size % stride,
            Self::Same | Self::SameStatic => kernel - stride,
        };
        let total = total.max(0);
        (total / 2, total - total / 2)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn same_gives_one_output_for_each_stride() {
        for size in 1..40 {
            for (kernel, stride) in [(7, 2), (3, 1), (3, 2), (2, 2), (1, 2), (5, 3)] {
                let (front, back) = Padding::Same.of_axis(0, size, kernel, stride);
                let output = (size + front + back - kernel) / stride + 1;
                assert_eq!(
                    output,
                    (size + stride - 1) / stride,
                    "{size} {kernel} {stride}"
                );
                assert!(back - front <= 1 && front <= back);
            }
        }
    }

    #[test]
    fn static_padding_ignores_the_size() {
        assert_eq!(Padding::SameStatic.of_axis(0, 9, 3, 2), (0, 1));
        assert_eq!(Padding::Same.of_axis(0, 9, 3, 2), (1, 1));
        assert_eq!(Padding::SameStatic.of_axis(0, 9, 1, 2), (0, 0));
        assert_eq!(Padding::Fixed([1, 2, 3]).of_axis(2, 9, 3, 2), (3, 3));
    }
}
