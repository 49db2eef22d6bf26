//! Names of released weights and of classes.

use tal_core::ClassMap;
use tal_core::config::Config;
use tal_core::weights::KeyMap;

use crate::error::EngineError;
use crate::opened;

/// Translation of the names of the released codes of CLTDR-GMG, TriDet, ActionFormer, TemporalMaxer and BackTAL (without the
/// prefix `module.`) to ours.
pub fn released_name_map() -> KeyMap {
    tal_encoder::released_key_map()
        .and(tal_decoder::released_key_map())
        .and(tal_backtal::released_key_map())
}

/// Names of the classes in the annotation file of `config`: a released checkpoint has no names.
///
/// # Errors
/// If the file cannot be used.
pub fn class_names(config: &Config) -> Result<ClassMap, EngineError> {
    opened::class_names(config)
}
