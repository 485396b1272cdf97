//! The spaces of a collection.
//!
//! Audio vectors have no prompt. Text vectors are made from one (`"A <> track"`) and serve only it, so one label has as many
//! vectors as prompts were asked of it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::embedding::Space;

/// What the vectors of one space of a collection share.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct SpaceKey {
    pub space: Space,
    /// Content hash of the model that made the vectors.
    pub model_hash: String,
    /// The prompt that text vectors were made from, with its placeholder `<>`.
    pub prompt: Option<String>,
}

impl SpaceKey {
    /// The space of `model_hash`'s vectors without a prompt.
    pub fn new(space: Space, model_hash: impl Into<String>) -> Self {
        SpaceKey { space, model_hash: model_hash.into(), prompt: None }
    }

    /// The same space for texts made from `prompt`.
    #[must_use]
    pub fn with_prompt(mut self, prompt: impl Into<String>) -> Self {
        self.prompt = Some(prompt.into());
        self
    }
}

impl fmt::Display for SpaceKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.prompt {
            Some(prompt) => write!(f, "{}, prompt {prompt:?}", self.space),
            None => write!(f, "{}", self.space),
        }
    }
}

/// A space as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceInfo {
    pub key: SpaceKey,
    /// Numbers in a vector.
    pub dim: usize,
    /// Vectors in it.
    pub rows: u64,
    /// Changes with every change of the rows; equal fingerprints mean equal rows in equal order.
    pub fingerprint: [u8; 32],
}
