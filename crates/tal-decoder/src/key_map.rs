//! Names of the decoder's weights in released checkpoints.

use tal_core::weights::KeyMap;

/// Parts outside the heads: released name (a regular expression) and ours.
const FUSIONS: [(&str, &str); 8] = [
    (r"decls\.contrans\.(.+)", "dcm.up.${1}"),
    (r"decls\.conv_l\.(.+)", "dcm.lateral.${1}"),
    (r"decls\.attn\.1\.(.+)", "dcm.gate.${1}"),
    (r"dereg\.down\.(.+)", "drm.down.${1}"),
    (r"dereg\.conv_l\.(.+)", "drm.lateral.${1}"),
    (r"dereg\.attn\.1\.(.+)", "drm.gate.${1}"),
    (r"cross_level\.conv\.(.+)", "clff.down.${1}"),
    (r"cross_level\.convtrans\.(.+)", "clff.up.${1}"),
];

/// Heads: released name and ours.
const HEADS: [(&str, &str); 5] = [
    ("cls_head", "classification"),
    ("start_head", "start"),
    ("end_head", "end"),
    ("reg_head", "regression"),
    ("refineHead", "refinement"),
];

/// Parts of a head, as far as it has them: released name (a regular expression) and ours.
const PARTS: [(&str, &str); 7] = [
    (r"head\.(\d+)\.conv\.(.+)", "tower.${1}.conv.${2}"),
    (r"norm\.(\d+)\.(.+)", "tower.${1}.norm.${2}"),
    (r"(?:cls|offset)_head\.conv\.(.+)", "output.${1}"),
    (r"s_offset_head\.conv\.(.+)", "start_offset.${1}"),
    (r"e_offset_head\.conv\.(.+)", "end_offset.${1}"),
    (r"prob_head\.conv\.(.+)", "score.${1}"),
    (r"scale\.(\d+)\.scale", "scale.${1}"),
];

/// Map from the decoder's names in released checkpoints, without their prefix `module.`, to ours below `decoder`.
///
/// Released TriDet, ActionFormer and TemporalMaxer checkpoints use the same names for the heads that these methods have:
/// classification, start, end and regression (TriDet), classification and regression (the other two).
///
/// # Source
/// The authors' public code.
pub fn released_key_map() -> KeyMap {
    let fusions = FUSIONS.map(|(released, ours)| (released.to_owned(), format!("decoder.{ours}")));
    let heads = HEADS.iter().flat_map(|(head, our_head)| {
        PARTS.map(|(part, ours)| {
            (
                format!(r"{head}\.{part}"),
                format!("decoder.{our_head}.{ours}"),
            )
        })
    });
    let rules: Vec<(String, String)> = fusions.into_iter().chain(heads).collect();
    KeyMap::new(&rules).expect("the rules are constant and a test builds them")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_all_parts() {
        let map = released_key_map();
        for (released, ours) in [
            ("decls.attn.1.weight", "decoder.dcm.gate.weight"),
            ("cross_level.convtrans.bias", "decoder.clff.up.bias"),
            (
                "cls_head.cls_head.conv.bias",
                "decoder.classification.output.bias",
            ),
            ("end_head.norm.1.weight", "decoder.end.tower.1.norm.weight"),
            ("reg_head.scale.3.scale", "decoder.regression.scale.3"),
            (
                "refineHead.prob_head.conv.weight",
                "decoder.refinement.score.weight",
            ),
        ] {
            assert_eq!(map.map(released).as_deref(), Some(ours));
        }
        assert_eq!(map.map("backbone.embd.0.conv.weight"), None);
    }
}
