//! Clues that a file gives before it is read, for recognition.

use std::borrow::Cow;

use serde_json::Value;
use tal_core::plain_list;
use tal_data::text::shortened;

/// Lines that are looked at.
const LINES: usize = 20;

/// What a file shows before it is read.
pub(super) struct Clue<'a> {
    text: Cow<'a, str>,
    /// The content, if it is JSON.
    pub(super) json: Option<Value>,
}

impl<'a> Clue<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        let text = String::from_utf8_lossy(bytes);
        let json = (text.trim_start().starts_with(['{', '[']))
            .then(|| serde_json::from_str(&text).ok())
            .flatten();
        Self { text, json }
    }

    /// The whole text.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// First lines that are not empty.
    pub(super) fn lines(&self) -> impl Iterator<Item = &str> {
        let lines = self.text.lines().map(str::trim_end);
        lines.filter(|line| !line.is_empty()).take(LINES)
    }

    /// Cells of the first line of a table, in lower case.
    pub(super) fn header(&self) -> Vec<String> {
        let line = self.text.lines().next().unwrap_or_default();
        let separator = ['\t', ';', ',']
            .into_iter()
            .find(|mark| line.contains(*mark));
        line.split(separator.unwrap_or(','))
            .map(|cell| cell.trim().trim_matches('"').to_lowercase())
            .collect()
    }

    /// Whether the first line of a table has all of these cells, in lower case.
    pub(super) fn has_columns(&self, columns: &[&str]) -> bool {
        let header = self.header();
        columns
            .iter()
            .all(|column| header.iter().any(|cell| cell == column))
    }

    /// A field of the JSON object.
    pub(super) fn field(&self, name: &str) -> Option<&Value> {
        self.json.as_ref()?.get(name)
    }

    /// The content in a person's words.
    pub(super) fn looks_like(&self) -> String {
        let text = self.text.trim_start();
        if text.is_empty() {
            return "the file is empty".to_owned();
        }
        if text.contains('\0') || text.contains(char::REPLACEMENT_CHARACTER) {
            return "it is not a text".to_owned();
        }
        match &self.json {
            Some(Value::Object(fields)) => {
                return format!("it is JSON with the fields {}", plain_list(fields.keys()));
            }
            Some(Value::Array(items)) => {
                let fields = items.first().and_then(Value::as_object);
                return match fields {
                    Some(fields) => format!(
                        "it is a JSON list of objects with the fields {}",
                        plain_list(fields.keys())
                    ),
                    None => "it is a JSON list".to_owned(),
                };
            }
            _ => {}
        }
        let first = shortened(text.lines().next().unwrap_or_default());
        match first.chars().next() {
            Some('<') => format!("it looks like XML that begins with {first:?}"),
            _ => format!("it is a text that begins with {first:?}"),
        }
    }
}
