//! Tensors of another program.

use serde::Serialize;
use tal_runs::TensorEntry;

use crate::section::{Section, facts};
use crate::tree::tree;
use tal_core::grouped;

/// Longest text of a value that is shown.
const LONGEST: usize = 100;

/// Tensors of a file that no checkpoint of `tal` is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct WeightFacts {
    /// Format of the file.
    pub format: &'static str,
    /// Number of values of all tensors.
    pub num_values: usize,
    /// What else the file holds, by name.
    pub others: Vec<(String, String)>,
    /// The tensors.
    pub tensors: Vec<TensorEntry>,
    #[serde(skip)]
    depth: usize,
}

impl WeightFacts {
    pub(crate) fn new(
        format: &'static str,
        others: Vec<(String, String)>,
        tensors: Vec<TensorEntry>,
        depth: usize,
    ) -> Self {
        let sizes = tensors.iter().map(TensorEntry::num_values);
        Self {
            format,
            num_values: sizes.fold(0, usize::saturating_add),
            others,
            tensors,
            depth,
        }
    }

    pub(crate) fn sections(&self) -> Vec<Section> {
        let others = self.others.iter().map(|(name, value)| {
            let value: String = value.chars().take(LONGEST).collect();
            format!("{name}: {value}")
        });
        let others: Vec<String> = others.collect();
        let mut sections = vec![facts([
            ("format", Some(self.format.to_owned())),
            ("tensors", Some(grouped(self.tensors.len()))),
            ("values", Some(grouped(self.num_values))),
            (
                "for tal",
                Some(
                    "`tal import` converts checkpoints of released detectors; `tal features weights FILE` knows public weights \
                     of video networks"
                        .to_owned(),
                ),
            ),
        ])];
        if !others.is_empty() {
            sections.push(Section::Text {
                title: "Beside the tensors".to_owned(),
                text: others.join("\n"),
            });
        }
        sections.push(Section::Text {
            title: "Tensors".to_owned(),
            text: tree(&self.tensors, self.depth),
        });
        sections
    }
}
