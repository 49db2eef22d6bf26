//! Preprocessed frames equal those of PyTorch, torchvision, TSP, Pillow and others, pixel by pixel.
//!
//! `fixtures/pixels.safetensors` holds rows of their outputs for frames that a formula gives. Keys are `kernel/LIBRARY.MODE.SIZE`
//! (a frame of 37 x 53 resized to SIZE) and `RECIPE/HEIGHTxWIDTH/ROWS`.

use std::path::Path;

use proptest::prelude::*;
use safetensors::{Dtype, SafeTensors};
use tal_video::{
    Crop, CropRounding, PixelError, PixelRecipe, Preprocessor, Recipe, ResizeFilter, ResizeStep,
    TargetSize,
};

const FIXTURE: &[u8] = include_bytes!("fixtures/pixels.safetensors");

/// A frame of bytes from the formula: random words of a named stream.
fn frame(height: usize, width: usize) -> Vec<u8> {
    fn mix(mut z: u64) -> u64 {
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        z ^ (z >> 31)
    }
    let key = format!("g1/frame/{height}x{width}");
    let seed = mix(key.bytes().fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3)
    }));
    (1..=(height * width * 3) as u64)
        .map(|i| (mix(seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15))) >> 56) as u8)
        .collect()
}

fn side_lengths(text: &str) -> [usize; 2] {
    let (height, width) = text.split_once('x').unwrap();
    [height.parse().unwrap(), width.parse().unwrap()]
}

fn recipe(to: TargetSize, filter: ResizeFilter, crop: Option<(u32, CropRounding)>) -> PixelRecipe {
    PixelRecipe {
        resize: vec![ResizeStep { to, filter }],
        crop: crop.map(|(side, rounding)| Crop {
            size: [side, side],
            rounding,
        }),
        scale: if filter.keeps_bytes() { 1.0 } else { 255.0 },
        mean: None,
        std: None,
    }
}

fn shipped(name: &str) -> PixelRecipe {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/features");
    let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
    serde_yaml::from_str::<Recipe>(&text).unwrap().pixels
}

/// The recipe of a fixture, and the bound of its differences.
fn recipe_of(name: &str) -> Option<(PixelRecipe, f32)> {
    use CropRounding::HalfEven;
    use ResizeFilter::*;
    use TargetSize::*;
    let bytes = |mut recipe: PixelRecipe| {
        (recipe.scale, recipe.mean, recipe.std) = (1.0, None, None);
        (recipe, 0.0)
    };
    Some(match name {
        // The bound before the division by a deviation of 0.217.
        "r2plus1d_112" => (shipped("tsp_anet"), 2e-7 / 0.217),
        "videomaev2_224" => (shipped("videomaev2_thumos"), 2e-7),
        "s3d_224" => (
            recipe(ScaleFactor(224), TorchBilinear, Some((224, HalfEven))),
            2e-7,
        ),
        "antialias_256_centre224" => (
            recipe(
                ShortSide(256),
                TorchBilinearAntialias,
                Some((224, HalfEven)),
            ),
            5e-6,
        ),
        "i3d_video_features_224" => (shipped("i3d_video_features"), 0.0),
        "i3d_video_features_224_u8" => bytes(shipped("i3d_video_features")),
        "bicubic_224_u8" => bytes(shipped("efficientnet_lite0_frames")),
        "efficientnet_lite0_224" => (shipped("efficientnet_lite0_frames"), 0.0),
        "lanczos_224_u8" => bytes(recipe(Exact([224, 224]), PillowLanczos, None)),
        "i3d_resize_224_u8" => bytes(shipped("i3d_thumos_resize")),
        // The original scales in 64-bit floats.
        "i3d_resize_224_rows" => (shipped("i3d_thumos_resize"), 1.2e-7),
        "clip_224" => {
            let mut clip = recipe(ShortSide(224), PillowBicubic, Some((224, HalfEven)));
            clip.scale = 255.0;
            clip.mean = Some([0.48145466, 0.4578275, 0.40821073]);
            clip.std = Some([0.26862954, 0.26130258, 0.27577711]);
            (clip, 0.0)
        }
        _ => return None,
    })
}

fn kernel_of(name: &str) -> (PixelRecipe, f32) {
    let (mode, size) = name.rsplit_once('.').unwrap();
    let size = TargetSize::Exact(side_lengths(size).map(|side| side as u32));
    let (filter, bound) = match mode {
        "pil.box" => (ResizeFilter::PillowBox, 0.0),
        "pil.bilinear" => (ResizeFilter::PillowBilinear, 0.0),
        "pil.hamming" => (ResizeFilter::PillowHamming, 0.0),
        "pil.bicubic" => (ResizeFilter::PillowBicubic, 0.0),
        "pil.lanczos" => (ResizeFilter::PillowLanczos, 0.0),
        "torch.bilinear" => (ResizeFilter::TorchBilinear, 2e-7),
        "torch.bicubic" => (ResizeFilter::TorchBicubic, 1e-6),
        "torch.bilinear.antialias" => (ResizeFilter::TorchBilinearAntialias, 5e-6),
        "torch.bicubic.antialias" => (ResizeFilter::TorchBicubicAntialias, 5e-6),
        other => panic!("{other}"),
    };
    (recipe(size, filter, None), bound)
}

fn preprocessed(recipe: &PixelRecipe, rgb: &[u8], [height, width]: [usize; 2]) -> Vec<f32> {
    let mut preprocessor = Preprocessor::new(recipe).unwrap();
    let mut output = vec![f32::NAN; preprocessor.num_values()];
    preprocessor.run(rgb, width, height, &mut output).unwrap();
    output
}

fn numbers(dtype: Dtype, data: &[u8]) -> Vec<f32> {
    match dtype {
        Dtype::U8 => data.iter().map(|&byte| byte.into()).collect(),
        _ => data
            .as_chunks()
            .0
            .iter()
            .map(|&four| f32::from_le_bytes(four))
            .collect(),
    }
}

/// Compares all tensors of a file, and gives their number.
fn compare(file: &[u8]) -> usize {
    let mut compared = 0;
    for (key, golden) in SafeTensors::deserialize(file).unwrap().iter() {
        let parts: Vec<_> = key.split('/').collect();
        let (found, bound) = match parts[..] {
            ["kernel", name] => {
                let (recipe, bound) = kernel_of(name);
                (preprocessed(&recipe, &frame(37, 53), [37, 53]), bound)
            }
            [name, size, rows] => {
                let Some((recipe, bound)) = recipe_of(name) else {
                    continue;
                };
                let size = side_lengths(size);
                let all = preprocessed(&recipe, &frame(size[0], size[1]), size);
                let width = golden.shape()[2];
                let height = all.len() / width / 3;
                let rows: Vec<usize> = rows.split(',').map(|row| row.parse().unwrap()).collect();
                let row = |(colour, row)| &all[(colour * height + row) * width..][..width];
                let places = (0..3).flat_map(|colour| rows.iter().map(move |&row| (colour, row)));
                (places.flat_map(row).copied().collect(), bound)
            }
            _ => panic!("{key}"),
        };
        let golden = numbers(golden.dtype(), golden.data());
        assert_eq!(found.len(), golden.len(), "{key}");
        let differences = found.iter().zip(&golden).map(|(a, b)| (a - b).abs());
        let largest = differences.fold(0.0, f32::max);
        assert!(largest <= bound, "{key}: {largest:e} above {bound:e}");
        compared += 1;
    }
    compared
}

#[test]
fn pixels_equal_those_of_the_originals() {
    assert_eq!(compare(FIXTURE), 67);
}

#[test]
fn sizes_that_do_not_fit_are_errors() {
    let crop = Some((224, CropRounding::Floor));
    let mut preprocessor = Preprocessor::new(&recipe(
        TargetSize::ShortSide(200),
        ResizeFilter::PillowBox,
        crop,
    ))
    .unwrap();
    let mut output = vec![0.0; preprocessor.num_values()];
    let mut run = |height: usize, width: usize| {
        preprocessor.run(&vec![7; height * width * 3], width, height, &mut output)
    };
    assert!(matches!(
        run(50, 60),
        Err(PixelError::CropTooLarge {
            width: 240,
            height: 200,
            ..
        })
    ));
    assert!(matches!(
        run(0, 60),
        Err(PixelError::FrameSize { height: 0, .. })
    ));
    assert!(matches!(
        run(1, 9000),
        Err(PixelError::ResizedSize {
            resized_width: 1_800_000,
            ..
        })
    ));
    let open = recipe(TargetSize::ShortSide(224), ResizeFilter::PillowBox, None);
    assert_eq!(
        Preprocessor::new(&open).unwrap_err(),
        PixelError::NoFixedSize
    );
}

#[test]
fn a_recipe_without_resizing_crops() {
    let rgb = frame(37, 53);
    let mut plain = recipe(
        TargetSize::ShortSide(1),
        ResizeFilter::PillowBox,
        Some((20, CropRounding::HalfEven)),
    );
    plain.resize.clear();
    let output = preprocessed(&plain, &rgb, [37, 53]);
    // (37 - 20) / 2 and (53 - 20) / 2 to the nearest even number.
    let expected =
        |colour: usize, row: usize, column: usize| rgb[((8 + row) * 53 + 16 + column) * 3 + colour];
    for (index, &value) in output.iter().enumerate() {
        let (colour, row, column) = (index / 400, index / 20 % 20, index % 20);
        assert_eq!(value, f32::from(expected(colour, row, column)), "{index}");
    }
}

#[test]
fn frames_of_changing_sizes_do_not_disturb_each_other() {
    let recipe = shipped("efficientnet_lite0_frames");
    let mut shared = Preprocessor::new(&recipe).unwrap();
    for round in 0..2 {
        for side in 40..52 {
            let rgb = frame(side, side + 7);
            let mut output = vec![f32::NAN; shared.num_values()];
            shared.run(&rgb, side + 7, side, &mut output).unwrap();
            assert_eq!(
                output,
                preprocessed(&recipe, &rgb, [side, side + 7]),
                "{round} {side}"
            );
        }
    }
}

fn any_filter() -> impl Strategy<Value = ResizeFilter> {
    use ResizeFilter::*;
    proptest::sample::select(vec![
        TorchBilinear,
        TorchBicubic,
        TorchBilinearAntialias,
        TorchBicubicAntialias,
        PillowBox,
        PillowBilinear,
        PillowHamming,
        PillowBicubic,
        PillowLanczos,
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]

    #[test]
    fn a_constant_frame_stays_constant(
        filter in any_filter(), height in 1_usize..70, width in 1_usize..70,
        new_height in 1_u32..90, new_width in 1_u32..90, colours: [u8; 3],
    ) {
        let recipe = recipe(TargetSize::Exact([new_height, new_width]), filter, None);
        let output = preprocessed(&recipe, &colours.repeat(height * width), [height, width]);
        for (plane, &byte) in output.chunks(output.len() / 3).zip(&colours) {
            let expected = f32::from(byte) / recipe.scale as f32;
            let bound = if filter.keeps_bytes() { 0.0 } else { 1e-5 };
            for &value in plane {
                prop_assert!((value - expected).abs() <= bound, "{value} {expected}");
            }
        }
    }

    #[test]
    fn a_crop_is_part_of_the_whole(
        filter in any_filter(), height in 20_usize..60, width in 20_usize..60, side in 5_u32..24,
    ) {
        let rgb = frame(height, width);
        let to = TargetSize::Exact([24, 33]);
        let whole = preprocessed(&recipe(to, filter, None), &rgb, [height, width]);
        let part = preprocessed(&recipe(to, filter, Some((side, CropRounding::Floor))), &rgb, [height, width]);
        let side = side as usize;
        let (top, left) = ((24 - side) / 2, (33 - side) / 2);
        for (index, value) in part.into_iter().enumerate() {
            let (colour, row, column) = (index / side / side, index / side % side, index % side);
            prop_assert_eq!(value, whole[(colour * 24 + top + row) * 33 + left + column]);
        }
    }
}
