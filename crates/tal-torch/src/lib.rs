//! What LibTorch offers and tch does not: operations of Rust in its graph ([`record`]), and the precision of products on
//! CUDA ([`tf32`]).

mod record;
pub mod tf32;

pub use record::record;
