//! Convolutions along time of the sizes that networks have, float32, no gradient: `convolve` of this workspace against
//! LibTorch's. CPU, all threads of LibTorch.

use std::time::Duration;

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use tal_core::nn::convolve;
use tch::{Device, Kind, Tensor};

/// Inputs, outputs, kernel, positions.
const SIZES: [[i64; 4]; 5] = [
    [512, 512, 3, 2304],
    [512, 512, 3, 80],
    [512, 20, 3, 4560],
    [256, 256, 3, 768],
    [512, 768, 1, 2304],
];

fn convolutions(criterion: &mut Criterion) {
    tch::manual_seed(1);
    let mut group = criterion.benchmark_group("convolutions");
    group.measurement_time(Duration::from_secs(3));
    for [inputs, outputs, kernel, len] in SIZES {
        let options = (Kind::Float, Device::Cpu);
        let x = Tensor::randn([1, inputs, len], options);
        let weight = Tensor::randn([outputs, inputs, kernel], options);
        let bias = Tensor::randn([outputs], options);
        let name = format!("{inputs}x{outputs}x{kernel}/{len}");
        // Elements are multiplications with additions: half of the operations per second.
        let multiplications = inputs * outputs * kernel * len;
        group.throughput(Throughput::Elements(multiplications.unsigned_abs()));
        group.bench_function(format!("{name}/ours"), |bencher| {
            bencher.iter(|| tch::no_grad(|| convolve(&x, &weight, Some(&bias), kernel / 2)));
        });
        group.bench_function(format!("{name}/libtorch"), |bencher| {
            bencher.iter(|| tch::no_grad(|| x.conv1d(&weight, Some(&bias), 1, kernel / 2, 1, 1)));
        });
    }
    group.finish();
}

criterion_group!(benches, convolutions);
criterion_main!(benches);
