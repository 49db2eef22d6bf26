//! Keys that were renamed: former names still work, with a warning.

use std::collections::BTreeMap;

use serde_yaml::{Mapping, Value};

use crate::ConfigError;
use crate::lines::join;

/// Section, former name and name of each renamed key.
const RENAMED: [(&str, &str, &str); 1] = [("loss", "sensitivity", "action_sensitivity")];

/// Whether `name` is the former name of a key in `section`.
pub(crate) fn is_former(section: &str, name: &str) -> bool {
    RENAMED
        .iter()
        .any(|(known, former, _)| *known == section && *former == name)
}

/// Renames the former keys of a layer and their lines.
///
/// # Errors
/// [`ConfigError::Value`] if a layer has a key under both names.
pub(crate) fn rename(
    values: &mut Mapping,
    lines: &mut BTreeMap<String, usize>,
    origin: &str,
) -> Result<(), ConfigError> {
    for (section, former, name) in RENAMED {
        let found = section.split('.').try_fold(&mut *values, |values, key| {
            values.get_mut(key)?.as_mapping_mut()
        });
        let Some((found, value)) = found.and_then(|found| {
            let value = found.shift_remove(former)?;
            Some((found, value))
        }) else {
            continue;
        };
        let (old, new) = (join(section, former), join(section, name));
        tracing::warn!("{origin}: {old} is now called {new}; please rename it");
        if found.insert(Value::from(name), value).is_some() {
            return Err(ConfigError::Value {
                origin: origin.to_owned(),
                path: new,
                message: format!("is set twice, also under its former name {old}"),
            });
        }
        *lines = std::mem::take(lines)
            .into_iter()
            .map(|(path, line)| match path.strip_prefix(&old) {
                Some(rest) if rest.is_empty() || rest.starts_with('.') => {
                    (format!("{new}{rest}"), line)
                }
                _ => (path, line),
            })
            .collect();
    }
    Ok(())
}
