//! Fields of JSON, checked by name.

use std::path::Path;

use serde_json::Value;
use tal_data::text::finite;

use super::ExchangeError;

/// The JSON of a file.
pub(super) fn parsed(bytes: &[u8], path: &Path) -> Result<Value, ExchangeError> {
    Ok(tal_data::json::from_json(bytes, path)?)
}

/// A value of a file and its place, such as `observations.a.events[3]`.
#[derive(Clone)]
pub(super) struct Item<'a> {
    path: &'a Path,
    place: String,
    value: Option<&'a Value>,
}

impl<'a> Item<'a> {
    /// The whole file.
    pub(super) fn new(value: &'a Value, path: &'a Path) -> Self {
        let (place, value) = (String::new(), Some(value));
        Self { path, place, value }
    }

    /// A value at a place of a file that is not JSON as a whole.
    pub(super) fn at(value: &'a Value, path: &'a Path, place: String) -> Self {
        let value = Some(value);
        Self { path, place, value }
    }

    /// The place, for messages.
    pub(super) fn place(&self) -> &str {
        &self.place
    }

    /// The error that something else was expected.
    pub(super) fn wrong(&self, expected: impl Into<String>) -> ExchangeError {
        let found = self
            .value
            .map_or_else(|| "missing".to_owned(), Value::to_string);
        let place = if self.place.is_empty() {
            "the file"
        } else {
            &self.place
        };
        ExchangeError::part(self.path, place, &found, expected)
    }

    /// The error that something in a list is not as it should be.
    pub(super) fn wrong_about(&self, found: &str, expected: &str) -> ExchangeError {
        ExchangeError::part(self.path, self.place.clone(), found, expected)
    }

    /// Whether there is nothing, or null.
    pub(super) fn is_missing(&self) -> bool {
        self.value.is_none_or(Value::is_null)
    }

    /// The value itself, if there is one.
    pub(super) fn value(&self) -> Option<&'a Value> {
        self.value.filter(|value| !value.is_null())
    }

    /// A field; of something else than an object, nothing.
    pub(super) fn field(&self, name: &str) -> Item<'a> {
        let dot = if self.place.is_empty() { "" } else { "." };
        Item {
            path: self.path,
            place: format!("{}{dot}{name}", self.place),
            value: self.value.and_then(|value| value.get(name)),
        }
    }

    /// A field, if it is there and not null.
    pub(super) fn get(&self, name: &str) -> Option<Item<'a>> {
        Some(self.field(name)).filter(|field| !field.is_missing())
    }

    /// Fields of an object with their names.
    pub(super) fn fields(
        &self,
    ) -> Result<impl Iterator<Item = (&'a str, Item<'a>)> + use<'a>, ExchangeError> {
        let fields = match self.value {
            Some(Value::Object(fields)) => Some(fields),
            // Some programs write empty objects as lists.
            Some(Value::Array(items)) if items.is_empty() => None,
            _ => return Err(self.wrong("an object")),
        };
        let parent = self.clone();
        let fields = fields.into_iter().flatten();
        Ok(fields.map(move |(name, _)| (name.as_str(), parent.field(name))))
    }

    /// Elements of a list.
    pub(super) fn items(&self) -> Result<impl Iterator<Item = Item<'a>> + use<'a>, ExchangeError> {
        let Some(Value::Array(items)) = self.value else {
            return Err(self.wrong("a list"));
        };
        let (path, place) = (self.path, self.place.clone());
        Ok(items.iter().enumerate().map(move |(index, value)| Item {
            path,
            place: format!("{place}[{index}]"),
            value: Some(value),
        }))
    }

    /// Elements of a list that may be missing.
    pub(super) fn optional_items(&self, name: &str) -> Result<Vec<Item<'a>>, ExchangeError> {
        match self.get(name) {
            Some(list) => Ok(list.items()?.collect()),
            None => Ok(Vec::new()),
        }
    }

    /// A text, of a number its digits.
    pub(super) fn text(&self, expected: &str) -> Result<String, ExchangeError> {
        match self.value {
            Some(Value::String(text)) => Ok(text.clone()),
            Some(Value::Number(number)) => Ok(number.to_string()),
            _ => Err(self.wrong(expected)),
        }
    }

    /// A text that is not empty.
    pub(super) fn name(&self, expected: &str) -> Result<String, ExchangeError> {
        let text = self.text(expected)?;
        let text = text.trim();
        if text.is_empty() {
            return Err(self.wrong(expected));
        }
        Ok(text.to_owned())
    }

    /// A text that is not empty, or nothing.
    pub(super) fn optional_text(&self) -> Option<String> {
        let text = self.text("").ok()?;
        Some(text.trim().to_owned()).filter(|text| !text.is_empty())
    }

    /// A finite number, also one that is written as a text.
    pub(super) fn number(&self, expected: &str) -> Result<f64, ExchangeError> {
        self.optional_number().ok_or_else(|| self.wrong(expected))
    }

    /// A finite number, also one that is written as a text, or nothing.
    pub(super) fn optional_number(&self) -> Option<f64> {
        match self.value? {
            Value::String(text) => finite(text),
            value => value.as_f64().filter(|number| number.is_finite()),
        }
    }

    /// A number above 0, or nothing.
    pub(super) fn positive(&self) -> Option<f64> {
        self.optional_number().filter(|number| *number > 0.0)
    }

    /// A finite number from 0.
    pub(super) fn not_negative(&self, expected: &str) -> Result<f64, ExchangeError> {
        let number = self.optional_number().filter(|number| *number >= 0.0);
        number.ok_or_else(|| self.wrong(expected))
    }

    /// A number above 0; nothing if it is missing.
    pub(super) fn optional_above_zero(&self, expected: &str) -> Result<Option<f64>, ExchangeError> {
        match self.is_missing() {
            true => Ok(None),
            false => (self.positive().map(Some)).ok_or_else(|| self.wrong(expected)),
        }
    }

    /// A finite number; nothing if it is missing.
    pub(super) fn optional_finite(&self, expected: &str) -> Result<Option<f64>, ExchangeError> {
        match self.is_missing() {
            true => Ok(None),
            false => self.number(expected).map(Some),
        }
    }
}
