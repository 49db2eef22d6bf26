#![doc = include_str!("../README.md")]

mod time_base;

pub use time_base::TimeBase;
