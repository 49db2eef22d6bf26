//! The strict comparison of a file's names and shapes with those of a network.

use std::collections::BTreeMap;

use tal_core::weights::{LoadReport, Mismatch, NamedTensors};
use tch::{Kind, Tensor};

use crate::error::BackboneError;
use crate::layout::Layout;
use crate::network::Network;

/// Name of the counter of a batch norm, which inference does not need and files of 2018 may lack.
pub(crate) const COUNTER: &str = "num_batches_tracked";

/// Checks that the weights are those of the network, whole and alone.
pub(crate) fn check(
    network: &Network,
    layout: Layout,
    tensors: &NamedTensors,
    origin: &str,
) -> Result<(), BackboneError> {
    let report = compare(network, layout, tensors)?;
    if report.is_complete() {
        return Ok(());
    }
    let network_name = network.name().to_owned();
    let origin = origin.to_owned();
    for other in Network::all().filter(|other| other != network) {
        if compare(&other, Layout::of(tensors), tensors)?.is_complete() {
            return Err(BackboneError::OtherNetwork {
                origin,
                network: network_name,
                found: other.name(),
            });
        }
    }
    Err(BackboneError::Mismatch {
        origin,
        network: network_name,
        report: Box::new(report),
    })
}

fn compare(
    network: &Network,
    layout: Layout,
    tensors: &NamedTensors,
) -> Result<LoadReport, BackboneError> {
    let expected: BTreeMap<String, Vec<i64>> = network
        .parameters()?
        .into_iter()
        .map(|parameter| (layout.file_name(&parameter.name), parameter.shape))
        .collect();
    let heads: Vec<String> = network
        .classifiers()
        .iter()
        .flat_map(|name| ["weight", "bias"].map(|part| layout.file_name(&format!("{name}.{part}"))))
        .collect();
    let mut report = LoadReport::default();
    for name in tensors.keys() {
        let counter = name.rsplit('.').next() == Some(COUNTER);
        if !(counter || expected.contains_key(name) || heads.contains(name)) {
            report.unexpected.push(name.clone());
        }
    }
    for (name, shape) in expected {
        match tensors.get(&name) {
            None => report.missing.push(name),
            Some(tensor) if is_floating(tensor) && tensor.size() == shape => {
                report.loaded.push(name);
            }
            Some(tensor) => report.mismatched.push(Mismatch {
                name,
                expected: format!("{:?} {shape:?}", Kind::Float),
                found: describe(tensor),
            }),
        }
    }
    Ok(report)
}

pub(crate) fn is_floating(tensor: &Tensor) -> bool {
    use Kind::{BFloat16, Double, Float, Half};
    matches!(tensor.kind(), Half | BFloat16 | Float | Double)
}

/// Kind and shape, for messages.
pub(crate) fn describe(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.kind(), tensor.size())
}
