//! Action sensitivity before its first step: refused sizes, and where its Gaussians start.

use approx::assert_relative_eq;
use tal_core::config::ActionSensitivityConfig;
use tal_decoder::ActionSensitivity;
use tch::Device;
use tch::nn::VarStore;

use crate::action_sensitivity::{CLASS, CLASSES, CONTRASTIVE, loss, sensitivity};

#[test]
fn what_cannot_be_built_is_refused() {
    let config = loss([CLASS, "null", CONTRASTIVE], &[]).action_sensitivity;
    let valid = config.unwrap();
    let message = |dim, config: &ActionSensitivityConfig| {
        let vs = VarStore::new(Device::Cpu);
        let built = ActionSensitivity::new(&vs.root(), dim, CLASSES as usize, 2, config);
        built.unwrap_err().to_string()
    };
    assert_eq!(
        message(0, &valid),
        "the number of channels is 0, must be at least 1"
    );
    let mut invalid = valid.clone();
    invalid.class_level.as_mut().unwrap().min_sigma = 1.0;
    invalid.contrastive.as_mut().unwrap().level = 2;
    assert_eq!(
        message(4, &invalid),
        "loss.action_sensitivity.class_level.min_sigma is 1, must be above 0 and below 1; \
         loss.action_sensitivity.contrastive.level is 2, must be below 2 (encoder.num_levels)"
    );
}

#[test]
fn learned_gaussians_start_at_the_centre_and_both_ends() {
    let config = loss([CLASS, "null", "null"], &[]);
    let learned = sensitivity(&config).1.learned();
    for (part, mean) in [
        (learned.classification, 0.0),
        (learned.start, -0.5),
        (learned.end, 0.5),
    ] {
        let part = part.unwrap();
        assert_relative_eq!(part.value(2, mean).unwrap(), 1.0, max_relative = 1e-6);
        let one_sigma = f64::exp(-0.5);
        assert_relative_eq!(
            part.value(0, mean + 1.0).unwrap(),
            one_sigma,
            max_relative = 1e-6
        );
        assert_eq!(part.value(3, 0.0), None, "there are three classes");
    }
}
