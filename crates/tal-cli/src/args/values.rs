//! Parsers of values, with messages for refused ones.

use std::num::ParseFloatError;
use std::str::FromStr;

use regex::Regex;

/// A finite `f32` or `f64`.
pub(super) fn finite<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err = ParseFloatError> + Into<f64> + Copy,
{
    let number: T = text
        .parse()
        .map_err(|error: ParseFloatError| error.to_string())?;
    match number.into().is_finite() {
        true => Ok(number),
        false => Err("must be a finite number".to_owned()),
    }
}

fn checked<T>(text: &str, is_valid: fn(f64) -> bool, range: &str) -> Result<T, String>
where
    T: FromStr<Err = ParseFloatError> + Into<f64> + Copy,
{
    let number: T = finite(text)?;
    match is_valid(number.into()) {
        true => Ok(number),
        false => Err(format!("must be {range}")),
    }
}

/// A number of frames per second, seconds and the like.
pub(super) fn positive<T>(text: &str) -> Result<T, String>
where
    T: FromStr<Err = ParseFloatError> + Into<f64> + Copy,
{
    checked(text, |number| number > 0.0, "above 0")
}

pub(super) fn not_negative(text: &str) -> Result<f64, String> {
    checked(text, |number| number >= 0.0, "at least 0")
}

pub(super) fn from_zero_to_one(text: &str) -> Result<f64, String> {
    checked(text, |number| (0.0..=1.0).contains(&number), "from 0 to 1")
}

pub(super) fn share(text: &str) -> Result<f64, String> {
    let is_valid = |number| number > 0.0 && number < 1.0;
    checked(text, is_valid, "above 0 and below 1")
}

pub(super) fn at_least_one(text: &str) -> Result<usize, String> {
    at_least(text, 1)
}

pub(super) fn at_least_two(text: &str) -> Result<usize, String> {
    at_least(text, 2)
}

fn at_least(text: &str, least: usize) -> Result<usize, String> {
    match text.parse() {
        Ok(number) if number < least => Err(format!("must be at least {least}")),
        Ok(number) => Ok(number),
        Err(error) => Err(format!("{error}")),
    }
}

/// Part I of N, such as `0/4`.
pub(super) fn shard(text: &str) -> Result<(usize, usize), String> {
    let parts = text
        .split_once('/')
        .and_then(|(index, count)| Some((index.parse().ok()?, count.parse().ok()?)));
    match parts {
        Some((index, count)) if index < count => Ok((index, count)),
        _ => Err("must be I/N with I from 0 to N - 1, such as 0/4".to_owned()),
    }
}

/// A regular expression. The last line of the parser's message names the mistake; the others are a drawing.
pub(super) fn regular_expression(text: &str) -> Result<Regex, String> {
    Regex::new(text).map_err(|error| {
        let message = error.to_string();
        let last = message.lines().last().unwrap_or_default();
        last.trim_start_matches("error: ").to_owned()
    })
}

/// Old name in lower case, and new name.
pub(super) fn renaming(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((old, new)) if !old.is_empty() && !new.is_empty() => {
            Ok((old.to_lowercase(), new.to_owned()))
        }
        _ => Err("must be OLD=NEW, such as validation=training".to_owned()),
    }
}
