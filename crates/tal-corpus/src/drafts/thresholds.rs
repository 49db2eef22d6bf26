//! Smallest scores by class.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::ClassMap;
use tal_core::quoted_list;
use tal_data::text;

use crate::exchange::ExchangeError;

/// Key of classes that have no threshold of their own.
const DEFAULT: &str = "default";

/// Smallest score of an event by the name of its class.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Thresholds {
    scores: BTreeMap<String, f64>,
}

impl Thresholds {
    /// Thresholds by class; the key `default` is for classes without one.
    pub fn new(scores: BTreeMap<String, f64>) -> Self {
        Self { scores }
    }

    /// Reads YAML or JSON: an object of classes and scores, `default` for classes without one.
    ///
    /// # Errors
    /// A file that is missing, unreadable or something else.
    pub fn read(path: &Path) -> Result<Self, ExchangeError> {
        let bytes = text::read(path)?;
        let scores: BTreeMap<String, f64> = serde_yaml::from_slice(&bytes).map_err(|error| {
            let expected = "an object of classes and scores, such as {pour: 0.4, default: 0.3}";
            let found = tal_core::plain_words(&error.to_string());
            ExchangeError::part(path, "thresholds", &found, expected)
        })?;
        if let Some((class, score)) = scores.iter().find(|(_, score)| !score.is_finite()) {
            let place = format!("class {class:?}");
            return Err(ExchangeError::part(
                path,
                place,
                &score.to_string(),
                "a finite number",
            ));
        }
        Ok(Self { scores })
    }

    /// Smallest score of a class; none if neither the class nor `default` has one.
    pub fn of(&self, class: &str) -> Option<f64> {
        let score = self.scores.get(class);
        score.or_else(|| self.scores.get(DEFAULT)).copied()
    }

    /// Whether every class is known.
    pub(super) fn check(&self, classes: &ClassMap) -> Result<(), ExchangeError> {
        let is_known = |name: &str| name == DEFAULT || classes.id(name).is_some();
        match self.scores.keys().find(|name| !is_known(name)) {
            None => Ok(()),
            Some(name) => Err(ExchangeError::Absent {
                option: "--thresholds",
                name: name.clone(),
                present: quoted_list(classes.iter().map(|(_, name)| name)),
            }),
        }
    }
}
