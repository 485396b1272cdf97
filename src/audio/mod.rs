//! (being written)

mod error;
pub mod window;

pub use error::Error;
