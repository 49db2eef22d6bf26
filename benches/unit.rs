//! Unit of the times of networks, so that figures of different machines can be compared.

use std::time::Instant;

use criterion::measurement::WallTime;
use criterion::{Bencher, BenchmarkGroup};
use tch::{Device, Kind, Tensor};

/// Channels of the unit's convolution.
const CHANNELS: i64 = 512;
/// Positions of its input.
const LEN: i64 = 2304;
/// Number of timed convolutions before each run of a workload.
const RUNS: usize = 3;

/// Work of one unit: a convolution along time by LibTorch, 512 to 512 channels, kernel 3, padding 1, float32, input
/// (2, 512, 2304), no gradient.
#[derive(Debug)]
pub struct Convolution {
    input: Tensor,
    weight: Tensor,
}

impl Convolution {
    /// Random input and weights.
    pub fn new() -> Self {
        let options = (Kind::Float, Device::Cpu);
        Self {
            input: Tensor::randn([2, CHANNELS, LEN], options),
            weight: Tensor::randn([CHANNELS, CHANNELS, 3], options),
        }
    }

    /// Convolves once.
    pub fn run(&self) -> Tensor {
        tch::no_grad(|| self.input.conv1d(&self.weight, None::<Tensor>, 1, 1, 1, 1))
    }
}

impl Default for Convolution {
    fn default() -> Self {
        Self::new()
    }
}

/// Time of a workload beside that of the unit: medians over the runs. `units` is the median of the quotients, because both
/// times vary with the load of the machine.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct InUnits {
    /// Time of the workload, in seconds.
    pub seconds: f64,
    /// Time of the unit, in seconds.
    pub unit: f64,
    /// Time of the workload, in units.
    pub units: f64,
}

/// Times `num_runs` runs after two warm-up runs, with the unit (the median of a few [`Convolution::run`]) just before each.
///
/// # Panics
/// If `num_runs` is 0.
pub fn measure(num_runs: usize, mut run: impl FnMut()) -> InUnits {
    assert!(num_runs > 0, "nothing is measured");
    let convolution = Convolution::new();
    let unit = || {
        let times = (0..RUNS).map(|_| {
            seconds(|| {
                let _ = convolution.run();
            })
        });
        median(times.collect())
    };
    for _ in 0..2 {
        unit();
        run();
    }
    let pairs: Vec<(f64, f64)> = (0..num_runs).map(|_| (unit(), seconds(&mut run))).collect();
    let over = |of: fn(&(f64, f64)) -> f64| median(pairs.iter().map(of).collect());
    InUnits {
        seconds: over(|(_, seconds)| *seconds),
        unit: over(|(unit, _)| *unit),
        units: over(|(unit, seconds)| seconds / unit),
    }
}

fn seconds(run: impl FnOnce()) -> f64 {
    let start = Instant::now();
    run();
    start.elapsed().as_secs_f64()
}

/// Median; the upper of the two middle values if there are two.
fn median(mut values: Vec<f64>) -> f64 {
    values.sort_unstable_by(f64::total_cmp);
    values[values.len() / 2]
}

/// Times a benchmark after the unit itself, which is recorded as `NAME/u`: the quotient is the time in units.
pub fn in_units(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    benchmark: impl FnMut(&mut Bencher<'_, WallTime>),
) {
    let convolution = Convolution::new();
    group.bench_function(format!("{name}/u"), |bencher| {
        bencher.iter(|| convolution.run());
    });
    group.bench_function(name, benchmark);
}
