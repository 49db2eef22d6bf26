//! The branches of a Gated Multi-Granularity block in one pass over the channels, and one back.

mod row;
mod row_backward;

use std::mem::MaybeUninit;

use crate::channel_gradient::{Piece, ScaleGradients};
use crate::channel_moments::ChannelMoments;
use crate::filter::Filter;
use crate::rows::{for_each_row, for_each_row_with, written};
use crate::threads::Threads;

use row::Row;
use row_backward::RowGradients;

pub use row::{Gate, GmgWeights};

/// x · mask + k · s · (Inst + Loc + G + y) with y = LN(x), where k is a factor of the sample and s one of the channel.
///
/// A row, which fits into the processor's cache, goes through the norm, the filter, the gates and the residual at once. The way
/// back computes them again from the input and the moments.
///
/// Its methods panic if a slice has another size. Their results do not depend on the number of threads.
///
/// # Shapes
/// `x` (B, C, T), `mask` and `moments` (B, T), `factors` (B), all at least 1.
///
/// # Source
/// Equation 4 of arXiv 2412.09202.
pub struct GmgBranches<'a> {
    /// Input.
    pub x: &'a [f32],
    /// 1 at features, 0 at padding.
    pub mask: &'a [f32],
    /// Moments of the norm.
    pub moments: &'a ChannelMoments,
    /// k
    pub factors: &'a [f32],
    /// Positions T.
    pub len: usize,
    /// Weights of all channels.
    pub weights: GmgWeights<'a>,
}

/// The gradients of a [`GmgBranches`]' weights.
#[derive(Debug, Clone, PartialEq)]
pub struct GmgGradients {
    /// γ and β of the norm.
    pub norm: ScaleGradients,
    /// w₁, b₁, w₂ and b₂ of the filter, kernels and offsets of the local branch, factors and offsets of the instant branch, and
    /// factors of the residual branch, in this order; those of missing branches are left out.
    pub branches: Vec<Vec<f32>>,
}

impl GmgBranches<'_> {
    /// Writes every value of `out` (B, C, T).
    pub fn forward<'o>(
        &self,
        threads: &dyn Threads,
        out: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        self.check(out.len());
        let mix = |buffers: &mut _, number, out: &mut [MaybeUninit<f32>]| {
            self.weights.mix(buffers, &self.row(number), out);
        };
        let state = || self.weights.buffers(self.len);
        for_each_row(threads, out, self.len, state, mix);
        // SAFETY: every value belongs to a row, and `mix` writes as many as a row has.
        unsafe { written(out) }
    }

    /// Leads the gradient of the output back to x, which is written to every value of `out`, and to the weights.
    ///
    /// Sums over samples are taken in their order.
    ///
    /// # Shapes
    /// `gradient`, `out` (B, C, T)
    pub fn backward<'o>(
        &self,
        threads: &dyn Threads,
        gradient: &[f32],
        out: &'o mut [MaybeUninit<f32>],
    ) -> (&'o mut [f32], GmgGradients) {
        self.check(gradient.len());
        let (len, num_channels) = (self.len, self.num_channels());
        let mut sums = vec![RowGradients::default(); self.x.len() / len];
        let work = |buffers: &mut _, number, out: &mut [MaybeUninit<f32>], sums: &mut _| {
            let gradient = &gradient[number * len..][..len];
            let row = self.row(number);
            *sums = self.weights.mix_backward(buffers, &row, gradient, out);
        };
        let state = || self.weights.backward_buffers(len);
        let mut normed = Vec::with_capacity(self.x.len());
        let room = &mut normed.spare_capacity_mut()[..self.x.len()];
        for_each_row_with(threads, room, len, &mut sums, state, work);
        // SAFETY: there is room; every value belongs to a row, and `mix_backward` writes as many as a row has.
        unsafe { normed.set_len(self.x.len()) };

        let (channels, others) = sums.split_at_mut(num_channels);
        for sample in others.chunks(num_channels) {
            for (channel, other) in channels.iter_mut().zip(sample) {
                channel.add(other);
            }
        }
        let read = |piece: Piece, row: &mut [f32]| {
            row.copy_from_slice(&normed[piece.offset..][..row.len()]);
        };
        let add_residual = |piece: Piece, row: &mut [f32]| {
            let mask = &self.mask[piece.sample * len + piece.start..];
            let residual = gradient[piece.offset..].iter().zip(mask);
            for (x, (gradient, mask)) in row.iter_mut().zip(residual) {
                *x += gradient * mask;
            }
        };
        let operands = [self.x, self.weights.norm[0]];
        let (x, norm) = self
            .moments
            .backward(threads, operands, len, read, add_residual, out);
        let branches = self.of_branches(channels);
        (x, GmgGradients { norm, branches })
    }

    /// The gradients of the branches' weights, by channel.
    fn of_branches(&self, channels: &[RowGradients]) -> Vec<Vec<f32>> {
        let mut lists = Vec::new();
        let mut push = |values: &mut dyn Iterator<Item = f64>| {
            lists.push(values.map(|value| value as f32).collect());
        };
        if self.weights.filter.is_some() {
            for index in 0..4 {
                let part = |part: usize| channels.iter().map(move |c| c.filter[index][part]);
                push(&mut part(0).chain(part(1)));
            }
        }
        if self.weights.local.is_some() {
            push(&mut channels.iter().flat_map(|c| c.local_taps.iter().copied()));
            push(&mut channels.iter().map(|c| c.local_offset));
        }
        if self.weights.instant.is_some() {
            push(&mut channels.iter().map(|c| c.instant[0]));
            push(&mut channels.iter().map(|c| c.instant[1]));
        }
        if self.weights.scale.is_some() {
            push(&mut channels.iter().map(|c| c.scale));
        }
        lists
    }

    fn num_channels(&self) -> usize {
        self.weights.norm[0].len()
    }

    /// Row `number` of the input.
    fn row(&self, number: usize) -> Row<'_> {
        let (len, num_channels) = (self.len, self.num_channels());
        let sample = number / num_channels;
        Row {
            channel: number % num_channels,
            x: &self.x[number * len..][..len],
            mean: &self.moments.mean[sample * len..][..len],
            inverse_std: &self.moments.inverse_std[sample * len..][..len],
            mask: &self.mask[sample * len..][..len],
            factor: self.factors[sample],
        }
    }

    /// Checks all sizes.
    fn check(&self, count: usize) {
        let (len, num_channels, batch) = (self.len, self.num_channels(), self.factors.len());
        let GmgWeights {
            norm,
            filter,
            local,
            instant,
            scale,
            ..
        } = &self.weights;
        let all = |lists: &[&[f32]]| lists.iter().all(|list| list.len() == num_channels);
        let is_filter = |filter: &Filter<'_>| filter.sizes() == [num_channels, len, 1];
        let columns = [
            self.mask.len(),
            self.moments.mean.len(),
            self.moments.inverse_std.len(),
        ];
        assert!(
            batch * num_channels * len > 0
                && [self.x.len(), count] == [batch * num_channels * len; 2]
                && columns == [batch * len; 3],
            "{} values to {count} with {columns:?} columns are not {batch} times {num_channels} channels of {len} positions",
            self.x.len()
        );
        assert!(
            all(norm)
                && filter.as_ref().is_none_or(is_filter)
                && local.is_none_or(|[_, offsets]| all(&[offsets]))
                && self.weights.kernel_size() % 2 == 1
                && local
                    .is_none_or(|[taps, _]| taps.len() == num_channels * self.weights.kernel_size())
                && instant.is_none_or(|lists| all(&lists))
                && scale.is_none_or(|list| all(&[list])),
            "weights of branches that are not for {num_channels} channels of {len} positions"
        );
    }
}

#[cfg(test)]
mod tests;
