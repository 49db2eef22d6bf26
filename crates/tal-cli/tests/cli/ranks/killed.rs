//! Ranks that are killed at random moments, and the run that goes on.

use std::env;
use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{are_equal, children, end, one_error, send, start, train};
use crate::support::{Place, Random};

/// Variable that says how often a rank is killed.
const KILLS: &str = "TAL_RANK_KILLS";

#[test]
fn a_run_whose_ranks_are_killed_again_and_again_ends_with_the_same_weights() {
    let num_kills = env::var(KILLS).map_or(4, |count| count.parse::<usize>().unwrap());
    let place = Place::new();
    let epochs = format!("train.epochs={}", 20 + 4 * num_kills);
    let steps = [
        "--set",
        &epochs,
        "--set",
        "train.checkpoint.save_every_steps=1",
    ];
    let args = |out| [&steps[..], &["--ranks", "2", "--resume", "--out", out]].concat();
    place.ok(&train(&args("whole")));
    let num_steps = || {
        let text = fs::read_to_string(place.path("killed/metrics.jsonl")).unwrap_or_default();
        text.matches("\"event\":\"step\"").count()
    };

    let mut random = Random(0x2545_F491_4F6C_DD1D);
    let (mut num_killed, mut slowest) = (0, Duration::ZERO);
    let mut start_up = Duration::from_secs(2);
    for round in 0..num_kills {
        let began = Instant::now();
        let before = num_steps();
        let mut child = start(&place, &train(&args("killed")));
        while children(child.id()).len() < 2 {
            assert!(
                began.elapsed() < Duration::from_secs(60),
                "the ranks do not start"
            );
            sleep(Duration::from_millis(1));
        }
        // Some die while they start, the others in a step, so that the run also goes on.
        if round % 4 == 1 {
            sleep(start_up.mul_f64(random.below(100) as f64 / 100.0));
        } else {
            while num_steps() <= before && child.try_wait().unwrap().is_none() {
                assert!(began.elapsed() < Duration::from_secs(60), "the run hangs");
                sleep(Duration::from_millis(1));
            }
            start_up = began.elapsed();
            sleep(Duration::from_micros(random.below(30_000)));
        }
        let victim = random.below(2) as usize;
        let Some(id) = children(child.id()).get(victim).copied() else {
            // The run was over.
            assert!(end(child, 60).status.success());
            continue;
        };
        send(id, Signal::SIGKILL);
        let killed = Instant::now();
        let output = end(child, 60);
        if output.status.success() {
            continue;
        }
        slowest = slowest.max(killed.elapsed());
        num_killed += 1;
        let error = one_error(&output);
        let tells = [&format!("rank {victim} ended"), "did not find the others"];
        assert!(tells.iter().any(|part| error.contains(part)), "{error}");
    }
    // Otherwise the kills tested nothing.
    assert!(
        num_killed * 5 >= num_kills * 4,
        "{num_killed} of {num_kills}"
    );
    // One second for the words of the dead, ten until the starter ends those that wait for it.
    assert!(slowest < Duration::from_secs(20), "{slowest:?}");
    println!(
        "{num_killed} of {num_kills} killed, all over after {slowest:?} at most, {} steps done",
        num_steps()
    );

    place.ok(&train(&args("killed")));
    assert!(are_equal(&place, "whole", "killed"));
    assert_eq!(place.steps("whole"), place.steps("killed"));
    let read = |run: &str| place.read(&format!("{run}/detections.json"));
    assert!(read("whole") == read("killed"), "other detections");
}
