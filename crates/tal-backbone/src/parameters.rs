//! Parameters of a network: their list, and their values while it is built.

use tal_core::weights::NamedTensors;
use tch::{Device, Kind, Tensor};

use crate::error::BackboneError;
use crate::layout::Layout;
use crate::memory_format::channels_last;

/// A parameter or buffer of a network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Parameter {
    /// Name in the released files.
    pub name: String,
    /// Shape.
    pub shape: Vec<i64>,
}

/// Source of the parameters that a network takes while it is built.
pub(crate) enum Parameters<'a> {
    /// Notes names and shapes; every tensor is undefined.
    List(Vec<Parameter>),
    /// Hands out tensors, which were checked before.
    Values {
        tensors: &'a mut NamedTensors,
        layout: Layout,
        device: Device,
    },
}

impl Parameters<'_> {
    /// The next parameter, in float32 on the device of the network.
    pub(crate) fn take(&mut self, name: &str, shape: &[i64]) -> Result<Tensor, BackboneError> {
        match self {
            Self::List(list) => {
                list.push(Parameter {
                    name: name.to_owned(),
                    shape: shape.to_vec(),
                });
                Ok(Tensor::new())
            }
            Self::Values {
                tensors,
                layout,
                device,
            } => {
                let name = layout.file_name(name);
                let tensor = tensors.remove(&name);
                let tensor = tensor.filter(|tensor| tensor.size() == shape);
                let tensor = tensor.ok_or_else(|| BackboneError::NoWeights {
                    origin: name,
                    found: "nothing of the right shape".to_owned(),
                    wanted: "a parameter",
                })?;
                Ok(tensor.f_to(*device)?.to_kind(Kind::Float))
            }
        }
    }

    /// Weight and bias of a convolution with the batch norm behind it folded into them.
    pub(crate) fn take_conv_norm(
        &mut self,
        conv: &str,
        norm: &str,
        shape: &[i64],
        eps: f64,
    ) -> Result<(Tensor, Tensor), BackboneError> {
        let out = &shape[..1];
        let weight = self.take(&format!("{conv}.weight"), shape)?;
        let gain = self.take(&format!("{norm}.weight"), out)?;
        let shift = self.take(&format!("{norm}.bias"), out)?;
        let mean = self.take(&format!("{norm}.running_mean"), out)?;
        let variance = self.take(&format!("{norm}.running_var"), out)?;
        if matches!(self, Self::List(_)) {
            return Ok((weight, shift));
        }
        // float64, so that one rounding is all that folding adds.
        let [gain, shift, mean, variance] =
            [gain, shift, mean, variance].map(|tensor| tensor.to_kind(Kind::Double));
        let scale = gain / (variance + eps).sqrt();
        let mut per_output = vec![1; shape.len()];
        per_output[0] = shape[0];
        let folded = weight.to_kind(Kind::Double) * scale.reshape(&per_output);
        let bias = shift - mean * scale;
        let weight = channels_last(&folded.to_kind(Kind::Float))?;
        Ok((weight, bias.to_kind(Kind::Float)))
    }
}
