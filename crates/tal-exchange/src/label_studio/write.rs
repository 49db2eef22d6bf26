//! Tasks of Label Studio, written.

use serde_json::{Value, json};

use super::config::template;
use super::words::{CONTROL, DATA, DURATION, FPS, LISTS, RECORDING, TITLE, Words};
use crate::frames::Frames;
use crate::options::{EndFrame, LabelStudioResults, LabelStudioTemplate};
use crate::{Event, ExchangeError, Project, Track, WriteOptions, output};

pub(super) fn write(project: &Project, options: &WriteOptions) -> Result<Vec<u8>, ExchangeError> {
    let template = template(project, options);
    let has_scores = project.events().any(|event| event.score.is_some());
    let results = options.results.unwrap_or(match has_scores {
        true => LabelStudioResults::Predictions,
        false => LabelStudioResults::Annotations,
    });
    let tasks = project
        .tracks
        .iter()
        .map(|track| task(track, template, results, options));
    let tasks: Vec<Value> = tasks.collect::<Result<_, _>>()?;
    Ok(output::pretty(&tasks.into()))
}

fn task(
    track: &Track,
    template: LabelStudioTemplate,
    results: LabelStudioResults,
    options: &WriteOptions,
) -> Result<Value, ExchangeError> {
    let words = Words::of(template);
    let mut data = json!({words.object: options.media_of(track), RECORDING: track.id});
    let frames = match template {
        LabelStudioTemplate::Timeline => Some(Frames::of_track(track, options, TITLE)?),
        _ => None,
    };
    if let Some(fps) = frames.map(|frames| frames.fps).or(options.fps_of(track)) {
        data[FPS] = json!(fps);
    }
    if let Some(duration) = track.duration {
        data[DURATION] = json!(duration);
    }
    let result = (1..).zip(&track.events).map(|(number, event): (usize, _)| {
        let mut value = match (template, frames) {
            (LabelStudioTemplate::Timeline, Some(frames)) => {
                let (first, stop) = frames.range(event);
                let end = match options.end_frame {
                    EndFrame::Included => stop,
                    EndFrame::Excluded => stop + 1,
                };
                json!({"ranges": [{"start": first + 1, "end": end}]})
            }
            (LabelStudioTemplate::TimeSeries, _) => {
                json!({"start": event.start, "end": event.end_or_start(), "instant": event.end.is_none()})
            }
            _ => json!({"start": event.start, "end": event.end_or_start(), "channel": 0}),
        };
        value[words.kind] = json!([event.class]);
        let mut region = json!({
            "id": format!("r{number}"),
            "from_name": CONTROL,
            "to_name": words.object,
            "type": words.kind,
            "value": value,
        });
        if let Some(score) = event.score {
            region["score"] = json!(score);
        }
        if let Some(comment) = &event.comment {
            region["meta"] = json!({"text": [comment]});
        }
        if let (Some(duration), LabelStudioTemplate::Labels) = (track.duration, template) {
            region["original_length"] = json!(duration);
        }
        region
    });
    let mut whole = json!({"result": result.collect::<Vec<Value>>()});
    let list = match results {
        LabelStudioResults::Annotations => LISTS[0],
        LabelStudioResults::Predictions => {
            whole["model_version"] = json!("tal");
            if let Some(score) = mean_score(&track.events) {
                whole["score"] = json!(score);
            }
            LISTS[1]
        }
    };
    Ok(json!({DATA: data, list: [whole]}))
}

/// Mean score, by which Label Studio sorts tasks; it refuses others than those from 0 to 1.
fn mean_score(events: &[Event]) -> Option<f64> {
    let scores: Vec<f64> = events.iter().filter_map(|event| event.score).collect();
    (!scores.is_empty()).then(|| (scores.iter().sum::<f64>() / scores.len() as f64).clamp(0.0, 1.0))
}
