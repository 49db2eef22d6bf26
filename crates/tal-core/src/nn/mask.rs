//! Masks that tell features from padding.

use tch::{Device, Kind, Tensor};

use super::dim;

/// Mask of a batch of padded recordings: true at features, false at padding.
///
/// m\[b, 0, t\] = t < lens\[b\]
///
/// # Shapes
/// Boolean (B, 1, T) with T = `padded_len`.
pub fn length_mask(lens: &[usize], padded_len: usize, device: Device) -> Tensor {
    let lens: Vec<i64> = lens.iter().map(|&len| dim(len)).collect();
    let lens = Tensor::from_slice(&lens).view([-1, 1, 1]);
    Tensor::arange(dim(padded_len), (Kind::Int64, Device::Cpu))
        .view([1, 1, -1])
        .lt_tensor(&lens)
        .to_device(device)
}

/// Mask of the next coarser level: every second position.
///
/// m'\[t\] = m\[2t\]
///
/// # Shapes
/// (B, 1, T) → (B, 1, ⌈T/2⌉).
pub fn downsample_mask(mask: &Tensor) -> Tensor {
    mask.slice(-1, None, None, 2).contiguous()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn ones(mask: &Tensor) -> Vec<usize> {
        let rows = mask.size()[0];
        (0..rows)
            .map(|row| {
                let row = Vec::<bool>::try_from(mask.get(row).view(-1)).unwrap();
                let len = row.iter().filter(|&&m| m).count();
                assert!(row[..len].iter().all(|&m| m), "holes in {row:?}");
                len
            })
            .collect()
    }

    proptest! {
        #[test]
        fn halved_masks_keep_the_ceiling(lens in prop::collection::vec(0usize..70, 1..4), extra in 0usize..9) {
            let padded_len = lens.iter().max().unwrap() + extra;
            let mask = length_mask(&lens, padded_len, Device::Cpu);
            prop_assert_eq!(mask.size(), [lens.len() as i64, 1, padded_len as i64]);
            prop_assert_eq!(ones(&mask), lens.clone());
            let half = downsample_mask(&mask);
            prop_assert_eq!(half.kind(), Kind::Bool);
            prop_assert_eq!(half.size()[2], padded_len.div_ceil(2) as i64);
            prop_assert_eq!(ones(&half), lens.iter().map(|len| len.div_ceil(2)).collect::<Vec<_>>());
        }
    }
}
