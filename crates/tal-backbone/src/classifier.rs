//! The linear layer behind the features.

use tal_core::weights::NamedTensors;
use tch::{Device, Kind, TchError, Tensor};

use crate::layout::Layout;
use crate::network::Network;

/// A linear layer from features to class scores.
#[derive(Debug)]
pub(crate) struct Classifier {
    weight: Tensor,
    bias: Tensor,
}

impl Classifier {
    /// The classifier among the weights that gives class scores, or the reason why there is none.
    pub(crate) fn new(
        network: &Network,
        layout: Layout,
        tensors: &NamedTensors,
        device: Device,
    ) -> Result<Self, String> {
        let width = network.width();
        let names = network.classifiers().iter().take(2);
        let names: Vec<String> = names
            .map(|name| layout.file_name(&format!("{name}.weight")))
            .collect();
        let Some((name, weight)) = names.iter().find_map(|name| tensors.get_key_value(name)) else {
            return Err(format!("{} is missing", names.join(" or ")));
        };
        let size = weight.size();
        let fits = size.len() >= 2 && size[1] == width && size[2..].iter().all(|size| *size == 1);
        if !fits {
            return Err(format!("{name} is {size:?}, must be [classes, {width}]"));
        }
        let bias_name = format!("{}bias", name.trim_end_matches("weight"));
        let bias = tensors.get(&bias_name);
        let Some(bias) = bias.filter(|bias| bias.size() == [size[0]]) else {
            return Err(format!("{bias_name} must be [{}]", size[0]));
        };
        let place = |tensor: &Tensor| {
            tensor
                .f_to(device)
                .map(|tensor| tensor.to_kind(Kind::Float))
        };
        let weight = weight
            .f_reshape([size[0], width])
            .and_then(|weight| place(&weight));
        match (weight, place(bias)) {
            (Ok(weight), Ok(bias)) => Ok(Self { weight, bias }),
            (Err(error), _) | (_, Err(error)) => Err(format!("{name}: {error}")),
        }
    }

    pub(crate) fn num_classes(&self) -> i64 {
        self.bias.size()[0]
    }

    pub(crate) fn forward(&self, features: &Tensor) -> Result<Tensor, TchError> {
        features.f_linear(&self.weight, Some(&self.bias))
    }
}
