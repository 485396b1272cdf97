//! Collections, ontologies and prompt sets by name, with the nearest name when there is none.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;

use super::{Error, Workspace, heeding};
use crate::diagnostic::{Diagnostic, Spanned, one_of};
use crate::embedding::Modality;
use crate::ontology::{self, Ontology};
use crate::progress::Progress;
use crate::prompt::{self, PromptSet};
use crate::store::{Collection, CollectionInfo};
use crate::value::Value;

impl Workspace {
    /// The collection of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn collection(&self, name: &Spanned<String>) -> Result<Collection, Error> {
        if let Some(collection) = self.store.collection(&name.node)? {
            return Ok(collection);
        }
        let infos = self.store.collections()?;
        let names: Vec<&str> = infos.iter().map(|c| c.name.as_str()).collect();
        let fault = Diagnostic::new(format!("unknown collection `{}`", name.node)).at(name.span);
        Err(match names.as_slice() {
            [] => fault.expected("a collection, of which the store has none").hint("`dyad ingest DIR` makes one"),
            names => fault.expected(one_of(names.iter().copied())).suggest(&name.node, names.iter().copied()),
        }
        .into())
    }

    /// The collection that a statement is about: the one it names, the one of `use`, or the only one with clips.
    ///
    /// # Errors
    /// When there is none, or several and none was named.
    pub fn collection_or_default(&self, named: Option<&Spanned<String>>, default: Option<&str>) -> Result<Collection, Error> {
        if let Some(name) = named {
            return self.collection(name);
        }
        if let Some(name) = default
            && let Some(collection) = self.store.collection(name)?
        {
            return Ok(collection);
        }
        let infos: Vec<CollectionInfo> =
            self.store.collections()?.into_iter().filter(|c| c.audio > 0 && !super::holds_windows(&c.name)).collect();
        match infos.as_slice() {
            [only] => self.collection(&Spanned::new(only.name.clone(), Default::default())),
            [] => Err(Diagnostic::new("the store holds no clips").hint("`dyad ingest DIR` embeds a folder of audio").into()),
            several => {
                let names = one_of(several.iter().map(|c| c.name.as_str()));
                Err(Diagnostic::new("the store has several collections")
                    .expected(format!("`in COLLECTION` or `use COLLECTION` with {names}"))
                    .into())
            }
        }
    }

    /// Every model id that has vectors of texts in the store, each once.
    pub fn models_with_texts(&self) -> Result<Vec<String>, Error> {
        let mut ids: Vec<String> = self
            .store
            .collections()?
            .into_iter()
            .flat_map(|c| c.spaces)
            .filter(|s| s.key.space.modality == Modality::Text)
            .map(|s| s.key.space.model)
            .collect();
        ids.sort();
        ids.dedup();
        Ok(ids)
    }

    /// Every ontology: the bundled ones, then those in the store's folder `ontologies`.
    ///
    /// # Errors
    /// When a file can't be read as one.
    pub fn ontologies(&self) -> Result<Arc<Vec<Ontology>>, Error> {
        let mut kept = super::lock(&self.ontologies);
        if let Some(all) = &*kept {
            return Ok(Arc::clone(all));
        }
        let fault = |error: &dyn std::fmt::Display| Error::from(Diagnostic::new(error.to_string()));
        let mut all = Vec::new();
        for name in ontology::bundled::names() {
            all.push(ontology::bundled::ontology(name).map_err(|e| fault(&e))?);
        }
        for file in self.files_beside("ontologies") {
            all.push(ontology::read(&file).map_err(|e| fault(&e))?);
        }
        let all = Arc::new(all);
        *kept = Some(Arc::clone(&all));
        Ok(all)
    }

    /// The ontology of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn ontology(&self, name: &Spanned<String>) -> Result<Ontology, Error> {
        let all = self.ontologies()?;
        let names = || all.iter().map(|o| o.name.as_str());
        all.iter().find(|o| o.name.eq_ignore_ascii_case(&name.node)).cloned().ok_or_else(|| {
            let fault = Diagnostic::new(format!("unknown ontology `{}`", name.node)).at(name.span);
            fault.expected(one_of(names())).suggest(&name.node, names()).into()
        })
    }

    /// Every prompt set: the bundled ones, then those in the store's folder `prompts`.
    ///
    /// # Errors
    /// When a file can't be read as one.
    pub fn prompt_sets(&self) -> Result<Vec<PromptSet>, Error> {
        let fault = |error: &dyn std::fmt::Display| Error::from(Diagnostic::new(error.to_string()));
        let mut all = Vec::new();
        for name in prompt::bundled::names() {
            all.push(prompt::bundled::set(name).map_err(|e| fault(&e))?);
        }
        for file in self.files_beside("prompts") {
            all.push(PromptSet::read(&file).map_err(|e| fault(&e))?);
        }
        Ok(all)
    }

    /// The prompt set of this name.
    ///
    /// # Errors
    /// When there is none.
    pub fn prompt_set(&self, name: &Spanned<String>) -> Result<PromptSet, Error> {
        let sets = self.prompt_sets()?;
        let names: Vec<String> = sets.iter().map(|s| s.name.clone()).collect();
        sets.into_iter().find(|s| s.name.eq_ignore_ascii_case(&name.node)).ok_or_else(|| {
            let names = || names.iter().map(String::as_str);
            let fault = Diagnostic::new(format!("unknown prompt set `{}`", name.node)).at(name.span);
            let fault = fault.expected(format!("{}, or prompts in brackets", one_of(names())));
            fault.suggest(&name.node, names()).hint("a prompt of its own has `<>` where the label goes").into()
        })
    }

    /// The labels of a collection: those of its clips, sorted; without any, its texts in their order.
    ///
    /// # Errors
    /// When there is no such collection (`others` are words that would have done), or it has neither; when the user cancels.
    pub fn labels_of(&self, name: &Spanned<String>, others: &[&str], progress: &dyn Progress) -> Result<Vec<String>, Error> {
        let Some(collection) = self.store.collection(&name.node)? else {
            let infos = self.store.collections()?;
            let known = || infos.iter().map(|c| c.name.as_str()).chain(others.iter().copied());
            let fault = Diagnostic::new(format!("unknown labels `{}`", name.node)).at(name.span);
            return Err(fault.expected(one_of(known())).suggest(&name.node, known()).into());
        };
        let (mut labels, mut texts) = (BTreeSet::new(), Vec::new());
        for item in heeding(progress, collection.items()) {
            let item = item?;
            match item.modality {
                Modality::Audio => {
                    let fields = ["label", "labels"].into_iter().filter_map(|field| item.metadata.get(field));
                    labels.extend(fields.flat_map(Value::members).filter_map(Value::as_text).map(str::to_owned));
                }
                Modality::Text => texts.push(item.id),
            }
        }
        let found = if labels.is_empty() { texts } else { Vec::from_iter(labels) };
        if found.is_empty() {
            return Err(Diagnostic::new(format!("the collection `{}` has no labels", name.node)).at(name.span).into());
        }
        Ok(found)
    }

    /// The files in a folder of the store, by name; none where there is no such folder.
    fn files_beside(&self, folder: &str) -> Vec<PathBuf> {
        let entries = self.beside(folder).and_then(|dir| std::fs::read_dir(dir).ok());
        let mut files: Vec<PathBuf> =
            entries.into_iter().flatten().filter_map(|e| e.ok().map(|e| e.path())).filter(|p| p.is_file()).collect();
        files.sort();
        files
    }
}
