//! Translation of the names of weights.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use regex::Regex;
use tch::Tensor;

use super::error::WeightsError;

/// Ordered rules that translate the names of other codes' weights into ours.
///
/// A rule is a regular expression for the whole name and a replacement in which `${1}` stands for the first group. The
/// first rule that matches decides.
#[derive(Debug, Clone, Default)]
pub struct KeyMap {
    rules: Vec<(Regex, String)>,
}

impl KeyMap {
    /// Rules in their order.
    ///
    /// # Errors
    /// If a rule is not a regular expression.
    pub fn new<S: AsRef<str>>(rules: &[(S, S)]) -> Result<Self, WeightsError> {
        let rules = rules.iter().map(|(rule, replacement)| {
            let (rule, replacement) = (rule.as_ref(), replacement.as_ref());
            let regex =
                Regex::new(&format!("^(?:{rule})$")).map_err(|source| WeightsError::Rule {
                    rule: rule.to_owned(),
                    source: Box::new(source),
                })?;
            Ok((regex, replacement.to_owned()))
        });
        Ok(KeyMap {
            rules: rules.collect::<Result<_, WeightsError>>()?,
        })
    }

    /// The rules of both, `other`'s last.
    #[must_use]
    pub fn and(mut self, other: KeyMap) -> KeyMap {
        self.rules.extend(other.rules);
        self
    }

    /// Our name of `name`; `None` if no rule matches.
    pub fn map(&self, name: &str) -> Option<String> {
        self.rules.iter().find_map(|(rule, replacement)| {
            rule.is_match(name)
                .then(|| rule.replace(name, replacement.as_str()).into_owned())
        })
    }

    /// Translates all names; a name that no rule matches stays as it is, so that loading reports it as unexpected.
    ///
    /// # Errors
    /// If two tensors get the same name.
    pub fn rename(
        &self,
        tensors: BTreeMap<String, Tensor>,
    ) -> Result<BTreeMap<String, Tensor>, WeightsError> {
        let mut renamed = BTreeMap::new();
        let mut origins: BTreeMap<String, String> = BTreeMap::new();
        for (origin, tensor) in tensors {
            let name = self.map(&origin).unwrap_or_else(|| origin.clone());
            match origins.entry(name.clone()) {
                Entry::Occupied(entry) => {
                    return Err(WeightsError::DuplicateName {
                        name,
                        first: entry.get().clone(),
                        second: origin,
                    });
                }
                Entry::Vacant(entry) => entry.insert(origin),
            };
            renamed.insert(name, tensor);
        }
        Ok(renamed)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tensors(names: &[&str]) -> BTreeMap<String, Tensor> {
        names
            .iter()
            .map(|name| ((*name).to_owned(), Tensor::from(1f32)))
            .collect()
    }

    #[test]
    fn the_first_rule_for_the_whole_name_decides() {
        let map = KeyMap::new(&[
            (r"a\.(\d+)\.w", "first.${1}.weight"),
            (r"a\.(.*)", "second.${1}"),
        ])
        .unwrap()
        .and(KeyMap::new(&[(r"b", "third")]).unwrap());
        assert_eq!(map.map("a.3.w").as_deref(), Some("first.3.weight"));
        assert_eq!(map.map("a.x").as_deref(), Some("second.x"));
        assert_eq!(map.map("b").as_deref(), Some("third"));
        assert_eq!(map.map("bb"), None);
        assert_eq!(map.map("xa.3.w"), None);
    }

    #[test]
    fn unknown_names_stay_and_collisions_are_errors() {
        let map = KeyMap::new(&[("x|y", "z")]).unwrap();
        let renamed = map.rename(tensors(&["x", "w"])).unwrap();
        assert_eq!(renamed.into_keys().collect::<Vec<_>>(), ["w", "z"]);
        let error = map.rename(tensors(&["x", "y"])).unwrap_err();
        assert_eq!(error.to_string(), "two tensors are named `z`: x and y");
        assert!(map.rename(tensors(&["x", "z"])).is_err());
    }

    #[test]
    fn a_broken_rule_is_named() {
        let error = KeyMap::new(&[("(", "")]).unwrap_err();
        assert!(error.to_string().contains("`(`"), "{error}");
    }
}
