//! A network of one's own with the engine's trainer.

use std::error::Error;

use tal_core::config::Config;
use tal_decoder::Decoder;
use tal_encoder::{BlockConfig, Encoder, Neck, Projection, build_mixer};
use tal_engine::{Detector, Model, Pyramid, PyramidNetwork, Trainer, TrainingBatch};
use tch::nn::VarStore;
use tch::{Device, nn};

use crate::signals::{self, CHANNELS, CONFIG};

/// A projection and two GMG blocks at one length, with the decoder of CLTDR-GMG.
fn network(path: &nn::Path<'_>, config: &Config) -> Result<PyramidNetwork, Box<dyn Error>> {
    let (encoder, dim) = (&config.encoder, config.encoder.dim);
    let block = BlockConfig { dim, level: 0, downsampling: None };
    let block = |index: usize| build_mixer(&(path / "block" / index), &encoder.mixer, block);
    Ok(PyramidNetwork {
        encoder: Encoder {
            projection: Projection::new(
                &(path / "projection"),
                &encoder.projection,
                CHANNELS,
                dim,
            )?,
            position: None,
            dropout: 0.0,
            stem: vec![block(0)?, block(1)?],
            branch: vec![],
        },
        neck: Neck::new(&(path / "neck"), &encoder.neck, dim, 1),
        decoder: Decoder::new(&(path / "decoder"), dim, 3, &[], 1, &config.decoder)?,
    })
}

/// Trains on made-up recordings. Returns the detector and the loss of each step.
pub(crate) fn train() -> Result<(Detector, Vec<f64>), Box<dyn Error>> {
    let config = tal_config::from_yaml(CONFIG, "example", "".as_ref(), &[])?;
    let variables = VarStore::new(Device::Cpu);
    let network = network(&variables.root(), &config)?;
    let model = Model::<Pyramid>::from_network(&config, variables, network)?;
    let mut trainer = Trainer::from_model(model, &signals::classes()?, 1)?;
    let mut losses = Vec::new();
    for step in 0..60 {
        let samples: Vec<_> = (0..4).map(|i| signals::sample(1 + 4 * step + i)).collect();
        let mut batch = TrainingBatch::new(&samples, &config, Device::Cpu)?;
        losses.push(trainer.step(&mut batch, step as u64)?.loss);
    }
    Ok((trainer.into_detector()?, losses))
}
