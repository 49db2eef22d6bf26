//! Choice of tiers.

use tal_core::quoted_list;

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
