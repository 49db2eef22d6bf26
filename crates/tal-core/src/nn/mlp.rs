//! Two fully connected layers at every position.

use tal_kernels::GeluMlp;
use tch::Tensor;

use super::{Conv1d, host, precision};

/// `contract`(GELU(`expand`(x))), GELU(v) = v · Φ(v) with the exact normal distribution function.
///
/// If no gradient is recorded, [`GeluMlp`] takes both layers at once on processors that it is for; otherwise one layer runs
/// after the other.
///
/// # Shapes
/// (B, C, T) → (B, C', T): `expand` C → M, `contract` M → C'.
pub fn gelu_mlp(x: &Tensor, expand: &Conv1d, contract: &Conv1d) -> Tensor {
    at_once(x, expand, contract)
        .unwrap_or_else(|| contract.forward(&expand.forward(x).gelu("none")))
}

/// [`gelu_mlp`] by [`GeluMlp`]; `None` if the loop is not for these layers, tensors or this processor.
fn at_once(x: &Tensor, expand: &Conv1d, contract: &Conv1d) -> Option<Tensor> {
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
    let [hidden, outputs] = layers.map(|layer| layer.weight.size()[0]);
    // LibTorch has the words for what does not fit.
    let fits = expand.weight.size()[1] == inputs && contract.weight.size()[1] == hidden;
    if !fits || batch == 0 {
        return None;
    }
    let [batch, inputs, hidden, outputs, len] =
        [batch, inputs, hidden, outputs, len].map(|size| size as usize);
    let plan = GeluMlp::new([inputs, hidden, outputs], len)?;
    let contiguous = |tensor: &Tensor| tensor.detach().contiguous();
    let x = contiguous(x);
    let weights = layers.map(|layer| contiguous(&layer.weight));
    let biases = layers.map(|layer| layer.bias.as_ref().map(contiguous));
    // SAFETY: nobody writes to the inputs of an operation while it runs.
    let (x, layers) = unsafe {
        (
            host::known_values(&x),
            [0, 1].map(|i| host::layer(&weights[i], biases[i].as_ref())),
        )
    };
    Some(host::build(&[batch, outputs, len], |y| {
        plan.run(host::THREADS, x, layers, y)
    }))
}

#[cfg(test)]
mod tests {
    use tch::nn::VarStore;
    use tch::{Device, Kind};

    use super::*;
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
        tch::manual_seed(5);
        for (batch, inputs, hidden, outputs, len) in [(3, 20, 800, 13, 50), (1, 64, 385, 64, 300)] {
            for bias in [BiasInit::Default, BiasInit::None] {
                let vs = VarStore::new(Device::Cpu);
                let expand = layer(&vs, "expand", inputs, hidden, bias);
                let contract = layer(&vs, "contract", hidden, outputs, bias);
                let x = 3.0 * Tensor::randn([batch, inputs as i64, len], FLOAT);
                let _guard = tch::no_grad_guard();
                let ours = gelu_mlp(&x, &expand, &contract);
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
    fn threads_do_not_change_results() {
        tch::manual_seed(3);
        let vs = VarStore::new(Device::Cpu);
        let expand = layer(&vs, "expand", 64, 250, BiasInit::Default);
        let contract = layer(&vs, "contract", 250, 64, BiasInit::Default);
        let x = Tensor::randn([2, 64, 1000], FLOAT);
        let before = tch::get_num_threads();
        let run = |num_threads| {
            tch::set_num_threads(num_threads);
            let y = tch::no_grad(|| gelu_mlp(&x, &expand, &contract));
            tch::set_num_threads(before);
            y
        };
        assert_eq!(run(1), run(3));
    }

    #[test]
    fn what_is_trained_or_not_pointwise_runs_layer_by_layer() {
        let vs = VarStore::new(Device::Cpu);
        let [expand, contract] =
            ["expand", "contract"].map(|name| layer(&vs, name, 4, 4, BiasInit::Default));
        let wide = Conv1d::new(&vs.root(), Conv1dConfig::new(4, 4, 3));
        let x = Tensor::randn([1, 4, 32], FLOAT);
        assert!(at_once(&x, &expand, &contract).is_none());
        gelu_mlp(&x, &expand, &contract).sum(None).backward();
        assert!(expand.weight.grad().abs().max().double_value(&[]) > 0.0);
        tch::no_grad(|| {
            assert!(at_once(&x, &wide, &contract).is_none());
            assert!(at_once(&x.to_kind(Kind::Double), &expand, &contract).is_none());
            assert!(at_once(&x.narrow(2, 0, 8), &expand, &contract).is_none());
        });
    }
}
