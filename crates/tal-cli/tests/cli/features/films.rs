//! Films of every kind through `tal features extract`, and calls that cannot succeed.

use std::fs;

use serde_json::Value;

use super::{SECOND, extract, ffmpeg, make, place};
use crate::support::{Place, text};

/// The failure of a command: its exit code and message, which is in one line.
fn failure(place: &Place, args: &[&str]) -> (i32, String) {
    let output = place.tal(args);
    let said = text(&output.stderr);
    assert!(!said.contains("panicked"), "{said}");
    let errors: Vec<_> = said
        .lines()
        .filter(|line| line.starts_with("error: "))
        .collect();
    assert_eq!(errors.len(), 1, "{said}");
    (output.status.code().unwrap(), errors[0].to_owned())
}

#[test]
fn every_film_has_features_or_a_reason() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let place = place();
    let mpeg4 = format!("{SECOND} -c:v mpeg4");
    let sound = "-f lavfi -i sine=duration=1 -c:a aac";
    let cover = "-f lavfi -i sine=duration=1 -f lavfi -i testsrc2=size=64x48:duration=0.04 -map 0 -map 1 -c:a aac -c:v mjpeg \
                 -frames:v 1 -disposition:v attached_pic";
    for (name, arguments) in [
        ("-y.mp4", mpeg4.clone()),
        ("odd.mkv", mpeg4.replace("64x48", "63x47")),
        (
            "tenbit.mkv",
            format!("{SECOND} -c:v ffv1 -pix_fmt yuv420p10le"),
        ),
        ("one.mp4", mpeg4.replace("duration=1", "duration=0.03")),
        (
            "vary.mkv",
            format!("{SECOND} -vf setpts=N*(1+gte(N\\,10))/30/TB -fps_mode passthrough -c:v mpeg4"),
        ),
        (
            "cut.mp4",
            format!("{mpeg4} -q:v 4 -g 5 -movflags +faststart"),
        ),
        (
            "zero.mp4",
            format!("{mpeg4} -movflags empty_moov -frames:v 0"),
        ),
        ("sound.mp4", sound.to_owned()),
        ("cover.mp4", cover.to_owned()),
    ] {
        make(&ffmpeg, &place, &format!("films/{name}"), &arguments);
    }
    let whole = fs::read(place.path("films/cut.mp4")).unwrap();
    place.write("films/cut.mp4", &whole[..whole.len() * 6 / 10]);
    place.write("films/text.mp4", "this is no film");
    place.write(
        "films/list.mp4",
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nodd.mkv\n#EXT-X-ENDLIST\n",
    );
    let (code, said) = failure(&place, &extract("out"));
    assert_eq!(code, 1);
    assert!(said.starts_with("error: 7 of 11 videos failed"), "{said}");

    for (id, fault) in [
        (
            "cover",
            "no video stream, but 1 of sound and 1 cover pictures",
        ),
        ("list", "a playlist (HLS or M3U)"),
        ("one", "1 frames"),
        ("sound", "no video stream, but 1 of sound"),
        ("text", "not a video file"),
        ("vary", "fps"),
        ("zero", "no frame can be decoded"),
    ] {
        let record = place.read(&format!("out/{id}.failed.json"));
        assert!(record.contains(fault), "{id}: {record}");
        assert!(!place.path(&format!("out/{id}.npy")).exists(), "{id}");
    }
    for (id, windows) in [("-y", 14), ("odd", 14), ("tenbit", 14)] {
        let sidecar = place.json(&format!("out/{id}.json"));
        assert_eq!(sidecar["features"]["length"], windows, "{id}");
        assert_eq!(sidecar["damage"]["complaints"], 0, "{id}");
        assert!(!place.path(&format!("out/{id}.failed.json")).exists());
    }
    let cut = place.json("out/cut.json");
    let Value::Number(complaints) = &cut["damage"]["complaints"] else {
        panic!("{cut}");
    };
    assert!(complaints.as_u64().unwrap() > 0);

    // A name that starts with `-` as an argument, too.
    fs::copy(place.path("films/-y.mp4"), place.path("-y.mp4")).unwrap();
    let one = [
        "features",
        "extract",
        "small.yaml",
        "--weights",
        "net.pt",
        "--out",
        "other",
        "--",
        "-y.mp4",
    ];
    place.ok(&one);
    let read = |name: &str| fs::read(place.path(name)).unwrap();
    assert_eq!(read("other/-y.npy"), read("out/-y.npy"));

    // The first failure ends the work if that is wanted.
    let stop = [&extract("stopped")[..], &["--on-error", "stop"]].concat();
    let (code, said) = failure(&place, &stop);
    assert_eq!(code, 1);
    assert!(said.contains("cover.mp4: no video stream"), "{said}");
}

#[test]
fn a_program_that_is_none_is_named() {
    let place = place();
    place.write("films/a.mp4", "any");
    let missing = [&extract("out")[..], &["--ffmpeg", "nothing"]].concat();
    let (code, said) = failure(&place, &missing);
    assert_ne!(code, 0);
    assert!(
        said.contains("nothing, which") && said.contains("cannot be started"),
        "{said}"
    );
    assert!(!place.path("out").exists());
}

#[test]
fn weights_of_another_network_are_refused() {
    let Some(_) = ffmpeg() else { return };
    let place = place();
    place.write("films/a.mp4", "any");
    let mut args = extract("out");
    args[2] = "r2plus1d_18";
    let (code, said) = failure(&place, &args);
    assert_ne!(code, 0);
    assert!(said.contains("net.pt: refused"), "{said}");
}

#[test]
fn weights_other_than_those_of_the_run_are_refused() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let place = Place::new();
    super::add_network(&place);
    make(&ffmpeg, &place, "a.mp4", &format!("{SECOND} -c:v mpeg4"));
    let digest = "0123456789abcdef".repeat(4);
    let section = format!(
        "dataset.extract={{recipe: small.yaml, weights: {}, weights_sha256: \"{digest}\"}}",
        place.path("net.pt").display()
    );
    place.ok(&["train", "net.yaml", "--set", &section, "--out", "run"]);
    let (code, said) = failure(&place, &["predict", "run", "a.mp4", "--out", "found.json"]);
    assert_eq!(code, 2);
    assert!(
        said.contains("net.pt: its SHA-256 is ") && said.contains(&digest),
        "{said}"
    );
    assert!(!place.path("found.json").exists());
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_ends_the_work_and_leaves_no_features() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let place = place();
    make(
        &ffmpeg,
        &place,
        "films/a.mp4",
        &format!("{SECOND} -c:v mpeg4"),
    );
    fs::create_dir(place.path("out")).unwrap();
    // What is written there meets a full disk.
    std::os::unix::fs::symlink("/dev/full", place.path("out/.a.npy.partial")).unwrap();
    let (code, said) = failure(&place, &extract("out"));
    assert_eq!(code, 1);
    assert!(
        said.contains(".a.npy.partial") && said.contains("No space left"),
        "{said}"
    );
    assert!(!place.path("out/a.npy").exists());
    // With room again, the same command makes them.
    fs::remove_file(place.path("out/.a.npy.partial")).unwrap();
    place.ok(&extract("out"));
    assert!(place.path("out/a.npy").exists());
}
