//! Tiers: their choice, and what an annotation in one says.

use tal_core::quoted_list;

use super::lanes::{class_and_score, is_of_class};
use super::model::Event;
use super::options::ClassFrom;
use super::{ExchangeError, ReadOptions};

/// Whether every tier that the options name is there.
pub(super) fn check(names: &[&str], options: &ReadOptions) -> Result<(), ExchangeError> {
    match options
        .tiers
        .iter()
        .find(|tier| !names.contains(&tier.as_str()))
    {
        None => Ok(()),
        Some(tier) => Err(ExchangeError::Absent {
            option: "--tier",
            name: tier.clone(),
            present: quoted_list(names),
        }),
    }
}

/// Whether a tier is read.
pub(super) fn is_wanted(name: &str, options: &ReadOptions) -> bool {
    options.tiers.is_empty() || options.tiers.iter().any(|tier| tier == name)
}

/// An event of a tier, without its time.
pub(super) fn event(tier: &str, value: &str, class_from: ClassFrom) -> Event {
    let (class, score) = class_and_score(value, tier);
    let text = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match class_from {
        ClassFrom::Tier => Event {
            class: tier.to_owned(),
            comment: text(value).filter(|_| !is_of_class(tier, class)),
            score,
            ..Event::default()
        },
        ClassFrom::Value if value.is_empty() => Event {
            class: tier.to_owned(),
            ..Event::default()
        },
        ClassFrom::Value => Event {
            class: class.to_owned(),
            subject: text(tier).filter(|_| !is_of_class(tier, class)),
            score,
            ..Event::default()
        },
    }
}
