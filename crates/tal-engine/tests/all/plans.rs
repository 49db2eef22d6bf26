//! The plans of `tal ablate` that come with the project.

use std::path::Path;

use tal_config::Layers;
use tal_engine::ablation::Plan;

#[test]
fn plans_are_readable_and_what_they_lay_over_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/plans");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let plan = Plan::read(&entry.unwrap().path()).unwrap();
        assert!(folder.join(&plan.config).is_file());
        for variant in &plan.variants {
            let config = variant.config.as_ref().unwrap_or(&plan.config);
            let overlays = variant.overlays.iter();
            let layers = overlays.fold(Layers::read(&folder.join(config)), |layers, overlay| {
                layers?.overlay(&folder.join(overlay))
            });
            // The folders of the data need not be known.
            let data = ["dataset.annotations=/a.json", "dataset.features.dir=/f"];
            let of_folds = plan.folds.iter().flat_map(|fold| &fold.set);
            let changes = plan.set.iter().chain(of_folds).chain(&variant.set);
            let changes = changes.map(String::as_str);
            let layers = changes
                .chain(data)
                .fold(layers, |layers, change| layers?.set(change));
            let resolved = layers.and_then(|layers| layers.resolve());
            assert!(resolved.is_ok(), "{}: {:?}", variant.name, resolved.err());
            for overlay in &variant.overlays {
                assert!(folder.join(overlay).is_file(), "{}", overlay.display());
            }
        }
        let mut patterns = plan.folds.iter().flat_map(|fold| &fold.validation);
        assert!(patterns.all(|pattern| regex::Regex::new(pattern).is_ok()));
        count += 1;
    }
    assert!(count > 0);
}
