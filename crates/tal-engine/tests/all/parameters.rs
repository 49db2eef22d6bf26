//! Names, shapes and decay groups of all parameters of the eleven released configurations.

use std::collections::BTreeMap;
use std::path::Path;

use tal_config::Layers;
use tal_core::config::Config;
use tal_engine::import::released_name_map;
use tal_engine::{Model, Pyramid, decays};
use tch::Device;

/// Our configurations and the released ones that they stand for.
const CONFIGS: [(&str, &str); 11] = [
    ("thumos14_i3d", "thumos_i3d_focalloss"),
    ("thumos14_videomaev2", "thumos_videomae"),
    ("thumos14_internvideo2", "thumos_intervideo_vflloss"),
    ("multithumos_i3d_rgb", "multithumos_i3d_rgb_only_focalloss"),
    ("multithumos_i3d", "multithumos_i3d"),
    ("multithumos_videomaev2", "multithumos_videomae_vflloss"),
    ("epic_kitchens100_verb", "epic_slowfast_verb_vflloss"),
    ("epic_kitchens100_noun", "epic_slowfast_noun_focalloss"),
    ("activitynet_tsp", "anet_tsp"),
    ("hacs_i3d", "hacs_i3d_focalloss"),
    ("hacs_slowfast", "hacs_slowfast_focalloss"),
];

fn config(name: &str) -> Config {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("../../configs")
        .join(format!("{name}.yaml"));
    tal_config::load(&path, &[]).unwrap()
}

fn table(name: &str) -> Vec<Vec<String>> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/fixtures/parameters")
        .join(format!("{name}.tsv"));
    let text = std::fs::read_to_string(&path).unwrap();
    let rows = text.lines().filter(|line| !line.starts_with('#'));
    rows.map(|line| line.split('\t').map(str::to_owned).collect())
        .collect()
}

/// Our parameters of a configuration against its table; the largest networks are dropped before the next is built.
fn check(ours: &str, name: &str) {
    let model = Model::<Pyramid>::new(&config(ours), &[], Device::Cpu).unwrap();
    let ours: BTreeMap<String, String> = model
        .parameters()
        .iter()
        .map(|(name, tensor)| {
            let sizes: Vec<String> = tensor.size().iter().map(i64::to_string).collect();
            (name.clone(), sizes.join("x"))
        })
        .collect();
    let map = released_name_map();
    let mut total = 0;
    let mut released = BTreeMap::new();
    for row in table(name).into_iter().skip(1) {
        if row[0].eq_ignore_ascii_case("total") {
            continue;
        }
        let ours = map
            .map(&row[0])
            .unwrap_or_else(|| panic!("{name}: no rule for {}", row[0]));
        let shape = if row[1] == "scalar" { "" } else { &row[1] };
        total += row[2].parse::<usize>().unwrap();
        released.insert(ours, shape.to_owned());
    }
    assert_eq!(ours, released, "{name}");
    assert_eq!(model.num_parameters(), total, "{name}");
}

#[test]
fn all_released_configurations_have_their_parameters() {
    for (ours, name) in CONFIGS {
        check(ours, name);
    }
}

#[test]
fn totals_are_the_published_ones() {
    let model = Model::<Pyramid>::new(&config(CONFIGS[0].0), &[], Device::Cpu).unwrap();
    assert_eq!(model.num_parameters(), 21_908_390);
    let encoder: usize = model
        .parameters()
        .iter()
        .filter(|(name, _)| name.starts_with("encoder."))
        .map(|(_, tensor)| tensor.numel())
        .sum();
    assert_eq!(encoder, 9_510_656);
}

/// The compared methods at the sizes of THUMOS14 with I3D features. Each total is that of its layers, as its authors give
/// it in millions: 16.0, 29.3 and 7.1.
#[test]
fn totals_of_the_compared_methods() {
    const PROJECTION: usize = 3 * 512 * (2048 + 512) + 2 * 2 * 512;
    const NECK: usize = 6 * 2 * 512;
    const TOWER: usize = 2 * (3 * 512 * 512 + 2 * 512);
    const CLASSES: usize = TOWER + 20 * (3 * 512 + 1);
    const DISTANCES: usize = TOWER + 2 * (3 * 512 + 1) + 6;
    // 16 bins and the point itself on either side.
    const BINS: usize = TOWER + 2 * 17 * (3 * 512 + 1) + 6;
    const MLP: usize = 2 * 512 * 768 + 768 + 512;
    // Two norms; kernels 1 of gate, instant, local, window-level branch; kernel 11 of the wide one.
    const SGP: usize = 2 * 2 * 512 + 4 * 2 * 512 + 512 * (11 + 1) + MLP;
    const SGP_ENCODER: usize = PROJECTION + 7 * SGP + 5 * 2 * 512;
    for (method, encoder, total) in [
        (
            "tridet",
            SGP_ENCODER,
            SGP_ENCODER + NECK + 3 * CLASSES + BINS,
        ),
        (
            "actionformer",
            26_061_824,
            26_061_824 + NECK + CLASSES + DISTANCES,
        ),
        (
            "temporalmaxer",
            PROJECTION,
            PROJECTION + CLASSES + DISTANCES,
        ),
    ] {
        let configs = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs");
        let config = Layers::read(&configs.join("thumos14_i3d.yaml"))
            .and_then(|layers| layers.overlay(&configs.join(format!("baselines/{method}.yaml"))))
            .and_then(|layers| layers.resolve())
            .unwrap()
            .config;
        let model = Model::<Pyramid>::new(&config, &[], Device::Cpu).unwrap();
        assert_eq!(model.num_parameters(), total, "{method}");
        let found: usize = model
            .parameters()
            .iter()
            .filter(|(name, _)| name.starts_with("encoder."))
            .map(|(_, tensor)| tensor.numel())
            .sum();
        assert_eq!(found, encoder, "{method}");
    }
    assert_eq!(SGP_ENCODER + NECK + 3 * CLASSES + BINS, 15_989_604);
    assert_eq!(26_061_824 + NECK + CLASSES + DISTANCES, 29_251_612);
    assert_eq!(PROJECTION + CLASSES + DISTANCES, 7_117_852);
}

#[test]
fn decay_groups_are_the_released_ones() {
    let map = released_name_map();
    let rows = table("optgroups-thumos_i3d_focalloss");
    let (mut decayed, mut free) = (0, 0);
    for row in rows.iter().skip(1) {
        let name = row.iter().find_map(|cell| map.map(cell));
        let Some(name) = name else { continue };
        let line = row.join(" ");
        let expected = !line.contains("no_decay");
        assert_eq!(decays(&name), expected, "{line}");
        *if expected { &mut decayed } else { &mut free } += 1;
    }
    assert_eq!((decayed, free), (69, 143));
}
