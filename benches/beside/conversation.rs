//! Processes that answer.

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Write};
use std::process::{Child, ChildStdin, ChildStdout, Command, Stdio};

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Result;

/// Figures of what a run computed, to see that two programs did the same work.
pub type Outcome = BTreeMap<String, f64>;

/// Answer to a request to run once.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub struct Answer {
    /// Time of the run, in seconds.
    pub seconds: f64,
    /// Figures of what it computed.
    pub outcome: Outcome,
    /// Largest resident set of the process so far.
    pub peak_bytes: Option<u64>,
}

/// A process that answers each line of JSON with another. It ends with the value.
#[derive(Debug)]
pub struct Conversation {
    name: &'static str,
    process: Child,
    requests: ChildStdin,
    answers: BufReader<ChildStdout>,
}

impl Conversation {
    /// Starts the process; `name` stands for it in errors. Its standard error is ours.
    ///
    /// # Errors
    /// If it cannot be started.
    ///
    /// # Panics
    /// Never: both ends of the conversation are pipes.
    pub fn start(name: &'static str, command: &mut Command) -> Result<Self> {
        let piped = command.stdin(Stdio::piped()).stdout(Stdio::piped());
        let mut process = piped.spawn().map_err(|error| {
            let program = piped.get_program().to_string_lossy();
            format!("cannot start {name} ({program}): {error}")
        })?;
        let requests = process.stdin.take().expect("a pipe");
        let answers = BufReader::new(process.stdout.take().expect("a pipe"));
        Ok(Self {
            name,
            process,
            requests,
            answers,
        })
    }

    /// Sends a request and waits for the answer.
    ///
    /// # Errors
    /// If the process ends instead, or the answer is something else.
    pub fn ask<T: DeserializeOwned>(&mut self, request: &Value) -> Result<T> {
        let mut line = String::new();
        let sent = writeln!(self.requests, "{request}").and_then(|()| self.requests.flush());
        if sent.is_err() || self.answers.read_line(&mut line)? == 0 {
            let status = self.process.wait()?;
            return Err(format!(
                "{} ended ({status}) instead of answering; its words are above",
                self.name
            )
            .into());
        }
        serde_json::from_str(&line).map_err(|error| {
            let line = tal_core::excerpt(line.trim());
            format!("{} answered {line:?}: {error}", self.name).into()
        })
    }
}

impl Drop for Conversation {
    /// Nobody is left to read an answer.
    fn drop(&mut self) {
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

#[cfg(all(test, unix))]
mod tests {
    use serde_json::json;

    use super::*;

    fn shell(script: &str) -> Conversation {
        Conversation::start("the script", Command::new("sh").args(["-c", script])).unwrap()
    }

    #[test]
    fn answers_belong_to_their_requests() {
        let mut script = shell(
            r#"while read -r line; do echo "{\"seconds\": 0.5, \"outcome\": $line, \"peak_bytes\": null}"; done"#,
        );
        for loss in [1.5, 2.5] {
            let answer: Answer = script.ask(&json!({ "loss": loss })).unwrap();
            let expected = Answer {
                seconds: 0.5,
                outcome: Outcome::from([("loss".to_owned(), loss)]),
                peak_bytes: None,
            };
            assert_eq!(answer, expected);
        }
    }

    #[test]
    fn an_end_and_other_words_are_errors() {
        let mut script = shell("read -r line; echo hello; read -r line; exit 3");
        let mut error = || script.ask::<Answer>(&json!({})).unwrap_err().to_string();
        let text = error();
        assert!(
            text.starts_with("the script answered \"hello\": "),
            "{text}"
        );
        for _ in 0..2 {
            let text = error();
            assert!(
                text.starts_with("the script ended (exit status: 3)"),
                "{text}"
            );
        }
        let none = Conversation::start("the script", &mut Command::new("no-such-program-here"));
        let text = none.unwrap_err().to_string();
        let expected = "cannot start the script (no-such-program-here): ";
        assert!(text.starts_with(expected), "{text}");
    }
}
