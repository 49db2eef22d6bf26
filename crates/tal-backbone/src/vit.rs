//! The vision transformer of VideoMAE and VideoMAEv2.

use tch::Tensor;

use crate::error::BackboneError;
use crate::parameters::Parameters;
use crate::stages::Visitor;
use crate::vit_config::{TUBELET, VitConfig};

#[derive(Debug)]
struct Linear {
    weight: Tensor,
    bias: Tensor,
}

impl Linear {
    fn new(
        parameters: &mut Parameters<'_>,
        name: &str,
        [out, inputs]: [i64; 2],
    ) -> Result<Self, BackboneError> {
        Ok(Self {
            weight: parameters.take(&format!("{name}.weight"), &[out, inputs])?,
            bias: parameters.take(&format!("{name}.bias"), &[out])?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        Ok(x.f_linear(&self.weight, Some(&self.bias))?)
    }
}

#[derive(Debug)]
struct Norm {
    weight: Tensor,
    bias: Tensor,
    width: i64,
    eps: f64,
}

impl Norm {
    fn new(
        parameters: &mut Parameters<'_>,
        name: &str,
        width: i64,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        Ok(Self {
            weight: parameters.take(&format!("{name}.weight"), &[width])?,
            bias: parameters.take(&format!("{name}.bias"), &[width])?,
            width,
            eps,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let (weight, bias) = (Some(&self.weight), Some(&self.bias));
        Ok(x.f_layer_norm([self.width], weight, bias, self.eps, true)?)
    }
}

#[derive(Debug)]
struct Block {
    norm1: Norm,
    qkv: Linear,
    proj: Linear,
    norm2: Norm,
    fc1: Linear,
    fc2: Linear,
    heads: i64,
}

impl Block {
    fn new(
        parameters: &mut Parameters<'_>,
        name: &str,
        config: &VitConfig,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let p = parameters;
        let (width, hidden) = (config.width, config.hidden);
        let part = |part: &str| format!("{name}.{part}");
        let norm1 = Norm::new(p, &part("norm1"), width, eps)?;
        let q_bias = p.take(&part("attn.q_bias"), &[width])?;
        let v_bias = p.take(&part("attn.v_bias"), &[width])?;
        let weight = p.take(&part("attn.qkv.weight"), &[3 * width, width])?;
        let bias = match p {
            Parameters::List(_) => Tensor::new(),
            // Keys have no bias.
            Parameters::Values { .. } => {
                Tensor::f_cat(&[&q_bias, &q_bias.zeros_like(), &v_bias], 0)?
            }
        };
        Ok(Self {
            norm1,
            qkv: Linear { weight, bias },
            proj: Linear::new(p, &part("attn.proj"), [width, width])?,
            norm2: Norm::new(p, &part("norm2"), width, eps)?,
            fc1: Linear::new(p, &part("mlp.fc1"), [hidden, width])?,
            fc2: Linear::new(p, &part("mlp.fc2"), [width, hidden])?,
            heads: config.heads,
        })
    }

    /// Attention, then the MLP, each added to `x` in place.
    fn forward(&self, mut x: Tensor) -> Result<Tensor, BackboneError> {
        let _ = x.f_add_(&self.attention(&self.norm1.forward(&x)?)?)?;
        let hidden = self
            .fc1
            .forward(&self.norm2.forward(&x)?)?
            .f_gelu_("none")?;
        let _ = x.f_add_(&self.fc2.forward(&hidden)?)?;
        Ok(x)
    }

    fn attention(&self, x: &Tensor) -> Result<Tensor, BackboneError> {
        let (batch, tokens, width) = x.size3()?;
        let qkv = self.qkv.forward(x)?;
        let qkv = qkv.f_reshape([batch, tokens, 3, self.heads, width / self.heads])?;
        let qkv = qkv.f_permute([2, 0, 3, 1, 4])?;
        let [q, k, v] = [0, 1, 2].map(|part| qkv.select(0, part));
        let mask: Option<Tensor> = None;
        let y = Tensor::f_scaled_dot_product_attention(&q, &k, &v, mask, 0.0, false, None, false)?;
        self.proj
            .forward(&y.f_transpose(1, 2)?.f_reshape([batch, tokens, width])?)
    }
}

/// The network without its classifier.
#[derive(Debug)]
pub(crate) struct Vit {
    patch: Tensor,
    patch_bias: Tensor,
    positions: Tensor,
    blocks: Vec<Block>,
    norm: Norm,
    config: VitConfig,
}

impl Vit {
    pub(crate) fn new(
        parameters: &mut Parameters<'_>,
        config: &VitConfig,
        eps: f64,
    ) -> Result<Self, BackboneError> {
        let width = config.width;
        let shape = [width, 3, TUBELET, config.patch, config.patch];
        let patch = parameters.take("patch_embed.proj.weight", &shape)?;
        let patch_bias = parameters.take("patch_embed.proj.bias", &[width])?;
        let positions = match parameters {
            Parameters::List(_) => Tensor::new(),
            Parameters::Values { device, .. } => positions(config)?.f_to(*device)?,
        };
        let blocks = (0..config.depth)
            .map(|place| Block::new(parameters, &format!("blocks.{place}"), config, eps));
        let blocks = blocks.collect::<Result<_, _>>()?;
        Ok(Self {
            patch,
            patch_bias,
            positions,
            blocks,
            norm: Norm::new(parameters, "fc_norm", width, eps)?,
            config: *config,
        })
    }

    /// Norms of the means of the tokens.
    pub(crate) fn forward(
        &self,
        clips: &Tensor,
        visit: &mut Visitor<'_>,
    ) -> Result<Tensor, BackboneError> {
        let window = [TUBELET, self.config.patch, self.config.patch];
        let (zeros, ones) = ([0; 3], [1; 3]);
        let bias = Some(&self.patch_bias);
        let tokens =
            clips.f_convolution(&self.patch, bias, window, zeros, ones, false, zeros, 1)?;
        let mut x = tokens.f_flatten(2, -1)?.f_transpose(1, 2)?.f_contiguous()?;
        visit("patch_embed", &x);
        visit("pos_embed", &self.positions);
        let _ = x.f_add_(&self.positions)?;
        visit("pos_drop", &x);
        for (place, block) in self.blocks.iter().enumerate() {
            x = block.forward(x)?;
            visit(&format!("blocks.{place}"), &x);
        }
        self.norm
            .forward(&x.f_mean_dim([1].as_slice(), false, None)?)
    }
}

/// Sines and cosines of the tokens' places.
///
/// # Shapes
/// (tokens, width)
fn positions(config: &VitConfig) -> Result<Tensor, BackboneError> {
    let width = config.width;
    let value = |token: i64, channel: i64| {
        let exponent = 2.0 * (channel / 2) as f64 / width as f64;
        let angle = token as f64 / 10_000_f64.powf(exponent);
        let value = if channel % 2 == 0 {
            angle.sin()
        } else {
            angle.cos()
        };
        value as f32
    };
    let tokens = config.num_tokens();
    let values: Vec<f32> = (0..tokens)
        .flat_map(|token| (0..width).map(move |channel| value(token, channel)))
        .collect();
    Ok(Tensor::f_from_slice(&values)?.f_reshape([tokens, width])?)
}
