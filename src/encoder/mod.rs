//! Models: two towers that turn audio and text into vectors of one space.
//!
//! ```text
//!   model.toml ─ manifest ─┐
//!   audio.onnx, text.onnx ─┼─ Model ┬─ audio: Tower<[f32]>  samples → windows ─┐           ┌─ pre-joint Rows
//!   tokenizer.json ────────┘        └─ text:  Tower<str>    text → tokens ─────┼─ graph ───┤
//!                                                             onnxruntime or tract         └─ joint Rows
//! ```
//!
//! Convention: nothing here knows a model's name; a model is data. The same input gives the same vector to the last bit,
//! alone or in any batch, on any number of threads (of one backend on one machine; two backends differ by about 1e-6).
//! Opening a model reads its manifest and hashes its files; graphs are loaded when they are first used.

mod audio_tower;
pub mod check;
mod ear;
mod error;
mod folders;
mod golden;
mod graph;
mod growth;
mod hashes;
mod inspect;
pub mod install;
mod library;
pub mod manifest;
mod onnxruntime;
mod precomputed;
mod rows;
pub mod runtime;
mod text_tower;
mod tract;
mod validate;
mod wording;

use std::path::{Path, PathBuf};

pub use audio_tower::AudioTower;
pub use ear::{Heard, Manner, WindowSpan};
pub use error::Error;
pub use folders::{Found, ModelFolders};
pub use hashes::Hashes;
pub use manifest::Manifest;
pub use rows::{Dims, Rows, TowerOutput};
pub use runtime::{Backend, Engine};
pub use text_tower::{TextTower, Tokens};

use crate::embedding::{Modality, Space, Stage};
use crate::guard;

/// Something that turns inputs of one kind into vectors before and after the projection into the joint space.
pub trait Tower<Input: ?Sized>: Send + Sync {
    /// Numbers in its vectors.
    fn dims(&self) -> Dims;

    /// One row of each stage for every input, in order. Works on several threads; the result does not depend on how many,
    /// nor on what else is in the batch.
    ///
    /// # Errors
    /// When the graph cannot be loaded or run, or an input has no vector: an empty clip, a text without tokens, NaN.
    fn embed(&self, batch: &[&Input]) -> Result<TowerOutput, Error>;
}

/// A model: what it is called, what it is made of, and its towers.
pub struct Model {
    pub id: String,
    /// Content hash over manifest, graphs and tokenizer, 64 hexadecimal digits; vectors of different hashes are never mixed.
    pub hash: String,
    /// The folder; none for a model that only exists in a store.
    pub dir: Option<PathBuf>,
    pub audio: Option<AudioTower>,
    pub text: Option<TextTower>,
    pub manifest: Manifest,
}

impl Model {
    /// Opens the model in `dir`; its graphs are loaded when they are first used.
    ///
    /// # Errors
    /// When the manifest is wrong or a file that it names is missing.
    pub fn open(dir: &Path) -> Result<Model, Error> {
        Model::open_on(dir, None)
    }

    /// Opens the model in `dir` to run on `engine`, whatever the process's backend is.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_on(dir: &Path, engine: Option<Engine>) -> Result<Model, Error> {
        Model::open_known(dir, engine, &())
    }

    /// As [`Model::open_on`], with the files' hashes from `hashes` where the files are as they were.
    ///
    /// # Errors
    /// As [`Model::open`].
    pub fn open_known(dir: &Path, engine: Option<Engine>, hashes: &dyn Hashes) -> Result<Model, Error> {
        let manifest = Manifest::read(dir)?;
        let hash = content_hash(dir, &manifest, hashes)?;
        let spaces = |modality| {
            let space = |stage| manifest.spaces.get(modality, stage).cloned();
            Some([space(Stage::PreJoint)?, space(Stage::Joint)?])
        };
        let audio = manifest.audio.clone().zip(spaces(Modality::Audio));
        let text = manifest.text.clone().zip(spaces(Modality::Text));
        Ok(Model {
            id: manifest.id.clone(),
            hash,
            dir: Some(dir.to_owned()),
            audio: audio.map(|(spec, spaces)| AudioTower::new(dir, spec, spaces, engine)),
            text: text.map(|(spec, spaces)| TextTower::new(dir, spec, spaces, engine)),
            manifest,
        })
    }

    /// The audio tower.
    ///
    /// # Errors
    /// [`Error::NoTower`] when the model has none.
    pub fn audio_tower(&self) -> Result<&AudioTower, Error> {
        self.audio.as_ref().ok_or_else(|| Error::NoTower { model: self.id.clone(), modality: Modality::Audio })
    }

    /// The text tower.
    ///
    /// # Errors
    /// [`Error::NoTower`] when the model has none.
    pub fn text_tower(&self) -> Result<&TextTower, Error> {
        self.text.as_ref().ok_or_else(|| Error::NoTower { model: self.id.clone(), modality: Modality::Text })
    }

    /// Numbers in a vector of one space, if the model has that space.
    pub fn dim(&self, modality: Modality, stage: Stage) -> Option<usize> {
        self.manifest.spaces.get(modality, stage).map(|space| space.dim)
    }

    /// Every space that the model has, with its dimension.
    pub fn spaces(&self) -> Vec<(Space, usize)> {
        let space = |&(_, modality, stage): &(&str, Modality, Stage)| {
            Some((Space::new(&self.id, modality, stage), self.dim(modality, stage)?))
        };
        manifest::SPACES.iter().filter_map(space).collect()
    }

    /// What the graphs run on; loads a graph if none is loaded.
    ///
    /// # Errors
    /// When a graph cannot be loaded.
    pub fn backend(&self) -> Result<Option<&Backend>, Error> {
        match (&self.audio, &self.text) {
            (Some(audio), _) => audio.backend().map(Some),
            (None, Some(text)) => text.backend().map(Some),
            (None, None) => Ok(None),
        }
    }

    /// What to tell of graphs in 8 bits on the built-in backend, which runs them slower than in single precision.
    ///
    /// # Errors
    /// When a graph cannot be loaded.
    pub fn slow_here(&self) -> Result<Option<String>, Error> {
        let audio = self.audio.as_ref().map_or(Ok(false), AudioTower::slow_here)?;
        let text = self.text.as_ref().map_or(Ok(false), TextTower::slow_here)?;
        Ok((audio || text).then(|| {
            "its graphs compute in 8 bits, 4 to 6 times slower on the built-in backend than without `--int8`: \
             `pip install onnxruntime` gives the one that is faster for it"
                .to_owned()
        }))
    }
}

/// The hash of the hashes of all files that a vector depends on, each with its role.
fn content_hash(dir: &Path, manifest: &Manifest, hashes: &dyn Hashes) -> Result<String, Error> {
    let mut files = vec![("manifest", manifest::FILE)];
    files.extend(manifest.audio.as_ref().map(|audio| ("audio.graph", audio.graph.as_str())));
    files.extend(manifest.text.as_ref().map(|text| ("text.graph", text.graph.as_str())));
    files.extend(manifest.text.as_ref().map(|text| ("text.tokenizer", text.tokenizer.as_str())));
    let mut all = blake3::Hasher::new();
    for (role, name) in files {
        let path = dir.join(name);
        if !path.is_file() {
            return Err(Error::MissingFile { file: dir.join(manifest::FILE), key: role.to_owned(), name: name.to_owned() });
        }
        let one = hashes::hash(&path, hashes).map_err(|error| Error::Read { path, reason: error.to_string() })?;
        all.update(role.as_bytes()).update(&[0]).update(&one);
    }
    Ok(all.finalize().to_hex().to_string())
}
