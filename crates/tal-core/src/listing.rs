//! Lists and quotations for messages, of bounded length.

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
