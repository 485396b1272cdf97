//! How the windows of a clip become one vector.
//!
//! ```text
//!   window 0   0.2  −0.4          mean   0.3  0.0
//!   window 1   0.4   0.4          max    0.4  0.4
//! ```
//! The result is brought to unit length again where the model's vectors are.

use serde::{Deserialize, Serialize};

/// How the vectors of several windows become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Aggregate {
    /// The mean of the windows' vectors.
    #[default]
    Mean,
    /// In each dimension the greatest number of any window.
    Max,
}

impl Aggregate {
    /// The names that the manifest and the command line take.
    pub const NAMES: [&'static str; 2] = ["mean", "max"];

    /// Reads one by name.
    pub fn parse(name: &str) -> Option<Aggregate> {
        [Aggregate::Mean, Aggregate::Max].into_iter().find(|one| one.name() == name)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Aggregate::Mean => "mean",
            Aggregate::Max => "max",
        }
    }
}
