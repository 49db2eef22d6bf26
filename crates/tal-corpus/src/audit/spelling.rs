//! Labels that are spelled in several ways.

use std::collections::{BTreeMap, BTreeSet};

use tal_core::ClassMap;

use super::finding::{Code, Findings, Severity};

/// Names that differ from another by spaces or case alone, and their ids.
pub(super) struct Variants {
    groups: Vec<Vec<(u32, String)>>,
}

impl Variants {
    pub(super) fn of(classes: &ClassMap) -> Self {
        let mut groups: BTreeMap<String, Vec<(u32, String)>> = BTreeMap::new();
        for (id, name) in classes.iter() {
            let named = (id, name.to_owned());
            groups.entry(plain(name)).or_default().push(named);
        }
        groups.retain(|_, names| names.len() > 1);
        Self {
            groups: groups.into_values().collect(),
        }
    }

    /// Ids of all these names: what is said of them as classes follows from their spelling.
    pub(super) fn ids(&self) -> BTreeSet<u32> {
        self.groups.iter().flatten().map(|(id, _)| *id).collect()
    }

    pub(super) fn check(&self, findings: &mut Findings) {
        for names in &self.groups {
            let quoted: Vec<String> = names.iter().map(|(_, name)| format!("{name:?}")).collect();
            findings.add(
                Severity::Warning,
                Code::LabelSpelling,
                None,
                format!("{} differ by spaces or case alone", quoted.join(" and ")),
                "one spelling for each class; they are trained as different ones",
            );
        }
    }
}

/// The name without what hands spell differently.
fn plain(name: &str) -> String {
    let letters = name
        .chars()
        .filter(|letter| !letter.is_whitespace() && !matches!(letter, '_' | '-'));
    letters.flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_alike_without_spaces_and_case() {
        let names = [
            "run ",
            "jump",
            "Jump",
            "run",
            "long_jump",
            "LongJump",
            "walk",
        ];
        let classes = ClassMap::from_names(names).unwrap();
        let variants = Variants::of(&classes);
        assert_eq!(variants.ids().len(), 6);
        let mut findings = Findings::default();
        variants.check(&mut findings);
        let found: Vec<_> = findings.0.iter().map(|one| one.found.as_str()).collect();
        assert_eq!(
            found,
            [
                "\"jump\" and \"Jump\" differ by spaces or case alone",
                "\"long_jump\" and \"LongJump\" differ by spaces or case alone",
                "\"run \" and \"run\" differ by spaces or case alone",
            ]
        );
        assert!(
            Variants::of(&ClassMap::from_names(["a", "b"]).unwrap())
                .ids()
                .is_empty()
        );
    }
}
