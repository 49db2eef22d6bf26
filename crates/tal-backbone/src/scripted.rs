//! TorchScript modules.

use std::path::{Path, PathBuf};

use tch::{CModule, Device, Kind, TchError, Tensor};

use crate::check::{describe, is_floating};
use crate::error::BackboneError;

/// A TorchScript module that turns a batch into features.
#[derive(Debug)]
pub(crate) struct Scripted {
    module: CModule,
    path: PathBuf,
}

impl Scripted {
    /// Loads a module and runs it once on zeros of `shape` (without the batch); returns it with the number of channels.
    pub(crate) fn open(
        path: &Path,
        shape: &[i64],
        device: Device,
    ) -> Result<(Self, i64), BackboneError> {
        let fail = |source| script(path, "cannot load it as TorchScript", source);
        let mut module = CModule::load_on_device(path, device).map_err(fail)?;
        module.f_set_eval().map_err(fail)?;
        let scripted = Self {
            module,
            path: path.to_owned(),
        };
        let trial = [&[1], shape].concat();
        let features = scripted.forward(&Tensor::f_zeros(trial, (Kind::Float, device))?)?;
        let width = features.size()[1];
        Ok((scripted, width))
    }

    /// Features of a batch; sizes of one behind the channels are dropped.
    pub(crate) fn forward(&self, batch: &Tensor) -> Result<Tensor, BackboneError> {
        let output = tch::no_grad(|| self.module.forward_ts(&[batch]));
        let output = output.map_err(|source| script(&self.path, "cannot run it", source))?;
        let (size, num) = (output.size(), batch.size()[0]);
        let fits = size.len() >= 2 && size[0] == num && size[2..].iter().all(|size| *size == 1);
        if !fits || size[1] == 0 || !is_floating(&output) {
            return Err(BackboneError::Output {
                path: self.path.clone(),
                found: describe(&output),
                wanted: format!("Float [{num}, C]"),
            });
        }
        Ok(output.f_reshape([num, size[1]])?.to_kind(Kind::Float))
    }
}

fn script(path: &Path, action: &'static str, source: TchError) -> BackboneError {
    BackboneError::Script {
        path: path.to_owned(),
        action,
        source: Box::new(source),
    }
}
