//! Names of released weights.

use tal_core::weights::KeyMap;

/// Translation of the names of the released codes of CLTDR-GMG, TriDet, ActionFormer, TemporalMaxer and BackTAL (without the
/// prefix `module.`) to ours.
pub fn released_name_map() -> KeyMap {
    tal_encoder::released_key_map()
        .and(tal_decoder::released_key_map())
        .and(tal_backtal::released_key_map())
}
