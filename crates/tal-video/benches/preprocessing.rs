//! Preprocessing of a 720p frame by the shipped recipes, on one core.

use std::hint::black_box;
use std::path::Path;

use criterion::{Criterion, criterion_group, criterion_main};
use tal_video::{PixelRecipe, Preprocessor, Recipe, ResizeFilter, ResizeStep, TargetSize};

fn shipped(name: &str) -> PixelRecipe {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/features");
    let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).expect("a recipe");
    serde_yaml::from_str::<Recipe>(&text)
        .expect("a recipe")
        .pixels
}

fn preprocessing(criterion: &mut Criterion) {
    let (width, height) = (1280, 720);
    let mut state = 1_u32;
    let rgb: Vec<u8> = (0..width * height * 3)
        .map(|_| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .collect();
    let names = [
        "videomaev2_thumos",
        "efficientnet_lite0_frames",
        "i3d_video_features",
        "i3d_thumos_centre",
        "i3d_thumos_resize",
        "tsp_anet",
    ];
    let mut recipes: Vec<_> = names.map(|name| (name, shipped(name))).into();
    let lanczos = ResizeStep {
        to: TargetSize::Exact([224, 224]),
        filter: ResizeFilter::PillowLanczos,
    };
    let mut direct = shipped("i3d_thumos_resize");
    direct.resize = vec![lanczos];
    recipes.push(("lanczos_224", direct));
    let mut group = criterion.benchmark_group("preprocessing_720p");
    for (name, recipe) in recipes {
        let mut preprocessor = Preprocessor::new(&recipe).expect("a fixed size");
        let mut output = vec![0.0; preprocessor.num_values()];
        group.bench_function(name, |bencher| {
            bencher.iter(|| {
                let result = preprocessor.run(black_box(&rgb), width, height, &mut output);
                result.expect("a frame that is large enough");
            });
        });
    }
    group.finish();
}

criterion_group!(benches, preprocessing);
criterion_main!(benches);
