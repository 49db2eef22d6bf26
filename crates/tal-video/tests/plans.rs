//! Plans equal the tables that the original programs made, while frames arrive as well as afterwards.
//!
//! `fixtures/plans.json` has the windows of several programs for videos of many lengths; `fixtures/resample.json` has the times
//! of real files and the frame that each tick of another rate shows, confirmed by the `fps` filter of FFmpeg.

mod planning;

use std::collections::BTreeMap;
use std::path::Path;

use serde::Deserialize;
use sha2::{Digest, Sha256};
use tal_video::{
    Alignment, Fps, FrameRate, FrameRecipe, MinFrames, PlanError, Recipe, ResampleRule, Tail,
    TimeBase, Window, WindowStream, plan_windows,
};

use planning::{native, planned, streamed, unit};

#[derive(Deserialize)]
struct Table {
    rate_in: Option<FrameRate>,
    #[serde(default)]
    offsets: Vec<u64>,
    #[serde(default)]
    starts: BTreeMap<u64, Starts>,
    #[serde(default)]
    windows: BTreeMap<u64, Vec<Vec<i64>>>,
}

#[derive(Deserialize)]
#[serde(untagged)]
enum Starts {
    All(Vec<u64>),
    Digest { count: usize, sha256: String },
}

#[derive(Deserialize)]
struct Film {
    time_base: TimeBase,
    pts: Vec<i64>,
    rates: BTreeMap<String, Rules>,
    rate: Option<FrameRate>,
    #[serde(default)]
    windows: BTreeMap<String, Vec<Vec<u64>>>,
}

#[derive(Deserialize)]
struct Rules {
    nearest: Vec<u64>,
    floor: Vec<u64>,
}

fn resampled(rate: &str, rule: ResampleRule, window: u32, stride: u32) -> FrameRecipe {
    FrameRecipe {
        fps: Fps::Resampled(rate.parse().unwrap()),
        rule: Some(rule),
        ..native(window, stride)
    }
}

fn centred(window: u32, stride: u32, interval: u32, tail: Tail) -> FrameRecipe {
    FrameRecipe {
        interval,
        align: Alignment::Centre,
        tail,
        ..native(window, stride)
    }
}

/// The recipes that a table belongs to.
fn recipes_of(name: &str) -> Vec<FrameRecipe> {
    let tsp = |stride: u32| resampled("15", ResampleRule::Tsp, 16, stride);
    // The plan at 30 a second, of the videos that TSP's authors encoded anew.
    let every_second = |stride: u32| FrameRecipe {
        interval: 2,
        ..native(16, 2 * stride)
    };
    let min_frames = |recipe, frames| FrameRecipe {
        min_frames: MinFrames::AtLeast(frames),
        ..recipe
    };
    let spare = |recipe| FrameRecipe {
        tail: Tail::DropWithSpare,
        ..recipe
    };
    match name {
        "tsp_16_16_from_30" => vec![tsp(16), every_second(16)],
        "tsp_16_1_from_30" => vec![tsp(1), every_second(1)],
        "tsp_16_16_from_29.97" | "tsp_16_16_from_25" | "tsp_16_16_from_19.62" => vec![tsp(16)],
        "i3d_16_4" => vec![min_frames(native(16, 4), 17)],
        "i3d_16_16" => vec![min_frames(native(16, 16), 17)],
        "videomaev2_16_4" => vec![native(16, 4)],
        "videomaev2_16_16" | "video_features_r21d_16_16" => vec![native(16, 16)],
        "slowfast_32_16" => vec![native(32, 16)],
        "slowfast_32_8" => vec![native(32, 8)],
        "slowfast_centred_32_1" => vec![centred(32, 1, 1, Tail::Zeros)],
        "tsn_centres_1_16" => vec![centred(1, 16, 1, Tail::Repeat)],
        "tsn_centres_8_16_every_2" => vec![centred(8, 16, 2, Tail::Repeat)],
        "video_features_i3d_64_64" => vec![spare(native(64, 64))],
        "video_features_i3d_16_4" => vec![spare(native(16, 4))],
        "video_features_s3d_64_64" => vec![native(64, 64)],
        other => panic!("{other}"),
    }
}

fn frames(windows: &[Window]) -> Vec<Vec<u64>> {
    let all = |window: &Window| window.frames.iter().map(|frame| frame.unwrap()).collect();
    windows.iter().map(all).collect()
}

#[test]
fn windows_equal_the_tables() {
    let tables: BTreeMap<String, Table> =
        serde_json::from_str(include_str!("fixtures/plans.json")).unwrap();
    let mut compared = 0;
    for (name, table) in &tables {
        for recipe in recipes_of(name) {
            let rate = table.rate_in.unwrap_or("25".parse().unwrap());
            let plan = |frames: u64| {
                let times: Vec<i64> = (0..frames as i64).collect();
                match plan_windows(&recipe, rate.time_base(), Some(rate), &times) {
                    Err(PlanError::TooShort { .. } | PlanError::NoFrames) => Vec::new(),
                    windows => {
                        let windows = windows.unwrap();
                        if frames <= 200 {
                            let stream = streamed(&recipe, rate.time_base(), Some(rate), &times);
                            assert_eq!(stream.unwrap(), windows, "{name}: {frames} frames");
                        }
                        windows
                    }
                }
            };
            for (&num_frames, golden) in &table.starts {
                let found = frames(&plan(num_frames));
                let starts: Vec<u64> = found
                    .iter()
                    .map(|frames| frames[0] - table.offsets[0])
                    .collect();
                for (frames, start) in found.iter().zip(&starts) {
                    let expected: Vec<u64> =
                        table.offsets.iter().map(|offset| start + offset).collect();
                    assert_eq!(*frames, expected, "{name}: {num_frames} frames");
                }
                match golden {
                    Starts::All(golden) => {
                        assert_eq!(starts, *golden, "{name}: {num_frames} frames")
                    }
                    Starts::Digest { count, sha256 } => {
                        assert_eq!(starts.len(), *count, "{name}: {num_frames} frames");
                        let text: Vec<_> = starts.iter().map(u64::to_string).collect();
                        let digest = Sha256::digest(text.join(","));
                        let digest: String =
                            digest.iter().map(|byte| format!("{byte:02x}")).collect();
                        assert_eq!(digest, *sha256, "{name}: {num_frames} frames");
                    }
                }
                compared += 1;
            }
            for (&num_frames, golden) in &table.windows {
                let found: Vec<Vec<i64>> = plan(num_frames)
                    .iter()
                    .map(|window| {
                        window
                            .frames
                            .iter()
                            .map(|f| f.map_or(-1, |f| f as i64))
                            .collect()
                    })
                    .collect();
                assert_eq!(found, *golden, "{name}: {num_frames} frames");
                compared += 1;
            }
        }
    }
    assert!(compared > 700, "{compared}");
}

fn films() -> BTreeMap<String, Film> {
    serde_json::from_str(include_str!("fixtures/resample.json")).unwrap()
}

#[test]
fn ticks_equal_the_tables() {
    for (name, film) in films() {
        for (rate, rules) in film.rates {
            for (rule, golden) in [
                (ResampleRule::Nearest, rules.nearest),
                (ResampleRule::Floor, rules.floor),
            ] {
                let recipe = resampled(&rate, rule, 1, 1);
                let windows = planned(&recipe, film.time_base, None, &film.pts).unwrap();
                assert_eq!(
                    frames(&windows).concat(),
                    golden,
                    "{name} to {rate}, {rule:?}"
                );
            }
        }
    }
}

#[test]
fn windows_of_real_films_equal_the_tables() {
    let shipped = |name: &str| {
        let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/features");
        let text = std::fs::read_to_string(folder.join(format!("{name}.yaml"))).unwrap();
        serde_yaml::from_str::<Recipe>(&text).unwrap().frames
    };
    let mut compared = 0;
    for (name, film) in films() {
        for (recipe, golden) in film.windows {
            let frame_recipe = match recipe.as_str() {
                "tsp_15fps_16_16" => resampled("15", ResampleRule::Tsp, 16, 16),
                "tsp_30_then_15_16_16" => shipped("tsp_anet"),
                "i3d_video_features_64_64" => shipped("i3d_video_features"),
                other => panic!("{other}"),
            };
            let windows = planned(&frame_recipe, film.time_base, film.rate, &film.pts).unwrap();
            assert_eq!(frames(&windows), golden, "{name}: {recipe}");
            compared += 1;
        }
    }
    assert_eq!(compared, 6);
}

#[test]
fn times_of_windows_are_those_of_the_grid() {
    let (base, rate) = unit(30);
    let times: Vec<i64> = (0..90).collect();
    let windows = planned(&native(16, 4), base, rate, &times).unwrap();
    assert_eq!(
        (windows[3].start, windows[3].centre),
        (12.0 / 30.0, (3.0 * 4.0 + 16.0 / 2.0) / 30.0)
    );
    assert_eq!(windows[3].end, 28.0 / 30.0);
    // Sixteen frames of every second one last 32 frames.
    let every_second = FrameRecipe {
        interval: 2,
        ..native(16, 32)
    };
    let windows = planned(&every_second, base, rate, &times).unwrap();
    assert_eq!(
        (windows[1].start, windows[1].centre, windows[1].end),
        (32.0 / 30.0, 1.6, 64.0 / 30.0)
    );
    // The reader of TSP counts in its own rate.
    let tsp = resampled("15", ResampleRule::Tsp, 16, 16);
    let rate: FrameRate = "30000/1001".parse().unwrap();
    let windows = planned(&tsp, rate.time_base(), Some(rate), &times).unwrap();
    assert_eq!(
        (windows[1].start, windows[1].centre),
        (16.0 / 15.0, 24.0 / 15.0)
    );
    // The first frame is at 0 wherever the file begins.
    let late: Vec<i64> = times.iter().map(|t| t + 7000).collect();
    let (base, rate) = unit(30);
    assert_eq!(
        planned(&native(16, 4), base, rate, &late),
        planned(&native(16, 4), base, rate, &times)
    );
}

#[test]
fn short_videos_repeat_the_last_frame_or_are_errors() {
    let (base, rate) = unit(25);
    let plan = |recipe: &FrameRecipe, frames: i64| {
        planned(recipe, base, rate, &(0..frames).collect::<Vec<_>>())
    };
    let repeat = |recipe: FrameRecipe| FrameRecipe {
        min_frames: MinFrames::Repeat,
        ..recipe
    };
    let windows = plan(&repeat(native(4, 4)), 3).unwrap();
    assert_eq!(frames(&windows), [[0, 1, 2, 2]]);
    let windows = plan(&repeat(centred(1, 16, 1, Tail::Repeat)), 3).unwrap();
    assert_eq!(frames(&windows), [[2]]);
    let tsp = repeat(resampled("15", ResampleRule::Tsp, 4, 4));
    assert_eq!(frames(&plan(&tsp, 2).unwrap()), [[0, 1, 1, 1]]);
    for recipe in [native(4, 4), repeat(native(4, 4)), tsp] {
        assert_eq!(plan(&recipe, 0), Err(PlanError::NoFrames));
    }
    let error = plan(&native(4, 4), 3).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the video has 3 frames at the recipe's rate, but a window of 4 needs 4; `min_frames: repeat` repeats the last frame"
    );
    let spare = FrameRecipe {
        tail: Tail::DropWithSpare,
        ..native(4, 4)
    };
    assert_eq!(
        plan(&spare, 4),
        Err(PlanError::TooShort {
            frames: 4,
            least: 5,
            window: 4
        })
    );
    let wanted = FrameRecipe {
        min_frames: MinFrames::AtLeast(9),
        ..native(4, 4)
    };
    assert_eq!(
        plan(&wanted, 8),
        Err(PlanError::TooShort {
            frames: 8,
            least: 9,
            window: 4
        })
    );
    assert_eq!(plan(&wanted, 9).unwrap().len(), 2);
}

#[test]
fn a_recipe_of_the_native_rate_wants_a_constant_one() {
    let (base, rate) = unit(25);
    let missing: Vec<i64> = (0..40).filter(|&i| i != 20).collect();
    let error = planned(&native(16, 4), base, rate, &missing).unwrap_err();
    assert!(
        matches!(error, PlanError::VariableRate { frame: 20, .. }),
        "{error}"
    );
    assert!(
        error
            .to_string()
            .contains("frame 20 is at 0.8400 s, not 0.8000 s"),
        "{error}"
    );
    assert!(error.to_string().contains("set `fps:`"), "{error}");
    assert_eq!(
        planned(&native(16, 4), base, None, &missing),
        Err(PlanError::UnknownRate)
    );
    // Times that a container rounds to milliseconds are constant.
    let rate: FrameRate = "30000/1001".parse().unwrap();
    let rounded: Vec<i64> = (0..400)
        .map(|i| (f64::from(i) * 1001.0 / 30.0).round() as i64)
        .collect();
    let windows = planned(
        &native(16, 16),
        TimeBase::new(1, 1000).unwrap(),
        Some(rate),
        &rounded,
    )
    .unwrap();
    assert_eq!(windows.len(), 25);
}

#[test]
fn impossible_times_are_errors() {
    let base = TimeBase::new(1, 1000).unwrap();
    let recipe = resampled("30", ResampleRule::Nearest, 4, 4);
    let error = planned(&recipe, base, None, &[0, 40, 30]).unwrap_err();
    assert!(matches!(
        error,
        PlanError::DecreasingTime {
            frame: 2,
            pts: 30,
            previous: 40,
            ..
        }
    ));
    for times in [[0, i64::MAX], [i64::MIN, i64::MAX], [-5, 1 << 50]] {
        let error = planned(&recipe, base, None, &times).unwrap_err();
        assert!(
            matches!(error, PlanError::TimeTooLarge { frame: 1, .. }),
            "{error}"
        );
    }
}

#[test]
fn a_long_still_picture_costs_no_memory() {
    let base = TimeBase::new(1, 1).unwrap();
    let recipe = resampled("30", ResampleRule::Nearest, 16, 4);
    let mut stream = WindowStream::new(&recipe, base, None).unwrap();
    stream.push(0).unwrap();
    // Eight hours later.
    stream.push(8 * 3600).unwrap();
    let mut windows = 0;
    while let Some(window) = stream.next_window() {
        assert_eq!(window.frames, [Some(0); 16]);
        windows += 1;
    }
    assert_eq!(windows, (8 * 3600 * 30 - 16) / 4 + 1);
}
