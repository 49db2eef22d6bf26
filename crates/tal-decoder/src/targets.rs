//! Training targets of one recording, and the actions that they are made of.

use tal_core::Segment;

/// An annotated action.
///
/// # Units
/// `segment` in grid units.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Action {
    /// Start and end.
    pub segment: Segment<f32>,
    /// Class id.
    pub class: u32,
}

/// A point that at least one action claims.
#[derive(Debug, Clone, PartialEq)]
pub struct PositivePoint {
    /// Index over all levels, level 0 first.
    pub point: usize,
    /// Classes of the actions that claim the point, ascending, each once.
    pub classes: Vec<u32>,
    /// Distances to the start and to the end of the shortest of these actions.
    ///
    /// # Units
    /// Strides of the point's level.
    pub offsets: [f32; 2],
}

/// A pair of a point and an action around it.
#[derive(Debug, Clone, PartialEq)]
pub struct Claim {
    /// Index of the point over all levels, level 0 first.
    pub point: usize,
    /// Index of the action.
    pub action: usize,
    /// Class of the action.
    pub class: u32,
    /// Distances to the start and to the end of the action.
    ///
    /// # Units
    /// Strides of the point's level.
    pub offsets: [f32; 2],
}

/// Targets of one recording: its positive points; all other points are background.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Targets {
    /// Number of points of all levels.
    pub num_points: usize,
    /// Positive points, ascending.
    pub positives: Vec<PositivePoint>,
    /// Pairs whose costs are compared, ascending by point, then action. Empty if the assignment compares no costs.
    pub claims: Vec<Claim>,
}
