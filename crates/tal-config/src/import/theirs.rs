//! A file of another code during its translation.

use std::path::{Path, PathBuf};

use serde_yaml::{Mapping, Value};

use super::report::{ImportReport, Remark, Translation};
use super::{ImportError, ReleasedCode};
use crate::lines::join;
use crate::render::flow;

/// A file during its translation.
pub(super) struct Theirs {
    pub(super) origin: String,
    pub(super) code: ReleasedCode,
    pub(super) root: Option<PathBuf>,
    pub(super) file: Mapping,
    pub(super) defaults: Mapping,
    /// Keys of the file that are already in the report.
    pub(super) seen: Vec<String>,
    /// Our values so far.
    pub(super) values: Mapping,
    pub(super) report: ImportReport,
}

impl Theirs {
    /// The value of one of their keys: that of the file, or the default, or null.
    pub(super) fn get(&self, key: &str) -> Value {
        look_up(&self.file, key)
            .or_else(|| look_up(&self.defaults, key))
            .cloned()
            .unwrap_or(Value::Null)
    }

    /// Whether the file names the key.
    pub(super) fn names(&self, key: &str) -> bool {
        look_up(&self.file, key).is_some()
    }

    /// Sets one of our keys.
    pub(super) fn put(&mut self, ours: &str, value: impl Into<Value>) {
        let mut section = &mut self.values;
        let mut keys = ours.split('.').peekable();
        while let Some(key) = keys.next() {
            if keys.peek().is_none() {
                section.insert(key.into(), value.into());
                return;
            }
            let inner = section
                .entry(key.into())
                .or_insert_with(|| Mapping::new().into());
            match inner {
                Value::Mapping(inner) => section = inner,
                _ => return,
            }
        }
    }

    /// Notes that their key became `ours`.
    pub(super) fn note(&mut self, key: &str, ours: &str) {
        let value = self.get(key);
        let translation = Translation {
            theirs: key.to_owned(),
            value: flow(&value),
            ours: ours.to_owned(),
        };
        if self.names(key) {
            self.seen.push(key.to_owned());
            self.report.translated.push(translation);
        } else if look_up(&self.defaults, key).is_some() {
            self.report.defaults.push(translation);
        }
    }

    /// Takes over a value unchanged.
    pub(super) fn carry(&mut self, key: &str, ours: &str) {
        let value = self.get(key);
        self.put(ours, value);
        self.note(key, ours);
    }

    /// Takes over a value in another form.
    pub(super) fn convert(&mut self, key: &str, ours: &str, value: impl Into<Value>) {
        self.put(ours, value);
        self.note(key, ours);
    }

    /// Takes over a truth value.
    pub(super) fn carry_flag(&mut self, key: &str, ours: &str) -> Result<bool, ImportError> {
        let flag = self.flag(key)?;
        self.convert(key, ours, flag);
        Ok(flag)
    }

    /// Notes that a key of the file has no effect, or an effect that needs no key here.
    pub(super) fn ignore(&mut self, key: &str, reason: &str) {
        if self.names(key) {
            let remark = self.remark(key, reason);
            self.report.ignored.push(remark);
        }
    }

    /// Notes that a value of the file or a default cannot be expressed.
    pub(super) fn unsupported(&mut self, key: &str, reason: &str) {
        let remark = self.remark(key, reason);
        self.report.unsupported.push(remark);
    }

    fn remark(&mut self, key: &str, reason: &str) -> Remark {
        self.seen.push(key.to_owned());
        Remark {
            key: key.to_owned(),
            value: flow(&self.get(key)),
            reason: reason.to_owned(),
        }
    }

    /// Lists all keys of the file that are not in the report yet.
    pub(super) fn list_unknown(&mut self) {
        let mut leaves = Vec::new();
        collect_leaves(&self.file, "", &mut leaves);
        leaves.retain(|(key, _)| !self.seen.contains(key));
        let reason = format!("the code of {} does not read it", self.code);
        let unknown = leaves.into_iter().map(|(key, value)| Remark {
            key,
            value,
            reason: reason.clone(),
        });
        self.report.unknown = unknown.collect();
    }

    pub(super) fn number(&self, key: &str) -> Result<f64, ImportError> {
        self.value(key, "a number", |value| value.as_f64())
    }

    pub(super) fn count(&self, key: &str) -> Result<usize, ImportError> {
        self.value(key, "a whole number of at least 0", |value| {
            value.as_u64()?.try_into().ok()
        })
    }

    pub(super) fn flag(&self, key: &str) -> Result<bool, ImportError> {
        self.value(key, "true or false", |value| {
            // YAML 1.1, which their code reads, has words for them, too.
            value
                .as_bool()
                .or_else(|| match value.as_str()?.to_ascii_lowercase().as_str() {
                    "yes" | "on" => Some(true),
                    "no" | "off" => Some(false),
                    _ => None,
                })
        })
    }

    pub(super) fn text(&self, key: &str) -> Result<String, ImportError> {
        self.value(key, "a text", |value| value.as_str().map(str::to_owned))
    }

    fn value<T>(
        &self,
        key: &str,
        allowed: &str,
        read: impl FnOnce(&Value) -> Option<T>,
    ) -> Result<T, ImportError> {
        read(&self.get(key)).ok_or_else(|| self.wrong(key, allowed))
    }

    /// What stands for a text in `choices`.
    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        choices: &[(&str, T)],
    ) -> Result<T, ImportError> {
        let text = self.text(key)?;
        let found = choices.iter().find(|(name, _)| *name == text);
        found.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<&str> = choices.iter().map(|(name, _)| *name).collect();
            let (last, others) = names.split_last().expect("a choice");
            self.wrong(key, &format!("{} or {last}", others.join(", ")))
        })
    }

    /// A text that may be null or absent.
    pub(super) fn optional_text(&self, key: &str) -> Result<Option<String>, ImportError> {
        if self.get(key).is_null() {
            return Ok(None);
        }
        self.text(key).map(Some)
    }

    /// A path of the file system, below the root if there is one.
    pub(super) fn path(&self, text: &str) -> String {
        match &self.root {
            Some(root) if !text.starts_with('/') => {
                let text = text.strip_prefix("./").unwrap_or(text);
                Path::new(root).join(text).to_string_lossy().into_owned()
            }
            _ => text.to_owned(),
        }
    }

    pub(super) fn wrong(&self, key: &str, allowed: &str) -> ImportError {
        let value = self.get(key);
        if value.is_null() && !self.names(key) {
            return ImportError::Missing {
                origin: self.origin.clone(),
                key: key.to_owned(),
                code: self.code,
            };
        }
        ImportError::Value {
            origin: self.origin.clone(),
            key: key.to_owned(),
            value: flow(&value),
            allowed: allowed.to_owned(),
        }
    }
}

fn look_up<'a>(mapping: &'a Mapping, key: &str) -> Option<&'a Value> {
    let mut parts = key.split('.');
    let mut found = mapping.get(parts.next()?)?;
    for part in parts {
        found = found.as_mapping()?.get(part)?;
    }
    Some(found)
}

fn collect_leaves(mapping: &Mapping, path: &str, leaves: &mut Vec<(String, String)>) {
    for (key, value) in mapping {
        let path = join(path, &key.as_str().map_or_else(|| flow(key), str::to_owned));
        match value {
            Value::Mapping(inner) if !inner.is_empty() => collect_leaves(inner, &path, leaves),
            // An empty section sets nothing.
            Value::Mapping(_) => {}
            value => leaves.push((path, flow(value))),
        }
    }
}
