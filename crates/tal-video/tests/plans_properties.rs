//! Properties of plans for any recipe and any times.

mod planning;

use proptest::prelude::*;
use tal_video::{
    Alignment, Fps, FrameRate, FrameRecipe, MinFrames, ResampleRule, Tail, TimeBase, Window,
};

use planning::{native, planned, unit};

fn any_recipe() -> impl Strategy<Value = FrameRecipe> {
    let tails = prop_oneof![
        Just(Tail::Drop),
        Just(Tail::DropWithSpare),
        Just(Tail::Repeat),
        Just(Tail::Zeros)
    ];
    let least = prop_oneof![
        Just(MinFrames::Repeat),
        (1_u32..30).prop_map(MinFrames::AtLeast)
    ];
    let rules = prop_oneof![
        Just(ResampleRule::Nearest),
        Just(ResampleRule::Floor),
        Just(ResampleRule::Tsp)
    ];
    (
        1_u32..20,
        1_u32..30,
        1_u32..4,
        any::<bool>(),
        tails,
        least,
        rules,
        1_u32..70,
    )
        .prop_map(
            |(window, stride, interval, centre, tail, min_frames, rule, rate)| {
                let fps = Fps::Resampled(FrameRate::new(rate, 2).unwrap());
                let plain = FrameRecipe {
                    fps,
                    rule: Some(rule),
                    window,
                    stride,
                    min_frames,
                    ..native(window, stride)
                };
                match (rule, centre, tail) {
                    (ResampleRule::Tsp, ..) => plain,
                    (_, true, Tail::Repeat | Tail::Zeros) => FrameRecipe {
                        interval,
                        tail,
                        align: Alignment::Centre,
                        ..plain
                    },
                    _ => FrameRecipe {
                        interval,
                        tail,
                        ..plain
                    },
                }
            },
        )
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(512))]

    #[test]
    fn windows_are_the_same_while_frames_arrive_and_lie_in_the_video(
        recipe in any_recipe(),
        gaps in proptest::collection::vec(0_i64..400, 0..90),
        constant: bool, start in -1000_i64..1000,
    ) {
        let constant = constant || recipe.rule == Some(ResampleRule::Tsp);
        let mut time = start;
        let times: Vec<i64> = gaps.iter().map(|gap| {
            let now = time;
            time += if constant { 40 } else { *gap };
            now
        }).collect();
        let (base, rate) = (TimeBase::new(1, 1000).unwrap(), FrameRate::new(25, 1));
        let Ok(windows) = planned(&recipe, base, rate, &times) else {
            prop_assert!(times.is_empty() || recipe.min_frames != MinFrames::Repeat);
            return Ok(());
        };
        prop_assert!(!windows.is_empty());
        let mut last: Option<&Window> = None;
        for (index, window) in windows.iter().enumerate() {
            prop_assert_eq!(window.index, index as u64);
            prop_assert_eq!(window.frames.len(), recipe.window as usize);
            prop_assert!(window.start < window.centre && window.centre < window.end);
            let shown: Vec<u64> = window.frames.iter().flatten().copied().collect();
            prop_assert!(shown.is_sorted());
            prop_assert!(shown.iter().all(|&frame| frame < times.len() as u64));
            prop_assert!(recipe.tail == Tail::Zeros || shown.len() == window.frames.len());
            if let Some(last) = last {
                prop_assert!(last.start < window.start);
                let pairs = last.frames.iter().zip(&window.frames);
                prop_assert!(pairs.filter_map(|(a, b)| a.zip(*b)).all(|(a, b)| a <= b));
            }
            last = Some(window);
        }
    }

    #[test]
    fn windows_that_touch_cover_the_video(window in 1_u32..20, frames in 1_i64..200) {
        let recipe = FrameRecipe { tail: Tail::Repeat, ..native(window, window) };
        let (base, rate) = unit(30);
        let times: Vec<i64> = (0..frames).collect();
        let windows = planned(&recipe, base, rate, &times).unwrap();
        let mut shown: Vec<u64> = windows.iter().flat_map(|w| w.frames.iter().flatten().copied()).collect();
        shown.dedup();
        prop_assert_eq!(shown, (0..frames as u64).collect::<Vec<_>>());
        for pair in windows.windows(2) {
            prop_assert_eq!(pair[0].end, pair[1].start);
        }
    }
}
