//! Reports of detectors on real recordings and on films, for the checks in a browser.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::{Value, json};

use crate::shell::{Tal, Workspace, empty};

/// Pages with the figures that they must show: what `check.mjs` reads.
const LIST: &str = "real.json";
/// Two detectors on each page. A short training is enough: the figures are compared with each other, not with a goal.
const DETECTORS: [(&str, Option<&str>); 2] = [
    ("gmg", None),
    ("actionformer", Some("configs/baselines/actionformer.yaml")),
];

/// One data set.
struct DataSet {
    name: &'static str,
    config: &'static str,
    annotations: PathBuf,
    /// Options of `tal train` that name its files.
    settings: Vec<String>,
    /// Options of `tal report`.
    options: Vec<String>,
}

/// Trains two detectors for a moment on each data set that is there, makes `NAME.html` of them in `folder`, and writes
/// `real.json`: the pages and what `tal evaluate --json` prints for the same detections.
///
/// Without `TAL_DATA`, ffmpeg or the weights of the set-up it says what it leaves out.
///
/// # Errors
///
/// If a command of `tal` fails.
pub(crate) fn make(workspace: &Workspace, folder: &Path) -> Result<()> {
    let tal = Tal::build(workspace)?;
    let mut sets = recordings();
    sets.extend(films(workspace, &tal, folder)?);
    let pages = sets
        .iter()
        .map(|set| page(&tal, set, folder))
        .collect::<Result<Vec<Value>>>()?;
    let list = folder.join(LIST);
    fs::write(&list, serde_json::to_string(&pages)?)
        .with_context(|| format!("cannot write {}", list.display()))
}

/// GTEA and SBHAR, if `TAL_DATA` has them.
fn recordings() -> Vec<DataSet> {
    let Some(data) = env::var_os("TAL_DATA").filter(|value| !value.is_empty()) else {
        eprintln!("SKIPPED reports of GTEA and SBHAR: TAL_DATA is not set");
        return Vec::new();
    };
    let data = PathBuf::from(data);
    let set = |name, config, annotations: &str| DataSet {
        name,
        config,
        annotations: data.join(annotations),
        settings: Vec::new(),
        options: Vec::new(),
    };
    vec![
        set("gtea", "configs/gtea.yaml", "gtea/split1/annotations.json"),
        set("sbhar", "configs/sbhar.yaml", "sbhar/annotations.json"),
    ]
}

/// Drawn films as `tal demo --video` has them, but few and short.
fn films(workspace: &Workspace, tal: &Tal, folder: &Path) -> Result<Option<DataSet>> {
    let tools = [".ffmpeg/ffmpeg", ".weights"];
    if let Some(missing) = tools.iter().find(|name| !workspace.path(name).exists()) {
        eprintln!("SKIPPED the report of films: there is no {missing} (cargo xtask setup --video)");
        return Ok(None);
    }
    let place = folder.join("films");
    let features = folder.join("features");
    let text = |path: &Path| path.display().to_string();
    let annotations = place.join("annotations.json");
    // Written last: films without it are not all there.
    if !annotations.is_file() {
        empty(&place)?;
        let sizes = ["--num-train", "4", "--num-test", "2", "--seconds", "20"];
        tal.run(
            ["data", "synth", "--video", "--out", &text(&place)]
                .iter()
                .chain(&sizes),
        )?;
    }
    // Keeps what is right already.
    tal.run([
        "features",
        "extract",
        "efficientnet_lite0_frames",
        &text(&place.join("videos")),
        "--out",
        &text(&features),
    ])?;
    Ok(Some(DataSet {
        name: "films-page",
        config: "configs/demo_video.yaml",
        settings: vec![
            "--set".into(),
            format!("dataset.annotations={}", annotations.display()),
            "--set".into(),
            format!("dataset.features.dir={}", features.display()),
        ],
        options: vec!["--media".into(), text(&place.join("videos"))],
        annotations,
    }))
}

/// The page of one data set; returns its entry in the list.
fn page(tal: &Tal, set: &DataSet, folder: &Path) -> Result<Value> {
    let mut sources = Vec::new();
    let mut figures = Vec::new();
    for (name, overlay) in DETECTORS {
        let run = folder.join(format!("run-{}-{name}", set.name));
        empty(&run)?;
        let run = run.display().to_string();
        let overlay = overlay.map(|file| ["--overlay".to_owned(), file.to_owned()]);
        let short = ["train.epochs=1", "train.warmup_epochs=1"];
        tal.run(
            ["train", set.config, "--out", &run, "--seed", "1"]
                .map(str::to_owned)
                .into_iter()
                .chain(
                    short
                        .iter()
                        .flat_map(|one| ["--set".to_owned(), (*one).to_owned()]),
                )
                .chain(set.settings.iter().cloned())
                .chain(overlay.into_iter().flatten()),
        )?;
        let found = format!("{run}/detections.json");
        let printed = format!("{run}.json");
        let annotations = set.annotations.display().to_string();
        tal.run([
            "evaluate",
            &annotations,
            &found,
            "--subset",
            "test",
            "--dialect",
            "tridet",
            "--json",
            &printed,
        ])?;
        let text =
            fs::read_to_string(&printed).with_context(|| format!("cannot read {printed}"))?;
        figures.push(serde_json::from_str::<Value>(&text)?);
        sources.push(format!("{name}={run}"));
    }
    let file = format!("{}.html", set.name);
    let out = folder.join(&file).display().to_string();
    let words = ["report".to_owned()].into_iter().chain(sources);
    let words = words.chain(["--out".to_owned(), out]);
    tal.run(words.chain(set.options.iter().cloned()))?;
    Ok(json!({ "page": file, "figures": figures }))
}
