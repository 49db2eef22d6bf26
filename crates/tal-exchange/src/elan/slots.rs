//! Times of ELAN's annotations.

use std::collections::BTreeMap;
use std::path::Path;

use roxmltree::Node;

use crate::ExchangeError;
use crate::xml::{attribute, children, place};

pub(super) const EXPECTED: &str = "a file that ELAN saved (.eaf)";

/// Time of a slot in milliseconds, if it has one.
pub(super) type Slots<'a> = BTreeMap<&'a str, Option<f64>>;

/// The slots of a document.
pub(super) fn slots<'a>(root: Node<'a, '_>, path: &Path) -> Result<Slots<'a>, ExchangeError> {
    let order = children(root, "TIME_ORDER").next();
    let order =
        order.ok_or_else(|| ExchangeError::part(path, place(root), "no TIME_ORDER", EXPECTED))?;
    let mut slots = Slots::new();
    for slot in children(order, "TIME_SLOT") {
        let id = attribute(slot, "TIME_SLOT_ID", path, "an id")?;
        let time = match slot.attribute("TIME_VALUE") {
            None => None,
            Some(text) => Some(text.parse::<u64>().map(|time| time as f64).map_err(|_| {
                let expected = "a whole number of milliseconds";
                ExchangeError::part(path, place(slot), text, expected)
            })?),
        };
        slots.insert(id, time);
    }
    Ok(slots)
}

/// Gives slots without time, which follow one another in a tier, equal shares of the time between their neighbours.
pub(super) fn interpolate<'a>(tier: Node<'a, '_>, slots: &mut Slots<'a>) {
    // The last slot with a time, and those behind it.
    let mut chain: Option<(f64, Vec<&str>)> = None;
    for annotation in
        children(tier, "ANNOTATION").flat_map(|one| children(one, "ALIGNABLE_ANNOTATION"))
    {
        for name in ["TIME_SLOT_REF1", "TIME_SLOT_REF2"] {
            let Some(slot) = annotation.attribute(name) else {
                continue;
            };
            match (slots.get(slot).copied(), &mut chain) {
                (Some(Some(time)), _) => {
                    if let Some((from, open)) = chain.take() {
                        let share = (time - from) / (open.len() + 1) as f64;
                        for (number, slot) in (1..).zip(open) {
                            slots.insert(slot, Some(from + share * f64::from(number)));
                        }
                    }
                    chain = Some((time, Vec::new()));
                }
                (Some(None), Some((_, open))) if open.last() != Some(&slot) => open.push(slot),
                _ => {}
            }
        }
    }
}

/// Annotations by id, for those that refer to another.
pub(super) struct Annotations<'a, 'b> {
    by_id: BTreeMap<&'a str, Node<'a, 'b>>,
}

impl<'a, 'b> Annotations<'a, 'b> {
    pub(super) fn new(tiers: &[Node<'a, 'b>], path: &Path) -> Result<Self, ExchangeError> {
        let mut by_id = BTreeMap::new();
        for annotation in tiers.iter().flat_map(|tier| tier.descendants()) {
            if annotation.has_tag_name("ALIGNABLE_ANNOTATION")
                || annotation.has_tag_name("REF_ANNOTATION")
            {
                by_id.insert(
                    attribute(annotation, "ANNOTATION_ID", path, "an id")?,
                    annotation,
                );
            }
        }
        Ok(Self { by_id })
    }

    /// Start and end in milliseconds; those of the annotation to which it refers if it has none.
    pub(super) fn time(
        &self,
        annotation: Node,
        slots: &Slots,
        path: &Path,
    ) -> Result<[f64; 2], ExchangeError> {
        let wrong = |found: &str, expected: &str| {
            Err(ExchangeError::part(
                path,
                place(annotation),
                found,
                expected,
            ))
        };
        let mut at = annotation;
        // No more steps than annotations: a circle of references has no end.
        for _ in 0..=self.by_id.len() {
            if at.has_tag_name("ALIGNABLE_ANNOTATION") {
                let mut ends = [0.0; 2];
                for (end, name) in ends.iter_mut().zip(["TIME_SLOT_REF1", "TIME_SLOT_REF2"]) {
                    let slot = attribute(at, name, path, "the id of a TIME_SLOT")?;
                    *end = match slots.get(slot) {
                        Some(Some(time)) => *time,
                        Some(None) => {
                            return wrong(
                                &format!("time slot {slot} without time"),
                                "slots with TIME_VALUE around it; align the annotation in ELAN",
                            );
                        }
                        None => {
                            return wrong(
                                &format!("unknown time slot {slot}"),
                                "one of TIME_ORDER",
                            );
                        }
                    };
                }
                if ends[1] < ends[0] {
                    return wrong(
                        &format!("{} to {} ms", ends[0], ends[1]),
                        "an end that is not before the start",
                    );
                }
                return Ok(ends);
            }
            let parent = attribute(at, "ANNOTATION_REF", path, "the id of an annotation")?;
            match self.by_id.get(parent) {
                Some(parent) => at = *parent,
                None => {
                    return wrong(
                        &format!("unknown annotation {parent}"),
                        "the id of another annotation",
                    );
                }
            }
        }
        wrong(
            "a circle of references",
            "an annotation with a time of its own",
        )
    }
}
