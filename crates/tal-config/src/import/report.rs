//! Report on the keys of a translated file.

/// Report on the keys of a translated file.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct ImportReport {
    /// Keys of the file that have a counterpart.
    pub translated: Vec<Translation>,
    /// Keys that the file leaves out, with the defaults of the code.
    pub defaults: Vec<Translation>,
    /// Keys of the file that have no effect in its code, or an effect that needs no key here.
    pub ignored: Vec<Remark>,
    /// Values that our configuration cannot express: the translation differs in network or training.
    pub unsupported: Vec<Remark>,
    /// Keys that their code does not know either.
    pub unknown: Vec<Remark>,
    /// Behaviour of the code that no key controls, and other remarks.
    pub notes: Vec<String>,
}

/// A key and its counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Translation {
    /// Their key.
    pub theirs: String,
    /// Its value.
    pub value: String,
    /// Our keys.
    pub ours: String,
}

/// A key that has no counterpart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Remark {
    /// Their key.
    pub key: String,
    /// Its value.
    pub value: String,
    /// The reason.
    pub reason: String,
}

impl ImportReport {
    /// Whether the translation does what the file does.
    pub fn is_complete(&self) -> bool {
        self.unsupported.is_empty() && self.unknown.is_empty()
    }

    /// The report as text; `all` also lists what was translated.
    pub fn to_text(&self, all: bool) -> String {
        let mut text = format!(
            "{} keys translated, {} defaults of the code taken, {} ignored, {} not expressible, {} unknown",
            self.translated.len(),
            self.defaults.len(),
            self.ignored.len(),
            self.unsupported.len(),
            self.unknown.len()
        );
        let mut list = |title: &str, lines: Vec<String>| {
            if !lines.is_empty() {
                text += &format!("\n{title}\n  {}", lines.join("\n  "));
            }
        };
        if all {
            list("Translated:", translations(&self.translated));
            list("Defaults of their code:", translations(&self.defaults));
        }
        list("Not expressible:", remarks(&self.unsupported));
        list("Unknown:", remarks(&self.unknown));
        list("Ignored:", remarks(&self.ignored));
        list("Notes:", self.notes.clone());
        text
    }
}

fn translations(all: &[Translation]) -> Vec<String> {
    let line = |one: &Translation| format!("{}: {} → {}", one.theirs, one.value, one.ours);
    all.iter().map(line).collect()
}

fn remarks(all: &[Remark]) -> Vec<String> {
    let line = |one: &Remark| format!("{}: {} ({})", one.key, one.value, one.reason);
    all.iter().map(line).collect()
}
