//! A learned scalar factor.

use tch::{Tensor, nn};

/// A learned scalar factor, 1 at the start.
///
/// y = s · x
///
/// # Shapes
/// Any; `scale` has no dimension.
#[derive(Debug)]
pub struct Scale {
    /// s
    pub scale: Tensor,
}

impl Scale {
    /// Variable `name` directly below `path`.
    pub fn new(path: &nn::Path<'_>, name: &str) -> Self {
        Scale {
            scale: path.ones(name, &[]),
        }
    }

    /// Multiplies.
    pub fn forward(&self, x: &Tensor) -> Tensor {
        x * &self.scale
    }
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;

    #[test]
    fn multiplies_and_learns() {
        let vs = VarStore::new(Device::Cpu);
        let scale = Scale::new(&(vs.root() / "scale"), "3");
        tch::no_grad(|| {
            let _ = scale.scale.shallow_clone().fill_(2.0);
        });
        let y = scale.forward(&Tensor::from_slice(&[1f32, 3.]));
        assert_eq!(Vec::<f32>::try_from(&y).unwrap(), [2., 6.]);
        y.sum(None).backward();
        assert_eq!(scale.scale.grad().double_value(&[]), 4.0);
        assert_eq!(vs.variables()["scale.3"].size(), [0i64; 0]);
    }
}
