//! Rules about the messages of errors: bounded, complete, in the user's words.
//!
//! Every variant of every enum or struct that derives an error is looked at, so that a new one cannot be forgotten. A list in a
//! message goes through `quoted_list`, `plain_list` or `shape_text`, which cut it; the program cuts what single texts of a file
//! make too long.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{TokenStream, TokenTree};
use syn::{Attribute, Fields, Item, LitStr, Type};

use super::{Finding, Source};

/// Names of programs, formats and libraries that users know, and a type whose values read as NumPy's.
const KNOWN: [&str; 13] = [
    "ActionFormer",
    "ActivityNet",
    "BackTAL",
    "BackTal",
    "DType",
    "DataFrame",
    "LibTorch",
    "MultiThumos",
    "NumPy",
    "OpenTAD",
    "PyTorch",
    "TemporalMaxer",
    "TriDet",
];
/// Types that hold any number of values.
const LISTS: [&str; 6] = [
    "Vec", "BTreeSet", "BTreeMap", "HashMap", "HashSet", "VecDeque",
];
/// Calls that bound what they are given.
const BOUNDED: [&str; 3] = ["quoted_list", "plain_list", "shape_text"];

/// Checks the errors of all crates; gives the number of messages, too.
pub(super) fn check(sources: &[Source]) -> (usize, Vec<Finding>) {
    let mut files = Vec::new();
    for source in sources {
        let is_code = source.path.starts_with("crates/") && source.path.contains("/src/");
        if is_code
            && source.extension() == "rs"
            && let Ok(file) = syn::parse_file(&source.text)
        {
            files.push((source, file));
        }
    }
    let types: BTreeSet<String> = files
        .iter()
        .flat_map(|(_, file)| type_names(file))
        .collect();
    let mut findings = Vec::new();
    let mut count = 0;
    for (source, file) in &files {
        let functions = functions(file, &source.text);
        for message in messages(file) {
            count += 1;
            let faults = message.faults(&types, &functions);
            let line = message.line(source);
            findings.extend(faults.into_iter().map(|fault| source.finding(line, fault)));
        }
    }
    (count, findings)
}

/// Names of public types with more than one hump, which no user writes.
fn type_names(file: &syn::File) -> Vec<String> {
    let names = file.items.iter().filter_map(|item| match item {
        Item::Struct(item) => Some(item.ident.to_string()),
        Item::Enum(item) => Some(item.ident.to_string()),
        Item::Trait(item) => Some(item.ident.to_string()),
        _ => None,
    });
    let humps = |name: &str| name.chars().skip(1).any(char::is_uppercase);
    names
        .filter(|name| humps(name) && !KNOWN.contains(&name.as_str()))
        .collect()
}

/// Bodies of the functions of a file as text.
fn functions(file: &syn::File, text: &str) -> BTreeMap<String, String> {
    let functions = file.items.iter().filter_map(|item| match item {
        Item::Fn(item) => Some(item.sig.ident.to_string()),
        _ => None,
    });
    functions
        .filter_map(|name| {
            // Formatted code ends a function with a brace at the start of a line.
            let (_, rest) = text.split_once(&format!("fn {name}"))?;
            let (body, _) = rest.split_once("\n}").unwrap_or((rest, ""));
            Some((name, body.to_owned()))
        })
        .collect()
}

/// A message of an error.
#[derive(Debug)]
struct Message {
    text: String,
    /// The arguments after the text.
    arguments: TokenStream,
    /// Fields by the names that messages use, `0` for the first without a name.
    fields: BTreeMap<String, String>,
}

fn messages(file: &syn::File) -> Vec<Message> {
    let mut found = Vec::new();
    for item in &file.items {
        match item {
            Item::Enum(item) if is_error(&item.attrs) => {
                let variants = item.variants.iter();
                found.extend(variants.filter_map(|one| message(&one.attrs, &one.fields)));
            }
            Item::Struct(item) if is_error(&item.attrs) => {
                found.extend(message(&item.attrs, &item.fields));
            }
            _ => {}
        }
    }
    found
}

fn is_error(attributes: &[Attribute]) -> bool {
    let derives = attributes
        .iter()
        .filter(|one| one.path().is_ident("derive"));
    let mut derives = derives.filter_map(|one| one.meta.require_list().ok());
    derives.any(|list| {
        let mut tokens = list.tokens.clone().into_iter();
        tokens.any(|token| matches!(&token, TokenTree::Ident(name) if name == "Error"))
    })
}

fn message(attributes: &[Attribute], fields: &Fields) -> Option<Message> {
    let attribute = attributes.iter().find(|one| one.path().is_ident("error"))?;
    let mut tokens = attribute
        .meta
        .require_list()
        .ok()?
        .tokens
        .clone()
        .into_iter();
    // `transparent` has no text.
    let TokenTree::Literal(literal) = tokens.next()? else {
        return None;
    };
    let text: LitStr = syn::parse2(TokenTree::from(literal).into()).ok()?;
    let fields = fields.iter().enumerate().map(|(index, field)| {
        let name = field.ident.as_ref().map(ToString::to_string);
        (name.unwrap_or_else(|| index.to_string()), outer(&field.ty))
    });
    Some(Message {
        text: text.value(),
        arguments: tokens.collect(),
        fields: fields.collect(),
    })
}

/// The outermost name of a type, `[]` for slices; that inside of a box.
fn outer(field: &Type) -> String {
    match field {
        Type::Path(path) => {
            let Some(last) = path.path.segments.last() else {
                return String::new();
            };
            if let syn::PathArguments::AngleBracketed(inner) = &last.arguments
                && last.ident == "Box"
                && let Some(syn::GenericArgument::Type(inner)) = inner.args.first()
            {
                return outer(inner);
            }
            last.ident.to_string()
        }
        Type::Slice(_) => "[]".to_owned(),
        Type::Reference(reference) => outer(&reference.elem),
        _ => String::new(),
    }
}

impl Message {
    /// The line of the file that the text begins in.
    fn line(&self, source: &Source) -> usize {
        let start: String = self.text.chars().take(20).collect();
        let start = start.replace('\\', "\\\\").replace('"', "\\\"");
        let mut lines = source.lines();
        let found = lines.find(|(_, line)| line.contains(&start));
        found.map_or(1, |(number, _)| number)
    }

    fn faults(
        &self,
        types: &BTreeSet<String>,
        functions: &BTreeMap<String, String>,
    ) -> Vec<String> {
        let mut faults = Vec::new();
        let (plain, placeholders) = parts(&self.text);
        let words = plain.split(|letter: char| !letter.is_alphanumeric() && letter != '_');
        if let Some(name) = words.into_iter().find(|word| types.contains(*word)) {
            faults.push(format!(
                "{name} is the name of a type; users do not know it"
            ));
        }
        let end = self.text.trim_end();
        let breaks_off = ["and", "or", "the", "of", ",", ":", ";", "("];
        let last = end.rsplit(' ').next().unwrap_or_default();
        if end.is_empty()
            || breaks_off
                .iter()
                .any(|word| last == *word || (word.len() == 1 && end.ends_with(word)))
        {
            faults.push(format!("the message breaks off: {end:?}"));
        }
        let number = |letter: char| plain.matches(letter).count();
        if number('(') != number(')') || number('"') % 2 != 0 || self.text.contains("  ") {
            faults.push("parentheses, quotes or spaces of the message do not match".to_owned());
        }
        for (name, debug) in placeholders {
            let Some(kind) = self.fields.get(name) else {
                continue;
            };
            if is_list(kind) {
                faults.push(format!(
                    "{name} is a list of any length; show it by quoted_list or plain_list"
                ));
            } else if debug && types.contains(kind) {
                faults.push(format!(
                    "{{{name}:?}} shows the name of a type; users do not know it"
                ));
            }
        }
        self.arguments(self.arguments.clone(), false, functions, &mut faults);
        faults
    }

    /// Looks for lists among the arguments that no call bounds.
    fn arguments(
        &self,
        tokens: TokenStream,
        bounded: bool,
        functions: &BTreeMap<String, String>,
        faults: &mut Vec<String>,
    ) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        for (index, token) in tokens.iter().enumerate() {
            match token {
                TokenTree::Ident(name) => {
                    let name = name.to_string();
                    if name == "join" && !bounded {
                        faults.push("join has no bound; use quoted_list or plain_list".to_owned());
                    }
                    let is_counted = match (tokens.get(index + 1), tokens.get(index + 2)) {
                        (Some(TokenTree::Punct(dot)), Some(TokenTree::Ident(method))) => {
                            dot.as_char() == '.'
                                && ["len", "first", "is_empty"].iter().any(|one| method == one)
                        }
                        (Some(TokenTree::Group(group)), _) => {
                            group.delimiter() == proc_macro2::Delimiter::Bracket
                        }
                        _ => false,
                    };
                    let is_list = self.fields.get(&name).is_some_and(|kind| is_list(kind));
                    if is_list && !bounded && !is_counted {
                        faults.push(format!(
                            "{name} is a list of any length; show it by quoted_list or plain_list"
                        ));
                    }
                }
                TokenTree::Group(group) => {
                    let callee = index
                        .checked_sub(1)
                        .and_then(|before| match &tokens[before] {
                            TokenTree::Ident(name) => Some(name.to_string()),
                            _ => None,
                        });
                    let bounds = |name: &String| {
                        let body = functions.get(name);
                        let own = body.is_some_and(|body| {
                            !body.contains(".join(")
                                || body.contains(".take(")
                                || BOUNDED.iter().any(|one| body.contains(one))
                        });
                        BOUNDED.contains(&name.as_str()) || own
                    };
                    let bounded = bounded || callee.as_ref().is_some_and(bounds);
                    self.arguments(group.stream(), bounded, functions, faults);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
        }
    }
}

fn is_list(kind: &str) -> bool {
    kind == "[]" || LISTS.contains(&kind)
}

/// The text of a message without its placeholders, and their names with whether they are shown by `Debug`.
fn parts(text: &str) -> (String, Vec<(&str, bool)>) {
    let mut plain = String::new();
    let mut placeholders = Vec::new();
    let mut rest = text;
    while let Some(start) = rest.find(['{', '}']) {
        plain += &rest[..start];
        let doubled = rest[start + 1..].starts_with(&rest[start..=start]);
        if doubled {
            plain += &rest[start..=start];
            rest = &rest[start + 2..];
            continue;
        }
        let end = rest[start..]
            .find('}')
            .map_or(rest.len(), |end| start + end);
        let inner = rest.get(start + 1..end).unwrap_or_default();
        let (name, format) = inner.split_once(':').unwrap_or((inner, ""));
        placeholders.push((name, format.ends_with('?')));
        rest = rest.get(end + 1..).unwrap_or_default();
    }
    plain += rest;
    (plain, placeholders)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(code: &str) -> Vec<String> {
        let source = Source::new("crates/tal-x/src/error.rs", code);
        let (_, findings) = check(&[source]);
        findings.into_iter().map(|one| one.message).collect()
    }

    fn error(attribute: &str, fields: &str) -> String {
        format!(
            "#[derive(Debug, thiserror::Error)]\npub enum XError {{\n#[error({attribute})]\nA {{ {fields} }},\n}}\npub struct DetectionSet;\n"
        )
    }

    #[test]
    fn lists_must_be_cut() {
        let ids = "ids: Vec<String>";
        for attribute in [
            r#""no {}", quoted_list(ids)"#,
            r#""{} of them, first {:?}", ids.len(), ids[0]"#,
            r#""no {}", tal_core::plain_list(ids.iter().map(|id| id.as_str()))"#,
        ] {
            assert_eq!(
                faults(&error(attribute, ids)),
                [] as [&str; 0],
                "{attribute}"
            );
        }
        for attribute in [
            r#""no {ids:?}""#,
            r#""no {}", ids.join(", ")"#,
            r#""no {}", list(ids)"#,
        ] {
            assert!(!faults(&error(attribute, ids)).is_empty(), "{attribute}");
        }
        let own = error(r#""no {}", list(ids)"#, ids);
        let cut = "fn list(ids: &[String]) -> String { ids.iter().take(3).collect::<Vec<_>>().join(\", \") }";
        assert_eq!(faults(&format!("{own}{cut}")), [] as [&str; 0]);
        assert!(!faults(&format!("{own}{}", cut.replace(".take(3)", ""))).is_empty());
    }

    #[test]
    fn sentences_must_be_whole_and_in_plain_words() {
        for (attribute, fields) in [
            (r#""{path}: expected""#, "path: String"),
            (
                r#""{a} is {b:?}, must be a JSON {{\"id\": 1}}""#,
                "a: String, b: String",
            ),
        ] {
            assert_eq!(faults(&error(attribute, fields)), [] as [&str; 0]);
        }
        for (attribute, fields, part) in [
            (r#""{path}: expected one of""#, "path: String", "breaks off"),
            (r#""{path}:""#, "path: String", "breaks off"),
            (r#""{path} (has none""#, "path: String", "do not match"),
            (
                r#""no DetectionSet in {path}""#,
                "path: String",
                "name of a type",
            ),
            (r#""wrong {set:?}""#, "set: DetectionSet", "name of a type"),
            (
                r#""wrong {set:?}""#,
                "set: Box<DetectionSet>",
                "name of a type",
            ),
        ] {
            let found = faults(&error(attribute, fields));
            assert!(
                found.len() == 1 && found[0].contains(part),
                "{attribute}: {found:?}"
            );
        }
    }

    #[test]
    fn every_error_of_the_workspace_keeps_to_them() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"))
            .parent()
            .unwrap();
        let mut sources = Vec::new();
        let mut open = vec![root.join("crates")];
        while let Some(folder) = open.pop() {
            for entry in std::fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    open.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    let name = path.strip_prefix(root).unwrap().to_string_lossy();
                    let text = std::fs::read_to_string(&path).unwrap();
                    sources.push(Source::new(&name.replace('\\', "/"), &text));
                }
            }
        }
        let (count, findings) = check(&sources);
        let lines: Vec<String> = findings.iter().map(Finding::to_string).collect();
        assert!(lines.is_empty(), "{}", lines.join("\n"));
        assert!(count > 150, "{count} messages");
    }
}
