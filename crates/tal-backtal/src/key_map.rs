//! Names of the weights in released checkpoints.

use tal_core::weights::KeyMap;

/// Modules: released name (a regular expression) and ours.
const MODULES: [(&str, &str); 7] = [
    (r"filter_module\.conv_1\.0", "filter.hidden"),
    (r"filter_module\.conv_2\.0", "filter.output"),
    (r"embedding_module\.conv_1", "embedding.hidden"),
    (r"embedding_module\.conv_2", "embedding.output"),
    (r"base_module\.conv_1", "base.first"),
    (r"base_module\.conv_2", "base.second"),
    (r"classifier_module\.conv", "classifier"),
];

/// Map from the names in released checkpoints, without their prefix `module.`, to ours below `backtal`.
pub fn released_key_map() -> KeyMap {
    let rules = MODULES.map(|(released, ours)| {
        let ours = format!("backtal.{ours}.${{1}}");
        (format!(r"{released}\.(.+)"), ours)
    });
    KeyMap::new(&rules.each_ref().map(|(a, b)| (&**a, &**b)))
        .expect("the rules are constant, and the tests build them")
}
