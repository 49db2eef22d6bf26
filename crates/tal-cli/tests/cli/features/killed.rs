//! An extraction that is killed again and again.

use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::Stdio;
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::{SECOND, extract, ffmpeg, make, place};
use crate::support::Place;

/// Kills of one extraction.
const NUM_KILLS: u32 = 50;

/// Features and descriptions of a folder.
fn results(place: &Place, folder: &str) -> BTreeMap<PathBuf, Vec<u8>> {
    let is_result = |path: &PathBuf| {
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        path.starts_with(folder) && (name.ends_with(".npy") || name.ends_with(".json"))
    };
    let files = place.files().into_iter().filter(is_result);
    files
        .map(|path| {
            let bytes = fs::read(place.path(path.to_str().unwrap())).unwrap();
            (path.strip_prefix(folder).unwrap().to_owned(), bytes)
        })
        .collect()
}

#[test]
fn fifty_kills_lose_and_double_nothing() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let place = place();
    for number in 0..6 {
        let seconds = format!("duration={}", 4 + 3 * number);
        let film = SECOND.replace("duration=1", &seconds);
        let name = format!("films/{number}.mp4");
        make(&ffmpeg, &place, &name, &format!("{film} -c:v mpeg4"));
    }
    let start = Instant::now();
    place.ok(&extract("whole"));
    let whole = start.elapsed();
    let mut running = 0;
    for kill in 0..NUM_KILLS {
        // Otherwise the later calls would find everything done.
        if kill % 5 == 4 && place.path("parts").exists() {
            fs::remove_dir_all(place.path("parts")).unwrap();
        }
        let mut child = place
            .command(&extract("parts"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        // Spread over the time of the whole extraction in an order that repeats nothing.
        let share = f64::from(kill * 19 % NUM_KILLS + 1) / f64::from(NUM_KILLS);
        sleep(Duration::from_secs_f64(whole.as_secs_f64() * share));
        running += u32::from(child.try_wait().unwrap().is_none());
        child.kill().unwrap();
        child.wait().unwrap();
        // Features with a name are complete at any moment.
        let complete = results(&place, "whole");
        for (name, bytes) in results(&place, "parts") {
            if name.extension().is_some_and(|end| end == "npy") {
                assert!(bytes == complete[&name], "{}", name.display());
            }
        }
    }
    assert!(running > NUM_KILLS / 10, "{running} were still at work");
    place.ok(&extract("parts"));
    assert_eq!(results(&place, "whole").len(), 12);
    assert!(results(&place, "whole") == results(&place, "parts"));
}
