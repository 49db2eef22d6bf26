//! The gradient of a convolution's weights.

use std::mem::MaybeUninit;

use tal_torch::parallel;
use tch::Tensor;

use super::kernel::{Instructions, Tile, accumulate};
use super::{cut, num_threads};
use crate::nn::host;

/// Positions that are added up at a time: what a tile reads of them fits into the second-level cache beside all sums.
const DEPTH: usize = 512;

/// Positions that are transposed at a time: as many rows of a panel as fit into the first-level cache.
const BLOCK: usize = 64;

/// How a tap of a kernel moves over a sequence: the taps read positions `stride` · t + j − `padding`.
#[derive(Debug, Clone, Copy)]
pub(in crate::nn) struct Taps {
    pub(in crate::nn) count: usize,
    pub(in crate::nn) stride: usize,
    pub(in crate::nn) padding: usize,
}

impl Taps {
    /// Those of position t = 0: which of every `stride` positions, and how many of these away.
    pub(in crate::nn) fn places(self) -> impl Iterator<Item = (usize, isize)> + Clone {
        let stride = self.stride as isize;
        (0..self.count).map(move |tap| {
            let position = tap as isize - self.padding as isize;
            (
                position.rem_euclid(stride) as usize,
                position.div_euclid(stride),
            )
        })
    }
}

/// Σ_b, t gradient\[b, o, t\] · x\[b, c, stride·t + j − padding\] for every output o, input c and tap j, x being zero beyond its
/// ends; none for other kinds than float32, other devices, and processors without AVX2.
///
/// # Shapes
/// `x` (B, in, stride · T), `gradient` (B, out, T) → (out, in, taps).
pub(in crate::nn) fn weight_gradient(x: &Tensor, gradient: &Tensor, taps: Taps) -> Option<Tensor> {
    weight_gradient_with(Instructions::best()?, x, gradient, taps)
}

/// [`weight_gradient`] with instructions that the processor has.
fn weight_gradient_with(
    instructions: Instructions,
    x: &Tensor,
    gradient: &Tensor,
    taps: Taps,
) -> Option<Tensor> {
    if !host::are_plain([x, gradient]) {
        return None;
    }
    let ((batch, inputs, long), (samples, outputs, len)) =
        (x.size3().ok()?, gradient.size3().ok()?);
    let fits = batch == samples && long == len * taps.stride as i64;
    if !fits || batch * inputs * outputs * len == 0 {
        return None;
    }
    let [x, gradient] = [x, gradient].map(|tensor| tensor.detach().contiguous());
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let products = unsafe {
        Products {
            x: host::known_values(&x),
            gradient: host::known_values(&gradient),
            inputs: inputs as usize,
            outputs: outputs as usize,
            len: len as usize,
            taps,
        }
    };
    let size = [products.outputs, products.inputs, taps.count];
    // SAFETY: `write` writes every value of the output; the processor has the instructions.
    Some(unsafe {
        host::build(&size, |sums| match instructions {
            Instructions::Avx2 => products.write::<16, 8, 2, 6>(sums),
            Instructions::Avx512 => products.write::<32, 16, 2, 12>(sums),
        })
    })
}

/// What is multiplied.
struct Products<'a> {
    /// (B, in, stride · T)
    x: &'a [f32],
    /// (B, out, T)
    gradient: &'a [f32],
    inputs: usize,
    outputs: usize,
    /// T
    len: usize,
    taps: Taps,
}

/// What a thread reuses from task to task.
struct Buffers<const COLUMNS: usize, const LANES: usize, const VECTORS: usize, const ROWS: usize> {
    /// Input channels side by side, a row for each position that the taps read; by which of every `stride` positions first.
    panels: Vec<Vec<[f32; COLUMNS]>>,
    /// Sums of the taps, by output channels first.
    sums: Vec<Tile<LANES, VECTORS, ROWS>>,
}

impl Products<'_> {
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
        let taps = self.taps.count;
        let num_threads = num_threads(self.gradient.len() * self.inputs * taps);
        // Ranges of input channels, and of output channels where there are not enough of these.
        let ranges = self.inputs.div_ceil(COLUMNS);
        let num_blocks = self.outputs.div_ceil(ROWS);
        let parts = host::num_tasks(num_threads)
            .div_ceil(ranges)
            .clamp(1, num_blocks);
        let rows = num_blocks.div_ceil(parts) * ROWS;
        let tasks = cut(
            output,
            self.inputs * taps,
            [self.outputs, rows, COLUMNS * taps],
        );
        parallel::for_each(
            num_threads,
            tasks.into_iter().enumerate(),
            || Buffers::<COLUMNS, LANES, VECTORS, ROWS> {
                panels: vec![Vec::new(); self.taps.stride],
                sums: Vec::new(),
            },
            |buffers, (number, rows_of_task)| {
                let (first_output, first_input) =
                    (number / ranges * rows, number % ranges * COLUMNS);
                // SAFETY: the caller's promise.
                unsafe { self.write_range([first_output, first_input], rows_of_task, buffers) };
            },
        );
    }

    /// Writes all values of `rows`, one for each output channel from the first on, with some input channels.
    ///
    /// # Safety
    /// That of [`Products::write`].
    unsafe fn write_range<
        const COLUMNS: usize,
        const LANES: usize,
        const VECTORS: usize,
        const ROWS: usize,
    >(
        &self,
        [first_output, first_input]: [usize; 2],
        mut rows: Vec<&mut [MaybeUninit<f32>]>,
        buffers: &mut Buffers<COLUMNS, LANES, VECTORS, ROWS>,
    ) {
        let taps = self.taps.count;
        let width = rows[0].len() / taps;
        let (batch, long) = (
            self.gradient.len() / (self.outputs * self.len),
            self.len * self.taps.stride,
        );
        let places = self.taps.places();
        let shifts = places.clone().map(|(_, shift)| shift);
        let before = shifts.clone().min().unwrap_or(0);
        let beyond = (shifts.max().unwrap_or(0) - before) as usize;
        let Buffers { panels, sums } = buffers;
        let zeros = [[[0.0; LANES]; VECTORS]; ROWS];
        sums.clear();
        sums.resize(rows.len().div_ceil(ROWS) * taps, zeros);
        for sample in 0..batch {
            let x = &self.x[(sample * self.inputs + first_input) * long..][..width * long];
            let gradient = &self.gradient[sample * self.outputs * self.len..];
            for start in (0..self.len).step_by(DEPTH) {
                let depth = DEPTH.min(self.len - start);
                for (phase, panel) in panels.iter_mut().enumerate() {
                    let first = start as isize + before;
                    transpose(
                        x,
                        long,
                        [self.taps.stride, phase],
                        first,
                        depth + beyond,
                        panel,
                    );
                }
                for (block, sums) in sums.chunks_exact_mut(taps).enumerate() {
                    let output = first_output + block * ROWS;
                    let rows: [&[[f32; 1]]; ROWS] = std::array::from_fn(|row| {
                        // Rows beyond the last repeat it; their sums are dropped.
                        let output = (output + row).min(self.outputs - 1);
                        gradient[output * self.len + start..][..depth].as_chunks().0
                    });
                    for (sum, (phase, shift)) in sums.iter_mut().zip(places.clone()) {
                        let panel = &panels[phase][(shift - before) as usize..][..depth];
                        // SAFETY: the caller's promise.
                        unsafe { accumulate(rows, panel, None, sum) };
                    }
                }
            }
        }
        for (sums, rows) in sums.chunks_exact(taps).zip(rows.chunks_mut(ROWS)) {
            for (row, places) in rows.iter_mut().enumerate() {
                for (column, places) in places.chunks_exact_mut(taps).enumerate() {
                    for (place, sum) in places.iter_mut().zip(sums) {
                        place.write(sum[row][column / LANES][column % LANES]);
                    }
                }
            }
        }
    }
}

/// Makes `panel` the columns of `x` that every `stride`-th position from `phase` on has, `count` of them from number `first` on, as
/// rows; zero beyond its ends, and where there are no more channels.
///
/// # Shapes
/// `x` (C, T) with T = `len` → (`count`, COLUMNS), C at most COLUMNS.
fn transpose<const COLUMNS: usize>(
    x: &[f32],
    len: usize,
    [stride, phase]: [usize; 2],
    first: isize,
    count: usize,
    panel: &mut Vec<[f32; COLUMNS]>,
) {
    panel.clear();
    panel.resize(count, [0.0; COLUMNS]);
    let before = first.min(0).unsigned_abs().min(count);
    let first = first.max(0) as usize;
    for (block, rows) in panel[before..].chunks_mut(BLOCK).enumerate() {
        let start = (first + block * BLOCK) * stride + phase;
        for (column, row) in x.chunks_exact(len).enumerate() {
            let values = row.get(start..).unwrap_or_default().iter();
            for (place, &value) in rows.iter_mut().zip(values.step_by(stride)) {
                place[column] = value;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, Kind};

    use super::*;
    use crate::nn::direct::kernel::tests::each;

    /// By LibTorch's backward pass, in float64.
    fn expected(x: &Tensor, gradient: &Tensor, taps: Taps) -> Tensor {
        let [x, gradient] = [x, gradient].map(|tensor| tensor.to_kind(Kind::Double));
        let size = [gradient.size()[1], x.size()[1], taps.count as i64];
        let weight = Tensor::zeros(size, (Kind::Double, Device::Cpu)).set_requires_grad(true);
        let [stride, padding] = [taps.stride, taps.padding].map(|value| value as i64);
        let y = x.conv1d(&weight, None::<Tensor>, stride, padding, 1, 1);
        (y * gradient).sum(None).backward();
        weight.grad()
    }

    #[test]
    fn computes_what_libtorch_computes() {
        tch::manual_seed(11);
        let cases = [
            (1, 1, 1, 1),
            (2, 3, 5, 2),
            (1, 33, 13, 17),
            (3, 16, 6, 64),
            (1, 64, 20, 513),
            (2, 70, 25, 1100),
        ];
        let taps =
            [(1, 1, 0), (3, 1, 1), (7, 1, 3), (3, 2, 1)].map(|(count, stride, padding)| Taps {
                count,
                stride,
                padding,
            });
        each(|instructions| {
            for (batch, inputs, outputs, len) in cases {
                for taps in taps {
                    let options = (Kind::Float, Device::Cpu);
                    let x = Tensor::randn([batch, inputs, len * taps.stride as i64], options);
                    let gradient = Tensor::randn([batch, outputs, len], options);
                    let ours = weight_gradient_with(instructions, &x, &gradient, taps).unwrap();
                    let expected = expected(&x, &gradient, taps);
                    assert_eq!(ours.size(), expected.size());
                    let error = (ours - expected).abs().max().double_value(&[]);
                    // Relative to what a value is in the mean.
                    let limit = 1e-5 * ((batch * len) as f64).sqrt();
                    let name = (instructions, batch, inputs, outputs, len, taps);
                    assert!(error < limit, "{name:?}: {error} above {limit}");
                }
            }
        });
    }

    #[test]
    fn others_are_left_to_libtorch() {
        let options = (Kind::Float, Device::Cpu);
        let [x, gradient] = [8, 4].map(|len| Tensor::randn([1, 2, len], options));
        let taps = |stride| Taps {
            count: 3,
            stride,
            padding: 1,
        };
        assert!(weight_gradient(&x, &gradient, taps(1)).is_none());
        let double = |tensor: &Tensor| tensor.to_kind(Kind::Double);
        assert!(weight_gradient(&double(&x), &double(&gradient), taps(2)).is_none());
        assert!(weight_gradient(&x.narrow(1, 0, 0), &gradient, taps(2)).is_none());
    }
}
