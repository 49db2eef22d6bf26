//! Seconds that a network takes for a clip: `cargo run --example speed -- r2plus1d_18 2 10` on two threads, ten times.
//!
//! The weights are random, which costs the same as any others.

use std::time::Instant;

use tal_backbone::{Backbone, BackboneOptions, InputLayout, Network, StateDict};
use tch::{Device, Kind, Tensor};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [name, threads, repeats] = arguments.as_slice() else {
        return Err("arguments: NETWORK THREADS REPEATS".into());
    };
    let network = Network::from_name(name)?;
    tch::set_num_threads(threads.parse()?);
    let weights = network.parameters()?.into_iter().map(|parameter| {
        let values = Tensor::rand(parameter.shape, (Kind::Float, Device::Cpu));
        (parameter.name, values * 0.02 + 0.5)
    });
    let state = StateDict::new("random", weights.collect());
    let backbone = Backbone::load(&network, state, &BackboneOptions::default())?;
    let channels = backbone.channels();
    let shape = match (network.input(), network) {
        (InputLayout::Frame, _) => vec![1, channels, 224, 224],
        (_, Network::R2Plus1d18 | Network::R2Plus1d34) => vec![1, channels, 16, 112, 112],
        _ => vec![1, channels, 16, 224, 224],
    };
    let clip = Tensor::rand(shape, (Kind::Float, Device::Cpu));
    let _ = backbone.forward(&clip)?;
    let mut seconds = Vec::new();
    for _ in 0..repeats.parse()? {
        let start = Instant::now();
        let _ = backbone.forward(&clip)?;
        seconds.push(start.elapsed().as_secs_f64());
    }
    seconds.sort_by(f64::total_cmp);
    let (median, least) = (seconds[seconds.len() / 2], seconds[0]);
    println!("{name}: median {median:.3} s, least {least:.3} s");
    Ok(())
}
