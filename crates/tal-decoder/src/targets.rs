//! Training targets of one recording.

/// A point that at least one action claims.
#[derive(Debug, Clone, PartialEq)]
pub struct PositivePoint {
    /// Index when all levels stand one after another, level 0 first.
    pub point: usize,
    /// Classes of the actions that claim the point, ascending, each once.
    pub classes: Vec<u32>,
    /// Distances to the start and to the end of the shortest of these actions.
    ///
    /// # Units
    /// Strides of the point's level.
    pub offsets: [f32; 2],
}

/// A point that lies inside an action.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Index when all levels stand one after another, level 0 first.
    pub point: usize,
    /// Index of the action.
    pub action: usize,
    /// The action's class.
    pub class: u32,
    /// Distances to the start and to the end of the action.
    ///
    /// # Units
    /// Strides of the point's level.
    pub offsets: [f32; 2],
}

/// What the network should answer for one recording: the positive points only, everything else is background.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    /// Number of points of all levels.
    pub num_points: usize,
    /// The positive points, ascending.
    pub positives: Vec<PositivePoint>,
    /// What costs choose from: every pair of a point and an action around it, ascending by point, then action. Empty where
    /// the assignment compares no costs.
    pub claims: Vec<Claim>,
}

/// [`Targets`] with one row per point.
#[derive(Debug, Clone, PartialEq)]
pub struct DenseTargets {
    /// One or zero per (point, class), row by row.
    ///
    /// # Shapes
    /// (ΣT_l, K) flattened, for K classes.
    pub classes: Vec<f32>,
    /// Distances to the start and to the end per point, zero at background points.
    ///
    /// # Units
    /// Strides of the point's level.
    pub offsets: Vec<[f32; 2]>,
}

impl Targets {
    /// The same targets with one row per point.
    ///
    /// # Panics
    /// Where a class id is not below `num_classes`.
    pub fn to_dense(&self, num_classes: usize) -> DenseTargets {
        let mut dense = DenseTargets {
            classes: vec![0.0; self.num_points * num_classes],
            offsets: vec![[0.0; 2]; self.num_points],
        };
        for positive in &self.positives {
            let row = &mut dense.classes[positive.point * num_classes..][..num_classes];
            for &class in &positive.classes {
                row[class as usize] = 1.0;
            }
            dense.offsets[positive.point] = positive.offsets;
        }
        dense
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dense_rows_hold_the_positive_points() {
        let targets = Targets {
            num_points: 3,
            positives: vec![PositivePoint {
                point: 1,
                classes: vec![0, 2],
                offsets: [0.5, 1.5],
            }],
            claims: Vec::new(),
        };
        let dense = targets.to_dense(3);
        assert_eq!(dense.classes, [0.0, 0.0, 0.0, 1.0, 0.0, 1.0, 0.0, 0.0, 0.0]);
        assert_eq!(dense.offsets, [[0.0, 0.0], [0.5, 1.5], [0.0, 0.0]]);
    }
}
