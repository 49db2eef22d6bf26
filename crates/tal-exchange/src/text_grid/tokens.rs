//! Words of Praat's text files: texts in quotes, numbers and flags; all others explain and are passed over.

use std::path::Path;

use tal_data::text::finite;

use crate::ExchangeError;

/// A word with a meaning.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Token<'a> {
    Text(String),
    Number(f64),
    Flag(&'a str),
}

/// The words of a file, one after the other.
pub(super) struct Tokens<'a> {
    rest: &'a str,
    line: usize,
    path: &'a Path,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(rest: &'a str, path: &'a Path) -> Self {
        let line = 1;
        Self { rest, line, path }
    }

    fn wrong(&self, found: &str, expected: &str) -> ExchangeError {
        ExchangeError::part(self.path, format!("line {}", self.line), found, expected)
    }

    /// Passes over the beginning of what is left.
    fn take(&mut self, num_bytes: usize) -> &'a str {
        let (taken, rest) = self.rest.split_at(num_bytes);
        self.line += taken.matches('\n').count();
        self.rest = rest;
        taken
    }

    /// The next word with a meaning, and its line.
    pub(super) fn next(&mut self, expected: &str) -> Result<(Token<'a>, usize), ExchangeError> {
        loop {
            let blank = self.rest.len() - self.rest.trim_start().len();
            self.take(blank);
            let line = self.line;
            if self.rest.is_empty() {
                return Err(self.wrong("the end of the file", expected));
            }
            if self.rest.starts_with('"') {
                return Ok((Token::Text(self.quoted()?), line));
            }
            if self.rest.starts_with('!') {
                self.take(self.rest.find('\n').unwrap_or(self.rest.len()));
                continue;
            }
            let end = self
                .rest
                .find(char::is_whitespace)
                .unwrap_or(self.rest.len());
            let word = self.take(end);
            if word.starts_with('<') && word.ends_with('>') {
                return Ok((Token::Flag(word), line));
            }
            if word.starts_with(|letter: char| {
                letter.is_ascii_digit() || letter == '-' || letter == '.'
            }) && let Some(number) = finite(word)
            {
                return Ok((Token::Number(number), line));
            }
        }
    }

    /// A text in quotes; two quotes in it stand for one.
    fn quoted(&mut self) -> Result<String, ExchangeError> {
        let mut text = String::new();
        let mut from = 1;
        while let Some(at) = self.rest[from..].find('"') {
            text.push_str(&self.rest[from..from + at]);
            from += at + 1;
            if !self.rest[from..].starts_with('"') {
                self.take(from);
                return Ok(text);
            }
            text.push('"');
            from += 1;
        }
        Err(self.wrong(self.rest, "a quotation mark at the end of the text"))
    }

    /// The next word, which must be a text, and its line.
    pub(super) fn text(&mut self, expected: &str) -> Result<(String, usize), ExchangeError> {
        match self.next(expected)? {
            (Token::Text(text), line) => Ok((text, line)),
            (Token::Number(number), _) => Err(self.wrong(&number.to_string(), expected)),
            (Token::Flag(flag), _) => Err(self.wrong(flag, expected)),
        }
    }

    /// The next word, which must be a number.
    pub(super) fn number(&mut self, expected: &str) -> Result<f64, ExchangeError> {
        match self.next(expected)? {
            (Token::Number(number), _) => Ok(number),
            (Token::Text(text), _) => Err(self.wrong(&text, expected)),
            (Token::Flag(flag), _) => Err(self.wrong(flag, expected)),
        }
    }

    /// The next word, which must be a whole number from 0.
    pub(super) fn count(&mut self, expected: &str) -> Result<u64, ExchangeError> {
        let number = self.number(expected)?;
        if number < 0.0 || number.fract() != 0.0 {
            return Err(self.wrong(&number.to_string(), expected));
        }
        Ok(number as u64)
    }
}
