//! Copying weights into a network.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::error::WeightsError;
use super::report::{LoadReport, Mismatch};

/// Copies weights into the variables of the same name; nothing is copied unless everything fits.
///
/// `vars` are the named variables of a network (`VarStore::variables`). Shapes must be equal. A variable keeps its kind:
/// floating-point weights of another precision are converted; any other kind must be equal.
///
/// # Errors
/// [`WeightsError::Mismatch`] with the whole report if something does not fit, [`WeightsError::NotFinite`] for the first tensor
/// with a value that is not finite, the network is unchanged then; if LibTorch refuses a copy.
pub fn load_strict(
    vars: impl IntoIterator<Item = (String, Tensor)>,
    source: &BTreeMap<String, Tensor>,
) -> Result<LoadReport, WeightsError> {
    // Sorted, so that the report does not depend on a hash map's order.
    let vars: BTreeMap<String, Tensor> = vars.into_iter().collect();
    let unexpected = source.keys().filter(|name| !vars.contains_key(*name));
    let mut report = LoadReport {
        unexpected: unexpected.cloned().collect(),
        ..LoadReport::default()
    };
    let mut copies = Vec::new();
    for (name, variable) in vars {
        match source.get(&name) {
            None => report.missing.push(name),
            Some(weights) if fits(&variable, weights) => {
                report.loaded.push(name.clone());
                copies.push((name, variable, weights));
            }
            Some(weights) => report.mismatched.push(Mismatch {
                name,
                expected: describe(&variable),
                found: describe(weights),
            }),
        }
    }
    if !report.is_complete() {
        return Err(WeightsError::Mismatch(Box::new(report)));
    }
    for (name, _, weights) in &copies {
        check_finite(name, weights)?;
    }
    tch::no_grad(|| {
        for (name, mut variable, weights) in copies {
            variable
                .f_copy_(weights)
                .map_err(|source| WeightsError::Torch { name, source })?;
        }
        Ok(report)
    })
}

fn fits(variable: &Tensor, weights: &Tensor) -> bool {
    let kinds_fit = variable.kind() == weights.kind()
        || (is_floating(variable.kind()) && is_floating(weights.kind()));
    kinds_fit && variable.size() == weights.size()
}

fn is_floating(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Half | Kind::BFloat16 | Kind::Float | Kind::Double
    )
}

fn check_finite(name: &str, weights: &Tensor) -> Result<(), WeightsError> {
    let finite = weights.isfinite();
    // One answer for all values, since almost always all are finite.
    if finite.all().int64_value(&[]) != 0 {
        return Ok(());
    }
    let total = weights.numel() as i64;
    Err(WeightsError::NotFinite {
        name: name.to_owned(),
        count: total - finite.sum(Kind::Int64).int64_value(&[]),
        total,
    })
}

fn describe(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.kind(), tensor.size())
}

#[cfg(test)]
mod tests {
    use tch::{Device, nn::VarStore};

    use super::*;

    fn store() -> VarStore {
        let vs = VarStore::new(Device::Cpu);
        for name in ["a", "b", "c", "d"] {
            let _ = vs.root().zeros(name, &[2, 3]);
        }
        vs
    }

    fn source(entries: Vec<(&str, Tensor)>) -> BTreeMap<String, Tensor> {
        let entries = entries.into_iter();
        entries.map(|(name, t)| (name.to_owned(), t)).collect()
    }

    fn ones(size: &[i64], kind: Kind) -> Tensor {
        Tensor::ones(size, (kind, Device::Cpu))
    }

    #[test]
    fn reports_everything_that_does_not_fit() {
        let vs = store();
        let source = source(vec![
            ("a", ones(&[2, 3], Kind::Float)),
            ("b", ones(&[3, 2], Kind::Float)),
            ("c", ones(&[2, 3], Kind::Int64)),
            ("e", ones(&[1], Kind::Float)),
        ]);
        let error = load_strict(vs.variables(), &source).unwrap_err();
        let text = error.to_string();
        let WeightsError::Mismatch(report) = error else {
            panic!("{text}");
        };
        assert_eq!(report.loaded, ["a"]);
        assert_eq!(report.missing, ["d"]);
        assert_eq!(report.unexpected, ["e"]);
        let names: Vec<_> = report.mismatched.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
        assert_eq!(report.mismatched[0].expected, "Float [2, 3]");
        assert_eq!(report.mismatched[0].found, "Float [3, 2]");
        for part in [
            "1 loaded, 1 missing, 1 unexpected, 2 mismatched",
            "missing: d",
            "unexpected: e",
            "mismatched: b is Float [2, 3], the weights are Float [3, 2]",
            "mismatched: c",
        ] {
            assert!(text.contains(part), "`{part}` is not in {text}");
        }
    }

    #[test]
    fn strict_loading_is_all_or_nothing() {
        let vs = store();
        let mut weights = source(vec![("a", ones(&[2, 3], Kind::Float))]);
        assert!(load_strict(vs.variables(), &weights).is_err());
        assert_eq!(vs.variables()["a"].sum(None).double_value(&[]), 0.0);
        for name in ["b", "c", "d"] {
            weights.insert(name.to_owned(), ones(&[2, 3], Kind::Float));
        }
        assert_eq!(
            load_strict(vs.variables(), &weights).unwrap().loaded.len(),
            4
        );
        assert_eq!(vs.variables()["d"].sum(None).double_value(&[]), 6.0);
    }

    #[test]
    fn a_variable_keeps_its_kind_and_its_gradient() {
        let vs = VarStore::new(Device::Cpu);
        let a = vs.root().zeros("a", &[2]);
        let weights = source(vec![(
            "a",
            Tensor::from_slice(&[0.5f64, 2.0]).to_kind(Kind::BFloat16),
        )]);
        load_strict(vs.variables(), &weights).unwrap();
        assert_eq!(a.kind(), Kind::Float);
        assert!(a.requires_grad());
        assert_eq!(Vec::<f32>::try_from(&a).unwrap(), [0.5, 2.0]);
    }
}
