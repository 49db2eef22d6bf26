//! Dense layers along time, of this workspace and of LibTorch: sizes of our networks, float32, no gradient. CPU, all threads
//! of LibTorch.

use std::time::Duration;

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, Criterion, Throughput, criterion_group, criterion_main};
use tal_core::nn::{Conv1d, Conv1dConfig, convolve, gelu_mlp};
use tch::nn::VarStore;
use tch::{Device, Kind, Tensor};

/// Inputs, outputs, kernel, positions.
const CONVOLUTIONS: [[usize; 4]; 7] = [
    [128, 128, 3, 2304],
    [512, 512, 3, 2304],
    [512, 512, 3, 240],
    [512, 512, 3, 80],
    [512, 20, 3, 4560],
    [256, 256, 3, 768],
    [512, 768, 1, 2304],
];

/// Inputs and outputs, hidden channels, positions.
const MLPS: [[usize; 3]; 4] = [
    [512, 768, 2304],
    [512, 768, 288],
    [256, 2048, 768],
    [256, 2048, 96],
];

fn convolutions(criterion: &mut Criterion) {
    let mut group = group(criterion, "convolutions");
    for [inputs, outputs, kernel, len] in CONVOLUTIONS {
        let vs = VarStore::new(Device::Cpu);
        let layer = Conv1d::new(&vs.root(), Conv1dConfig::new(inputs, outputs, kernel));
        let x = sequence(inputs, len);
        let bias = layer.bias.as_ref();
        let padding = kernel as i64 / 2;
        let ours = || convolve(&x, &layer.weight, bias, padding);
        let libtorch = || x.conv1d(&layer.weight, bias, 1, padding, 1, 1);
        let name = format!("{inputs}x{outputs}x{kernel}/{len}");
        beside(
            &mut group,
            &name,
            inputs * outputs * kernel * len,
            ours,
            libtorch,
        );
    }
    group.finish();
}

fn mlps(criterion: &mut Criterion) {
    let mut group = group(criterion, "mlps");
    for [channels, hidden, len] in MLPS {
        let vs = VarStore::new(Device::Cpu);
        let layer =
            |name: &str, from, to| Conv1d::new(&(vs.root() / name), Conv1dConfig::new(from, to, 1));
        let (expand, contract) = (
            layer("expand", channels, hidden),
            layer("contract", hidden, channels),
        );
        let x = sequence(channels, len);
        let ours = || gelu_mlp(&x, &expand, &contract);
        let plain =
            |x: &Tensor, layer: &Conv1d| x.conv1d(&layer.weight, layer.bias.as_ref(), 1, 0, 1, 1);
        let libtorch = || plain(&plain(&x, &expand).gelu("none"), &contract);
        let name = format!("{channels}x{hidden}/{len}");
        beside(
            &mut group,
            &name,
            2 * channels * hidden * len,
            ours,
            libtorch,
        );
    }
    group.finish();
}

fn group<'a>(criterion: &'a mut Criterion, name: &str) -> BenchmarkGroup<'a, WallTime> {
    tch::manual_seed(1);
    let mut group = criterion.benchmark_group(name);
    group.measurement_time(Duration::from_secs(3));
    group
}

fn sequence(channels: usize, len: usize) -> Tensor {
    let size = [1, channels, len].map(|size| size as i64);
    Tensor::randn(size, (Kind::Float, Device::Cpu))
}

/// Times both; the throughput counts each multiplication with its addition as one element.
fn beside(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    multiplications: usize,
    ours: impl Fn() -> Tensor,
    libtorch: impl Fn() -> Tensor,
) {
    group.throughput(Throughput::Elements(multiplications as u64));
    group.bench_function(format!("{name}/ours"), |bencher| {
        bencher.iter(|| tch::no_grad(&ours));
    });
    group.bench_function(format!("{name}/libtorch"), |bencher| {
        bencher.iter(|| tch::no_grad(&libtorch));
    });
}

criterion_group!(benches, convolutions, mlps);
criterion_main!(benches);
