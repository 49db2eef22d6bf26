//! What LibTorch offers and tch does not: operations of Rust in its graph ([`record`]), loops on its threads ([`parallel`]), and
//! the precision of products on CUDA ([`tf32`]).

pub mod parallel;
mod record;
pub mod tf32;

pub use record::record;
