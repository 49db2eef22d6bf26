//! Two fully connected layers at every position, with the hidden channels in cache.

use std::mem::MaybeUninit;

use tal_torch::parallel;
use tch::Tensor;

use super::kernel::{Instructions, Tile, accumulate};
use super::{Layer, MIN_LEN, cut, num_threads, pack, write};
use crate::nn::{Conv1d, host, precision};

/// Hidden channels at a time.
const CHUNK: usize = 384;

/// Positions at most whose sums are kept while all hidden channels pass by.
const MAX_POSITIONS: usize = 48;

/// `contract`(GELU(`expand`(x))), GELU(v) = v · Φ(v) with the exact normal distribution function.
///
/// Where no gradient is recorded, on the processors that this module is for, the hidden channels of a few positions are computed,
/// rectified and multiplied at once, and never written to memory; elsewhere one layer runs after the other.
///
/// # Shapes
/// (B, C, T) → (B, C', T): `expand` C → M, `contract` M → C'.
pub fn gelu_mlp(x: &Tensor, expand: &Conv1d, contract: &Conv1d) -> Tensor {
    Instructions::best()
        .and_then(|instructions| in_cache(instructions, x, expand, contract))
        .unwrap_or_else(|| contract.forward(&expand.forward(x).gelu("none")))
}

/// [`gelu_mlp`] at once with instructions that the processor has, where that is possible and faster.
fn in_cache(
    instructions: Instructions,
    x: &Tensor,
    expand: &Conv1d,
    contract: &Conv1d,
) -> Option<Tensor> {
    let layers = [expand, contract];
    let weights = layers.into_iter().flat_map(|layer| {
        let bias = layer.bias.as_ref();
        [Some(&layer.weight), bias].into_iter().flatten()
    });
    let tensors: Vec<&Tensor> = [x].into_iter().chain(weights).collect();
    let applies = layers.into_iter().all(Conv1d::is_pointwise)
        && !precision::is_reduced()
        && host::are_plain(tensors.iter().copied())
        && !host::records_gradient(tensors);
    if !applies {
        return None;
    }
    let (batch, inputs, len) = x.size3().ok()?;
    // LibTorch has the words for what does not fit.
    let hidden = expand.weight.size()[0];
    let fits = expand.weight.size()[1] == inputs && contract.weight.size()[1] == hidden;
    if !fits || batch * inputs * hidden == 0 || len < MIN_LEN {
        return None;
    }
    let contiguous = |tensor: &Tensor| tensor.detach().contiguous();
    let x = contiguous(x);
    let weights = layers.map(|layer| contiguous(&layer.weight));
    let biases = layers.map(|layer| layer.bias.as_ref().map(contiguous));
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let mlp = unsafe {
        Mlp {
            x: host::known_values(&x),
            len: len as usize,
            expand: Layer::new(&weights[0], biases[0].as_ref()),
            contract: Layer::new(&weights[1], biases[1].as_ref()),
        }
    };
    let size = [batch as usize, mlp.contract.outputs, mlp.len];
    // SAFETY: `write` writes every value of the output; the processor has the instructions.
    Some(unsafe {
        host::build(&size, |y| match instructions {
            Instructions::Avx2 => mlp.write::<16, 8, 2, 6>(y),
            Instructions::Avx512 => mlp.write::<48, 16, 3, 8>(y),
        })
    })
}

/// Input and weights.
struct Mlp<'a> {
    /// (B, C, T)
    x: &'a [f32],
    len: usize,
    expand: Layer<'a, 1>,
    contract: Layer<'a, 1>,
}

/// What a thread reuses from task to task.
struct Buffers<const COLUMNS: usize, const LANES: usize, const VECTORS: usize, const ROWS: usize> {
    /// Panels of the input.
    input: Vec<[f32; COLUMNS]>,
    /// A panel of some of the hidden channels.
    hidden: Vec<[f32; COLUMNS]>,
    /// Sums of the output, by panels first.
    sums: Vec<Tile<LANES, VECTORS, ROWS>>,
}

impl Mlp<'_> {
    /// Writes every value of `output`.
    ///
    /// # Safety
    /// The processor must have instructions for so many lanes.
    unsafe fn write<
        const COLUMNS: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        &self,
        output: &mut [MaybeUninit<f32>],
    ) {
        let max_panels = MAX_POSITIONS / COLUMNS;
        let (inputs, outputs) = (self.expand.inputs, self.contract.outputs);
        let num_panels = self.len.div_ceil(COLUMNS);
        let num_threads =
            num_threads(self.x.len() / inputs * self.expand.outputs * (inputs + outputs));
        // As many for one thread as for another.
        let rounds = num_panels.div_ceil(num_threads * max_panels);
        let panels = num_panels.div_ceil(num_threads * rounds);
        let ranges = num_panels.div_ceil(panels);
        let tasks = cut(output, self.len, [outputs, outputs, panels * COLUMNS]);
        let tasks = tasks.into_iter().enumerate();
        parallel::for_each(
            num_threads,
            tasks,
            || Buffers::<COLUMNS, LANES, VECTORS, ROWS> {
                input: Vec::new(),
                hidden: Vec::new(),
                sums: Vec::new(),
            },
            |buffers, (number, pieces)| {
                let sample = &self.x[number / ranges * inputs * self.len..][..inputs * self.len];
                let first = number % ranges * panels * COLUMNS;
                // SAFETY: the caller's promise.
                unsafe { self.write_range(sample, first, pieces, buffers) };
            },
        );
    }

    /// Writes all values of `rows`, one for each output channel, at positions from `first` on, from the `sample` (C, T).
    ///
    /// # Safety
    /// That of [`Mlp::write`].
    unsafe fn write_range<
        const COLUMNS: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        &self,
        sample: &[f32],
        first: usize,
        mut rows: Vec<&mut [MaybeUninit<f32>]>,
        buffers: &mut Buffers<COLUMNS, LANES, VECTORS, ROWS>,
    ) {
        let width = rows[0].len();
        let panels = width.div_ceil(COLUMNS);
        let blocks = self.contract.outputs.div_ceil(ROWS);
        let Buffers {
            input,
            hidden,
            sums,
        } = buffers;
        pack::<1, COLUMNS>(sample, self.len, first, width, input);
        let empty: Tile<LANES, VECTORS, ROWS> = [[[0.0; LANES]; VECTORS]; ROWS];
        sums.resize(panels * blocks, empty);
        hidden.resize(CHUNK.next_multiple_of(ROWS), [0.0; COLUMNS]);
        let all = self.expand.outputs;
        for start in (0..all).step_by(CHUNK) {
            let chunk = start..(start + CHUNK).min(all);
            let panels = input.chunks_exact(self.expand.inputs);
            for (panel, sums) in panels.zip(sums.chunks_exact_mut(blocks)) {
                for (block, hidden) in hidden.chunks_exact_mut(ROWS).enumerate() {
                    let row = chunk.start + block * ROWS;
                    if row >= chunk.end {
                        break;
                    }
                    let kernels = self.expand.kernels(row, 0..self.expand.inputs);
                    let mut tile = empty;
                    // SAFETY: the caller's promise.
                    unsafe {
                        accumulate(kernels, panel, Some(self.expand.start(row)), &mut tile);
                        gelu(&tile, hidden);
                    }
                }
                for (block, sum) in sums.iter_mut().enumerate() {
                    let row = block * ROWS;
                    let kernels = self.contract.kernels(row, chunk.clone());
                    let start = (start == 0).then(|| self.contract.start(row));
                    // SAFETY: as above.
                    unsafe { accumulate(kernels, &hidden[..chunk.len()], start, sum) };
                }
            }
        }
        for (block, rows) in rows.chunks_mut(ROWS).enumerate() {
            for (panel, sums) in sums.chunks_exact(blocks).enumerate() {
                let columns = panel * COLUMNS..((panel + 1) * COLUMNS).min(width);
                for (sum, row) in sums[block].iter().zip(&mut *rows) {
                    write(sum, &mut row[columns.clone()]);
                }
            }
        }
    }
}

/// GELU of every value of a tile.
///
/// # Safety
/// The processor must have instructions for so many lanes.
unsafe fn gelu<
    const COLUMNS: usize,
    const LANES: usize,
    const VECTORS: usize,
    const ROWS: usize,
>(
    tile: &Tile<LANES, VECTORS, ROWS>,
    hidden: &mut [[f32; COLUMNS]],
) {
    /// In whatever instructions the caller is compiled to.
    #[inline(always)]
    fn plain<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        for (to, &value) in to.as_flattened_mut().iter_mut().zip(from) {
            *to = 0.5 * value * (1.0 + erf(value * std::f32::consts::FRAC_1_SQRT_2));
        }
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx2,fma")]
    fn avx2<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        plain(from, to);
    }

    #[cfg(target_arch = "x86_64")]
    #[target_feature(enable = "avx512f,fma")]
    fn avx512<const N: usize>(from: &[f32], to: &mut [[f32; N]]) {
        plain(from, to);
    }

    let from = tile.as_flattened().as_flattened();
    #[cfg(target_arch = "x86_64")]
    // SAFETY: the caller's promise.
    unsafe {
        match LANES {
            8 => avx2(from, hidden),
            _ => avx512(from, hidden),
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    plain(from, hidden);
}

/// The error function, at most 3·10⁻⁷ off: x · p(x²) / q(x²), and ±1 where it rounds to that. The quotient was fitted to it on
/// (−3.92, 3.92), where it is at most 1.7·10⁻⁸ off before rounding.
#[inline(always)]
fn erf(x: f32) -> f32 {
    const LAST: f32 = 3.92;
    const P: [f32; 6] = [
        4.069_236e-6,
        5.748_758_4e-4,
        7.734_867_9e-3,
        1.061_156e-1,
        3.854_922_8e-1,
        2.256_758,
    ];
    const Q: [f32; 6] = [
        7.613_440_9e-5,
        2.375_710_5e-3,
        3.034_116_1e-2,
        2.301_538_3e-1,
        1.008_297,
        2.0,
    ];
    let square = x * x;
    let polynomial = |coefficients: [f32; 6]| {
        let sum = |sum: f32, &coefficient: &f32| sum.mul_add(square, coefficient);
        coefficients[1..].iter().fold(coefficients[0], sum)
    };
    if x.abs() < LAST {
        x * polynomial(P) / polynomial(Q)
    } else {
        // Not a number stays so.
        x.clamp(-1.0, 1.0)
    }
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::direct::kernel::tests::each;
    use crate::nn::{BiasInit, Conv1dConfig};

    const FLOAT: (Kind, Device) = (Kind::Float, Device::Cpu);

    fn layer(vs: &VarStore, name: &str, from: usize, to: usize, bias: BiasInit) -> Conv1d {
        let config = Conv1dConfig {
            bias,
            ..Conv1dConfig::new(from, to, 1)
        };
        Conv1d::new(&(vs.root() / name), config)
    }

    #[test]
    fn computes_what_the_layers_compute() {
        each(computes_what_the_layers_compute_with);
    }

    fn computes_what_the_layers_compute_with(instructions: Instructions) {
        tch::manual_seed(5);
        // More hidden channels than one chunk, channels and positions that fill no block, several samples.
        let cases = [
            (1, 1, 1, 1, 16),
            (2, 3, 7, 5, 17),
            (3, 20, 800, 13, 50),
            (1, 64, 385, 64, 300),
            (1, 256, 1000, 100, 97),
        ];
        for (batch, inputs, hidden, outputs, len) in cases {
            for bias in [BiasInit::Default, BiasInit::None] {
                let vs = VarStore::new(Device::Cpu);
                let expand = layer(&vs, "expand", inputs, hidden, bias);
                let contract = layer(&vs, "contract", hidden, outputs, bias);
                let x = 3.0 * Tensor::randn([batch, inputs as i64, len], FLOAT);
                let _guard = tch::no_grad_guard();
                let ours = in_cache(instructions, &x, &expand, &contract).unwrap();
                let double = |x: &Tensor, layer: &Conv1d| {
                    let [weight, bias] = [Some(&layer.weight), layer.bias.as_ref()]
                        .map(|tensor| tensor.map(|tensor| tensor.to_kind(Kind::Double)));
                    x.conv1d(&weight.unwrap(), bias, 1, 0, 1, 1)
                };
                let hidden = double(&x.to_kind(Kind::Double), &expand).gelu("none");
                let expected = double(&hidden, &contract);
                assert_eq!(ours.size(), expected.size());
                let scale = expected.abs().max().double_value(&[]);
                let error = (ours - expected).abs().max().double_value(&[]) / scale;
                assert!(error < 2e-6, "{:?}: {error}", (batch, inputs, outputs, len));
            }
        }
    }

    #[test]
    fn the_error_function_is_near_everywhere() {
        let x = Tensor::linspace(-6.0, 6.0, 20_001, FLOAT);
        let expected = Vec::<f64>::try_from(x.to_kind(Kind::Double).erf()).unwrap();
        for (x, expected) in Vec::<f32>::try_from(x).unwrap().into_iter().zip(expected) {
            let error = (f64::from(erf(x)) - expected).abs();
            assert!(error < 3e-7, "{x}: {error}");
        }
        for (x, expected) in [(f32::INFINITY, 1.0), (f32::NEG_INFINITY, -1.0), (1e30, 1.0)] {
            assert_eq!(erf(x), expected);
        }
        assert!(erf(f32::NAN).is_nan());
    }

    #[test]
    fn what_is_trained_or_not_pointwise_runs_layer_by_layer() {
        let in_cache = |x: &Tensor, expand: &Conv1d, contract: &Conv1d| {
            in_cache(Instructions::best()?, x, expand, contract)
        };
        let vs = VarStore::new(Device::Cpu);
        let [expand, contract] =
            ["expand", "contract"].map(|name| layer(&vs, name, 4, 4, BiasInit::Default));
        let wide = Conv1d::new(&vs.root(), Conv1dConfig::new(4, 4, 3));
        let x = Tensor::randn([1, 4, 32], FLOAT);
        assert!(in_cache(&x, &expand, &contract).is_none());
        gelu_mlp(&x, &expand, &contract).sum(None).backward();
        assert!(expand.weight.grad().abs().max().double_value(&[]) > 0.0);
        tch::no_grad(|| {
            assert!(in_cache(&x, &wide, &contract).is_none());
            assert!(in_cache(&x.to_kind(Kind::Double), &expand, &contract).is_none());
            assert!(in_cache(&x.narrow(2, 0, 8), &expand, &contract).is_none());
        });
    }
}
