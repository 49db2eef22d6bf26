//! The scalars of a line of `metrics.jsonl`.

use serde_json::{Number, Value};

/// Field that is the x-axis.
const STEP: &str = "step";

/// The scalars of a line, all at one step.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Scalars {
    /// Place on the x-axis.
    pub(super) step: i64,
    /// Whether the line ends an epoch or an evaluation, rather than a step.
    pub(super) is_rare: bool,
    /// Names and values.
    pub(super) values: Vec<(String, Number)>,
}

/// Reader of the lines of a run, in order.
#[derive(Debug, Default)]
pub(super) struct ScalarReader {
    /// Steps done.
    steps_done: i64,
}

impl ScalarReader {
    /// The scalars of a line; `None` if it is not a whole line of metrics.
    pub(super) fn read(&mut self, line: &str) -> Option<Scalars> {
        let line: Value = serde_json::from_str(line).ok()?;
        let fields = line.as_object()?;
        let event = fields.get("event")?.as_str()?;
        let step = fields.get(STEP).and_then(Value::as_i64);
        let is_step = event == "step";
        let (group, step) = match (is_step, step) {
            (true, Some(step)) => {
                self.steps_done = step + 1;
                ("train", step)
            }
            (_, step) => {
                self.steps_done = step.unwrap_or(self.steps_done);
                (event, self.steps_done)
            }
        };
        let mut values = Vec::new();
        for (name, value) in fields.iter().filter(|(name, _)| *name != STEP) {
            match value {
                Value::Array(map) if name == "map" => {
                    for (index, value) in map.iter().enumerate() {
                        let threshold = fields
                            .get("tiou_thresholds")
                            .and_then(|all| all[index].as_f64());
                        let end = threshold.map_or_else(|| format!("#{index}"), percent);
                        add(&format!("{group}/map@{end}"), value, &mut values);
                    }
                }
                _ => add(&format!("{group}/{name}"), value, &mut values),
            }
        }
        Some(Scalars {
            step,
            is_rare: !is_step,
            values,
        })
    }
}

/// The end of a name: tIoU 0.5 is 50, as in mAP@50. Rounded, as 0.55 × 100 is not exact.
fn percent(threshold: f64) -> String {
    format!("{}", (1e4 * threshold).round() / 100.0)
}

/// Adds the numbers of a value. Lists, such as those with one number per class, are no curves.
fn add(name: &str, value: &Value, values: &mut Vec<(String, Number)>) {
    match value {
        Value::Number(number) => values.push((name.to_owned(), number.clone())),
        Value::Object(fields) => {
            for (key, value) in fields {
                add(&format!("{name}/{key}"), value, values);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_say_event_and_field() {
        let mut reader = ScalarReader::default();
        let step = reader
            .read(r#"{"event":"step","epoch":1,"step":7,"backtal":{"base_loss":0.5},"classes":[1.0],"x":null}"#)
            .unwrap();
        let names: Vec<&str> = step.values.iter().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["train/epoch", "train/backtal/base_loss"]);
        assert_eq!(step.step, 7);
        let test = reader
            .read(r#"{"event":"evaluation","epoch":1,"map":[0.1,0.2,0.3],"tiou_thresholds":[0.5,0.55]}"#)
            .unwrap();
        assert_eq!(test.step, 8);
        let names: Vec<&str> = test.values.iter().map(|(name, _)| name.as_str()).collect();
        let expected = [
            "evaluation/epoch",
            "evaluation/map@50",
            "evaluation/map@55",
            "evaluation/map@#2",
        ];
        assert_eq!(names, expected);
        assert_eq!(reader.read("{\"event\": \"st"), None);
    }
}
