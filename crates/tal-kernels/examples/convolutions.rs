//! Times of convolutions with kernel 3 and of their weights' gradients: the plain loop and half the products in turn.
//!
//! `cargo run --release -p tal-kernels --example convolutions -- THREADS` prints the shortest time of the processor, of all threads
//! together, so that other programs disturb little.

use std::mem::MaybeUninit;

use tal_kernels::{
    Convolution, Layer, ScopedThreads, Taps, WeightGradient, WinogradConvolution,
    WinogradWeightGradient,
};

/// Samples, inputs, outputs, positions.
const CASES: [[usize; 4]; 15] = [
    [1, 512, 512, 2304],
    [1, 2048, 512, 2304],
    [1, 512, 512, 4560],
    [2, 512, 512, 2304],
    [1, 512, 20, 4560],
    [1, 512, 512, 1152],
    [1, 512, 512, 576],
    [1, 512, 512, 288],
    [1, 512, 512, 144],
    [1, 512, 512, 72],
    [1, 256, 256, 768],
    [1, 256, 256, 192],
    [1, 128, 128, 2304],
    [1, 64, 64, 2304],
    [1, 512, 2, 4560],
];

fn main() {
    let threads = std::env::args().nth(1);
    let threads = ScopedThreads(threads.map_or(1, |count| count.parse().expect("a number")));
    println!(
        "{:<24} {:>8} {:>8} {:>8}",
        "", "plain ms", "half ms", "quotient"
    );
    for [batch, inputs, outputs, len] in CASES {
        let x = noise(1, batch * inputs * len);
        let weight = noise(2, outputs * inputs * 3);
        let gradient = noise(3, batch * outputs * len);
        let layer = Layer {
            weight: &weight,
            bias: None,
        };
        let taps = Taps {
            count: 3,
            stride: 1,
            padding: 1,
        };
        let name = format!("{batch} x {inputs}x{outputs}x3/{len}");
        let channels = [outputs, inputs];
        let runs = (4_000_000_000 / (x.len() * outputs)).clamp(5, 300);
        let plain = Convolution::new([outputs, inputs, 3], len);
        let half = WinogradConvolution::new(channels, [batch, len]);
        let mut y = vec![MaybeUninit::uninit(); gradient.len()];
        let mut z = y.clone();
        if let (Some(plain), Some(half)) = (plain, half) {
            let plain = || {
                std::hint::black_box(plain.run(&threads, &x, layer, &mut y));
            };
            let half = || {
                std::hint::black_box(half.run(&threads, &x, layer, &mut z));
            };
            report(&name, runs, plain, half);
        }
        let plain = WeightGradient::new(channels, len, taps);
        let half = WinogradWeightGradient::new(channels, [batch, len]);
        let mut y = vec![MaybeUninit::uninit(); weight.len()];
        let mut z = y.clone();
        if let (Some(plain), Some(half)) = (plain, half) {
            let plain = || {
                std::hint::black_box(plain.run(&threads, &x, &gradient, &mut y));
            };
            let half = || {
                std::hint::black_box(half.run(&threads, &x, &gradient, &mut z));
            };
            report("  weight gradient", runs, plain, half);
        }
    }
}

fn report(name: &str, runs: usize, mut plain: impl FnMut(), mut half: impl FnMut()) {
    let mut best = [f64::INFINITY; 2];
    for _ in 0..runs {
        let start = processor_seconds();
        plain();
        let middle = processor_seconds();
        half();
        let times = [middle - start, processor_seconds() - middle];
        best = [0, 1].map(|which| best[which].min(times[which]));
    }
    let [plain, half] = best.map(|seconds| 1e3 * seconds);
    println!("{name:<24} {plain:8.2} {half:8.2} {:8.2}", plain / half);
}

/// Numbers between −1.7 and 1.7.
fn noise(mut state: u64, count: usize) -> Vec<f32> {
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 40) as f32 / (1u64 << 23) as f32 - 1.0) * 1.7
    };
    (0..count).map(|_| next()).collect()
}

/// Time that the processor has spent on this process.
fn processor_seconds() -> f64 {
    const PROCESS: i32 = 2;
    unsafe extern "C" {
        fn clock_gettime(clock: i32, time: *mut [i64; 2]) -> i32;
    }
    let mut time = [0; 2];
    // SAFETY: on 64-bit Linux a time is two numbers of 64 bits.
    unsafe { clock_gettime(PROCESS, &mut time) };
    time[0] as f64 + 1e-9 * time[1] as f64
}
