//! Class ids and their names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// An error in the ids and names of a [`ClassMap`].
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
#[non_exhaustive]
pub enum ClassMapError {
    /// One id stands for two names.
    #[error(
        "class id {id} has two names, {first:?} and {second:?}; give each label an id of its own"
    )]
    TwoNames {
        /// The id.
        id: u32,
        /// The name that came first.
        first: String,
        /// The name that came later.
        second: String,
    },
    /// One name stands for two ids.
    #[error("class {name:?} has two ids, {first} and {second}; give each label one id")]
    TwoIds {
        /// The name.
        name: String,
        /// The id that came first.
        first: u32,
        /// The id that came later.
        second: u32,
    },
}

/// Names of the classes by id. Ids may have gaps: no annotation uses a class without a name.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ClassMap {
    names: BTreeMap<u32, String>,
}

impl ClassMap {
    /// Classes with the ids 0, 1, … in the order of `names`.
    ///
    /// # Errors
    /// If a name occurs twice.
    pub fn from_names<S: Into<String>>(
        names: impl IntoIterator<Item = S>,
    ) -> Result<Self, ClassMapError> {
        let mut map = Self::default();
        for (id, name) in names.into_iter().enumerate() {
            map.insert(id as u32, name)?;
        }
        Ok(map)
    }

    /// Adds a class; adding the same pair again changes nothing.
    ///
    /// # Errors
    /// If the id has another name, or the name another id.
    pub fn insert(&mut self, id: u32, name: impl Into<String>) -> Result<(), ClassMapError> {
        let name = name.into();
        if let Some(first) = self.names.get(&id) {
            if *first == name {
                return Ok(());
            }
            let (first, second) = (first.clone(), name);
            return Err(ClassMapError::TwoNames { id, first, second });
        }
        if let Some(first) = self.id(&name) {
            let second = id;
            return Err(ClassMapError::TwoIds {
                name,
                first,
                second,
            });
        }
        self.names.insert(id, name);
        Ok(())
    }

    /// The id of a class.
    pub fn id(&self, name: &str) -> Option<u32> {
        self.iter().find(|(_, n)| *n == name).map(|(id, _)| id)
    }

    /// The name that is spelled most like `name`; `None` if none is similar.
    pub fn nearest(&self, name: &str) -> Option<&str> {
        crate::nearest_name(name, self.iter().map(|(_, known)| known))
    }

    /// The name of a class.
    pub fn name(&self, id: u32) -> Option<&str> {
        self.names.get(&id).map(String::as_str)
    }

    /// The name of a class, or `class_ID` if it has none.
    pub fn display_name(&self, id: u32) -> String {
        self.name(id)
            .map_or_else(|| format!("class_{id}"), str::to_owned)
    }

    /// The first id that has different names here and in `other`: `(id, name here, name there)`.
    pub fn conflict<'a>(&'a self, other: &'a Self) -> Option<(u32, &'a str, &'a str)> {
        self.iter().find_map(|(id, name)| {
            let there = other.name(id)?;
            (there != name).then_some((id, name, there))
        })
    }

    /// Ids and names, by id.
    pub fn iter(&self) -> impl Iterator<Item = (u32, &str)> {
        self.names.iter().map(|(id, name)| (*id, name.as_str()))
    }

    /// Number of named classes.
    pub fn len(&self) -> usize {
        self.names.len()
    }

    /// Whether no class has a name.
    pub fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// One more than the largest id, zero for an empty map.
    pub fn id_bound(&self) -> u32 {
        self.names.last_key_value().map_or(0, |(id, _)| id + 1)
    }

    /// The ids below `num_classes` without a name (empty classes, for which there is no training example).
    pub fn unnamed_below(&self, num_classes: usize) -> Vec<u32> {
        (0..num_classes as u32)
            .filter(|id| !self.names.contains_key(id))
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn maps_conflict_if_both_name_an_id_differently() {
        let trained = ClassMap::from_names(["run", "jump"]).unwrap();
        let mut other = ClassMap::default();
        assert_eq!(trained.conflict(&other), None);
        other.insert(2, "fall").unwrap();
        assert_eq!(trained.conflict(&other), None);
        other.insert(1, "run").unwrap();
        assert_eq!(trained.conflict(&other), Some((1, "jump", "run")));
    }

    #[test]
    fn conflicts_name_both_sides() {
        let mut map = ClassMap::from_names(["run", "jump"]).unwrap();
        map.insert(1, "jump").unwrap();
        assert_eq!(
            map.insert(1, "fall").unwrap_err().to_string(),
            "class id 1 has two names, \"jump\" and \"fall\"; give each label an id of its own"
        );
        assert!(matches!(
            map.insert(7, "run"),
            Err(ClassMapError::TwoIds {
                first: 0,
                second: 7,
                ..
            })
        ));
    }

    #[test]
    fn gaps_are_empty_classes() {
        let mut map = ClassMap::default();
        map.insert(2, "c").unwrap();
        map.insert(0, "a").unwrap();
        assert_eq!(map.unnamed_below(4), [1, 3]);
        assert_eq!(map.id_bound(), 3);
        assert_eq!(map.display_name(1), "class_1");
    }
}
