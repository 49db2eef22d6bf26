//! The difference between a wrong request and a failure.

use std::error::Error;

/// An error that can tell whether the request was wrong, such as a configuration, a device or a folder. All else is a failure
/// of something that was asked for rightly, such as reading a file. Programs can choose their exit code by it.
pub trait Usage: Error {
    /// Whether the request was wrong.
    fn is_usage(&self) -> bool {
        false
    }
}
