//! Lists of classes: names and the numbers that a format gives them.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::{ClassMap, ClassMapError};

use super::SourceError;
use tal_data::Table;
use tal_data::text::{self, TextFileError, unquoted};

/// The classes of a data set: number in the publisher's files, id here, name.
///
/// # Source
/// `class_list.txt` of MultiTHUMOS (`1 BaseballPitch`), `Charades_v1_classes.txt` (`c000 Holding some clothes`),
/// `EPIC_100_verb_classes.csv` and `EPIC_100_noun_classes.csv` (columns `id` and `key`), the taxonomy of ActivityNet, or
/// one's own file with a name per line.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ClassList {
    map: ClassMap,
    /// Id by the publisher's number; empty if there are no numbers.
    by_number: BTreeMap<u32, u32>,
}

impl ClassList {
    /// Reads a list, see [`ClassList::parse`].
    ///
    /// # Errors
    /// A file that is missing or unreadable; as [`ClassList::parse`].
    pub fn read(path: &Path) -> Result<Self, SourceError> {
        Self::parse(&text::read(path)?, path)
    }

    /// A list from a file's content: a table with the columns `id` and `key` (or `name`) if the name of the file ends
    /// in `.csv`, otherwise a text with one class per line, which may begin with a number or with `c` and a number.
    ///
    /// Ids count from 0: in the order of the numbers, or of the lines if there are none. Numbers must stand in every
    /// line or in none.
    ///
    /// # Errors
    /// A wrong line; a number or a name that occurs twice; a file without classes.
    pub fn parse(bytes: &[u8], path: &Path) -> Result<Self, SourceError> {
        let is_table = path
            .extension()
            .is_some_and(|extension| extension.eq_ignore_ascii_case("csv"));
        let rows = if is_table {
            table(bytes, path)?
        } else {
            lines(bytes, path)?
        };
        let classes = |source| SourceError::Classes {
            path: path.to_owned(),
            source,
        };
        if rows.iter().all(|(number, _)| number.is_some()) {
            let numbered = rows
                .into_iter()
                .filter_map(|(number, name)| Some((number?, name)));
            return Self::from_numbered(numbered).map_err(classes);
        }
        Ok(Self {
            map: ClassMap::from_names(rows.into_iter().map(|(_, name)| name)).map_err(classes)?,
            by_number: BTreeMap::new(),
        })
    }

    /// Classes with the publisher's numbers; ids from 0 in their order.
    ///
    /// # Errors
    /// A number with two names or a name with two numbers.
    pub fn from_numbered(
        classes: impl IntoIterator<Item = (u32, String)>,
    ) -> Result<Self, ClassMapError> {
        let mut numbered = ClassMap::default();
        for (number, name) in classes {
            numbered.insert(number, name)?;
        }
        let by_number = (0..)
            .zip(numbered.iter())
            .map(|(id, (number, _))| (number, id))
            .collect();
        let map = ClassMap::from_names(numbered.iter().map(|(_, name)| name))?;
        Ok(Self { map, by_number })
    }

    /// Classes whose ids are known.
    pub(super) fn from_map(map: ClassMap) -> Self {
        Self {
            map,
            by_number: BTreeMap::new(),
        }
    }

    /// Names by id.
    pub fn classes(&self) -> &ClassMap {
        &self.map
    }

    /// The id of a number of the publisher.
    pub fn id_of_number(&self, number: u32) -> Option<u32> {
        self.by_number.get(&number).copied()
    }
}

type Row = (Option<u32>, String);

fn lines(bytes: &[u8], path: &Path) -> Result<Vec<Row>, SourceError> {
    let mut rows: Vec<Row> = Vec::new();
    for line in text::lines(bytes, path) {
        let (number, line) = line?;
        // A list may be in quotes, as a column of a table or a list of Python is.
        let line = unquoted(line.trim().trim_end_matches(','));
        if line.is_empty() {
            continue;
        }
        let row = match line.split_once(char::is_whitespace) {
            Some((first, rest)) => match class_number(first) {
                Some(number) => (Some(number), unquoted(rest).to_owned()),
                None => (None, line.to_owned()),
            },
            None => (None, line.to_owned()),
        };
        if rows
            .first()
            .is_some_and(|first| first.0.is_some() != row.0.is_some())
        {
            let expected = "a number before every name, or before none";
            return Err(TextFileError::line(path, number, line, expected).into());
        }
        rows.push(row);
    }
    if rows.is_empty() {
        let expected = "the name of a class per line";
        return Err(TextFileError::line(path, 1, "", expected).into());
    }
    Ok(rows)
}

fn table(bytes: &[u8], path: &Path) -> Result<Vec<Row>, SourceError> {
    let mut table = Table::new(bytes, path)?;
    let id = table.column("id", &["id", "key"])?;
    let name = match table.find(&["key", "name"]) {
        Some(column) => column,
        None => table.column("key", &["id", "key"])?,
    };
    let mut rows = Vec::new();
    while table.next_row()? {
        let number = table.parse(id, "a whole number from 0", whole)?;
        rows.push((Some(number), table.text(name, "the name of a class")?));
    }
    Ok(rows)
}

/// `12` or, as in Charades, `c012`.
pub(super) fn class_number(text: &str) -> Option<u32> {
    whole(text.strip_prefix('c').unwrap_or(text))
}

/// Digits alone, below the largest number: the bound of ids is one more than the largest.
pub(super) fn whole(text: &str) -> Option<u32> {
    if text.is_empty() || !text.bytes().all(|b| b.is_ascii_digit()) {
        return None;
    }
    text.parse().ok().filter(|number| *number < u32::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, path: &str) -> Result<Vec<(u32, String)>, String> {
        let list = ClassList::parse(text.as_bytes(), Path::new(path)).map_err(|e| e.to_string())?;
        let classes = list.classes().iter();
        Ok(classes.map(|(id, name)| (id, name.to_owned())).collect())
    }

    fn pairs(all: &[(u32, &str)]) -> Vec<(u32, String)> {
        all.iter()
            .map(|(id, name)| (*id, (*name).to_owned()))
            .collect()
    }

    #[test]
    fn numbers_give_the_order_and_lines_otherwise() {
        let expected = pairs(&[
            (0, "Holding some clothes"),
            (1, "Putting clothes somewhere"),
        ]);
        let text = "c001 Putting clothes somewhere\r\nc000 Holding some clothes\r\n\r\n";
        assert_eq!(names(text, "a.txt").unwrap(), expected);
        let text = "\u{feff}2 Run\n1 Jump high\n";
        assert_eq!(
            names(text, "a.txt").unwrap(),
            pairs(&[(0, "Jump high"), (1, "Run")])
        );
        assert_eq!(
            names("Run\nJump high\n", "a.txt").unwrap(),
            pairs(&[(0, "Run"), (1, "Jump high")])
        );
        let text = "id,key,instances\n1,put,\"['a', 'b']\"\n0,take,x\n";
        assert_eq!(
            names(text, "a.csv").unwrap(),
            pairs(&[(0, "take"), (1, "put")])
        );
        let list = ClassList::parse(b"7 x\n5 y\n", Path::new("a.txt")).unwrap();
        assert_eq!(
            (list.id_of_number(5), list.id_of_number(7)),
            (Some(0), Some(1))
        );
        assert_eq!(list.id_of_number(0), None);
    }

    #[test]
    fn wrong_lists_are_named() {
        let table = [
            (
                "",
                "a.txt",
                "a.txt: line 1: \"\"; expected the name of a class per line",
            ),
            (
                "1 Run\nJump\n",
                "a.txt",
                "a.txt: line 2: \"Jump\"; expected a number before every name, or before none",
            ),
            (
                "1 Run\n1 Jump\n",
                "a.txt",
                "a.txt: class id 1 has two names, \"Run\" and \"Jump\"; give each label an id of its own",
            ),
            (
                "Run\nRun\n",
                "a.txt",
                "a.txt: class \"Run\" has two ids, 0 and 1; give each label one id",
            ),
            (
                "verb\nx\n",
                "a.csv",
                "a.csv: no column \"id\" in the first line; expected id,key",
            ),
            (
                "id,key\n-1,take\n",
                "a.csv",
                "a.csv: line 2, column \"id\": \"-1\"; expected a whole number from 0",
            ),
            (
                "id,key\n1,\n",
                "a.csv",
                "a.csv: line 2, column \"key\": \"\"; expected the name of a class",
            ),
            (
                "id,key\n1\n",
                "a.csv",
                "a.csv: line 2: \"1 fields\"; expected 2, as in the first line",
            ),
        ];
        for (text, path, expected) in table {
            assert_eq!(names(text, path).unwrap_err(), expected);
        }
        let error = ClassList::parse(b"Run\n\xff\n", Path::new("a.txt")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "a.txt: line 2: \"bytes that are not text\"; expected UTF-8"
        );
    }
}
