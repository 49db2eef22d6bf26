//! Names of errors and characteristics for readers.

use tal_postprocess::{Characteristic, ErrorType};

/// Name of a characteristic of annotations, such as `instances`.
pub fn characteristic_name(characteristic: Characteristic) -> &'static str {
    match characteristic {
        Characteristic::Coverage => "coverage",
        Characteristic::Length => "length",
        Characteristic::NumInstances => "instances",
    }
}

/// Name of a kind of error, such as `double detection`.
pub fn error_name(error: ErrorType) -> &'static str {
    match error {
        ErrorType::DoubleDetection => "double detection",
        ErrorType::WrongLabel => "wrong label",
        ErrorType::Localization => "localization",
        ErrorType::Confusion => "confusion",
        ErrorType::Background => "background",
    }
}
