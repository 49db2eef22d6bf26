//! The shipped recipes, their checks, and what a recipe refuses.

use std::collections::BTreeMap;
use std::path::Path;

use tal_video::{Fps, Preprocessor, Recipe, TimeBase, WindowStream};

fn shipped() -> BTreeMap<String, String> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/features");
    let files = std::fs::read_dir(folder)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .map(|path| {
            let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
            (name, std::fs::read_to_string(&path).unwrap())
        })
        .collect()
}

fn parsed(text: &str) -> Recipe {
    serde_yaml::from_str(text).unwrap()
}

#[test]
fn shipped_recipes_are_valid_and_differ() {
    let shipped = shipped();
    let names: Vec<_> = shipped.keys().map(String::as_str).collect();
    let expected = [
        "efficientnet_lite0_frames",
        "i3d_thumos_centre",
        "i3d_thumos_resize",
        "i3d_video_features",
        "r2plus1d_18",
        "tsp_anet",
        "tsp_thumos",
        "videomaev2_fineaction",
        "videomaev2_thumos",
    ];
    assert_eq!(names, expected);
    let mut digests = BTreeMap::new();
    for (name, text) in &shipped {
        let recipe = parsed(text);
        recipe.validate().unwrap();
        let input = Preprocessor::new(&recipe.pixels).unwrap();
        let side = if name.starts_with("tsp") || name.starts_with("r2") {
            112
        } else {
            224
        };
        assert_eq!((input.height(), input.width()), (side, side), "{name}");
        let rate = "30".parse().ok();
        WindowStream::new(&recipe.frames, TimeBase::new(1, 30).unwrap(), rate).unwrap();
        assert_eq!(
            serde_json::from_str::<Recipe>(&recipe.canonical()).unwrap(),
            recipe
        );
        let twin = digests.insert(recipe.digest(), name);
        assert_eq!(twin, None, "{name}");
    }
}

#[test]
fn the_canonical_text_names_every_key() {
    let recipe = parsed(&shipped()["tsp_anet"]);
    let text = concat!(
        r#"{"network":"r2plus1d_34","eps":0.001,"layout":null,"streams":["rgb"],"#,
        r#""frames":{"fps":30,"rule":"nearest","window":16,"stride":32,"interval":2,"align":"start","#,
        r#""tail":"drop","min_frames":"repeat"},"#,
        r#""pixels":{"resize":[{"size":[128,171],"filter":"torch_bilinear"}],"#,
        r#""crop":{"size":[112,112],"rounding":"half_even"},"scale":255.0,"#,
        r#""mean":[0.43216,0.394666,0.37645],"std":[0.22803,0.22145,0.216989]}}"#,
    );
    assert_eq!(recipe.canonical(), text);
    // sha256sum of the text above.
    assert_eq!(
        recipe.digest(),
        "523cc4ed79ae51c33015f6b11a6f708656fae497740037f07f8763aba2dc7308"
    );
}

#[test]
fn the_digest_follows_values_not_their_writing() {
    let text = &shipped()["tsp_anet"];
    let digest = parsed(text).digest();
    let same = text
        .replace("fps: 30", "fps: \"60/2\"")
        .replace("  interval: 2\n", "  interval: 2\n  tail: drop\n");
    assert_eq!(parsed(&same).digest(), digest);
    for (from, to) in [
        ("0.001", "0.00001"),
        ("nearest", "floor"),
        ("255", "256"),
        ("0.22803", "0.22804"),
    ] {
        assert_ne!(parsed(&text.replace(from, to)).digest(), digest, "{from}");
    }
}

#[test]
fn rates_are_native_or_exact() {
    let fps = |value: &str| {
        let text = shipped()["tsp_anet"].replace("fps: 30", &format!("fps: {value}"));
        serde_yaml::from_str::<Recipe>(&text).map(|recipe| recipe.frames.fps)
    };
    assert_eq!(fps("native").unwrap(), Fps::Native);
    assert_eq!(
        fps("30000/1001").unwrap(),
        Fps::Resampled("30000/1001".parse().unwrap())
    );
    assert_eq!(
        fps("29.97").unwrap(),
        Fps::Resampled("2997/100".parse().unwrap())
    );
    for bad in ["0", "-3", "quick", "1/0", "[30]"] {
        let error = fps(bad).unwrap_err().to_string();
        assert!(
            error.contains("30000/1001") || bad == "[30]",
            "{bad}: {error}"
        );
    }
}

#[test]
fn unknown_keys_are_refused() {
    for (from, to) in [
        (
            "{size: [128, 171], filter",
            "{size: [128, 171], short_side: 128, filter",
        ),
        ("{size: [128, 171], filter", "{filter"),
        ("eps: 0.001", "eps: 0.001\nepsilon: 1"),
        ("  interval: 2", "  interval: 2\n  dilation: 2"),
        ("  scale: 255", "  scale: 255\n  gamma: 2"),
        (
            "filter: torch_bilinear",
            "filter: torch_bilinear, antialias: true",
        ),
        ("filter: torch_bilinear", "filter: opencv_area"),
        ("rounding: half_even", "rounding: half_even, top: 3"),
        (
            "network: r2plus1d_34",
            "network: r2plus1d_34\nstreams: [flow]",
        ),
    ] {
        let text = shipped()["tsp_anet"].replace(from, to);
        assert!(serde_yaml::from_str::<Recipe>(&text).is_err(), "{to}");
    }
}

#[test]
fn wrong_values_are_named_with_what_is_right() {
    let cases = [
        (
            "tsp_anet",
            "window: 16",
            "window: 0",
            "frames.window is 0, must be 1 to 100000",
        ),
        (
            "tsp_anet",
            "stride: 32",
            "stride: 0",
            "frames.stride is 0, must be 1 to 100000",
        ),
        (
            "tsp_anet",
            "  rule: nearest\n",
            "",
            "frames.rule is null, must be nearest, floor or tsp with `fps: 30`",
        ),
        (
            "tsp_anet",
            "rule: nearest",
            "rule: tsp",
            "frames.rule is tsp, must be another rule, or with `interval: 1`",
        ),
        (
            "r2plus1d_18",
            "fps: native",
            "fps: native\n  rule: floor",
            "frames.rule is floor, must be left out with `fps: native`",
        ),
        (
            "tsp_anet",
            "interval: 2",
            "align: centre",
            "frames.tail is drop, must be repeat or zeros with `align: centre`",
        ),
        (
            "tsp_anet",
            "interval: 2",
            "min_frames: 0",
            "frames.min_frames is 0, must be `repeat` or a number",
        ),
        (
            "tsp_anet",
            "eps: 0.001",
            "eps: 0",
            "eps is 0, must be a number above 0",
        ),
        (
            "tsp_anet",
            "eps: 0.001\n",
            "",
            "eps is null, must be a number above 0",
        ),
        (
            "tsp_anet",
            "network: r2plus1d_34",
            "network: scripted",
            "layout is null, must be bcthw, btchw or bchw",
        ),
        (
            "tsp_anet",
            "eps: 0.001",
            "eps: 0.001\nlayout: bcthw",
            "layout is bcthw, must be left out",
        ),
        (
            "efficientnet_lite0_frames",
            "window: 1",
            "window: 2",
            "frames.window is 2, must be 1, because",
        ),
        (
            "tsp_anet",
            "eps: 0.001",
            "eps: 0.001\nstreams: []",
            "streams is 0 streams, must be [rgb]",
        ),
        (
            "tsp_anet",
            "scale: 255",
            "scale: 0",
            "pixels.scale is 0, must be a number above 0",
        ),
        (
            "tsp_anet",
            "0.22803",
            "0",
            "pixels.std is 0, must be above 0",
        ),
        (
            "tsp_anet",
            "0.43216",
            ".inf",
            "pixels.mean is inf, must be finite",
        ),
        (
            "tsp_anet",
            "[128, 171]",
            "[0, 171]",
            "pixels.resize[0].size is 0, must be 1 to 4096",
        ),
        (
            "i3d_thumos_resize",
            "filter: pillow_bicubic",
            "filter: torch_bicubic",
            "pixels.resize[0].filter is a filter of PyTorch, must be one of Pillow's",
        ),
        (
            "efficientnet_lite0_frames",
            "  crop: {size: [224, 224], rounding: half_even}\n",
            "",
            "pixels.crop is null, must be given",
        ),
        (
            "efficientnet_lite0_frames",
            "short_side",
            "scale_factor",
            "pixels.resize[0].scale_factor is 224, must be left out, or the filter be torch_bilinear",
        ),
    ];
    let shipped = shipped();
    for (name, from, to, expected) in cases {
        let text = &shipped[name];
        assert!(text.contains(from), "{name}: {from}");
        let errors = parsed(&text.replacen(from, to, 1))
            .validate()
            .unwrap_err()
            .to_string();
        assert!(errors.contains(expected), "{to}: {errors}");
    }
}
