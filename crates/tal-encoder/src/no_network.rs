//! Stands for `network` where the feature `torch` is off: nothing.
