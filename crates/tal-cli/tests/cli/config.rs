//! `tal config`, and overlays wherever a configuration file is read.

use tal_core::config::Config;

use crate::bad_input::{USAGE, refused};
use crate::support::{Place, fixture, words};

const THEIRS: &str = "tal-config/tests/fixtures/released_configs/epic_slowfast_noun_focalloss.yaml";

fn loaded(place: &Place, name: &str) -> Config {
    tal_config::load(&place.path(name), &[]).unwrap()
}

#[test]
fn show_tells_values_and_their_origins_and_reads_back() {
    let place = Place::without_data();
    place.write("more.yaml", "train:\n  epochs: 5\n");
    let args = words("config show net.yaml --overlay more.yaml --set train.seed=3");
    let shown = place.ok(&args);
    let line = |start: &str| {
        let line = shown.lines().find(|line| line.trim().starts_with(start));
        line.unwrap_or_else(|| panic!("no {start}: {shown}"))
    };
    assert!(line("epochs: 5").ends_with("# more.yaml:2"));
    assert!(line("seed: 3").ends_with("# --set"));
    assert!(line("eps:").ends_with("# preset released"));
    assert!(line("input_dim: 8").contains("# net.yaml:"));
    place.write("shown.yaml", &shown);
    let changed = place.ok(&[&args[..], &["--changed"]].concat());
    assert!(changed.lines().count() < shown.lines().count());
    assert!(!changed.contains("preset released"), "{changed}");
    place.write("changed.yaml", &changed);
    let config = loaded(&place, "shown.yaml");
    assert_eq!((config.train.epochs, config.train.seed), (5, 3));
    assert_eq!(config, loaded(&place, "changed.yaml"));
}

#[test]
fn a_mistake_in_an_overlay_is_blamed_on_it() {
    let place = Place::without_data();
    place.write("more.yaml", "train: { epoch: 5 }\n");
    let expected = "more.yaml: unknown key train.epoch; did you mean epochs?";
    for command in [&["config", "show"][..], &["train"]] {
        let args = [command, &["net.yaml", "--overlay", "more.yaml"]].concat();
        refused(&place, &args, USAGE, &[expected]);
    }
    let missing = ["config", "show", "net.yaml", "--overlay", "none.yaml"];
    refused(&place, &missing, USAGE, &["none.yaml"]);
}

#[test]
fn import_writes_what_loads_and_tells_what_it_did() {
    let place = Place::without_data();
    let theirs = fixture(THEIRS);
    let args = ["config", "import", &theirs, "--root", "/data"];
    let told = place.ok(&[&args[..], &["--out", "ours.yaml"]].concat());
    for part in [
        "read as a file of cltdr-gmg",
        "opt.learning_rate: 0.0001 → train.learning_rate",
        "model.k: 4 (",
        "0 not expressible, 0 unknown",
    ] {
        assert!(told.contains(part), "no {part:?}: {told}");
    }
    let config = loaded(&place, "ours.yaml");
    assert_eq!(config.dataset.num_classes, 300);
    assert!(
        config
            .dataset
            .features
            .dir
            .starts_with("/data/epic_kitchens")
    );
    place.write("printed.yaml", place.ok(&args));
    assert_eq!(loaded(&place, "printed.yaml"), config);
    let sgp = place.ok(&[&args[..], &["--code", "tridet"]].concat());
    assert!(sgp.contains("type: sgp"), "{sgp}");
}

#[test]
fn import_refuses_what_it_does_not_know() {
    let place = Place::without_data();
    place.write("theirs.yaml", "model_name: TemporalMaxer\n");
    let args = ["config", "import", "theirs.yaml", "--out", "ours.yaml"];
    refused(
        &place,
        &args,
        USAGE,
        &["theirs.yaml: model_name is \"TemporalMaxer\""],
    );
    let wrong_name = ["config", "import", &fixture(THEIRS), "--out", "ours.json"];
    refused(
        &place,
        &wrong_name,
        USAGE,
        &["--out ours.json: the name must end in .yaml"],
    );
    refused(
        &place,
        &["config", "import", "none.yaml"],
        USAGE,
        &["none.yaml"],
    );
    assert!(!place.path("ours.yaml").exists());
}

#[test]
fn a_suggested_configuration_trains() {
    let place = Place::new();
    let suggest = words("config suggest data/annotations.json data/features");
    let printed = place.ok(&suggest);
    let told = place.ok(&[&suggest[..], &["--out", "own.yaml"]].concat());
    assert!(told.contains("tal train own.yaml"), "{told}");
    assert_eq!(place.read("own.yaml").trim_end(), printed.trim_end());
    let config = loaded(&place, "own.yaml");
    assert_eq!(config.dataset.num_classes, 3);
    assert_eq!(config.dataset.feat_stride, Some(4.0));
    let short = "--set train.epochs=1 --set train.warmup_epochs=0 --set train.num_workers=0";
    place.ok(&words(&format!("train own.yaml {short} --out run")));
    assert!(place.path("run/summary.json").exists());

    let again = [&suggest[..], &["--out", "own.yaml"]].concat();
    refused(&place, &again, USAGE, &["own.yaml: the file exists"]);
    let empty = words("config suggest data/annotations.json .");
    refused(
        &place,
        &empty,
        USAGE,
        &["no feature file of a training recording"],
    );
}
