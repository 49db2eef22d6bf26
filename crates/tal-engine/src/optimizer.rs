//! AdamW and the moving average of weights, on tensors whose state can be saved.

use tal_core::config::{EmaConfig, OptimizerMethod, TrainConfig};
use tal_core::weights::NamedTensors;
use tch::{Device, Tensor, no_grad};

use crate::updates::{self, AdamStep};

/// Whether weight decay applies to the parameter `name`: weights of convolutions and of the spectral filter, not biases,
/// normalisations or scales.
///
/// # Source
/// The authors' public code.
pub fn decays(name: &str) -> bool {
    match name.rsplit('.').next() {
        Some("weight") => !name.split('.').any(|part| part.contains("norm")),
        Some("w1" | "w2") => true,
        _ => false,
    }
}

/// Prefix of the Gaussians of action sensitivity learning. No optimiser decays them: μ would go to 0 and σ to about 0.8.
const GAUSSIANS: &str = "sensitivity.gaussians.";

struct Parameter {
    name: String,
    value: Tensor,
    /// Whether the weight decay of the method applies to it.
    decay: bool,
    /// First moment, same shape as the value.
    mean: Tensor,
    /// Second moment, same shape.
    square: Tensor,
    /// Number of steps with a gradient.
    steps: u64,
}

/// AdamW with decoupled weight decay, or Adam, which adds weight decay · parameter to the gradient of every parameter except
/// the Gaussians of `loss.action_sensitivity`. Parameters without a gradient are skipped.
///
/// # Source
/// Loshchilov and Hutter, 2019; the arithmetic follows PyTorch's.
pub struct AdamW {
    parameters: Vec<Parameter>,
    betas: [f64; 2],
    eps: f64,
    weight_decay: f64,
    method: OptimizerMethod,
    /// Factor of the gradients in the next step; `None` for 1.
    factor: Option<Tensor>,
}

impl AdamW {
    /// An optimiser for `parameters`, with zero moments.
    pub fn new(parameters: &NamedTensors, config: &TrainConfig) -> Self {
        let parameters = parameters
            .iter()
            .map(|(name, value)| Parameter {
                name: name.clone(),
                value: value.shallow_clone(),
                decay: match config.optimizer {
                    OptimizerMethod::AdamW => decays(name),
                    OptimizerMethod::Adam => !name.starts_with(GAUSSIANS),
                },
                mean: value.detach().zeros_like(),
                square: value.detach().zeros_like(),
                steps: 0,
            })
            .collect();
        Self {
            parameters,
            betas: config.betas,
            eps: config.eps,
            weight_decay: config.weight_decay,
            method: config.optimizer,
            factor: None,
        }
    }

    /// Sets all gradients to zero.
    pub fn zero_grad(&mut self) {
        self.factor = None;
        for parameter in &mut self.parameters {
            parameter.value.zero_grad();
        }
    }

    /// L2 norm of all gradients together, as a scalar tensor; 0 if there is no gradient.
    pub fn grad_norm(&self) -> Tensor {
        let norms: Vec<Tensor> = self.grads().map(|grad| grad.norm()).collect();
        let norm = match norms.first() {
            Some(_) => Tensor::stack(&norms, 0).norm(),
            None => Tensor::from(0f32),
        };
        match &self.factor {
            Some(factor) => norm * factor,
            None => norm,
        }
    }

    /// Scales all gradients by min(1, `max_norm` / (‖g‖ + 1e-6)) and returns the norm ‖g‖ before scaling. The next step scales
    /// the gradients as it reads them; their tensors stay as they are.
    pub fn clip_grad_norm(&mut self, max_norm: f64) -> Tensor {
        no_grad(|| {
            let norm = self.grad_norm();
            let factor = ((&norm + 1e-6).reciprocal() * max_norm).clamp_max(1.0);
            self.factor = Some(match self.factor.take() {
                Some(before) => before * factor,
                None => factor,
            });
            norm
        })
    }

    /// The variables that it changes, always in the same order.
    pub(crate) fn variables(&self) -> impl Iterator<Item = &Tensor> {
        self.parameters.iter().map(|parameter| &parameter.value)
    }

    /// The variables and their moments.
    pub(crate) fn tensors(&self) -> impl Iterator<Item = &Tensor> {
        self.parameters
            .iter()
            .flat_map(|parameter| [&parameter.value, &parameter.mean, &parameter.square])
    }

    fn grads(&self) -> impl Iterator<Item = Tensor> {
        self.parameters
            .iter()
            .map(|parameter| parameter.value.grad())
            .filter(Tensor::defined)
    }

    /// One step with learning rate `rate`.
    pub fn step(&mut self, rate: f64) {
        let [beta1, beta2] = self.betas;
        no_grad(|| {
            // Read once, and not at all if it lies on a GPU.
            let on_host = |factor: &&Tensor| factor.device() == Device::Cpu;
            let factor = self.factor.as_ref().filter(on_host);
            let factor = factor.map_or(1.0, |factor| factor.double_value(&[]) as f32);
            for parameter in &mut self.parameters {
                let mut grad = parameter.value.grad();
                if !grad.defined() {
                    continue;
                }
                parameter.steps += 1;
                let correction = |beta: f64| 1.0 - beta.powf(parameter.steps as f64);
                let (keep, l2) = match self.method {
                    _ if !parameter.decay => (1.0, 0.0),
                    OptimizerMethod::AdamW => (1.0 - rate * self.weight_decay, 0.0),
                    OptimizerMethod::Adam => (1.0, self.weight_decay),
                };
                let step = AdamStep {
                    keep,
                    l2,
                    betas: self.betas,
                    eps: self.eps,
                    root: correction(beta2).sqrt(),
                    scale: -rate / correction(beta1),
                };
                let Parameter {
                    value,
                    mean,
                    square,
                    ..
                } = parameter;
                if updates::adam(&step, factor, value, mean, square, &grad) {
                    continue;
                }
                // New tensors: the gradient itself stays as it is.
                if let Some(factor) = &self.factor {
                    grad = grad.g_mul(factor);
                }
                if step.l2 > 0.0 {
                    grad = (&*value * step.l2) + &grad;
                }
                let _ = value.g_mul_scalar_(step.keep);
                let _ = mean.lerp_(&grad, 1.0 - beta1);
                let _ = square.g_mul_scalar_(beta2);
                let _ = square.addcmul_(&grad, &(&grad * (1.0 - beta2)));
                let mut denominator = square.sqrt();
                let _ = denominator.g_div_scalar_(step.root);
                let _ = denominator.g_add_scalar_(step.eps);
                let _ = value.addcdiv_(&(&*mean * step.scale), &denominator);
            }
        });
    }

    /// The moments and step counts, under `mean.NAME`, `square.NAME` and `steps.NAME`.
    pub fn state(&self) -> NamedTensors {
        self.parameters
            .iter()
            .flat_map(|parameter| {
                let (mean, square) = (&parameter.mean, &parameter.square);
                let (mean, square) = (mean.shallow_clone(), square.shallow_clone());
                state_entries(&parameter.name, mean, square, parameter.steps)
            })
            .collect()
    }

    /// Takes over a state from [`AdamW::state`].
    ///
    /// # Errors
    /// The name of the first entry that is missing or has a wrong shape.
    pub fn load_state(&mut self, state: &NamedTensors) -> Result<(), String> {
        let get = |kind: &str, parameter: &Parameter| {
            let key = format!("{kind}.{}", parameter.name);
            state.get(&key).ok_or(key)
        };
        no_grad(|| {
            for parameter in &mut self.parameters {
                let (mean, square) = (get("mean", parameter)?, get("square", parameter)?);
                for (kind, tensor) in [("mean", mean), ("square", square)] {
                    if tensor.size() != parameter.value.size() {
                        return Err(format!("{kind}.{}", parameter.name));
                    }
                }
                parameter.mean.copy_(mean);
                parameter.square.copy_(square);
                parameter.steps = get("steps", parameter)?.int64_value(&[]) as u64;
            }
            Ok(())
        })
    }
}

/// The entries of [`AdamW::state`] for the parameter `name`.
pub(crate) fn state_entries(
    name: &str,
    mean: Tensor,
    square: Tensor,
    steps: u64,
) -> [(String, Tensor); 3] {
    [
        (format!("mean.{name}"), mean),
        (format!("square.{name}"), square),
        (format!("steps.{name}"), Tensor::from(steps as i64)),
    ]
}

/// Exponential moving average of weights: e ← d·e + (1 − d)·p.
///
/// # Source
/// The authors' public code; the optional warm-up of the decay, min(d, (1 + n)/(10 + n)), is ours. The plain mean of the last
/// weights follows Izmailov et al., 2018.
pub struct Ema {
    average: NamedTensors,
    config: EmaConfig,
    /// First step of the plain mean.
    mean_from: Option<u64>,
}

impl Ema {
    /// An average that starts at the values of `parameters`.
    pub fn new(parameters: &NamedTensors, config: &EmaConfig) -> Self {
        let average = parameters
            .iter()
            .map(|(name, value)| (name.clone(), value.detach().copy()))
            .collect();
        Self {
            average,
            config: config.clone(),
            mean_from: None,
        }
    }

    /// The average for a run of `num_steps` steps, on which the beginning of `average_from` depends.
    pub fn of_steps(mut self, num_steps: u64) -> Self {
        let share = self.config.average_from;
        self.mean_from = share.map(|share| (share * num_steps as f64) as u64);
        self
    }

    /// The decay at step `step`; a function of the step alone, so that a resumed run continues exactly.
    fn decay(&self, step: u64) -> f64 {
        let number = step as f64;
        match self.mean_from {
            Some(first) if step >= first => {
                let taken = (step - first) as f64;
                taken / (taken + 1.0)
            }
            _ if self.config.warmup => self.config.decay.min((1.0 + number) / (10.0 + number)),
            _ => self.config.decay,
        }
    }

    /// Takes in `parameters` after step `step`, counted from 0.
    pub fn update(&mut self, parameters: &NamedTensors, step: u64) {
        let decay = self.decay(step);
        no_grad(|| {
            for (name, average) in &mut self.average {
                if updates::average(average, &parameters[name], decay) {
                    continue;
                }
                let _ = average.g_mul_scalar_(decay);
                let _ = average.g_add_(&(&parameters[name] * (1.0 - decay)));
            }
        });
    }

    /// The averaged weights, by parameter name.
    pub fn average(&self) -> &NamedTensors {
        &self.average
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use tch::{Kind, kind::DOUBLE_CPU};

    #[test]
    fn decay_goes_by_name() {
        assert!(decays("encoder.projection.0.conv.weight"));
        assert!(decays("encoder.stem.1.filter.w2"));
        for name in [
            "encoder.projection.0.norm.weight",
            "encoder.stem.0.group_norm.weight",
            "neck.norms.3.weight",
            "encoder.stem.0.filter.b1",
            "decoder.dcm.up.bias",
            "decoder.regression.scale.0",
            "encoder.branch.0.drop_path_mlp.scale",
        ] {
            assert!(!decays(name), "{name}");
        }
    }

    /// The update written out for single numbers.
    fn scalar_adamw(mut p: f64, grads: &[f64], rate: f64, decay: f64) -> f64 {
        let (mut m, mut v) = (0.0, 0.0);
        for (t, g) in grads.iter().enumerate() {
            p *= 1.0 - rate * decay;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let t = t as i32 + 1;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            p -= rate * m_hat / (v_hat.sqrt() + 1e-8);
        }
        p
    }

    #[test]
    fn steps_follow_the_formula_and_survive_saving() {
        let make = || {
            let weight = Tensor::from(1.5f64).set_requires_grad(true);
            let bias = Tensor::from(-0.5f64).set_requires_grad(true);
            let idle = Tensor::from(7.0f64).set_requires_grad(true);
            NamedTensors::from([
                ("a.weight".to_owned(), weight),
                ("a.bias".to_owned(), bias),
                ("idle.scale".to_owned(), idle),
            ])
        };
        let grads = [0.3, -2.0, 0.7, 0.0, 5.0];
        let config = TrainConfig::default();
        let parameters = make();
        let mut optimizer = AdamW::new(&parameters, &config);
        for (index, grad) in grads.iter().enumerate() {
            if index == 3 {
                // Half way: a new optimiser takes over.
                let state = optimizer.state();
                optimizer = AdamW::new(&parameters, &config);
                optimizer.load_state(&state).unwrap();
            }
            optimizer.zero_grad();
            (&parameters["a.weight"] * *grad + &parameters["a.bias"] * *grad).backward();
            optimizer.step(0.01);
        }
        let value = |name: &str| parameters[name].double_value(&[]);
        assert!((value("a.weight") - scalar_adamw(1.5, &grads, 0.01, 0.05)).abs() < 1e-12);
        assert!((value("a.bias") - scalar_adamw(-0.5, &grads, 0.01, 0.0)).abs() < 1e-12);
        assert_eq!(value("idle.scale"), 7.0);
    }

    #[test]
    fn the_weight_decay_of_adam_is_part_of_every_gradient() {
        let config = TrainConfig {
            optimizer: OptimizerMethod::Adam,
            weight_decay: 0.5,
            ..TrainConfig::default()
        };
        let bias = Tensor::from(1.5f64).set_requires_grad(true);
        let parameters = NamedTensors::from([("a.bias".to_owned(), bias)]);
        let mut optimizer = AdamW::new(&parameters, &config);
        let (mut p, mut m, mut v) = (1.5f64, 0.0, 0.0);
        for (t, g) in [0.3, -2.0, 0.7].into_iter().enumerate() {
            optimizer.zero_grad();
            (&parameters["a.bias"] * g).backward();
            optimizer.step(0.01);
            let g = g + 0.5 * p;
            m = 0.9 * m + 0.1 * g;
            v = 0.999 * v + 0.001 * g * g;
            let t = t as i32 + 1;
            let (m_hat, v_hat) = (m / (1.0 - 0.9f64.powi(t)), v / (1.0 - 0.999f64.powi(t)));
            p -= 0.01 * m_hat / (v_hat.sqrt() + 1e-8);
        }
        let found = parameters["a.bias"].double_value(&[]);
        assert!((found - p).abs() < 1e-12, "{found} for {p}");
    }

    #[test]
    fn adam_leaves_the_gaussians_of_the_sensitivity_alone() {
        let config = TrainConfig {
            optimizer: OptimizerMethod::Adam,
            weight_decay: 0.5,
            ..TrainConfig::default()
        };
        let names = [
            "sensitivity.gaussians.classification.raw_mean",
            "sensitivity.evaluators.classification.conv.weight",
        ];
        let parameters: NamedTensors = names
            .iter()
            .map(|name| {
                let value = Tensor::from(1.5f64).set_requires_grad(true);
                ((*name).to_owned(), value)
            })
            .collect();
        let mut optimizer = AdamW::new(&parameters, &config);
        for name in names {
            (&parameters[name] * 0.0).backward();
        }
        optimizer.step(0.01);
        assert_eq!(parameters[names[0]].double_value(&[]), 1.5);
        assert!(parameters[names[1]].double_value(&[]) < 1.5);
    }

    #[test]
    fn clipping_scales_to_the_norm_and_survives_no_gradient() {
        let weight = Tensor::zeros([2], DOUBLE_CPU).set_requires_grad(true);
        let parameters = NamedTensors::from([("w.weight".to_owned(), weight)]);
        let mut optimizer = AdamW::new(&parameters, &TrainConfig::default());
        assert_eq!(optimizer.clip_grad_norm(1.0).double_value(&[]), 0.0);
        (&parameters["w.weight"] * Tensor::from_slice(&[3.0, 4.0]))
            .sum(Kind::Double)
            .backward();
        assert!((optimizer.clip_grad_norm(1.0).double_value(&[]) - 5.0).abs() < 1e-12);
        assert!((optimizer.grad_norm().double_value(&[]) - 1.0).abs() < 1e-6);
        assert!((optimizer.clip_grad_norm(9.0).double_value(&[]) - 1.0).abs() < 1e-6);
        assert!((optimizer.grad_norm().double_value(&[]) - 1.0).abs() < 1e-6);
    }

    #[test]
    fn a_missing_moment_is_named() {
        let weight = Tensor::zeros([2], DOUBLE_CPU);
        let parameters = NamedTensors::from([("w.weight".to_owned(), weight)]);
        let mut optimizer = AdamW::new(&parameters, &TrainConfig::default());
        let mut state = optimizer.state();
        state.remove("square.w.weight");
        assert_eq!(optimizer.load_state(&state).unwrap_err(), "square.w.weight");
    }

    #[test]
    fn the_average_warms_up_where_asked() {
        let parameters = NamedTensors::from([("p".to_owned(), Tensor::from(0.0f64))]);
        let moved = NamedTensors::from([("p".to_owned(), Tensor::from(1.0f64))]);
        let average = |warmup| {
            let config = EmaConfig {
                decay: 0.999,
                warmup,
                average_from: None,
            };
            let mut ema = Ema::new(&parameters, &config);
            ema.update(&moved, 0);
            ema.average()["p"].double_value(&[])
        };
        assert!((average(false) - 0.001).abs() < 1e-12);
        assert!((average(true) - 0.9).abs() < 1e-12);
    }

    #[test]
    fn the_tail_of_a_run_is_averaged_evenly() {
        let named = |value: f64| NamedTensors::from([("p".to_owned(), Tensor::from(value))]);
        let config = EmaConfig {
            average_from: Some(0.6),
            ..EmaConfig::default()
        };
        let mut ema = Ema::new(&named(0.0), &config).of_steps(10);
        for step in 0..10 {
            ema.update(&named((step * step) as f64), step);
        }
        // The weights after the steps 6 to 9.
        let mean = (36.0 + 49.0 + 64.0 + 81.0) / 4.0;
        assert!((ema.average()["p"].double_value(&[]) - mean).abs() < 1e-12);
    }
}
