//! The end of a run with several ranks, if one of them fails, hangs, is killed or asked to stop.

use std::fs;
use std::thread::sleep;
use std::time::{Duration, Instant};

use nix::sys::signal::Signal;

use super::{
    LONG, children, end, free_port, interrupt, is_there, one_error, rank, send, start, state,
    train, wait_for_steps,
};
use crate::support::Place;

#[test]
fn a_rank_that_is_killed_ends_the_others() {
    let place = Place::new();
    for victim in [0, 1] {
        let out = format!("killed-{victim}");
        let child = start(
            &place,
            &train(&[&LONG[..], &["--out", out.as_str(), "--ranks", "2"]].concat()),
        );
        wait_for_steps(&place, &out, 3);
        send(children(child.id())[victim], Signal::SIGKILL);
        let start = Instant::now();
        let output = end(child, 30);
        assert!(
            start.elapsed() < Duration::from_secs(8),
            "{:?}",
            start.elapsed()
        );
        assert!(!output.status.success());
        let error = one_error(&output);
        assert!(error.contains(&format!("rank {victim} ended")), "{error}");
    }
}

/// Kills the process that has started two ranks; they must end, too.
fn kill_the_starter(place: &Place, out: &str, is_one_stopped: bool) {
    let mut child = start(
        place,
        &train(&[&LONG[..], &["--out", out, "--ranks", "2"]].concat()),
    );
    wait_for_steps(place, out, 3);
    let ranks = children(child.id());
    assert_eq!(ranks.len(), 2);
    if is_one_stopped {
        send(ranks[1], Signal::SIGSTOP);
    }
    child.kill().unwrap();
    child.wait().unwrap();
    let start = Instant::now();
    while ranks.iter().any(|id| is_there(*id)) {
        assert!(start.elapsed() < Duration::from_secs(60));
        sleep(Duration::from_millis(50));
    }
}

#[test]
fn no_rank_outlives_its_starter() {
    let place = Place::new();
    kill_the_starter(&place, "run", false);
    // They saved before they ended.
    let saved = state(&place, "run").manifest.run.unwrap().step as usize;
    assert_eq!(saved, place.steps("run").len());
    kill_the_starter(&place, "stopped", true);
}

/// Time after which a rank that does not answer counts as lost.
const TIMEOUT: &str = "6";
/// Longest time until all has ended then: the timeout, words, and the patience of the starter.
const LONGEST: Duration = Duration::from_secs(6 + 2 + 10 + 7);

#[test]
fn a_rank_that_hangs_ends_the_others_at_the_timeout() {
    let place = Place::new();
    let long = [&LONG[..], &["--rank-timeout", TIMEOUT]].concat();
    let started = |victim: usize| {
        let out = format!("stopped-{victim}");
        let args = [&long[..], &["--out", &out, "--ranks", "2"]].concat();
        let child = start(&place, &train(&args));
        wait_for_steps(&place, &out, 3);
        let id = children(child.id())[victim];
        send(id, Signal::SIGSTOP);
        let start = Instant::now();
        let output = end(child, 60);
        assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
        assert!(!output.status.success());
        let error = one_error(&output);
        assert!(error.contains(&format!("rank {victim} ended")), "{error}");
        assert!(!is_there(id), "the stopped rank is left behind");
    };
    // Rank 0 serves the store here, as with srun and mpirun, and does not answer there either.
    let served = || {
        let port = free_port();
        let args = [&long[..], &["--out", "served"]].concat();
        let mut first = rank(&place, "0", &port, &train(&args)).spawn().unwrap();
        let second = rank(&place, "1", &port, &train(&args)).spawn().unwrap();
        wait_for_steps(&place, "served", 3);
        send(first.id(), Signal::SIGSTOP);
        let start = Instant::now();
        let output = end(second, 60);
        assert!(start.elapsed() < LONGEST, "{:?}", start.elapsed());
        let error = one_error(&output);
        assert!(error.contains("rank 0 ended"), "{error}");
        assert_eq!(output.status.code(), Some(1));
        first.kill().unwrap();
        first.wait().unwrap();
    };
    std::thread::scope(|scope| {
        scope.spawn(|| started(0));
        scope.spawn(|| started(1));
        scope.spawn(served);
    });
}

/// Ids of the training recordings.
fn training_ids(place: &Place) -> Vec<String> {
    let annotations = place.json("data/annotations.json");
    let all = annotations["database"].as_object().unwrap();
    let training = all
        .iter()
        .filter(|(_, recording)| recording["subset"] == "training");
    training.map(|(id, _)| id.clone()).collect()
}

/// Trains with two ranks, where all values of one recording are `value`, one recording after the other until `is_of_rank_1`
/// says that rank 1 found it. Both ranks must end with one error that names it, and the same code.
fn a_bad_recording_is_named(value: f32, is_of_rank_1: impl Fn(&str) -> bool) {
    let place = Place::new();
    // The first recording is read by all ranks before they start.
    let found = training_ids(&place).into_iter().skip(1).any(|id| {
        let path = place.path(&format!("data/features/{id}.npy"));
        let whole = fs::read(&path).unwrap();
        let first = 10 + usize::from(u16::from_le_bytes([whole[8], whole[9]]));
        let mut bad = whole.clone();
        for bytes in bad[first..].chunks_exact_mut(4) {
            bytes.copy_from_slice(&value.to_le_bytes());
        }
        fs::write(&path, bad).unwrap();
        let (port, out) = (free_port(), format!("of-{id}"));
        let args = train(&["--out", &out]);
        let start = |number| rank(&place, number, &port, &args).spawn().unwrap();
        let outputs = [start("0"), start("1")].map(|child| end(child, 60));
        fs::write(&path, whole).unwrap();
        let told = outputs.map(|output| {
            let error = one_error(&output);
            assert!(error.contains(&id), "{id}: {error}");
            (output.status.code(), error)
        });
        assert_eq!(told[0].0, Some(1));
        assert_eq!(told[0].0, told[1].0);
        is_of_rank_1(&told[0].1)
    });
    assert!(found, "no recording was of rank 1");
}

#[test]
fn a_recording_of_nan_is_named() {
    a_bad_recording_is_named(f32::NAN, |told| told.contains("rank 1 failed: "));
}

#[test]
fn a_recording_without_finite_loss_is_named() {
    // Only the rank that has it names its recordings: 2 of the batch.
    let recordings = |told: &str| {
        let (_, list) = told.split_once("(recordings ").unwrap();
        list.split(')').next().unwrap().split(", ").count()
    };
    a_bad_recording_is_named(3e38, |told| {
        assert_eq!(recordings(told), 2, "{told}");
        true
    });
}

#[test]
fn a_signal_to_one_rank_ends_all_and_saves() {
    let place = Place::new();
    let child = start(
        &place,
        &train(&[&LONG[..], &["--out", "run", "--ranks", "2"]].concat()),
    );
    wait_for_steps(&place, "run", 3);
    let ranks = children(child.id());
    interrupt(*ranks.iter().max().unwrap());
    let output = end(child, 30);
    let error = one_error(&output);
    assert!(error.contains("the run is saved"), "{error}");
    let saved = state(&place, "run").manifest.run.unwrap().step as usize;
    assert_eq!(saved, place.steps("run").len());
}
