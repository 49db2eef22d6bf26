//! The released weights of EfficientNet-Lite0, if they are there.

use std::path::{Path, PathBuf};

use tal_backbone::{Backbone, BackboneOptions, Network, StateDict, released_weights};
use tch::Tensor;

use crate::support::Golden;

const FILE: &str = "efficientnet-lite0-57934424.pth";

/// The file in the folder that `TAL_WEIGHTS` names, or in that of `cargo xtask setup --video`.
fn find() -> Option<PathBuf> {
    let own = std::env::var_os("TAL_WEIGHTS").map(PathBuf::from);
    let ours = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../.weights");
    let folders = own.into_iter().chain([ours]);
    folders
        .map(|folder| folder.join(FILE))
        .find(|file| file.is_file())
}

#[test]
fn released_weights_give_the_features_of_the_public_code() {
    let Some(path) = find() else {
        println!("SKIPPED: no {FILE} in TAL_WEIGHTS; `cargo xtask setup --video` fetches it");
        return;
    };
    let all = released_weights();
    let entry = all.iter().find(|entry| entry.file == FILE).unwrap();
    entry.verify(&path).unwrap();
    let options = BackboneOptions {
        classifier: true,
        ..BackboneOptions::default()
    };
    let state = StateDict::open(&path).unwrap();
    let backbone = Backbone::load(&entry.network, state, &options).unwrap();
    assert_eq!(backbone.num_classes(), Some(1000));

    // Frames of the formula; outputs of efficientnet-lite-pytorch 0.1.0.
    let frames = Golden::new("efficientnet_lite0", Network::EfficientNetLite0).clips();
    let golden = Golden::new("efficientnet_lite0_released", Network::EfficientNetLite0);
    let features = backbone.forward(&frames.squeeze_dim(2)).unwrap();
    let logits = backbone.logits(&features).unwrap();
    for (number, class) in [(0, 539), (1, 539)] {
        for (name, found) in [("feature", &features), ("logits", &logits)] {
            let name = format!("clip{number}.{name}");
            let std = Tensor::from_slice(&golden.output(&name)).std(false);
            golden.compare_with(&name, &found.get(number), std.double_value(&[]), 5e-4);
        }
        assert_eq!(logits.get(number).argmax(0, false).int64_value(&[]), class);
    }
}
