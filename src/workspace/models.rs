//! Models by name: a folder with graphs, or only a name under which vectors were imported.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::{Error, Workspace, lock};
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::{Modality, Space, Stage};
use crate::encoder::{self, Model};
use crate::store::{Collection, SpaceInfo, SpaceKey, Store};

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
    /// Where the statement that names it looks for texts first.
    pub home: Home,
}

/// The collections of a statement: their own texts come before those that others hold of the model.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Home {
    /// In the order in which they are asked; none outside of statements.
    pub collections: Vec<String>,
    /// Numbers in a vector of the clips in the joint space: texts of another dimension do not compare with them.
    pub joint: Option<usize>,
}

impl ModelRef {
    /// The model for a statement about texts alone, which reads those of `collections` first.
    #[must_use]
    pub fn reading_first<'a>(self, collections: impl IntoIterator<Item = &'a str>) -> ModelRef {
        let collections = collections.into_iter().map(str::to_owned).collect();
        ModelRef { home: Home { collections, joint: None }, ..self }
    }
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

    /// Whether vectors of `dim` numbers can come into `space` of `collection`; nothing is remembered.
    ///
    /// # Errors
    /// As [`Workspace::register_import`], and when the model gives vectors of another dimension there, or a collection holds
    /// such.
    pub fn check_import(&self, collection: &str, space: &Space, dim: usize, hash: Option<&str>) -> Result<(), Error> {
        let model = self.model_of_import(&space.model, hash)?;
        match model.model.as_ref().and_then(|model| model.dim(space.modality, space.stage)) {
            Some(own) if own != dim => {
                Err(Diagnostic::new(format!("the vectors have {dim} dimensions, those of `{space}` have {own}"))
                    .hint("vectors of another model go under another model name")
                    .into())
            }
            _ => self.check_dimension(collection, space, &model, dim),
        }
    }

    /// Holds that vectors which compare have one dimension: those of one space, and audio and texts of one joint space.
    fn check_dimension(&self, collection: &str, space: &Space, model: &ModelRef, dim: usize) -> Result<(), Error> {
        let infos = self.store.collections()?;
        let alike = |key: &SpaceKey| key.model_hash == model.hash && key.space.comparable(space).is_ok();
        let held = || infos.iter().flat_map(|info| info.spaces.iter().map(move |held| (&info.name, held)));
        let mut held_alike = held().filter(|(_, held)| alike(&held.key));
        let Some((name, other)) = held_alike.find(|(_, held)| held.dim != dim) else { return Ok(()) };
        // Of a store that was mixed before, each collection goes on as it is.
        let goes_on = |held: &SpaceInfo| held.key.space == *space && alike(&held.key) && held.dim == dim;
        if held().any(|(name, held)| name == collection && goes_on(held)) {
            return Ok(());
        }
        let (id, held, has) = (&model.id, &other.key.space, other.dim);
        let what = format!(
            "the collection `{name}` holds vectors of the model `{id}` in `{held}` with {has} dimensions, \
             those given for `{space}` have {dim}"
        );
        Err(Diagnostic::new(what)
            .expected("one dimension in all vectors of a model that compare")
            .hint("vectors of another model go under another name: `--model NAME`")
            .into())
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
            (None, hash) => {
                let hash = Model::precomputed(id, hash, &[])?.hash;
                Ok(ModelRef { id: id.to_owned(), hash, model: None, home: Home::default() })
            }
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
            ModelRef { id: id.to_owned(), hash: model.hash.clone(), model: Some(model), home: Home::default() }
        } else if let Some(imported) = self.store.record::<Imported>(TABLE, id)? {
            ModelRef { id: id.to_owned(), hash: imported.hash, model: None, home: Home::default() }
        } else {
            return Ok(None);
        };
        lock(&self.models).insert(id.to_owned(), found.clone());
        Ok(Some(found))
    }

    /// The model of a statement about clips: the one it names, or the only one with vectors of the collection's clips. It reads
    /// the collection's own texts first.
    ///
    /// # Errors
    /// When the name is unknown, or none was given and several or no models have vectors there.
    pub fn model_of_clips(
        &self,
        named: Option<&Spanned<String>>,
        collection: &Collection,
        stage: Stage,
    ) -> Result<ModelRef, Error> {
        let spaces = collection.spaces()?;
        let model = match named {
            Some(id) => self.model(id)?,
            None => self.only_model_of_clips(collection, &spaces, stage)?,
        };
        let audio = SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::Joint), &model.hash);
        let joint = spaces.iter().find(|space| space.key == audio).map(|space| space.dim);
        Ok(ModelRef { home: Home { collections: vec![collection.name().to_owned()], joint }, ..model })
    }

    fn only_model_of_clips(&self, collection: &Collection, spaces: &[SpaceInfo], stage: Stage) -> Result<ModelRef, Error> {
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::NewItem;

    #[test]
    fn vectors_that_compare_have_one_dimension_in_all_collections() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let model = workspace.register_import("m", None).unwrap();
        let space = |modality, stage| Space::new("m", modality, stage);
        let (audio, text) = (space(Modality::Audio, Stage::Joint), space(Modality::Text, Stage::Joint));
        let pre = space(Modality::Audio, Stage::PreJoint);
        let add = |name: &str, space: &Space, dim: usize| {
            let vectors = vec![(SpaceKey::new(space.clone(), &model.hash), vec![1.0; dim])];
            let item = NewItem { vectors, ..NewItem::new("a", space.modality) };
            workspace.store().open_or_create(name).unwrap().commit(vec![item]).unwrap();
        };
        let check = |name: &str, space: &Space, dim: usize| {
            workspace.check_import(name, space, dim, None).map_err(|fault| fault.to_string())
        };
        add("a", &audio, 2);
        add("a", &pre, 4);
        for space in [&audio, &text] {
            assert_eq!(check("b", space, 2), Ok(()));
            let fault = check("b", space, 3).unwrap_err();
            assert!(fault.contains("the collection `a` holds vectors of the model `m` in `m joint (audio)` with 2"), "{fault}");
            assert!(
                fault.contains(&format!("those given for `{space}` have 3: ")) && fault.contains("`--model NAME`"),
                "{fault}"
            );
        }
        assert_eq!(check("b", &space(Modality::Text, Stage::PreJoint), 5), Ok(()));
        assert!(check("b", &pre, 5).is_err());
        // A store that was mixed before: each collection goes on as it is.
        add("mixed", &audio, 3);
        assert_eq!((check("a", &audio, 2), check("mixed", &audio, 3)), (Ok(()), Ok(())));
        assert!(check("mixed", &audio, 2).is_err() && check("a", &audio, 3).is_err() && check("new", &audio, 2).is_err());
    }
}
