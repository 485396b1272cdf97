//! Models by name: a folder with graphs, or only a name under which vectors were imported.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Error, Workspace, lock};
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::{Modality, Space, Stage};
use crate::encoder::{self, Model};
use crate::store::{Collection, Store};

/// The store's table of models that have no folder.
const TABLE: &str = "models";

/// What the store knows of a model whose vectors were computed elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Imported {
    /// Tells versions of the model apart; given with `--model-hash`, or made from the name.
    pub hash: String,
}

/// A model that statements can name.
#[derive(Clone)]
pub struct ModelRef {
    pub id: String,
    /// Content hash of manifest, graphs and tokenizer, or the hash given at import.
    pub hash: String,
    /// None for a model without graphs: it answers what needs no new embedding.
    pub model: Option<Arc<Model>>,
}

impl fmt::Debug for ModelRef {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ModelRef({}, {}, graphs: {})", self.id, self.hash, self.model.is_some())
    }
}

/// Hashes of model files, kept in the store: 30 MB of graphs need not be read to answer a statement.
struct KeptHashes<'a>(&'a Store);

const FILE_HASHES: &str = "file-hashes";

impl encoder::Hashes for KeptHashes<'_> {
    fn recall(&self, path: &Path) -> Option<(String, [u8; 32])> {
        self.0.record(FILE_HASHES, &path.to_string_lossy()).ok().flatten()
    }

    fn keep(&self, path: &Path, stamp: &str, hash: [u8; 32]) {
        // Without it the file is read again the next time.
        let _ = self.0.put_record(FILE_HASHES, &path.to_string_lossy(), &(stamp.to_owned(), hash));
    }
}

impl Workspace {
    /// Remembers a model that has no folder.
    ///
    /// # Errors
    /// When the name is that of a model with graphs and another hash, or was imported with another hash.
    pub fn register_import(&self, id: &str, hash: Option<&str>) -> Result<ModelRef, Error> {
        let model = self.model_of_import(id, hash)?;
        if self.find_model(id)?.is_none() {
            self.store.put_record(TABLE, id, &Imported { hash: model.hash.clone() })?;
            lock(&self.models).insert(id.to_owned(), model.clone());
        }
        Ok(model)
    }

    /// Whether vectors of `dim` numbers can come into `space`; nothing is remembered.
    ///
    /// # Errors
    /// As [`Workspace::register_import`], and when the model gives vectors of another dimension there.
    pub fn check_import(&self, space: &Space, dim: usize, hash: Option<&str>) -> Result<(), Error> {
        let model = self.model_of_import(&space.model, hash)?;
        match model.model.as_ref().and_then(|model| model.dim(space.modality, space.stage)) {
            Some(own) if own != dim => {
                Err(Diagnostic::new(format!("the vectors have {dim} dimensions, those of `{space}` have {own}"))
                    .hint("vectors of another model go under another model name")
                    .into())
            }
            _ => Ok(()),
        }
    }

    /// The model of vectors that were computed elsewhere, as it is known or would be.
    fn model_of_import(&self, id: &str, hash: Option<&str>) -> Result<ModelRef, Error> {
        match (self.find_model(id)?, hash) {
            (Some(model), None) => Ok(model),
            (Some(model), Some(hash)) if model.hash == hash => Ok(model),
            (Some(model), Some(hash)) => {
                Err(Diagnostic::new(format!("the model `{id}` has hash {}, not {hash}", super::clips::short(&model.hash)))
                    .hint("vectors of another version go under another model name")
                    .into())
            }
            (None, hash) => Ok(ModelRef { id: id.to_owned(), hash: Model::precomputed(id, hash, &[])?.hash, model: None }),
        }
    }

    /// The model of this name.
    ///
    /// # Errors
    /// When there is none, or its folder is broken.
    pub fn model(&self, id: &Spanned<String>) -> Result<ModelRef, Error> {
        if let Some(model) = self.find_model(&id.node)? {
            return Ok(model);
        }
        // A folder of that name whose manifest can't be read is what is meant.
        if let Some((_, fault)) = self.broken_models().into_iter().find(|(name, _)| *name == id.node) {
            return Err(fault.into());
        }
        let known = self.model_ids()?;
        let names = || known.iter().map(String::as_str);
        let fault = Diagnostic::new(format!("unknown model `{}`", id.node)).at(id.span);
        Err(match known.len() {
            0 => fault.expected("a model, of which none was found").hint("`dyad doctor` shows where models are looked for"),
            _ => fault.expected(one_of(names())).suggest(&id.node, names()),
        }
        .into())
    }

    /// Every model that can be named: those with folders, then the imported ones.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn model_ids(&self) -> Result<Vec<String>, Error> {
        let mut ids = self.folder_ids();
        for (id, _) in self.store.records::<Imported>(TABLE)? {
            if !ids.contains(&id) {
                ids.push(id);
            }
        }
        Ok(ids)
    }

    /// The model folders whose manifest can't be read, by the folder's name, and what is wrong: no statement can name them.
    pub fn broken_models(&self) -> Vec<(String, encoder::Error)> {
        let broken = self.folders.list().into_iter().filter_map(|found| Some((found.dir, found.manifest.err()?)));
        let name = |dir: &Path| dir.file_name().unwrap_or(dir.as_os_str()).to_string_lossy().into_owned();
        broken.map(|(dir, fault)| (name(&dir), fault)).collect()
    }

    /// The ids of the models that have a folder.
    fn folder_ids(&self) -> Vec<String> {
        self.folders.list().into_iter().filter_map(|found| found.manifest.ok()).map(|manifest| manifest.id).collect()
    }

    fn find_model(&self, id: &str) -> Result<Option<ModelRef>, Error> {
        if let Some(model) = lock(&self.models).get(id) {
            return Ok(Some(model.clone()));
        }
        let found = if self.folder_ids().iter().any(|known| known == id) {
            let model = Arc::new(self.folders.open_known(id, &KeptHashes(&self.store))?);
            ModelRef { id: id.to_owned(), hash: model.hash.clone(), model: Some(model) }
        } else if let Some(imported) = self.store.record::<Imported>(TABLE, id)? {
            ModelRef { id: id.to_owned(), hash: imported.hash, model: None }
        } else {
            return Ok(None);
        };
        lock(&self.models).insert(id.to_owned(), found.clone());
        Ok(Some(found))
    }

    /// The model of a statement about clips: the one it names, or the only one with vectors of the collection's clips.
    ///
    /// # Errors
    /// When the name is unknown, or none was given and several or no models have vectors there.
    pub fn model_of_clips(
        &self,
        named: Option<&Spanned<String>>,
        collection: &Collection,
        stage: Stage,
    ) -> Result<ModelRef, Error> {
        if let Some(id) = named {
            return self.model(id);
        }
        let spaces = collection.spaces()?;
        let mut ids: Vec<&str> = spaces
            .iter()
            .filter(|s| s.key.space.modality == Modality::Audio && s.key.space.stage == stage)
            .map(|s| s.key.space.model.as_str())
            .collect();
        ids.dedup();
        match ids.as_slice() {
            [only] => self.model(&Spanned::new((*only).to_owned(), Default::default())),
            [] => Err(Diagnostic::new(format!("the collection `{}` has no audio vectors in a {stage} space", collection.name()))
                .hint("`show spaces` lists what is there")
                .into()),
            several => Err(several_models(several)),
        }
    }

    /// The model of a statement about texts alone: the one it names, the only one that can read texts, or the only one
    /// with text vectors.
    ///
    /// # Errors
    /// When the name is unknown, or none was given and the choice is not clear.
    pub fn model_of_texts(&self, named: Option<&Spanned<String>>) -> Result<ModelRef, Error> {
        if let Some(id) = named {
            return self.model(id);
        }
        let folders = self.folder_ids();
        let imported = self.models_with_texts()?;
        match (folders.as_slice(), imported.as_slice()) {
            ([only], _) | ([], [only]) => self.model(&Spanned::new(only.clone(), Default::default())),
            ([], []) => Err(Diagnostic::new("no model was found").hint("`dyad doctor` shows where models are looked for").into()),
            ([], several) | (several, _) => Err(several_models(&several.iter().map(String::as_str).collect::<Vec<_>>())),
        }
    }
}

fn several_models(ids: &[&str]) -> Error {
    Diagnostic::new("several models could answer").expected(format!("`model=NAME` with {}", one_of(ids.iter().copied()))).into()
}
