//! dyad's module with unsafe code, by itself.

#[path = "../../src/kernel/mod.rs"]
pub mod kernel;
