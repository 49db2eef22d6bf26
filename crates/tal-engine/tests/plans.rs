//! The plans of `tal ablate` that come with the project.

use std::path::Path;

use tal_engine::ablation::Plan;

#[test]
fn plans_are_readable_and_what_they_lay_over_is_there() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../configs/plans");
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap() {
        let plan = Plan::read(&entry.unwrap().path()).unwrap();
        assert!(folder.join(&plan.config).is_file());
        for variant in &plan.variants {
            for overlay in &variant.overlays {
                assert!(folder.join(overlay).is_file(), "{}", overlay.display());
            }
        }
        count += 1;
    }
    assert!(count > 0);
}
