//! Sections of facts about a file, without a say in how they are shown.

/// A part of what is shown.
#[derive(Debug, Clone, PartialEq)]
pub enum Section {
    /// Names and values.
    Facts(Vec<(&'static str, String)>),
    /// A table; all columns but the first are numbers.
    Table {
        /// Names of the columns.
        header: Vec<&'static str>,
        /// Rows.
        rows: Vec<Vec<String>>,
    },
    /// Lines that are shown as they are.
    Text {
        /// Heading.
        title: String,
        /// Lines.
        text: String,
    },
    /// Values in order, to be drawn.
    Plot {
        /// Heading, with the meaning of the axes.
        title: String,
        /// Values.
        values: Vec<f64>,
    },
}

/// Facts without those that are not known.
pub(crate) fn facts<const N: usize>(all: [(&'static str, Option<String>); N]) -> Section {
    let known = all
        .into_iter()
        .filter_map(|(name, value)| Some((name, value?)));
    Section::Facts(known.collect())
}

/// A length of time for people.
pub(crate) fn duration(seconds: f64) -> String {
    match seconds {
        s if s >= 3600.0 => format!("{:.1} h", s / 3600.0),
        s if s >= 60.0 => format!("{:.1} min", s / 60.0),
        s => format!("{s:.2} s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_are_for_people() {
        assert_eq!(
            [0.5, 90.0, 5400.0].map(duration),
            ["0.50 s", "1.5 min", "1.5 h"]
        );
    }
}
