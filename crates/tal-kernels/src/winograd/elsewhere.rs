//! Processors without the instructions: nothing can be made.

use std::mem::MaybeUninit;

use crate::panels::Layer;
use crate::threads::Threads;

/// The convolution with three taps by half the products, which this processor has no instructions for.
#[derive(Debug, Clone, Copy)]
pub enum WinogradConvolution {}

impl WinogradConvolution {
    /// `None`.
    pub fn new(_: [usize; 2], _: [usize; 2]) -> Option<Self> {
        None
    }

    /// Never called.
    pub fn run<'o>(
        &self,
        _: &dyn Threads,
        _: &[f32],
        _: Layer<'_>,
        _: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        match *self {}
    }
}

/// The gradient of its weights by half the products, which this processor has no instructions for.
#[derive(Debug, Clone, Copy)]
pub enum WinogradWeightGradient {}

impl WinogradWeightGradient {
    /// `None`.
    pub fn new(_: [usize; 2], _: [usize; 2]) -> Option<Self> {
        None
    }

    /// Never called.
    pub fn run<'o>(
        &self,
        _: &dyn Threads,
        _: &[f32],
        _: &[f32],
        _: &'o mut [MaybeUninit<f32>],
    ) -> &'o mut [f32] {
        match *self {}
    }
}
