//! Resized features against LibTorch's own interpolation.

use tal_data::FeatureArray;
use tal_data::resize;
use tch::{Kind, Tensor};

#[test]
fn resizing_is_that_of_libtorch() {
    tch::set_num_threads(1);
    tch::manual_seed(3);
    for (from, len) in [
        (1, 5),
        (2, 7),
        (5, 2),
        (64, 64),
        (75, 100),
        (100, 75),
        (313, 768),
        (1000, 96),
    ] {
        let values = Tensor::randn([1, 3, from], (Kind::Float, tch::Device::Cpu));
        let theirs = values.upsample_linear1d([len], false, None);
        let data = Vec::<f32>::try_from(values.flatten(0, -1)).unwrap();
        let ours = resize::linear(
            &FeatureArray::from_channel_first(data, 3, from as usize),
            len as usize,
        );
        let theirs = Vec::<f32>::try_from(theirs.flatten(0, -1)).unwrap();
        // LibTorch multiplies and adds in one rounding where the processor can: positions up to 1000 then differ in the
        // last bit, 6e-5, and so do the shares of neighbours that lie up to 9 apart.
        let tolerance = 1e-6 + 1e-6 * from as f32;
        for (index, (ours, theirs)) in ours.data().iter().zip(&theirs).enumerate() {
            assert!(
                (ours - theirs).abs() <= tolerance,
                "{from} to {len}, {index}: {ours} {theirs}"
            );
        }
    }
}
