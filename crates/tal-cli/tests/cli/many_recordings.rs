//! Predictions in parts: kills, failures, and parts put together.

use std::fs;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use tal_data::{annotations, results};

use crate::support::{Place, text};

/// A trained run, and `num` recordings in `list.txt`.
fn trained(num: usize) -> Place {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    fs::create_dir(place.path("many")).unwrap();
    let mut list = String::new();
    for number in 0..num {
        let from = format!("data/features/synth_test_{:04}.npy", number % 3 + 1);
        let name = format!("many/r{number:03}.npy");
        fs::copy(place.path(&from), place.path(&name)).unwrap();
        list += &format!("{name}\n");
    }
    place.write("list.txt", list);
    place
}

fn part<'a>(shard: &'a str, out: &'a str, more: &[&'a str]) -> Vec<&'a str> {
    let args = [
        "predict", "run", "--list", "list.txt", "--shard", shard, "--out", out,
    ];
    [&args[..], more].concat()
}

#[test]
fn parts_make_the_whole() {
    let place = trained(11);
    place.ok(&[
        "predict",
        "run",
        "--list",
        "list.txt",
        "--out",
        "whole.jsonl",
    ]);
    for shard in ["0/3", "1/3", "2/3"] {
        let merge = ["merge", "parts", "--out", "merged.jsonl"];
        let output = place.tal(&merge);
        assert_eq!(output.status.code(), Some(1), "{}", text(&output.stderr));
        place.ok(&part(shard, "parts", &[]));
    }
    place.ok(&[
        "merge",
        "parts",
        "--list",
        "list.txt",
        "--out",
        "merged.jsonl",
    ]);
    assert_eq!(place.read("merged.jsonl"), place.read("whole.jsonl"));
    let classes = annotations::read(&place.path("data/annotations.json"), None)
        .unwrap()
        .classes;
    let of = |name: &str| results::read(&place.path(name), &classes).unwrap();
    assert_eq!(of("parts").len(), 11);
    assert_eq!(of("parts")["r007"], of("whole.jsonl")["r007"]);

    // A part is not written over, and a finished one has nothing to do.
    let output = place.tal(&part("0/3", "parts", &[]));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("--resume"),
        "{}",
        text(&output.stderr)
    );
    let printed = place.ok(&part("0/3", "parts", &["--resume"]));
    assert!(printed.contains("complete, nothing to do"), "{printed}");

    // Missing and double recordings.
    place.write("longer.txt", place.read("list.txt") + "many/more.npy\n");
    let missing = [
        "merge",
        "parts",
        "--list",
        "longer.txt",
        "--out",
        "no.jsonl",
    ];
    let output = place.tal(&missing);
    assert!(
        text(&output.stderr).contains("1 recordings of the list are missing: \"many/more.npy\"")
    );
    assert!(!place.path("no.jsonl").exists());
    place.ok(&[&missing[..], &["--allow-missing"]].concat());
    let double = ["merge", "parts", "whole.jsonl", "--out", "no2.jsonl"];
    let output = place.tal(&double);
    assert!(
        text(&output.stderr).contains("11 recordings occur twice: \"r000\""),
        "{}",
        text(&output.stderr)
    );
    place.ok(&[&double[..], &["--allow-double"]].concat());
    assert_eq!(place.read("no2.jsonl").lines().count(), 11);
}

#[test]
fn the_folder_of_parts_is_evaluated() {
    let place = Place::new();
    place.ok(&["train", "net.yaml", "--out", "run"]);
    let predict = ["predict", "run", "data/features/synth_test_*.npy"];
    place.ok(&[&predict[..], &["--out", "whole.json"]].concat());
    for shard in ["0/2", "1/2"] {
        place.ok(&[&predict[..], &["--shard", shard, "--out", "parts"]].concat());
    }
    place.ok(&["merge", "parts", "--out", "merged.jsonl"]);
    let evaluate = |found: &str| {
        let file = "data/annotations.json";
        place.ok(&[
            "evaluate",
            file,
            found,
            "--subset",
            "test",
            "--json",
            "figures.json",
        ]);
        place.json("figures.json")["average_map"].as_f64().unwrap()
    };
    let expected = evaluate("whole.json");
    assert_eq!(evaluate("parts"), expected);
    assert_eq!(evaluate("merged.jsonl"), expected);
    fs::remove_file(place.path("parts/shard-1-of-2.jsonl")).unwrap();
    let output = place.tal(&["evaluate", "data/annotations.json", "parts"]);
    assert!(text(&output.stderr).contains("1 of 2 shards are missing: 1"));
}

#[test]
fn failed_recordings_are_listed_and_tried_again() {
    let place = trained(5);
    let good = fs::read(place.path("many/r001.npy")).unwrap();
    place.write("many/r001.npy", &good[..good.len() / 2]);
    fs::remove_file(place.path("many/r004.npy")).unwrap();
    let output = place.tal(&part("0/1", "out", &[]));
    let message = text(&output.stderr);
    assert_eq!(output.status.code(), Some(1));
    assert!(
        message.contains("2 of 5 recordings failed") && message.contains("many/r001.npy"),
        "{message}"
    );
    let failed = place.json("out/shard-0-of-1.failed.json");
    assert_eq!(failed["failed"][1]["file"], "many/r004.npy");
    let merge = [
        "merge",
        "out",
        "--list",
        "list.txt",
        "--out",
        "merged.jsonl",
    ];
    let output = place.tal(&merge);
    assert!(text(&output.stderr).contains("2 recordings of the list are missing"));

    place.write("many/r001.npy", &good);
    let output = place.tal(&part("0/1", "out", &["--resume"]));
    assert!(
        text(&output.stderr).contains("1 of 5 recordings failed"),
        "{}",
        text(&output.stderr)
    );
    place.write("many/r004.npy", &good);
    place.ok(&part("0/1", "out", &["--resume"]));
    assert!(!place.path("out/shard-0-of-1.failed.json").exists());
    place.ok(&merge);
    assert_eq!(place.read("merged.jsonl").lines().count(), 5);
}

#[test]
fn a_part_that_is_killed_again_and_again_ends_with_every_recording_once() {
    let place = trained(120);
    place.ok(&part("1/2", "whole", &[]));
    let journal = place.path("killed/shard-1-of-2.jsonl.partial");
    let length = || fs::metadata(&journal).map_or(0, |found| found.len());
    let mut num_killed = 0;
    for round in 0..12_u64 {
        let before = length();
        let mut child = place
            .command(&part("1/2", "killed", &["--resume"]))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let start = Instant::now();
        while length() == before && child.try_wait().unwrap().is_none() {
            assert!(start.elapsed() < Duration::from_secs(120), "the part hangs");
            sleep(Duration::from_millis(1));
        }
        sleep(Duration::from_micros(round * 1700 % 9000));
        child.kill().unwrap();
        num_killed += usize::from(child.wait().unwrap().code().is_none());
        if num_killed == 1 && journal.exists() {
            // A kill within a write leaves half a line.
            let mut bytes = fs::read(&journal).unwrap();
            bytes.extend_from_slice(br#"{"recording":"r0"#);
            fs::write(&journal, bytes).unwrap();
        }
    }
    assert!(num_killed >= 3, "{num_killed}");
    place.ok(&part("1/2", "killed", &["--resume"]));
    let name = "shard-1-of-2.jsonl";
    assert_eq!(
        place.read(&format!("killed/{name}")),
        place.read(&format!("whole/{name}"))
    );
    assert_eq!(place.read(&format!("killed/{name}")).lines().count(), 60);

    // Other inputs do not fit what is done.
    fs::write(&journal, place.read(&format!("whole/{name}"))).unwrap();
    fs::remove_file(place.path(&format!("killed/{name}"))).unwrap();
    let list = place.read("list.txt");
    place.write(
        "list.txt",
        list.lines()
            .skip(2)
            .map(|line| format!("{line}\n"))
            .collect::<String>(),
    );
    let output = place.tal(&part("1/2", "killed", &["--resume"]));
    assert_eq!(output.status.code(), Some(2));
    assert!(
        text(&output.stderr).contains("recording 1 was many/r001.npy"),
        "{}",
        text(&output.stderr)
    );
}

#[test]
fn schedulers_name_the_part() {
    let place = trained(4);
    let args = [
        "predict", "run", "--list", "list.txt", "--resume", "--out", "out",
    ];
    let run = |variables: &[(&str, &str)]| {
        let mut command = place.command(&args);
        command.envs(variables.iter().copied());
        command.output().unwrap()
    };
    let output = run(&[
        ("SLURM_ARRAY_TASK_ID", "1"),
        ("SLURM_ARRAY_TASK_COUNT", "2"),
    ]);
    let message = text(&output.stderr);
    assert!(output.status.success(), "{message}");
    assert!(
        message.contains("part 1 of 2 (SLURM_ARRAY_TASK_ID)"),
        "{message}"
    );
    assert!(
        place
            .read("out/shard-1-of-2.log")
            .contains("part 1 of 2 (SLURM_ARRAY_TASK_ID)")
    );
    assert_eq!(place.read("out/shard-1-of-2.jsonl").lines().count(), 2);
    let output = run(&[("JOB_COMPLETION_INDEX", "0")]);
    assert_eq!(output.status.code(), Some(2));
    assert!(text(&output.stderr).contains("JOB_COMPLETIONS"));
    assert!(run(&[("RANK", "0"), ("WORLD_SIZE", "2")]).status.success());
    place.ok(&["merge", "out", "--list", "list.txt", "--out", "-"]);
    // Without any of them, the part is everything.
    assert!(run(&[]).status.success());
    assert!(place.path("out/shard-0-of-1.jsonl").is_file());
}
