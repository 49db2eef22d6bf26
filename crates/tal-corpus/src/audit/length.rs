//! Number of features of a recording beside the number its duration asks for, and the likely cause of a difference.

use tal_core::TimeGrid;

use super::finding::Severity;

/// Frame rates that recordings are made with or brought to.
pub(super) const USUAL_RATES: [f64; 20] = [
    1.0, 2.0, 5.0, 8.0, 10.0, 12.0, 12.5, 15.0, 16.0, 20.0, 23.976, 24.0, 25.0, 29.97, 30.0, 48.0,
    50.0, 59.94, 60.0, 100.0,
];
/// Factors by which strides are mistaken.
const USUAL_FACTORS: [f64; 8] = [2.0, 4.0, 8.0, 3.0, 0.5, 0.25, 0.125, 1.0 / 3.0];

/// The number of features of one recording beside the number its duration asks for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Length {
    pub(super) found: usize,
    pub(super) grid: TimeGrid,
    /// Seconds.
    pub(super) duration: f64,
}

impl Length {
    pub(super) fn expected(&self) -> usize {
        self.grid.num_features(self.duration)
    }

    /// Share of the recording's frames that the features cover if the grid is right.
    pub(super) fn ratio(&self) -> f64 {
        let (stride, window) = (self.grid.feat_stride, self.grid.num_frames);
        let covered = (self.found as f64 - 1.0) * f64::from(stride) + f64::from(window);
        covered / self.frames()
    }

    fn frames(&self) -> f64 {
        self.duration * f64::from(self.grid.fps)
    }

    /// Features by which the two may differ for no bad reason: how the ends are padded, and half a second by which
    /// durations are rounded.
    fn slack(&self) -> f64 {
        let half_second = 0.5 * self.grid.fps;
        f64::from(1.0 + (self.grid.num_frames + half_second) / self.grid.feat_stride)
    }

    /// How bad the difference is.
    pub(super) fn severity(&self) -> Option<Severity> {
        if (self.found as f64 - self.expected() as f64).abs() <= self.slack() {
            return None;
        }
        let ratio = self.ratio();
        Some(match ratio.max(1.0 / ratio) {
            off if off < 1.02 => Severity::Note,
            off if off < 1.5 => Severity::Warning,
            _ => Severity::Error,
        })
    }

    /// Content found, in words.
    pub(super) fn found_text(&self) -> String {
        format!(
            "{} features, {:.3} times as many as expected",
            self.found,
            self.ratio()
        )
    }

    /// Right content, in words.
    pub(super) fn expected_text(&self) -> String {
        let TimeGrid {
            fps,
            feat_stride,
            num_frames,
        } = self.grid;
        format!(
            "{} features ({} s at {fps} frames per second, stride {feat_stride}, {num_frames} frames each); {}",
            self.expected(),
            self.duration,
            likely_cause(
                self.ratio(),
                &self.grid,
                self.slack() / self.expected().max(1) as f64
            )
        )
    }

    /// Whether the recording has exactly as many features as `grid` gives, or one more or less.
    pub(super) fn fits(&self, grid: &TimeGrid) -> Fit {
        match self.found.abs_diff(grid.num_features(self.duration)) {
            0 => Fit::Exact,
            1 => Fit::Near,
            _ => Fit::None,
        }
    }
}

/// How a number of features agrees with a grid.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fit {
    /// To the last feature.
    Exact,
    /// Up to one feature, as the rounding of a duration leaves it.
    Near,
    /// Not at all.
    None,
}

/// Which of stride, frame rate and duration is likely wrong if there are `ratio` times as many features as expected,
/// known up to `tolerance` (relative).
pub(super) fn likely_cause(ratio: f64, grid: &TimeGrid, tolerance: f64) -> String {
    let tolerance = tolerance.clamp(0.0005, 0.02);
    let near = |value: f64, target: f64| (value / target - 1.0).abs();
    let (fps, stride) = (f64::from(grid.fps), f64::from(grid.feat_stride));
    let true_fps = USUAL_RATES
        .into_iter()
        .map(|rate| (near(fps * ratio, rate), rate))
        .filter(|(off, rate)| *off <= tolerance && near(fps, *rate) > 1e-4)
        .min_by(|a, b| a.0.total_cmp(&b.0))
        .map(|(_, rate)| rate);
    if USUAL_FACTORS
        .into_iter()
        .any(|factor| near(ratio, factor) <= tolerance)
    {
        let stride = short(stride / ratio);
        return match true_fps {
            Some(rate) => format!("feat_stride is likely {stride}, or fps {}", short(rate)),
            None => format!("feat_stride is likely {stride}"),
        };
    }
    if let Some(rate) = true_fps {
        return format!("fps is likely {}", short(rate));
    }
    if ratio < 1.0 {
        "the features end early, or the duration is too long".to_owned()
    } else {
        "the duration is too short, or the features are of a longer recording".to_owned()
    }
}

/// A number to a few digits.
pub(super) fn short(value: f64) -> String {
    let text = format!("{value:.3}");
    let text = text.trim_end_matches('0').trim_end_matches('.');
    text.to_owned()
}

/// The factor that most recordings share between the features they have and those they should have, if it is not 1.
pub(super) fn shared_ratio(lengths: &[Length]) -> Option<f64> {
    /// Below, a feature more or less changes the ratio too much.
    const ENOUGH: usize = 20;
    let mut ratios: Vec<f64> = lengths
        .iter()
        .filter(|length| length.expected() >= ENOUGH)
        .map(Length::ratio)
        .collect();
    if ratios.len() < 3 {
        return None;
    }
    ratios.sort_by(f64::total_cmp);
    let median = ratios[ratios.len() / 2];
    let most = |count: usize| 2 * count > lengths.len();
    let wrong = lengths.iter().filter(|length| length.severity().is_some());
    let alike = lengths.iter().filter(|length| agrees(length, median));
    (most(wrong.count()) && most(alike.count())).then_some(median)
}

/// Whether a recording has that factor, as far as its length tells.
pub(super) fn agrees(length: &Length, ratio: f64) -> bool {
    let frames = ratio * length.frames() - f64::from(length.grid.num_frames);
    let expected = frames / f64::from(length.grid.feat_stride) + 1.0;
    (length.found as f64 - expected).abs() <= length.slack().max(0.01 * expected)
}

#[cfg(test)]
mod tests {
    use super::*;

    const GRID: TimeGrid = TimeGrid {
        fps: 30.0,
        feat_stride: 4.0,
        num_frames: 16.0,
    };

    fn length(found: usize, duration: f64) -> Length {
        Length {
            found,
            grid: GRID,
            duration,
        }
    }

    #[test]
    fn small_differences_are_normal() {
        let expected = length(0, 100.0).expected();
        assert_eq!(expected, 747);
        for found in [expected, expected + 8, expected - 8] {
            assert_eq!(length(found, 100.0).severity(), None);
        }
        assert_eq!(
            length(expected - 12, 100.0).severity(),
            Some(Severity::Note)
        );
        assert_eq!(length(700, 100.0).severity(), Some(Severity::Warning));
        assert_eq!(length(373, 100.0).severity(), Some(Severity::Error));
        assert_eq!(length(1500, 100.0).severity(), Some(Severity::Error));
    }

    #[test]
    fn usual_mistakes_are_recognised() {
        let cause = |ratio| likely_cause(ratio, &GRID, 0.005);
        assert_eq!(cause(0.5), "feat_stride is likely 8, or fps 15");
        assert_eq!(cause(2.0), "feat_stride is likely 2, or fps 60");
        assert_eq!(cause(25.0 / 30.0), "fps is likely 25");
        assert_eq!(
            likely_cause(29.97 / 30.0, &GRID, 0.0005),
            "fps is likely 29.97"
        );
        // An odd stride of one recording is a guess; rates are explained for all together.
        assert!(cause(4.0 / 7.0).contains("end early"));
        assert!(cause(0.93).contains("end early"));
        assert!(cause(1.07).contains("too short"));
        let ntsc = TimeGrid { fps: 29.97, ..GRID };
        assert_eq!(
            likely_cause(30.0 / 29.97, &ntsc, 0.0005),
            "fps is likely 30"
        );
    }

    #[test]
    fn a_shared_factor_is_told_from_single_recordings() {
        let durations = [60.0, 100.0, 200.0, 300.0, 90.0];
        let all = |factor: f64| -> Vec<Length> {
            let expected = durations.map(|duration| (length(0, duration).expected(), duration));
            expected
                .map(|(n, duration)| length((n as f64 * factor).round() as usize, duration))
                .into()
        };
        assert_eq!(shared_ratio(&all(1.0)), None);
        let half = shared_ratio(&all(0.5)).unwrap();
        assert!((half - 0.5).abs() < 0.01);
        let mut one = all(1.0);
        one[0].found /= 2;
        assert_eq!(shared_ratio(&one), None);
        assert!(agrees(&one[1], 1.0) && !agrees(&one[0], 1.0));
    }
}
