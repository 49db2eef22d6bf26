//! Films of every awkward kind: each is read as it should be, or refused in one sentence.

mod common;

use std::fs;
use std::path::Path;
use std::process::Command;

use common::{ffmpeg, make, position, read_all};
use tal_video::{Ffmpeg, FrameSource, ProgramFrames, VideoError, probe};

const SECOND: &str = "-f lavfi -i testsrc2=size=64x48:rate=30:duration=1";

/// The one sentence with which a file is refused.
fn refusal(ffmpeg: &Ffmpeg, path: &Path) -> (VideoError, String) {
    let probed = probe(ffmpeg, path, 0).unwrap_err().to_string();
    let error = read_all(ffmpeg, path).err().unwrap();
    let text = error.to_string();
    assert_eq!(text, probed);
    assert!(
        !text.contains('\n') && text.contains(&path.display().to_string()),
        "{text}"
    );
    (error, text)
}

#[test]
fn pixels_and_times_are_those_of_the_source() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let source = "-f lavfi -i testsrc2=size=66x50:rate=30000/1001:duration=0.5";
    let lossless = format!("{source} -c:v ffv1 -pix_fmt bgr0");
    let film = make(&ffmpeg, &lossless, &folder.path().join("a.nut"));
    let raw = format!("{source} -pix_fmt rgb24 -f rawvideo");
    let raw = fs::read(make(&ffmpeg, &raw, &folder.path().join("raw"))).unwrap();
    let (film, frames) = read_all(&ffmpeg, &film).unwrap();
    assert_eq!(frames.len(), 15);
    let pixels: Vec<u8> = frames.iter().flat_map(|(_, rgb)| rgb.clone()).collect();
    assert!(pixels == raw, "other pixels than the source's");
    let line = film.report().timeline;
    assert_eq!(line.rate.unwrap().to_string(), "30000/1001");
    assert!((line.duration() - 0.500_5).abs() < 1e-9);
    assert_eq!(film.container().streams[0].codec, "ffv1");
    assert!(!film.report().damage.is_damaged());
}

#[test]
fn colours_are_those_of_the_program() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    // The first ones are converted here, the others by the program.
    for (case, (size, filter)) in [
        ("66x50", "format=yuv420p"),
        (
            "61x32",
            "format=yuv420p,setparams=colorspace=bt709:range=tv",
        ),
        ("854x480", "format=yuv420p,setparams=colorspace=smpte170m"),
        ("64x48", "format=yuv420p,setparams=colorspace=bt2020nc"),
        ("64x48", "format=yuv420p,setparams=range=pc"),
        ("64x48", "format=yuvj420p"),
        ("64x31", "format=yuv420p"),
        ("61x31", "format=yuv422p"),
        ("64x48", "format=yuv444p,setparams=colorspace=bt709"),
        ("64x48", "format=yuv420p10le"),
        ("64x48", "format=gray"),
        ("64x48", "format=yuv420p,setfield=tff"),
    ]
    .into_iter()
    .enumerate()
    {
        let source = format!("-f lavfi -i testsrc2=size={size}:rate=10:duration=0.5,hue=h=70*t");
        let arguments = format!("{source} -vf {filter} -c:v ffv1");
        let film = make(
            &ffmpeg,
            &arguments,
            &folder.path().join(format!("{case}.mkv")),
        );
        let raw = format!("-i {} -pix_fmt rgb24 -f rawvideo", film.display());
        let raw = make(&ffmpeg, &raw, &folder.path().join(format!("{case}.raw")));
        let (_, frames) = read_all(&ffmpeg, &film).unwrap();
        let pixels: Vec<u8> = frames.into_iter().flat_map(|(_, rgb)| rgb).collect();
        assert!(pixels == fs::read(raw).unwrap(), "{size}, {filter}");
    }
}

#[test]
fn a_name_is_only_a_name() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        &ffmpeg,
        &format!("{SECOND} -c:v mpeg4"),
        &folder.path().join("a.mp4"),
    );
    for name in [
        "-y.mp4",
        "http:x.mp4",
        "a%03d*.mp4",
        "a b'\"$(x).mp4",
        "concat:a.mp4",
    ] {
        let path = folder.path().join(name);
        fs::copy(&film, &path).unwrap();
        assert_eq!(read_all(&ffmpeg, &path).unwrap().1.len(), 30, "{name}");
    }
    // A relative name that begins with a dash, from a program whose folder it is in.
    let here = std::env::current_dir().unwrap();
    let relative = Path::new("-tal-video-test.mp4");
    fs::copy(&film, here.join(relative)).unwrap();
    let frames = read_all(&ffmpeg, relative).map(|(_, frames)| frames.len());
    fs::remove_file(here.join(relative)).unwrap();
    assert_eq!(frames.unwrap(), 30);
}

#[test]
fn a_varying_rate_is_a_fact() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let vary =
        format!("{SECOND} -vf setpts=N*(1+gte(N\\,10))/30/TB -fps_mode passthrough -c:v mpeg4");
    let film = make(&ffmpeg, &vary, &folder.path().join("vary.mkv"));
    let line = probe(&ffmpeg, &film, 0).unwrap().report.timeline;
    assert!(!line.constant && line.increasing && line.rate.is_none());
    assert_eq!(line.frames, 30);
    assert!(
        (line.duration() - (58.0 + 2.0) / 30.0).abs() < 2e-3,
        "{}",
        line.duration()
    );
}

#[test]
fn pictures_stand_upright_in_the_sizes_they_have() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        &ffmpeg,
        &format!("{SECOND} -c:v mpeg4"),
        &folder.path().join("a.mp4"),
    );
    let mut bytes = fs::read(&film).unwrap();
    // The matrix of the track header: a quarter turn to the right.
    let matrix = position(&bytes, b"tkhd") + 4 + 40;
    let one = 0x1_0000_i32;
    for (at, value) in [0, one, 0, -one, 0].into_iter().enumerate() {
        bytes[matrix + 4 * at..][..4].copy_from_slice(&value.to_be_bytes());
    }
    let turned = folder.path().join("turned.mp4");
    fs::write(&turned, bytes).unwrap();
    let (turned, rotated) = read_all(&ffmpeg, &turned).unwrap();
    assert_eq!((turned.format().width, turned.format().height), (48, 64));
    assert_eq!(turned.container().streams[0].rotation, 90);
    let (_, upright) = read_all(&ffmpeg, &film).unwrap();
    // The top left corner of the stored picture is the top right one of the upright picture; subsampled
    // colours are interpolated along other lines.
    let mean = |rgb: &[u8], width: usize, x: usize| {
        let pixels = (0..8).flat_map(|row| (0..24).map(move |c| rgb[(row * width + x) * 3 + c]));
        pixels.map(f64::from).sum::<f64>() / 192.0
    };
    let (stored, turned) = (mean(&upright[0].1, 64, 0), mean(&rotated[0].1, 48, 40));
    assert!((stored - turned).abs() < 4.0, "{stored} {turned}");

    for source in [
        "testsrc=size=65x49:rate=5:duration=1 -c:v ffv1 -pix_fmt yuv420p",
        "testsrc=size=33x20:rate=5:duration=1 -c:v mpeg4",
        "color=red:size=4x4:rate=5:duration=1,format=bgr0,crop=1:1 -c:v ffv1",
    ] {
        let film = make(
            &ffmpeg,
            &format!("-f lavfi -i {source}"),
            &folder.path().join("odd.mkv"),
        );
        let (film, frames) = read_all(&ffmpeg, &film).unwrap();
        let format = film.format();
        let [size, cropped] =
            ["x", ":"].map(|by| format!("={}{by}{}", format.width, format.height));
        assert!(
            source.contains(&size) || source.contains(&cropped),
            "{source}: {size}"
        );
        assert_eq!(frames.len(), 5);
    }

    let ten = format!("{SECOND} -c:v ffv1 -pix_fmt yuv420p10le");
    let film = make(&ffmpeg, &ten, &folder.path().join("ten.mkv"));
    let (film, frames) = read_all(&ffmpeg, &film).unwrap();
    assert_eq!(
        film.container().streams[0].pixels.as_deref(),
        Some("yuv420p10le")
    );
    assert_eq!(frames.len(), 30);
}

#[test]
fn time_begins_where_the_file_says() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let late = format!("{SECOND} -c:v mpeg4 -output_ts_offset 3.5");
    let film = make(&ffmpeg, &late, &folder.path().join("late.mkv"));
    let line = probe(&ffmpeg, &film, 0).unwrap().report.timeline;
    assert_eq!((line.start(), line.frames), (3.5, 30));
    assert!((line.duration() - 1.0).abs() < 2e-3);
}

#[test]
fn a_stream_is_chosen_by_its_number() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let two = format!(
        "{SECOND} -f lavfi -i testsrc2=size=32x16:rate=10:duration=1 -map 0 -map 1 -c:v mpeg4"
    );
    let film = make(&ffmpeg, &two, &folder.path().join("two.mp4"));
    let first = probe(&ffmpeg, &film, 0).unwrap();
    assert_eq!(first.container.streams.len(), 2);
    let second = ProgramFrames::open(&ffmpeg, &film, 1).unwrap();
    assert_eq!((second.format().width, first.format.width), (32, 64));
    let text = probe(&ffmpeg, &film, 2).unwrap_err().to_string();
    assert!(
        text.ends_with("no video stream 2: the file has 2, counted from 0"),
        "{text}"
    );
}

#[test]
fn damage_is_reported_and_the_rest_is_read() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let whole = format!("{SECOND} -c:v mpeg4 -q:v 4 -g 5 -movflags +faststart");
    let film = make(&ffmpeg, &whole, &folder.path().join("a.mp4"));
    let bytes = fs::read(&film).unwrap();
    let cut = folder.path().join("cut.mp4");
    fs::write(&cut, &bytes[..bytes.len() * 6 / 10]).unwrap();
    let (film, frames) = read_all(&ffmpeg, &cut).unwrap();
    let report = film.report();
    assert!((5..30).contains(&frames.len()), "{}", frames.len());
    assert_eq!(report.timeline.frames, frames.len() as u64);
    assert!(report.damage.is_damaged() && !report.damage.kinds.is_empty());
    // The container still claims the whole second.
    assert_eq!(film.container().seconds, Some(1.0));
    assert!(report.timeline.duration() < 0.9);

    let mut holed = bytes.clone();
    let start = position(&holed, b"mdat");
    let middle = start + (holed.len() - start) / 2;
    holed[middle..middle + 600].fill(0xA5);
    let path = folder.path().join("holed.mp4");
    fs::write(&path, &holed).unwrap();
    let (first, frames) = read_all(&ffmpeg, &path).unwrap();
    assert!(first.report().damage.is_damaged() && frames.len() > 20);
    // Twice the same, pixels and times; the program does not complain equally often in two calls.
    let (second, again) = read_all(&ffmpeg, &path).unwrap();
    assert!(frames == again && second.report().damage.is_damaged());
    assert_eq!(first.report().timeline, second.report().timeline);
}

#[test]
fn a_container_may_lie_about_its_length() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        &ffmpeg,
        &format!("{SECOND} -c:v mpeg4"),
        &folder.path().join("a.mp4"),
    );
    let mut bytes = fs::read(&film).unwrap();
    // Length of the track in its media header, in units of 1/15360 s.
    let length = position(&bytes, b"mdhd") + 4 + 16;
    assert_eq!(bytes[length..length + 4], 15_360_u32.to_be_bytes());
    bytes[length..length + 4].copy_from_slice(&(100 * 15_360_u32).to_be_bytes());
    fs::write(&film, bytes).unwrap();
    let probed = probe(&ffmpeg, &film, 0).unwrap();
    assert_eq!(probed.report.timeline.frames, 30);
    assert!((probed.report.timeline.duration() - 1.0).abs() < 1e-9);
}

#[test]
fn frames_keep_the_first_size() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let part = |size: &str, offset: &str, name: &str| {
        let arguments = format!(
            "-f lavfi -i testsrc2=size={size}:rate=25:duration=1 -c:v mpeg2video -output_ts_offset {offset} -f mpeg"
        );
        fs::read(make(&ffmpeg, &arguments, &folder.path().join(name))).unwrap()
    };
    let mut bytes = part("64x48", "1", "a");
    bytes.extend(part("96x80", "2", "b"));
    let film = folder.path().join("both.mpg");
    fs::write(&film, bytes).unwrap();
    let (film, frames) = read_all(&ffmpeg, &film).unwrap();
    assert_eq!((film.format().width, film.format().height), (64, 48));
    assert!((49..=50).contains(&frames.len()), "{}", frames.len());
}

#[test]
fn files_without_a_film_are_refused_in_one_sentence() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    let film = make(&ffmpeg, &format!("{SECOND} -c:v mpeg4"), &path("a.mp4"));
    let bytes = fs::read(&film).unwrap();
    for (name, content) in [
        ("text.mp4", &b"this is no film at all"[..]),
        ("empty.mp4", b""),
        // The index is at the end.
        ("no_index.mp4", &bytes[..bytes.len() / 2]),
    ] {
        fs::write(path(name), content).unwrap();
        let (error, text) = refusal(&ffmpeg, &path(name));
        assert!(
            matches!(error, VideoError::NotAVideo { .. }),
            "{name}: {text}"
        );
    }
    for (name, options) in [
        ("zero.mp4", "-c:v mpeg4 -movflags empty_moov"),
        ("zero.avi", "-c:v mpeg4"),
    ] {
        let zero = format!("{SECOND} {options} -frames:v 0");
        let zero = make(&ffmpeg, &zero, &path(name));
        let (error, text) = refusal(&ffmpeg, &zero);
        assert!(
            matches!(error, VideoError::NoFrames { .. }),
            "{name}: {text}"
        );
    }
    let sound = "-f lavfi -i sine=duration=1 -c:a aac";
    let sound = make(&ffmpeg, sound, &path("sound.m4a"));
    let (error, text) = refusal(&ffmpeg, &sound);
    assert!(
        matches!(
            error,
            VideoError::NoVideoStream {
                audio: 1,
                covers: 0,
                ..
            }
        ),
        "{text}"
    );
    let cover = "-f lavfi -i sine=duration=1 -f lavfi -i testsrc2=size=64x48:duration=0.04 -map 0 -map 1 -c:a aac -c:v mjpeg \
                 -frames:v 1 -disposition:v attached_pic";
    let cover = make(&ffmpeg, cover, &path("cover.m4a"));
    let (error, text) = refusal(&ffmpeg, &cover);
    assert!(
        matches!(
            error,
            VideoError::NoVideoStream {
                audio: 1,
                covers: 1,
                ..
            }
        ),
        "{text}"
    );
    let (error, text) = refusal(&ffmpeg, folder.path());
    assert!(matches!(error, VideoError::NotAFile { .. }), "{text}");
    let (error, text) = refusal(&ffmpeg, &path("missing.mp4"));
    assert!(matches!(error, VideoError::File(_)), "{text}");
    let one = "-f lavfi -i testsrc2=size=64x48:rate=30:duration=0.03 -c:v mpeg4";
    let one = make(&ffmpeg, one, &path("one.mp4"));
    assert_eq!(read_all(&ffmpeg, &one).unwrap().1.len(), 1);
}

#[test]
fn nothing_opens_another_file() {
    let Some(ffmpeg) = ffmpeg() else { return };
    let folder = tempfile::tempdir().unwrap();
    let film = make(
        &ffmpeg,
        &format!("{SECOND} -c:v mpeg4"),
        &folder.path().join("a.avi"),
    );
    let list = "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\na.avi\n#EXT-X-ENDLIST\n";
    let sdp = "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n";
    let url = list.replace("a.avi", "http://127.0.0.1:9/a.avi");
    for (name, content, kind) in [
        ("concat.mp4", "ffconcat version 1.0\nfile a.avi\n", "concat"),
        ("list.m3u8", list, "HLS"),
        ("list.mp4", list, "HLS"),
        ("url.m3u8", &url, "HLS"),
        (
            "url.avi",
            "http://127.0.0.1:9/a.avi\n",
            "a list of addresses",
        ),
        ("stream.sdp", sdp, "SDP"),
        ("stream.mp4", sdp, "SDP"),
    ] {
        let path = folder.path().join(name);
        fs::write(&path, content).unwrap();
        let (error, text) = refusal(&ffmpeg, &path);
        assert!(
            matches!(error, VideoError::Playlist { .. }),
            "{name}: {text}"
        );
        assert!(
            text.contains("refused: a playlist (") && text.contains(kind),
            "{text}"
        );
    }
    // A kind of file that is not read, and could open others.
    let path = folder.path().join("other.ffmeta");
    fs::write(&path, ";FFMETADATA1\ntitle=a\n").unwrap();
    let (error, text) = refusal(&ffmpeg, &path);
    assert!(matches!(error, VideoError::Refused { .. }), "{text}");
    // The same list is opened by a program that is not told what to refuse: the test has teeth.
    let opened = Command::new(ffmpeg.path())
        .args([
            "-nostdin",
            "-loglevel",
            "error",
            "-protocol_whitelist",
            "file",
            "-i",
        ])
        .arg(folder.path().join("concat.mp4"))
        .args(["-f", "null", "-"])
        .status()
        .unwrap();
    assert!(opened.success() && film.is_file());
}
