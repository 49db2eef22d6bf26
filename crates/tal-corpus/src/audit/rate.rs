//! Features that most recordings have too many or too few of, explained for all of them together.

use tal_core::TimeGrid;

use super::finding::{Code, Findings, Severity};
use super::length::{self, Fit, Length, USUAL_RATES, short};

/// Steps that features are extracted with, in frames.
const STRIDES: [f32; 20] = [
    1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0, 12.0, 15.0, 16.0, 20.0, 24.0, 25.0, 30.0, 32.0, 48.0,
    50.0, 64.0, 100.0,
];
/// Windows that features are computed from, in frames.
const WINDOWS: [f32; 12] = [
    1.0, 5.0, 8.0, 9.0, 10.0, 16.0, 20.0, 24.0, 25.0, 30.0, 32.0, 64.0,
];
/// Recordings that a grid is tried on.
const MAX_TRIED: usize = 2000;

/// Recordings with more or fewer features than their durations ask for; `measured` has their ids.
///
/// A cause that explains all of them wins over a ratio that most share, and that over causes for single recordings.
pub(super) fn check(measured: &[(&str, Length)], findings: &mut Findings) {
    let all: Vec<Length> = measured.iter().map(|(_, length)| *length).collect();
    if let Some(fixed) = Fixed::of(&all) {
        findings.add(
            Severity::Error,
            Code::FeatureRate,
            None,
            fixed.found(),
            "feat_stride: null, if they were resized to one number; \"duration\" then says how they lie in time",
        );
        return;
    }
    if let Some(exact) = exact(&all) {
        let (severity, found) = rate(&all, exact.ratio);
        let expected = format!(
            "{}; it gives the number of features of all {} recordings exactly",
            exact.changes,
            all.len()
        );
        findings.add(severity, Code::FeatureRate, None, found, expected);
        return;
    }
    let shared = length::shared_ratio(&all);
    if let (Some(ratio), Some(first)) = (shared, all.first()) {
        let (severity, found) = rate(&all, ratio);
        let cause = length::likely_cause(ratio, &first.grid, 0.01);
        findings.add(severity, Code::FeatureRate, None, found, cause);
    }
    for (id, length) in measured {
        let Some(severity) = length.severity() else {
            continue;
        };
        if shared.is_some_and(|ratio| length::agrees(length, ratio)) {
            continue;
        }
        let (found, expected) = (length.found_text(), length.expected_text());
        findings.add(severity, Code::FeatureLength, Some(id), found, expected);
    }
}

fn rate(all: &[Length], ratio: f64) -> (Severity, String) {
    let num = all
        .iter()
        .filter(|length| length::agrees(length, ratio))
        .count();
    let severity = if (ratio - 1.0).abs() > 0.1 {
        Severity::Error
    } else {
        Severity::Warning
    };
    let found = format!(
        "{num} of {} recordings have {ratio:.3} times as many features as expected",
        all.len()
    );
    (severity, found)
}

/// Whether the numbers of most recordings are wrong, and their durations differ enough to tell why.
fn is_telling(all: &[Length]) -> bool {
    let wrong = all.iter().filter(|length| length.severity().is_some());
    let mut durations: Vec<f64> = all.iter().map(|length| length.duration).collect();
    durations.sort_by(f64::total_cmp);
    durations.dedup();
    2 * wrong.count() > all.len() && durations.len() >= 3
}

/// Features that were resized to one number.
struct Fixed {
    len: usize,
    count: usize,
    total: usize,
    durations: [f64; 2],
}

impl Fixed {
    fn of(all: &[Length]) -> Option<Self> {
        if !is_telling(all) {
            return None;
        }
        let mut found: Vec<usize> = all.iter().map(|length| length.found).collect();
        found.sort_unstable();
        let len = found[found.len() / 2];
        let same = || all.iter().filter(|length| length.found == len);
        let durations = || same().map(|length| length.duration);
        let durations = [
            durations().fold(f64::INFINITY, f64::min),
            durations().fold(0.0, f64::max),
        ];
        let count = same().count();
        let fixed = 20 * count >= 19 * all.len() && durations[1] > 1.1 * durations[0];
        fixed.then_some(Self {
            len,
            count,
            total: all.len(),
            durations,
        })
    }

    fn found(&self) -> String {
        let Self {
            len,
            count,
            total,
            durations: [shortest, longest],
        } = self;
        format!(
            "{count} of {total} recordings have {len} features, although they last {} s to {} s",
            short(*shortest),
            short(*longest)
        )
    }
}

/// Settings that explain the number of features of every recording.
struct Exact {
    changes: String,
    ratio: f64,
}

/// The grid nearest to the configured one that gives every number exactly; nearest means that the fewest of frame rate,
/// stride and window are others.
fn exact(all: &[Length]) -> Option<Exact> {
    if !is_telling(all) {
        return None;
    }
    let first = all.first()?.grid;
    let tried = &all[..all.len().min(MAX_TRIED)];
    let rates = || std::iter::once(None).chain(USUAL_RATES.map(Some));
    let strides = || std::iter::once(first.feat_stride).chain(STRIDES);
    let mut best: Option<(usize, TimeGrid, Option<f64>)> = None;
    for rate in rates() {
        for feat_stride in strides() {
            let windows = [first.num_frames, feat_stride];
            for num_frames in windows.into_iter().chain(WINDOWS) {
                let changed = [
                    rate.is_some(),
                    feat_stride != first.feat_stride,
                    num_frames != first.num_frames,
                ];
                let changed = changed.into_iter().filter(|other| *other).count();
                let grid = |length: &Length| TimeGrid {
                    fps: rate.map_or(length.grid.fps, |rate| rate as f32),
                    feat_stride,
                    num_frames,
                };
                let nearer = best.as_ref().is_none_or(|(fewest, ..)| changed < *fewest);
                if nearer && explains(tried, grid) {
                    best = Some((changed, grid(&all[0]), rate));
                }
            }
        }
    }
    let (_, grid, rate) = best?;
    let mut changes = Vec::new();
    if let Some(rate) = rate {
        changes.push(format!("fps: {}", short(rate)));
    }
    if grid.feat_stride != first.feat_stride {
        changes.push(format!("feat_stride: {}", grid.feat_stride));
    }
    if grid.num_frames != first.num_frames {
        changes.push(format!("num_frames: {}", grid.num_frames));
    }
    let mut ratios: Vec<f64> = all.iter().map(Length::ratio).collect();
    ratios.sort_by(f64::total_cmp);
    (!changes.is_empty()).then(|| Exact {
        changes: changes.join(", "),
        ratio: ratios[ratios.len() / 2],
    })
}

/// Whether nine of ten recordings have exactly the features of the grid, and the others one more or less.
fn explains(all: &[Length], grid: impl Fn(&Length) -> TimeGrid) -> bool {
    let mut near = 0;
    for length in all {
        match length.fits(&grid(length)) {
            Fit::Exact => {}
            Fit::Near => near += 1,
            Fit::None => return false,
        }
        if 10 * near > all.len() {
            return false;
        }
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const DURATIONS: [f64; 6] = [61.2, 80.5, 44.0, 120.0, 33.3, 97.1];

    fn measured(grid: TimeGrid, found: impl Fn(f64) -> usize) -> Vec<(&'static str, Length)> {
        let lengths = DURATIONS.map(|duration| Length {
            found: found(duration),
            grid,
            duration,
        });
        ["a", "b", "c", "d", "e", "f"]
            .into_iter()
            .zip(lengths)
            .collect()
    }

    fn grid(fps: f32, feat_stride: f32, num_frames: f32) -> TimeGrid {
        TimeGrid {
            fps,
            feat_stride,
            num_frames,
        }
    }

    fn expected(configured: TimeGrid, true_grid: TimeGrid) -> Vec<String> {
        let mut findings = Findings::default();
        let found = measured(configured, |duration| true_grid.num_features(duration));
        check(&found, &mut findings);
        let findings = findings.0.into_iter();
        findings.map(|one| one.expected).collect()
    }

    #[test]
    fn an_exact_fit_for_all_names_the_setting() {
        let configured = grid(30.0, 4.0, 16.0);
        for (true_grid, cause) in [
            (grid(30.0, 8.0, 16.0), "feat_stride: 8"),
            (grid(25.0, 4.0, 16.0), "fps: 25"),
            (grid(30.0, 16.0, 64.0), "feat_stride: 16, num_frames: 64"),
            (grid(25.0, 16.0, 16.0), "fps: 25, feat_stride: 16"),
        ] {
            let all = expected(configured, true_grid);
            assert_eq!(all.len(), 1, "{all:?}");
            assert!(all[0].starts_with(&format!("{cause};")), "{all:?}");
        }
        assert!(expected(configured, configured).is_empty());
    }

    #[test]
    fn resized_features_are_told_from_a_stride() {
        let mut findings = Findings::default();
        let found = measured(grid(30.0, 16.0, 16.0), |_| 100);
        check(&found, &mut findings);
        assert_eq!(findings.0.len(), 1);
        let one = &findings.0[0];
        assert_eq!(
            one.found,
            "6 of 6 recordings have 100 features, although they last 33.3 s to 120 s"
        );
        assert!(one.expected.starts_with("feat_stride: null"));
    }

    #[test]
    fn nothing_is_claimed_to_be_exact_that_is_not() {
        let configured = grid(30.0, 4.0, 16.0);
        let mut findings = Findings::default();
        let factors = [0.31, 0.74, 0.52, 0.93, 0.41, 0.66];
        let found: Vec<_> = measured(configured, |duration| configured.num_features(duration))
            .into_iter()
            .zip(factors)
            .map(|((id, length), factor)| {
                let found = (length.found as f64 * factor) as usize;
                (id, Length { found, ..length })
            })
            .collect();
        check(&found, &mut findings);
        assert_eq!(findings.0.len(), 6);
        let single = findings.0.iter().all(|one| one.code == Code::FeatureLength);
        assert!(single, "{findings:?}");
    }
}
