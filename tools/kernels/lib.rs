//! dyad's module with unsafe code, by itself.

#[path = "../../src/index/kernel/mod.rs"]
pub mod kernel;
