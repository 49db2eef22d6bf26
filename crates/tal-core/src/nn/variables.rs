//! Names and sizes of a network's variables.

use std::collections::BTreeMap;

use tch::Tensor;
use tch::nn::VarStore;

/// All variables by name, in the order of their names.
pub fn named_variables(vs: &VarStore) -> BTreeMap<String, Tensor> {
    vs.variables().into_iter().collect()
}

/// Names of variables that were asked for twice, sorted.
///
/// A variable store silently gives the second variable of a name the suffix `__N`; a network with such a name does not find its
/// weights in a file.
pub fn duplicate_names(vs: &VarStore) -> Vec<String> {
    let is_duplicate = |name: &String| {
        name.rsplit_once("__")
            .is_some_and(|(_, n)| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit()))
    };
    named_variables(vs)
        .into_keys()
        .filter(is_duplicate)
        .collect()
}

/// Number of trained values in all variables.
pub fn num_parameters(vs: &VarStore) -> usize {
    vs.trainable_variables().iter().map(Tensor::numel).sum()
}

#[cfg(test)]
mod tests {
    use tch::Device;

    use super::*;
    use crate::nn::ChannelLayerNorm;

    #[test]
    fn finds_names_that_were_taken() {
        let vs = VarStore::new(Device::Cpu);
        let path = vs.root() / "norm";
        let _first = ChannelLayerNorm::new(&path, 4);
        assert!(duplicate_names(&vs).is_empty());
        let _second = ChannelLayerNorm::new(&path, 4);
        let names = duplicate_names(&vs);
        assert_eq!(names.len(), 2);
        assert!(names[0].starts_with("norm.bias__"), "{names:?}");
        assert_eq!(num_parameters(&vs), 16);
    }
}
