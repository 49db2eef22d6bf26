//! The block in one pass over the channels against LibTorch's operations.

mod common;

use common::blocks::{DIM, block, input, on_libtorch, small, supported};
use common::{filter, thumos};
use tal_core::config::{
    Downsampling, FilterConfig, GlobalConfig, GmgConfig, InstantMixing, PerLevel,
};
use tal_core::nn::named_variables;
use tal_encoder::{Encoder, Gmg, TemporalMixer};
use tch::{Device, Kind, Tensor, nn::VarStore};

/// Largest difference between both ways, relative to the largest value where that is above 1.
fn difference(block: &Gmg, config: &GmgConfig, x: &Tensor, mask: &Tensor) -> f64 {
    let expected = on_libtorch(block, config, x, mask, false);
    assert!(expected.requires_grad());
    let (y, _) = tch::no_grad(|| {
        assert!(block.is_fused(x));
        block.forward_t(x, mask, false)
    });
    assert_eq!(y.size(), expected.size());
    assert!(!y.requires_grad());
    let largest = expected.abs().max().double_value(&[]);
    assert!(largest.is_finite() && largest > 0.1, "nothing to compare");
    (y - expected).abs().max().double_value(&[]) / largest.max(1.0)
}

#[test]
fn agrees_with_libtorch_in_all_combinations() {
    tch::manual_seed(71);
    tch::set_num_threads(1);
    let places = [None, Some(Downsampling::Max), Some(Downsampling::Average)];
    for (number, config) in supported().iter().enumerate() {
        for (downsampling, has_mlp) in places.into_iter().zip([false, true, false]) {
            let (_vs, block) = block(config, downsampling, has_mlp);
            for len in [1, 2, 7, 64, 65, 150] {
                let (x, mask) = input(number + len, len);
                let error = difference(&block, config, &x, &mask);
                assert!(
                    error < 1e-5,
                    "{config:?} {downsampling:?} {has_mlp} {len}: {error}"
                );
            }
        }
    }
}

#[test]
fn agrees_with_libtorch_at_all_lengths() {
    tch::manual_seed(72);
    tch::set_num_threads(1);
    let configs = supported();
    let released = GmgConfig {
        local_kernel_size: PerLevel::Same(3),
        ..small(GlobalConfig::Fft(filter()))
    };
    for len in (1..=300).chain([1024, 2304, 4095]) {
        let (x, mask) = input(len, len);
        for config in [&released, &configs[len % configs.len()]] {
            let (_vs, block) = block(config, None, false);
            let error = difference(&block, config, &x, &mask);
            assert!(error < 1e-5, "{config:?} {len}: {error}");
        }
    }
}

#[test]
fn a_mean_far_from_zero_costs_no_more_than_in_libtorch() {
    tch::manual_seed(73);
    let config = small(GlobalConfig::Fft(filter()));
    let (vs, single) = block(&config, None, false);
    let (mut exact_vs, exact) = block(&config, None, false);
    exact_vs.double();
    tch::no_grad(|| {
        let values = named_variables(&vs);
        for (name, mut tensor) in named_variables(&exact_vs) {
            tensor.copy_(&values[&name]);
        }
    });
    let (x, mask) = input(0, 96);
    let x = x + 300.0;
    let exact = on_libtorch(&exact, &config, &x.to_kind(Kind::Double), &mask, false);
    let error = |y: Tensor| {
        let difference = y.to_kind(Kind::Double) - &exact;
        difference.abs().max().double_value(&[])
    };
    let libtorch = error(on_libtorch(&single, &config, &x, &mask, false));
    let fused = error(tch::no_grad(|| single.forward_t(&x, &mask, false).0));
    assert!(fused <= 2.0 * libtorch, "{fused} against {libtorch}");
}

#[test]
fn threads_do_not_change_the_result() {
    tch::manual_seed(74);
    let (_vs, block) = block(&small(GlobalConfig::Fft(filter())), None, true);
    // Enough for several threads.
    let (x, mask) = input(2, 700);
    let mut results = Vec::new();
    for num_threads in [1, 3] {
        tch::set_num_threads(num_threads);
        results.push(tch::no_grad(|| block.forward_t(&x, &mask, false).0));
    }
    tch::set_num_threads(1);
    assert!(results[0].equal(&results[1]));
}

#[test]
fn the_rest_stays_with_libtorch() {
    tch::manual_seed(75);
    let (x, mask) = input(1, 20);
    let fused = |config: &GmgConfig, x: &Tensor| {
        let (mut vs, block) = block(config, None, true);
        if x.kind() == Kind::Double {
            vs.double();
        }
        tch::no_grad(|| {
            let (y, _) = block.forward_t(x, &mask, false);
            assert!(y.isfinite().all().int64_value(&[]) == 1);
            block.is_fused(x)
        })
    };
    let released = small(GlobalConfig::Fft(filter()));
    assert!(fused(&released, &x));
    assert!(!fused(&released, &x.to_kind(Kind::Double)));
    let dense = GmgConfig {
        instant_mixing: InstantMixing::Dense,
        ..released.clone()
    };
    assert!(!fused(&dense, &x));
    let wide = small(GlobalConfig::Fft(FilterConfig {
        kernel_size: 3,
        ..filter()
    }));
    assert!(!fused(&wide, &x));
    let attention = small(GlobalConfig::SelfAttention { num_heads: 4 });
    assert!(!fused(&attention, &x));
}

#[test]
fn inputs_of_any_layout_are_read() {
    tch::manual_seed(76);
    let config = small(GlobalConfig::Fft(filter()));
    let (_vs, block) = block(&config, None, false);
    let (x, mask) = input(1, 20);
    let strided = x.transpose(1, 2).contiguous().transpose(1, 2);
    assert!(!strided.is_contiguous());
    assert!(difference(&block, &config, &strided, &mask) < 1e-5);
}

#[test]
fn the_encoder_agrees_level_by_level() {
    tch::manual_seed(78);
    tch::set_num_threads(1);
    let mut config = thumos();
    config.dim = DIM;
    let encoder = || {
        let vs = VarStore::new(Device::Cpu);
        let encoder = Encoder::new(&vs.root(), &config, 24, 256).unwrap();
        (vs, encoder)
    };
    let (vs, single) = encoder();
    // Which LibTorch's operations compute.
    let (mut exact_vs, exact) = encoder();
    exact_vs.double();
    tch::no_grad(|| {
        for mut tensor in vs.trainable_variables() {
            let _ = tensor.uniform_(-0.4, 0.4);
        }
        let values = named_variables(&vs);
        for (name, mut tensor) in named_variables(&exact_vs) {
            tensor.copy_(&values[&name]);
        }
    });
    let features = Tensor::randn([2, 24, 256], (Kind::Float, Device::Cpu));
    let lens = [256, 91];
    let expected = exact.forward_t(&features.to_kind(Kind::Double), &lens, false);
    let found = single.forward_t(&features, &lens, false);
    for (found, expected) in found.levels.iter().zip(&expected.levels) {
        let largest = expected.features.abs().max().double_value(&[]);
        let difference = (&found.features - &expected.features).abs().max();
        let error = difference.double_value(&[]) / largest.max(1.0);
        assert!(error < 2e-5, "{error}");
        assert!(found.mask.equal(&expected.mask));
    }
}
