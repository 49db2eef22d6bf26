//! Annotations before their labels have ids, and the sink of their errors.

use tal_core::Segment;

use super::{AnnotationError, Place};

/// Receiver of errors; `Err` ends the check.
pub(super) type Sink<'s> = dyn FnMut(AnnotationError) -> Result<(), AnnotationError> + 's;

/// An annotation that is right by itself.
pub(super) struct Draft<'a> {
    /// Index of its recording among those that are right.
    pub(super) recording: usize,
    pub(super) place: Box<Place>,
    pub(super) segment: Segment,
    pub(super) label: &'a str,
    /// `None` if only other annotations, or a list, can tell it.
    pub(super) id: Option<u32>,
    /// Whether only its class counts.
    pub(super) is_left_out: bool,
}
