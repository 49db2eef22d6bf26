//! Lists, quotations and numbers for messages, of bounded length.

use std::fmt::Display;

/// Names of a list that are shown.
const SHOWN: usize = 10;
/// Characters of a name or quotation that are shown.
const LONGEST: usize = 120;

/// Names for a message: in quotes, the first ten, each cut to 120 characters; `none` if there is none.
///
/// ```
/// assert_eq!(tal_core::quoted_list(["a", "b"]), "\"a\", \"b\"");
/// assert_eq!(tal_core::quoted_list(vec!["x"; 12]).matches("\"x\"").count(), 10);
/// ```
pub fn quoted_list<T: AsRef<str>>(names: impl IntoIterator<Item = T>) -> String {
    plain_list(
        names
            .into_iter()
            .map(|name| format!("{:?}", excerpt(name.as_ref()))),
    )
}

/// [`quoted_list`] without quotes, for ids and numbers.
pub fn plain_list<T: Display>(items: impl IntoIterator<Item = T>) -> String {
    let mut items = items.into_iter();
    let shown: Vec<String> = items
        .by_ref()
        .take(SHOWN)
        .map(|item| excerpt(&item.to_string()))
        .collect();
    match (shown.is_empty(), items.count()) {
        (true, _) => "none".to_owned(),
        (false, 0) => shown.join(", "),
        (false, more) => format!("{} and {more} more", shown.join(", ")),
    }
}

/// A number with commas between groups of three digits.
///
/// ```
/// assert_eq!([0, 999, 1000, 1_234_567].map(tal_core::grouped), ["0", "999", "1,000", "1,234,567"]);
/// ```
pub fn grouped(number: usize) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// The shape of an array, such as `[10, 4]`; of more than ten dimensions the first ten.
///
/// ```
/// assert_eq!(tal_core::shape_text(&[10, 4]), "[10, 4]");
/// ```
pub fn shape_text<T: Display>(shape: &[T]) -> String {
    match shape {
        [] => "[]".to_owned(),
        sizes => format!("[{}]", plain_list(sizes)),
    }
}

/// A message of serde in a user's words: without the names of the program's types.
///
/// ```
/// let message = tal_core::plain_words("invalid type: string \"a\", expected struct DatasetConfig");
/// assert_eq!(message, "invalid type: string \"a\", expected an object");
/// assert_eq!(tal_core::plain_words("expected f64"), "expected a number");
/// ```
pub fn plain_words(message: &str) -> String {
    const KINDS: [(&str, &str); 9] = [
        (
            "expected internally tagged enum ",
            "an object with a known type",
        ),
        (
            "expected adjacently tagged enum ",
            "an object with a known type",
        ),
        ("expected tuple struct ", "a list"),
        ("expected newtype struct ", "a value"),
        ("expected unit struct ", "nothing"),
        ("expected struct variant ", "an object"),
        ("expected tuple variant ", "a list"),
        ("expected struct ", "an object"),
        ("expected enum ", "one of the known choices"),
    ];
    const NUMBERS: [(&str, &str); 12] = [
        ("f32", "a number"),
        ("f64", "a number"),
        ("u8", "a whole number from 0"),
        ("u16", "a whole number from 0"),
        ("u32", "a whole number from 0"),
        ("u64", "a whole number from 0"),
        ("usize", "a whole number from 0"),
        ("i8", "a whole number"),
        ("i16", "a whole number"),
        ("i32", "a whole number"),
        ("i64", "a whole number"),
        ("isize", "a whole number"),
    ];
    // The last one is what was expected; a text of the user comes before it.
    let Some(start) = message.rfind("expected ") else {
        return message.to_owned();
    };
    let (before, expected) = message.split_at(start);
    let is_name = |letter: char| letter.is_alphanumeric() || matches!(letter, '_' | ':');
    let kinds = KINDS.iter().find_map(|(kind, words)| {
        let rest = expected.strip_prefix(kind)?;
        Some((words, rest.trim_start_matches(is_name)))
    });
    let numbers = || {
        let rest = expected.strip_prefix("expected ")?;
        let end = rest
            .find(|letter: char| !is_name(letter))
            .unwrap_or(rest.len());
        let (_, words) = NUMBERS.iter().find(|(name, _)| *name == &rest[..end])?;
        Some((words, &rest[end..]))
    };
    match kinds.or_else(numbers) {
        Some((words, rest)) => format!("{before}expected {words}{rest}"),
        None => message.to_owned(),
    }
}

/// The first 120 characters of a text, with `…` if there are more.
///
/// ```
/// assert_eq!(tal_core::excerpt("short"), "short");
/// assert_eq!(tal_core::excerpt(&"ü".repeat(1000)).chars().count(), 121);
/// ```
pub fn excerpt(text: &str) -> String {
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_bounded_whatever_they_hold() {
        assert_eq!(quoted_list(Vec::<String>::new()), "none");
        assert_eq!(plain_list([1, 2]), "1, 2");
        let many: Vec<String> = (0..20_000)
            .map(|i| format!("{i}{}", "x".repeat(10_000)))
            .collect();
        let text = quoted_list(&many);
        assert!(text.len() < 1500, "{}", text.len());
        assert!(text.ends_with("and 19990 more"), "{text}");
    }
}
