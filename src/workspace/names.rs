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
use crate::store::{Collection, CollectionInfo, SpaceInfo};
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
        let infos = self.collections_of_clips()?;
        match infos.as_slice() {
            [only] => self.collection(&Spanned::new(only.name.clone(), Default::default())),
            [] => Err(Diagnostic::new("the store holds no clips").hint("`dyad ingest DIR` embeds a folder of audio").into()),
            several => Err(which_of("the store has several collections".into(), several.iter().map(|c| c.name.as_str()))),
        }
    }

    /// The collection of a statement that compares vectors of clips: the one that it names, the one of `use`, or the only one with
    /// clips; else the only one that has such vectors (of `model`, if one is named), which the result says.
    ///
    /// Vectors before and after the projection count alike, so that both come from the same collection.
    ///
    /// # Errors
    /// As [`Workspace::collection_or_default`], and when several would do.
    pub fn collection_of_vectors(
        &self,
        named: Option<&Spanned<String>>,
        default: Option<&str>,
        model: Option<&str>,
    ) -> Result<Collection, Error> {
        let usual = self.collection_or_default(named, default);
        let (Err(_), None, Some(model)) = (&usual, named, model) else { return usual };
        let wanted = |info: &SpaceInfo| info.key.space.modality == Modality::Audio && info.key.space.model == model;
        let infos = self.collections_of_clips()?;
        let fit = infos.iter().filter(|info| info.spaces.iter().any(wanted));
        match *fit.map(|info| info.name.as_str()).collect::<Vec<_>>() {
            [] => usual,
            [only] => {
                self.say(format!("the collection is `{only}`, the only one with vectors of clips by the model `{model}`"));
                self.collection(&Spanned::new(only.to_owned(), Default::default()))
            }
            ref several => {
                let fault = format!("several collections have vectors of clips by the model `{model}`");
                Err(which_of(fault, several.iter().copied()))
            }
        }
    }

    /// Every collection with clips, without those of their windows.
    fn collections_of_clips(&self) -> Result<Vec<CollectionInfo>, Error> {
        let mut infos = self.store.collections()?;
        infos.retain(|info| info.audio > 0 && !super::holds_windows(&info.name));
        Ok(infos)
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

/// A choice among collections that is left to the statement.
fn which_of<'a>(fault: String, names: impl Iterator<Item = &'a str>) -> Error {
    Diagnostic::new(fault).expected(format!("`in COLLECTION` or `use COLLECTION` with {}", one_of(names))).into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Space, Stage};
    use crate::store::{NewItem, SpaceKey, Store};

    /// Collections of one clip each; each has vectors of these models.
    fn workspace(collections: &[(&str, &[&str])]) -> Workspace {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        for (name, models) in collections {
            let key = |model: &&str| SpaceKey::new(Space::new(*model, Modality::Audio, Stage::Joint), "hash");
            let vectors = models.iter().map(|model| (key(model), vec![1.0, 0.5])).collect();
            let clip = NewItem { vectors, ..NewItem::new("clip", Modality::Audio) };
            workspace.store().create(name).unwrap().commit(vec![clip]).unwrap();
        }
        workspace
    }

    #[test]
    fn the_only_collection_that_fits_is_taken_and_said() {
        let workspace = workspace(&[("a", &["m"]), ("b", &["n", "o"]), ("c", &["n"])]);
        let chosen = |default: Option<&str>, model: Option<&str>| {
            let found = workspace.collection_of_vectors(None, default, model);
            let said = |fault: Error| match fault {
                Error::Diagnostic(fault) => fault.message.clone(),
                fault => fault.to_string(),
            };
            (found.map(|found| found.name().to_owned()).map_err(said), workspace.said())
        };
        let (found, said) = chosen(None, Some("o"));
        assert_eq!(found, Ok("b".into()));
        assert_eq!(said, ["the collection is `b`, the only one with vectors of clips by the model `o`"]);
        // The one of `use` stays, whatever it lacks.
        assert_eq!(chosen(Some("b"), Some("n")), (Ok("b".into()), vec![]));
        assert_eq!(chosen(Some("c"), Some("m")), (Ok("c".into()), vec![]));
        assert_eq!(chosen(Some("a"), None), (Ok("a".into()), vec![]));
        assert_eq!(chosen(None, Some("n")).0, Err("several collections have vectors of clips by the model `n`".into()));
        assert_eq!(chosen(None, None).0, Err("the store has several collections".into()));
        assert_eq!(chosen(None, Some("x")).0, Err("the store has several collections".into()));
        let named = Spanned::new("a".to_owned(), Default::default());
        let kept = workspace.collection_of_vectors(Some(&named), Some("b"), Some("n")).unwrap();
        assert_eq!((kept.name(), workspace.said()), ("a", vec![]));
    }

    #[test]
    fn those_that_fit_are_named() {
        let fault = workspace(&[("a", &["m"]), ("b", &["n"]), ("c", &["n"])]).collection_of_vectors(None, None, Some("n"));
        let Err(Error::Diagnostic(fault)) = fault else { panic!("two fit") };
        assert_eq!(fault.expected.as_deref(), Some("`in COLLECTION` or `use COLLECTION` with `b` or `c`"));
    }
}
