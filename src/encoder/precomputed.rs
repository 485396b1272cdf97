//! A model without towers: its vectors were computed elsewhere and imported.
//!
//! ```text
//!   dyad import npy vectors.npy --collection tinysol --model musicnn-msd --space "audio joint"
//! ```
//!
//! Convention: it has a name, a hash that stands for whatever made the vectors, and the dimension of each space. Where no
//! hash is given it is taken from the name, so that two imports under one name belong together.

use super::manifest::{Manifest, Norm, SCHEMA, SpaceSpec, Spaces};
use super::{Error, Model, validate};
use crate::embedding::{Modality, Stage};

impl Model {
    /// A model that only knows its spaces: `dims` gives the numbers in a vector for each.
    ///
    /// ```
    /// use dyad::embedding::{Modality, Stage};
    /// use dyad::encoder::Model;
    /// let model = Model::precomputed("clap-paper", None, &[(Modality::Text, Stage::Joint, 512)])?;
    /// assert_eq!(model.dim(Modality::Text, Stage::Joint), Some(512));
    /// assert!(model.audio.is_none() && model.text.is_none());
    /// # Ok::<(), dyad::encoder::Error>(())
    /// ```
    ///
    /// # Errors
    /// When the name is no id, a dimension is 0 or above 65536, or the joint dimensions differ.
    pub fn precomputed(name: &str, hash: Option<&str>, dims: &[(Modality, Stage, usize)]) -> Result<Model, Error> {
        let mut spaces = Spaces::default();
        for &(modality, stage, dim) in dims {
            let output = stage.to_string();
            spaces.set(modality, stage, SpaceSpec { tower: modality.into(), output, dim, norm: Norm::None });
        }
        let manifest = Manifest {
            schema: SCHEMA,
            id: name.to_owned(),
            licence: String::new(),
            source: None,
            audio: None,
            text: None,
            spaces,
            check: None,
        };
        validate::validate(&manifest, std::path::Path::new("(imported vectors)"))?;
        let own = || blake3::hash(format!("precomputed:{name}").as_bytes()).to_hex().to_string();
        let hash = hash.map_or_else(own, str::to_owned);
        Ok(Model { id: name.to_owned(), hash, dir: None, audio: None, text: None, manifest })
    }
}
