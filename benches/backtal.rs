//! Training step of BackTAL: affinity convolutions on products of taps, and on the unfolded input.
//!
//! Each row is measured in a process of its own, and so has its own peak of resident memory. The environment sets the size:
//! `BACKTAL_SIZE=channels,snippets,recordings` (2048,750,16 for THUMOS14), `BACKTAL_STEPS`, `BACKTAL_DEVICE` (`cpu` or
//! `cuda`). On a GPU, memory is that which the driver reports at the end, because the caching allocator does not return
//! any. All rows draw the same dropout, so their losses must agree.

use std::env;
use std::process::Command;
use std::time::Instant;

use tal_backtal::{Affinity, BackTal, BackTalCriterion, BackTalOutput, WeakTarget, top_mean};
use tal_config::Layers;
use tal_core::config::{AffinityLayout, BackTalConfig};
use tal_engine::memory;
use tch::nn::VarStore;
use tch::{Cuda, Device, Kind, Tensor};

const NUM_CLASSES: usize = 20;

/// Computation that a process measures.
#[derive(Clone, Copy, PartialEq)]
enum Way {
    /// Variables, gradients and data alone.
    Nothing,
    /// The network as it is.
    Products,
    /// The unfolded input, with similarities broadcast over the channels.
    Unfolded,
    /// The unfolded input, with similarities tiled to its shape.
    Tiled,
}

const WAYS: [(&str, Way); 4] = [
    ("parameters", Way::Nothing),
    ("products", Way::Products),
    ("unfolded", Way::Unfolded),
    ("tiled", Way::Tiled),
];

fn main() {
    if let Ok(name) = env::var("BACKTAL_WAY") {
        let (_, way) = WAYS
            .iter()
            .find(|(known, _)| *known == name)
            .expect("a known way");
        println!("{}", measure(*way));
        return;
    }
    println!("channels, snippets, recordings: {:?}", size());
    println!(
        "{:<12} {:>12} {:>12} {:>12} {:>12}",
        "", "s / step", "peak, MB", "above data", "loss"
    );
    let program = env::current_exe().expect("this program");
    let (mut least, mut first_loss) = (None, None);
    for (name, way) in WAYS {
        let output = Command::new(&program)
            .env("BACKTAL_WAY", name)
            .output()
            .expect("a process");
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(
            output.status.success(),
            "{name}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        let numbers: Vec<f64> = text
            .split_whitespace()
            .filter_map(|word| word.parse().ok())
            .collect();
        let (seconds, megabytes, loss) = (numbers[0], numbers[1], numbers[2]);
        if way == Way::Nothing {
            least = Some(megabytes);
        } else {
            // Same network, same draws.
            let expected = *first_loss.get_or_insert(loss);
            assert!(
                (loss - expected).abs() < 1e-3,
                "{name}: {loss}, not {expected}"
            );
        }
        let above = megabytes - least.unwrap_or(0.0);
        println!("{name:<12} {seconds:>12.3} {megabytes:>12.0} {above:>12.0} {loss:>12.6}");
    }
}

/// Channels, snippets and recordings.
fn size() -> (i64, i64, i64) {
    let text = env::var("BACKTAL_SIZE").unwrap_or_else(|_| "256,200,8".to_owned());
    let numbers: Vec<i64> = text
        .split(',')
        .map(|n| n.trim().parse().expect("a number"))
        .collect();
    (numbers[0], numbers[1], numbers[2])
}

fn config() -> BackTalConfig {
    const FILE: &str = "preset: backtal_thumos14
dataset:
  annotations: a.json
  features: {dir: f, format: {type: npy}}
  feat_stride: null
  num_frames: 1
";
    let layers = Layers::from_yaml(FILE, "bench", "/".as_ref()).expect("YAML");
    let resolved = layers.resolve().expect("a valid configuration");
    let mut config = resolved.config.backtal.expect("the preset has it");
    config.dim = size().0 as usize;
    config
}

/// Seconds per step, megabytes and the loss of the last step.
fn measure(way: Way) -> String {
    let device = match env::var("BACKTAL_DEVICE").as_deref() {
        Ok("cuda") => Device::Cuda(0),
        _ => Device::Cpu,
    };
    let steps: u32 = env::var("BACKTAL_STEPS").map_or(2, |n| n.parse().expect("a number"));
    tch::manual_seed(1);
    let (channels, len, recordings) = size();
    let vs = VarStore::new(device);
    let config = config();
    let network =
        BackTal::new(&vs.root(), channels as usize, NUM_CLASSES, &config).expect("a network");
    let criterion = BackTalCriterion::new(&config);
    let x = Tensor::randn([recordings, channels, len], (Kind::Float, device));
    let targets: Vec<WeakTarget> = (0..recordings as u32)
        .map(|recording| WeakTarget {
            labels: vec![recording % NUM_CLASSES as u32],
            clicks: (0..len as usize).step_by(len as usize / 10 + 1).collect(),
        })
        .collect();
    for mut variable in vs.trainable_variables() {
        // Gradients exist from the start, so that all rows start with the same memory.
        let zero = (&variable * 0.0).sum(None::<Kind>);
        zero.backward();
        variable.zero_grad();
    }
    let mut loss = 0.0;
    let start = Instant::now();
    for step in 0..steps {
        if way == Way::Nothing {
            break;
        }
        tch::manual_seed(i64::from(step));
        let output = match way {
            Way::Products => network.forward_both(&x, true),
            _ => unfolded(&network, &x, way, &config),
        };
        let losses = criterion.forward(&output, &targets);
        drop(output);
        losses.total.backward();
        loss = losses.total.double_value(&[]);
        for mut variable in vs.trainable_variables() {
            variable.zero_grad();
        }
    }
    if let Device::Cuda(index) = device {
        Cuda::synchronize(index as i64);
    }
    let seconds = start.elapsed().as_secs_f64() / f64::from(steps);
    let megabytes = match device {
        Device::Cuda(_) => gpu_megabytes(),
        _ => memory::peak_resident_bytes().map_or(f64::NAN, |bytes| bytes as f64 / 1e6),
    };
    format!("{seconds} {megabytes} {loss}")
}

/// Memory of all processes as the driver reports it; no other process should use the GPU.
fn gpu_megabytes() -> f64 {
    let output = Command::new("nvidia-smi")
        .args(["--query-gpu=memory.used", "--format=csv,noheader,nounits"])
        .output();
    let text = output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned());
    text.ok()
        .and_then(|text| text.trim().parse().ok())
        .unwrap_or(f64::NAN)
}

/// The same network as the released code computes it: x and w · x, an unfolded input times its similarities, dropout after
/// the activation (with a mask of bytes, which is smaller than that of LibTorch's own on the CPU).
fn unfolded(network: &BackTal, x: &Tensor, way: Way, config: &BackTalConfig) -> BackTalOutput {
    assert_eq!(config.affinity, AffinityLayout::PerTap);
    let foreground_weight = network.filter.forward(x);
    let embedding = network.embedding.forward(x);
    let affinity = Affinity::new(&embedding);
    let cas = |x: &Tensor| {
        let first = unfolded_conv(x, &affinity, &network.base.first.weight, way).leaky_relu();
        let second =
            unfolded_conv(&first, &affinity, &network.base.second.weight, way).leaky_relu();
        let dropped =
            Tensor::empty(second.size(), (Kind::Bool, x.device())).bernoulli_float_(config.dropout);
        let kept = second.masked_fill(&dropped, 0.0) / (1.0 - config.dropout);
        network.classifier.forward(&kept)
    };
    let (cas_base, cas_supp) = (cas(x), cas(&(x * &foreground_weight)));
    BackTalOutput {
        score_base: top_mean(&cas_base, config.topk_ratio),
        score_supp: top_mean(&cas_supp, config.topk_ratio),
        cas_base,
        cas_supp,
        embedding,
        foreground_weight,
    }
}

/// Convolution of the unfolded input, with rows tap · C + c, each tap times its similarity.
fn unfolded_conv(x: &Tensor, affinity: &Affinity, weight: &Tensor, way: Way) -> Tensor {
    let size = x.size();
    let (recordings, channels, len) = (size[0], size[1], size[2]);
    let padded = x.constant_pad_nd([1, 1]);
    let taps: Vec<Tensor> = (0..3).map(|tap| padded.narrow(2, tap, len)).collect();
    let rows = Tensor::cat(&taps, 1);
    let ones = affinity.left.ones_like();
    let similarities = [&affinity.left, &ones, &affinity.right];
    let product = if way == Way::Tiled {
        let tiled = similarities.map(|s| s.expand([recordings, channels, len], false));
        rows * Tensor::cat(&tiled, 1)
    } else {
        let per_tap = Tensor::stack(&similarities, 1);
        (rows.view([recordings, 3, channels, len]) * per_tap).view([recordings, 3 * channels, len])
    };
    let weight = weight.permute([0, 2, 1]).reshape([-1, 3 * channels, 1]);
    product.conv1d(&weight, None::<Tensor>, 1, 0, 1, 1)
}
