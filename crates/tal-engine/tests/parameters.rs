//! Names, shapes and decay groups of all parameters of the eleven released configurations.

use std::collections::BTreeMap;
use std::path::Path;

use tal_core::config::Config;
use tal_engine::Model;
use tal_engine::import::released_name_map;
use tal_engine::optimizer::decays;
use tch::Device;

/// Sizes that the parameters depend on: configuration, input, classes, width, head width, MLP, bins, local kernel, head
/// kernel, boundary kernel, levels.
const CONFIGS: [(&str, [usize; 10]); 11] = [
    (
        "thumos_i3d_focalloss",
        [2048, 20, 512, 512, 768, 16, 1, 3, 3, 6],
    ),
    ("thumos_videomae", [1408, 20, 512, 512, 768, 16, 1, 3, 3, 6]),
    (
        "thumos_intervideo_vflloss",
        [3200, 20, 512, 512, 768, 16, 1, 3, 3, 6],
    ),
    (
        "multithumos_i3d_rgb_only_focalloss",
        [1024, 65, 512, 512, 768, 16, 1, 3, 3, 6],
    ),
    (
        "multithumos_i3d",
        [2048, 65, 512, 512, 1024, 16, 1, 3, 3, 6],
    ),
    (
        "multithumos_videomae_vflloss",
        [1408, 65, 512, 512, 1024, 16, 1, 3, 3, 6],
    ),
    (
        "epic_slowfast_verb_vflloss",
        [2304, 97, 512, 512, 768, 16, 5, 3, 3, 6],
    ),
    (
        "epic_slowfast_noun_focalloss",
        [2304, 300, 512, 512, 1024, 16, 5, 3, 3, 6],
    ),
    ("anet_tsp", [512, 1, 256, 512, 2048, 12, 15, 3, 3, 6]),
    (
        "hacs_i3d_focalloss",
        [2048, 200, 1024, 1024, 1024, 12, 15, 5, 1, 7],
    ),
    (
        "hacs_slowfast_focalloss",
        [2304, 200, 1024, 1024, 1024, 14, 3, 5, 1, 7],
    ),
];

fn config(
    [
        input,
        classes,
        dim,
        head,
        mlp,
        bins,
        local,
        kernel,
        boundary,
        levels,
    ]: [usize; 10],
) -> Config {
    let text = format!(
        "
dataset:
  annotations: none.json
  features: {{ dir: none, format: {{ type: npy }} }}
  num_classes: {classes}
  input_dim: {input}
  feat_stride: 4
  num_frames: 16
  max_seq_len: 2304
encoder:
  dim: {dim}
  num_levels: {levels}
  mixer: {{ type: gmg, mlp_dim: {mlp}, local_kernel_size: {local} }}
decoder:
  regression_range: {ranges:?}
  head: {{ dim: {head}, kernel_size: {kernel}, boundary_kernel_size: {boundary} }}
  trident: {{ num_bins: {bins} }}
",
        ranges = vec![[0, 4]; levels],
    );
    Config::from_yaml(&text, "sizes", Path::new("/"), &[]).unwrap()
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
fn check(name: &str, sizes: [usize; 10]) {
    let model = Model::new(&config(sizes), &[], Device::Cpu).unwrap();
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
    for (name, sizes) in CONFIGS {
        check(name, sizes);
    }
}

#[test]
fn totals_are_the_published_ones() {
    let model = Model::new(&config(CONFIGS[0].1), &[], Device::Cpu).unwrap();
    assert_eq!(model.num_parameters(), 21_908_390);
    let encoder: usize = model
        .parameters()
        .iter()
        .filter(|(name, _)| name.starts_with("encoder."))
        .map(|(_, tensor)| tensor.numel())
        .sum();
    assert_eq!(encoder, 9_510_656);
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
