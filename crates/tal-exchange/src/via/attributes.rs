//! Attributes of VIA: one names the class, others say what events have fields for.

use std::collections::BTreeMap;

use tal_core::quoted_list;

use crate::json::Item;
use crate::model::Event;
use crate::{ExchangeError, ReadOptions};
use tal_data::text::finite;

/// Names of the attributes that are written; that of the class comes first.
pub(crate) const CLASS: &str = "action";
pub(crate) const SCORE: &str = "score";
pub(crate) const SUBJECT: &str = "subject";
pub(crate) const ANNOTATOR: &str = "annotator";
pub(crate) const MODIFIERS: &str = "modifiers";
pub(crate) const COMMENT: &str = "comment";
/// All but that of the class.
pub(crate) const FURTHER: [&str; 5] = [SCORE, SUBJECT, ANNOTATOR, MODIFIERS, COMMENT];
/// Between modifiers.
pub(crate) const SEPARATOR: &str = "; ";

/// Kinds of attributes.
pub(crate) const TEXT: u64 = 1;
pub(crate) const CHECKBOX: u64 = 2;
pub(crate) const SELECT: u64 = 4;

struct Attribute {
    name: String,
    kind: u64,
    /// Values by their id; none of a text.
    options: BTreeMap<String, String>,
}

/// The attributes of a project.
pub(crate) struct Attributes {
    by_id: BTreeMap<String, Attribute>,
    /// Id of the one that names the class.
    class: Option<String>,
}

impl Attributes {
    /// Attributes of a project. The class is the one that the options name, or else `action`, or else the first that segments of
    /// time have: one with a choice before one of free text.
    pub(crate) fn new(all: &Item, options: &ReadOptions) -> Result<Self, ExchangeError> {
        let mut by_id = BTreeMap::new();
        let mut candidates: Vec<(bool, bool, String)> = Vec::new();
        for (id, item) in all.fields()? {
            let name = item.field("aname").name("the name of an attribute")?;
            let kind = item
                .field("type")
                .number("the kind of the attribute, 1 to 4")? as u64;
            let anchor = item.field("anchor_id").optional_text().unwrap_or_default();
            let mut values = BTreeMap::new();
            let choices = item.field("options");
            if kind != TEXT && !choices.is_missing() {
                for (value, name) in choices.fields()? {
                    values.insert(value.to_owned(), name.name("the name of a choice")?);
                }
            }
            if anchor.contains("_Z") && anchor.ends_with("XY0") && !anchor.contains("_Z0") {
                candidates.push((name != CLASS, kind == TEXT, id.to_owned()));
            }
            let options = values;
            by_id.insert(
                id.to_owned(),
                Attribute {
                    name,
                    kind,
                    options,
                },
            );
        }
        // Ids are numbers; the first is the oldest.
        candidates.sort_by_key(|(is_other, is_text, id)| {
            (*is_other, *is_text, id.parse::<u64>().unwrap_or(u64::MAX))
        });
        let named = |name: &String| {
            let found = by_id.iter().find(|(_, one)| one.name == *name);
            found
                .map(|(id, _)| id.clone())
                .ok_or_else(|| ExchangeError::Absent {
                    option: "--tier",
                    name: name.clone(),
                    present: quoted_list(by_id.values().map(|one| &one.name)),
                })
        };
        let class = match options.tiers.first() {
            Some(name) => Some(named(name)?),
            None => {
                let mut own = candidates.into_iter().map(|(_, _, id)| id);
                own.find(|id| {
                    by_id
                        .get(id)
                        .is_some_and(|one| !FURTHER.contains(&one.name.as_str()))
                })
            }
        };
        Ok(Self { by_id, class })
    }

    /// All choices of the class.
    pub(crate) fn classes(&self) -> Vec<String> {
        let attribute = self.class.as_ref().and_then(|id| self.by_id.get(id));
        let Some(attribute) = attribute else {
            return Vec::new();
        };
        let mut choices: Vec<(&String, &String)> = attribute.options.iter().collect();
        choices.sort_by_key(|(id, _)| (id.parse::<u64>().unwrap_or(u64::MAX), *id));
        let mut names: Vec<String> = Vec::new();
        for (_, name) in choices {
            if !names.contains(name) {
                names.push(name.clone());
            }
        }
        names
    }

    /// The events of a segment: one for each class that is ticked, none if it has no class.
    pub(crate) fn events(
        &self,
        values: &Item,
        start: f64,
        end: Option<f64>,
    ) -> Result<Vec<Event>, ExchangeError> {
        let mut event = Event {
            start,
            end,
            ..Event::default()
        };
        let mut classes = Vec::new();
        for (id, item) in values.fields()? {
            // Values of an attribute that was deleted may be left.
            let Some(attribute) = self.by_id.get(id) else {
                continue;
            };
            let Some(text) = item.optional_text() else {
                continue;
            };
            let parts: Vec<&str> = match attribute.kind {
                CHECKBOX => text
                    .split(',')
                    .map(str::trim)
                    .filter(|part| !part.is_empty())
                    .collect(),
                _ => vec![text.as_str()],
            };
            let named = parts
                .into_iter()
                .map(|part| match attribute.options.get(part) {
                    Some(name) => Ok(name.clone()),
                    None if attribute.kind == TEXT
                        || attribute.options.values().any(|name| name == part) =>
                    {
                        Ok(part.to_owned())
                    }
                    // What was chosen before the choice was deleted.
                    None => Err(item.wrong(format!("the id of a choice of {:?}", attribute.name))),
                });
            let names: Vec<String> = named.collect::<Result<_, _>>()?;
            match attribute.name.as_str() {
                _ if self.class.as_ref() == Some(&id.to_owned()) => classes = names,
                SCORE => event.score = finite(&text),
                SUBJECT => event.subject = Some(names.join(SEPARATOR)),
                ANNOTATOR => event.annotator = Some(names.join(SEPARATOR)),
                COMMENT => event.comment = Some(names.join(SEPARATOR)),
                MODIFIERS => event.modifiers = text.split(SEPARATOR).map(str::to_owned).collect(),
                name => event.modifiers.push(format!("{name}={}", names.join(","))),
            }
        }
        Ok((classes.into_iter())
            .map(|class| Event {
                class,
                ..event.clone()
            })
            .collect())
    }
}

/// A name without the ending behind the last point.
pub(crate) fn without_ending(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((stem, ending)) if !stem.is_empty() && !ending.contains(['/', '\\']) => stem,
        _ => name,
    }
}
