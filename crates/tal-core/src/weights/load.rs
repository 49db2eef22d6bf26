//! Copying weights into a network.

use std::collections::BTreeMap;

use tch::{Kind, Tensor};

use super::error::WeightsError;
use super::report::{LoadReport, Mismatch};

impl LoadReport {
    /// The report itself if it is complete.
    ///
    /// # Errors
    /// [`WeightsError::Mismatch`] with everything that does not fit.
    pub fn strict(self) -> Result<LoadReport, WeightsError> {
        if self.is_complete() {
            Ok(self)
        } else {
            Err(WeightsError::Mismatch(Box::new(self)))
        }
    }
}

/// Copies weights into the variables of the same name, and reports which of them fit.
///
/// `vars` are the named variables of a network (`VarStore::variables`). Shapes must be equal. A variable keeps its kind:
/// floating-point weights of another precision are converted; any other kind must be equal. Variables without fitting weights
/// are left alone.
///
/// # Errors
/// If a weight is not finite, or LibTorch refuses a copy.
pub fn load(
    vars: impl IntoIterator<Item = (String, Tensor)>,
    source: &BTreeMap<String, Tensor>,
) -> Result<LoadReport, WeightsError> {
    let (copies, report) = compare(vars, source);
    check_finite(&copies)?;
    copy(copies)?;
    Ok(report)
}

/// As [`load`], but copies nothing unless everything fits.
///
/// # Errors
/// [`WeightsError::Mismatch`] with the whole report if something does not fit, [`WeightsError::NotFinite`] for the first tensor
/// with a value that is not finite; the network is unchanged.
pub fn load_strict(
    vars: impl IntoIterator<Item = (String, Tensor)>,
    source: &BTreeMap<String, Tensor>,
) -> Result<LoadReport, WeightsError> {
    let (copies, report) = compare(vars, source);
    let report = report.strict()?;
    check_finite(&copies)?;
    copy(copies)?;
    Ok(report)
}

/// A variable's name, the variable and its weights.
type Copy<'a> = (String, Tensor, &'a Tensor);

fn compare(
    vars: impl IntoIterator<Item = (String, Tensor)>,
    source: &BTreeMap<String, Tensor>,
) -> (Vec<Copy<'_>>, LoadReport) {
    // Sorted, so that the report does not depend on a hash map's order.
    let vars: BTreeMap<String, Tensor> = vars.into_iter().collect();
    let mut report = LoadReport {
        unexpected: source
            .keys()
            .filter(|name| !vars.contains_key(*name))
            .cloned()
            .collect(),
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
    (copies, report)
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

fn check_finite(copies: &[Copy<'_>]) -> Result<(), WeightsError> {
    for (name, _, weights) in copies {
        let finite = weights.isfinite();
        // One answer for all values, since almost always all are finite.
        if finite.all().int64_value(&[]) != 0 {
            continue;
        }
        let total = weights.numel() as i64;
        let count = total - finite.sum(Kind::Int64).int64_value(&[]);
        return Err(WeightsError::NotFinite {
            name: name.clone(),
            count,
            total,
        });
    }
    Ok(())
}

fn describe(tensor: &Tensor) -> String {
    format!("{:?} {:?}", tensor.kind(), tensor.size())
}

fn copy(copies: Vec<Copy<'_>>) -> Result<(), WeightsError> {
    tch::no_grad(|| {
        for (name, mut variable, weights) in copies {
            variable
                .f_copy_(weights)
                .map_err(|source| WeightsError::Torch { name, source })?;
        }
        Ok(())
    })
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
    fn reports_everything_and_loads_what_fits() {
        let vs = store();
        let source = source(vec![
            ("a", ones(&[2, 3], Kind::Float)),
            ("b", ones(&[3, 2], Kind::Float)),
            ("c", ones(&[2, 3], Kind::Int64)),
            ("e", ones(&[1], Kind::Float)),
        ]);
        let report = load(vs.variables(), &source).unwrap();
        assert_eq!(report.loaded, ["a"]);
        assert_eq!(report.missing, ["d"]);
        assert_eq!(report.unexpected, ["e"]);
        let names: Vec<_> = report.mismatched.iter().map(|m| m.name.as_str()).collect();
        assert_eq!(names, ["b", "c"]);
        assert_eq!(report.mismatched[0].expected, "Float [2, 3]");
        assert_eq!(report.mismatched[0].found, "Float [3, 2]");
        assert_eq!(vs.variables()["a"].sum(None).double_value(&[]), 6.0);
        assert_eq!(vs.variables()["b"].sum(None).double_value(&[]), 0.0);

        let text = report.strict().unwrap_err().to_string();
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
