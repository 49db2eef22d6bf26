//! Times in another unit than seconds.

use tal_core::config::DatasetConfig;

use super::finding::{Code, Findings, Severity};
use super::recording::Member;
use super::timing;

/// By how much a time may leave its recording, relative: rounding, and actions cut a little late.
const MARGIN: f64 = 1.02;

/// Times of one recording.
#[derive(Debug, Clone, Copy)]
struct Times {
    /// Number of segments.
    count: usize,
    start: f64,
    end: f64,
    duration: Option<f64>,
    /// End of the last feature by the configured grid, if the features were read.
    features_end: Option<f64>,
    len: Option<usize>,
    fps: Option<f64>,
}

impl Times {
    /// Seconds that the recording lasts, as far as is known.
    fn seconds(&self) -> Option<f64> {
        self.duration.or(self.features_end).filter(|end| *end > 0.0)
    }
}

/// Looks for durations and segments that are not in seconds. `lens` are the numbers of features that are known.
pub(super) fn check(
    config: &DatasetConfig,
    members: &[Member<'_>],
    lens: &[Option<usize>],
    findings: &mut Findings,
) {
    let times: Vec<Times> = members
        .iter()
        .zip(lens)
        .filter(|(member, _)| !member.damaged)
        .map(|(member, len)| times(config, member, *len))
        .collect();
    if let Some((unit, ratio)) = unit_of_durations(&times) {
        let what = if are_beyond(&times, |one| one.features_end) {
            "durations and segments"
        } else {
            "durations"
        };
        findings.add(
            Severity::Error,
            Code::TimeUnit,
            None,
            format!("the recordings last {ratio:.4} times as long as their features"),
            format!("seconds; the {what} are likely in {unit}"),
        );
        return;
    }
    if let Some((found, unit)) = unit_of_segments(&times) {
        let expected = format!("seconds; {unit} are likely meant");
        findings.add(Severity::Error, Code::TimeUnit, None, found, expected);
    }
}

fn times(config: &DatasetConfig, member: &Member<'_>, len: Option<usize>) -> Times {
    let recording = member.recording;
    let grid = timing::stored_grid(config, recording);
    let segments = || recording.instances.iter().map(|instance| instance.segment);
    Times {
        count: recording.instances.len(),
        start: segments()
            .map(|one| one.start)
            .fold(f64::INFINITY, f64::min),
        end: segments().map(|one| one.end).fold(0.0, f64::max),
        duration: recording.duration,
        features_end: grid.zip(len).map(|(grid, len)| {
            let frames = len.max(1) as f32 * grid.feat_stride;
            f64::from(frames.max(grid.num_frames) / grid.fps)
        }),
        len,
        fps: grid.map(|grid| f64::from(grid.fps)).or(recording.fps),
    }
}

/// The unit of the durations if all are in the same wrong one, and their ratio to seconds.
fn unit_of_durations(times: &[Times]) -> Option<(&'static str, f64)> {
    let known: Vec<(f64, &Times)> = times
        .iter()
        .filter_map(|one| Some((one.duration? / one.features_end?, one)))
        .collect();
    if known.len() < 2 {
        return None;
    }
    /// Units in a second.
    type Factor = fn(&Times) -> Option<f64>;
    let units: [(&str, Factor); 3] = [
        ("minutes", |_| Some(1.0 / 60.0)),
        ("milliseconds", |_| Some(1000.0)),
        ("frames", |one| one.fps),
    ];
    let is = |of: Factor| {
        known.iter().all(|(ratio, one)| {
            // Rates of a few frames per second are strides that are mistaken.
            let expected = of(one).filter(|factor| !(0.1..=8.0).contains(factor));
            expected.is_some_and(|factor| (ratio / factor - 1.0).abs() < 0.05)
        })
    };
    let (unit, _) = units.into_iter().find(|(_, of)| is(*of))?;
    Some((unit, known[0].0))
}

/// Whether the segments of at least half of the recordings end far behind them.
fn are_beyond(times: &[Times], end: impl Fn(&Times) -> Option<f64>) -> bool {
    let known = || {
        let with = times.iter().filter(|one| one.count > 0);
        with.filter_map(|one| Some((one.end, end(one)?)))
    };
    let far = known().filter(|(last, end)| *last > 1.5 * end + 1.0);
    let (far, all) = (far.count(), known().count());
    all > 0 && 2 * far >= all
}

/// Content found and the likely unit, if the segments of all recordings are in the same wrong one.
fn unit_of_segments(times: &[Times]) -> Option<(String, String)> {
    let known: Vec<(f64, &Times)> = times
        .iter()
        .filter(|one| one.count > 0)
        .filter_map(|one| Some((one.seconds()?, one)))
        .collect();
    let num_segments: usize = known.iter().map(|(_, one)| one.count).sum();
    let largest = |of: &dyn Fn(&(f64, &Times)) -> f64| known.iter().map(of).fold(0.0, f64::max);
    let shortest = known
        .iter()
        .map(|(seconds, _)| *seconds)
        .fold(f64::INFINITY, f64::min);
    let longest = largest(&|(seconds, _)| *seconds);
    if known.is_empty() || num_segments < 3 {
        return None;
    }
    let last = largest(&|(_, one)| one.end);
    let inside = known.iter().all(|(_, one)| one.start >= 0.0);
    let span = if shortest == longest {
        format!("{shortest} s")
    } else {
        format!("{shortest} s to {longest} s")
    };
    if inside && last <= 1.0 && shortest > 2.0 {
        let found =
            format!("all {num_segments} segments lie within 0 to {last}, in recordings of {span}");
        return Some((found, "fractions of the duration".to_owned()));
    }
    let share = largest(&|(seconds, one)| one.end / seconds);
    if inside && known.len() >= 3 && (1.0 / 240.0..=MARGIN / 60.0).contains(&share) {
        let found = format!(
            "all {num_segments} segments lie within the first {:.1} % of their recordings of {span}",
            100.0 * share
        );
        return Some((found, "minutes".to_owned()));
    }
    if !are_beyond(times, Times::seconds) {
        return None;
    }
    let found = format!("segments end at up to {last}, in recordings of {span}");
    Some((found, unit_of_large(&known, share)))
}

/// The likely unit of segments that end behind their recordings, at up to `share` times the duration: the one that fills the
/// recordings best without leaving them.
fn unit_of_large(known: &[(f64, &Times)], share: f64) -> String {
    type Extent = dyn Fn(f64, &Times) -> Option<f64>;
    let units: [(&str, &Extent); 4] = [
        ("frames", &|seconds, one| Some(seconds * one.fps?)),
        ("milliseconds", &|seconds, _| Some(seconds * 1000.0)),
        ("percentages of the duration", &|_, _| Some(100.0)),
        ("indices of features", &|_, one| Some(one.len? as f64)),
    ];
    let filled = |of: &Extent| -> Option<f64> {
        let parts = known
            .iter()
            .map(|(seconds, one)| Some(one.end / of(*seconds, one)?));
        let parts: Option<Vec<f64>> = parts.collect();
        let parts = parts?;
        let fits = parts.iter().all(|part| *part <= MARGIN);
        fits.then(|| parts.iter().sum::<f64>())
    };
    let best = units
        .into_iter()
        .filter_map(|(unit, of)| Some((filled(of)?, unit)))
        // Of equal ones the first.
        .reduce(|best, other| if other.0 > best.0 { other } else { best });
    match best {
        Some((_, "milliseconds")) if share <= 61.0 => {
            "frames, at another rate than \"fps\"".to_owned()
        }
        Some((_, unit)) => unit.to_owned(),
        None => "microseconds, or samples of a signal".to_owned(),
    }
}
