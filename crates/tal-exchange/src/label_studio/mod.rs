//! Tasks of Label Studio: timeline labels in frames from 1, labels of sounds and of time series in seconds.

mod config;
mod media;
mod read;
mod words;
mod write;

use serde_json::Value;

use crate::format::{Beside, Carries, Format, Layout};
use words::{DATA, LISTS, TITLE};

pub(super) static FORMAT: Format = Format {
    name: "label-studio",
    title: TITLE,
    extensions: &["json"],
    layout: Layout::Together,
    beside: Some(Beside {
        suffix: "-config.xml",
        write: config::write,
    }),
    carries: Carries {
        scores: true,
        comments: true,
        durations: true,
        frame_rates: true,
        media: true,
        ..Carries::SEGMENTS
    },
    recognise: |clue| {
        let is_task = |task: &Value| {
            task.get(DATA).is_some_and(Value::is_object)
                && LISTS
                    .iter()
                    .any(|list| task.get(list).is_some_and(Value::is_array))
        };
        match &clue.json {
            Some(Value::Array(tasks)) => tasks.first().is_some_and(is_task),
            Some(task) => is_task(task),
            None => false,
        }
    },
    read: Some(read::read),
    write: Some(write::write),
    ..Format::PLAIN
};
