//! Detections matched with the ground truth.

use rayon::prelude::*;
use tal_core::config::{EvaluationConfig, EvaluationDialect};
use tal_core::{ClassMap, Recording};

use super::average_precision::average_precision;
use super::dialect::Rules;
use super::error::EvaluationError;
use super::hits;
use super::input::DetectionInput;
use super::result::{ClassEvaluation, Evaluation, EvaluationCounts};
use super::table::{ClassTable, Table};
use super::truth::Truth;

/// Detections matched with the ground truth, class by class and threshold by threshold; all figures are read from it.
#[derive(Debug)]
pub struct Matching {
    pub(super) dialect: EvaluationDialect,
    pub(super) thresholds: Vec<f64>,
    pub(super) rules: Rules,
    pub(super) classes: Vec<MatchedClass>,
    pub(super) counts: EvaluationCounts,
    /// Ids of the recordings that count, sorted; the rows of the tables refer to their positions.
    pub(super) recordings: Vec<String>,
}

/// One class, ranked and matched.
#[derive(Debug)]
pub(super) struct MatchedClass {
    /// The table, with detections sorted by score, highest first.
    pub(super) table: ClassTable,
    /// Whether each detection is a true positive, per threshold.
    pub(super) hits: Vec<Vec<bool>>,
}

impl MatchedClass {
    /// Rank of each detection that counts at a threshold, and whether it is a true positive. A false positive that overlaps
    /// an ambiguous annotation does not count.
    pub(super) fn counted(&self, threshold: usize) -> impl Iterator<Item = (usize, bool)> {
        let rows = self.hits[threshold].iter().zip(&self.table.detections);
        rows.enumerate()
            .filter(|(_, (hit, row))| **hit || !row.is_ambiguous)
            .map(|(rank, (hit, _))| (rank, *hit))
    }

    fn evaluation(&self) -> ClassEvaluation {
        let num_ground_truth = self.table.instances.len();
        let ap = (0..self.hits.len())
            .map(|threshold| {
                let hits: Vec<bool> = self.counted(threshold).map(|(_, hit)| hit).collect();
                average_precision(&hits, num_ground_truth)
            })
            .collect();
        ClassEvaluation {
            label: self.table.label,
            num_ground_truth,
            num_detections: self.table.detections.len(),
            ap,
        }
    }
}

impl Matching {
    /// Matches detections with the annotations of `recordings`, the recordings of the evaluated subset (see
    /// [`tal_core::GroundTruth::subset`]).
    ///
    /// `classes` gives the id of `config.ambiguous_class`; it is needed only if that is given.
    ///
    /// # Units
    /// Segments in seconds.
    ///
    /// # Errors
    /// Those of [`crate::evaluate`], and those of [`crate::evaluate_with`].
    pub fn new<'a, 'd>(
        recordings: impl IntoIterator<Item = &'a Recording>,
        detections: impl Into<DetectionInput<'d>>,
        config: &EvaluationConfig,
        classes: Option<&ClassMap>,
    ) -> Result<Self, EvaluationError> {
        let rules = Rules::new(config, classes)?;
        let truth = Truth::new(recordings, &rules)?;
        let Table { classes, counts } = Table::new(&truth, detections, &rules)?;
        let thresholds = config.tiou_thresholds.clone();
        let classes = classes
            .into_par_iter()
            .map(|mut table| {
                rules.sort_descending(&mut table.detections, |row| row.score);
                let hits = hits::true_positives(&table, &thresholds, &rules);
                MatchedClass { table, hits }
            })
            .collect();
        Ok(Self {
            dialect: config.dialect,
            thresholds,
            rules,
            classes,
            counts,
            recordings: truth.recordings.iter().map(|r| r.id.clone()).collect(),
        })
    }

    /// Thresholds in the order of the configuration.
    pub fn tiou_thresholds(&self) -> &[f64] {
        &self.thresholds
    }

    /// Average precision of each class, and its means over classes and thresholds.
    pub fn evaluation(&self) -> Evaluation {
        let classes: Vec<ClassEvaluation> = self
            .classes
            .par_iter()
            .map(MatchedClass::evaluation)
            .collect();
        let mean =
            |values: &mut dyn Iterator<Item = f64>, num: usize| values.sum::<f64>() / num as f64;
        let map: Vec<f64> = (0..self.thresholds.len())
            .map(|t| mean(&mut classes.iter().map(|class| class.ap[t]), classes.len()))
            .collect();
        Evaluation {
            dialect: self.dialect,
            tiou_thresholds: self.thresholds.clone(),
            average_map: mean(&mut map.iter().copied(), map.len()),
            map,
            classes,
            counts: self.counts,
        }
    }
}
