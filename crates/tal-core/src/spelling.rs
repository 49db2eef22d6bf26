//! Names that are spelled alike.

/// The name that is spelled most like `name`, without regard to case; `None` if none is similar.
pub fn nearest_name<'a>(name: &str, known: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let lower = name.to_lowercase();
    known
        .into_iter()
        .map(|known| {
            let distance = strsim::damerau_levenshtein(&lower, &known.to_lowercase());
            (distance, known)
        })
        .min()
        .filter(|(distance, known)| *distance <= name.len().max(known.len()) / 2)
        .map(|(_, known)| known)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_name_is_found_in_any_case() {
        let names = ["Ambiguous", "Diving"];
        assert_eq!(nearest_name("ambigous", names), Some("Ambiguous"));
        assert_eq!(nearest_name("Billiards", names), None);
        assert_eq!(nearest_name("Diving", []), None);
    }
}
