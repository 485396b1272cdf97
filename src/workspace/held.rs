//! Text vectors that are there, by the collection that holds them.
//!
//! ```text
//!   text ─ the statement's own collection ─ the others, by name ─ `texts`, what towers have read
//! ```
//!
//! The first that holds the text gives its vector. Where no collection is the statement's own and several hold different vectors,
//! the result says whose were used. Vectors of another dimension than the clips' do not compare with them and are passed over.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use super::texts::{TEXTS, shortened, spoken};
use super::{Error, ModelRef, Workspace, lock};
use crate::diagnostic::one_of;
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::ontology::TermId;
use crate::prompt::PLACE;
use crate::store::SpaceKey;

/// What one collection holds of the texts of one space and prompt.
#[derive(Clone)]
pub(super) struct Holder {
    pub collection: String,
    /// Numbers in a vector.
    pub dim: usize,
    /// Label or text → the vector as the model gave it.
    texts: HashMap<String, Arc<[f32]>>,
}

/// The space of texts of a prompt → who holds some, by name, [`TEXTS`] last.
pub(super) type Cache = HashMap<SpaceKey, Vec<Arc<Holder>>>;

/// What a statement can read of the texts of one space and prompt.
pub(super) struct Held {
    /// In the order in which they are asked; their vectors are of one dimension.
    holders: Vec<Arc<Holder>>,
    /// Those whose vectors are of another.
    pub others: Vec<Arc<Holder>>,
    /// The statement's own collections, in the order in which they are asked.
    own: Vec<String>,
    /// Whether the dimension is that of clips.
    of_clips: bool,
}

/// A text that is held.
#[derive(Clone, Copy)]
pub(super) struct Found<'a> {
    pub vector: &'a Arc<[f32]>,
    text: &'a str,
    holder: &'a Holder,
}

impl Holder {
    fn find(&self, text: &str) -> Option<Found<'_>> {
        let (text, vector) = self.texts.get_key_value(text)?;
        Some(Found { vector, text, holder: self })
    }
}

impl Held {
    fn new(mut holders: Vec<Arc<Holder>>, own: &[String], of_clips: Option<usize>) -> Held {
        // The others stay in their order.
        holders.sort_by_key(|holder| own.iter().position(|own| *own == holder.collection).unwrap_or(own.len()));
        let dim = of_clips.or(holders.first().map(|holder| holder.dim));
        let (holders, others) = holders.into_iter().partition(|holder| Some(holder.dim) == dim);
        Held { holders, others, own: own.to_vec(), of_clips: of_clips.is_some() }
    }

    pub fn is_empty(&self) -> bool {
        self.holders.is_empty()
    }

    pub fn find(&self, text: &str) -> Option<Found<'_>> {
        self.holders.iter().find_map(|holder| holder.find(text))
    }

    /// Every text that is held, once.
    pub fn texts(&self) -> BTreeSet<&str> {
        self.holders.iter().flat_map(|holder| holder.texts.keys()).map(String::as_str).collect()
    }

    /// Whether a text came from a collection of the statement's own.
    pub fn is_own(&self, found: &Found<'_>) -> bool {
        self.owns(found.holder)
    }

    fn owns(&self, holder: &Holder) -> bool {
        self.own.contains(&holder.collection)
    }

    /// The collections that hold another vector of a text, where none has a right before the one that gave it.
    fn rivals(&self, found: &Found<'_>) -> Vec<&str> {
        if self.is_own(found) {
            return Vec::new();
        }
        // What has another dimension than clips is no choice at all; among texts alone it is.
        let misfits = self.others.iter().filter(|_| !self.of_clips);
        let differs = |holder: &&Arc<Holder>| holder.find(found.text).is_some_and(|other| other.vector != found.vector);
        let all = self.holders.iter().chain(misfits).filter(|holder| holder.collection != TEXTS);
        all.filter(differs).map(|holder| holder.collection.as_str()).collect()
    }
}

impl Workspace {
    /// The texts that have vectors for a prompt, as a statement of `model` reads them.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) fn held(&self, model: &ModelRef, stage: Stage, prompt: &str) -> Result<Held, Error> {
        let holders = self.holders(&space_of_texts(model, stage, prompt))?;
        let of_clips = model.home.joint.filter(|_| stage == Stage::Joint);
        Ok(Held::new(holders, &model.home.collections, of_clips))
    }

    /// Who holds texts of a space; read once.
    fn holders(&self, key: &SpaceKey) -> Result<Vec<Arc<Holder>>, Error> {
        if let Some(holders) = lock(&self.texts).get(key) {
            return Ok(holders.clone());
        }
        let mut holders = Vec::new();
        for info in self.store.collections()? {
            let Some(dim) = info.spaces.iter().find(|space| space.key == *key).map(|space| space.dim) else { continue };
            let Some(collection) = self.store.collection(&info.name)? else { continue };
            let (seqs, vectors) = collection.vectors(key)?;
            // A text is what the tower read; only of labels does `_` mean a space.
            let read = info.name == TEXTS && key.prompt.as_deref() == Some(PLACE);
            let mut texts = HashMap::with_capacity(seqs.len());
            for (row, seq) in seqs.into_iter().enumerate() {
                if let Some(item) = collection.item(seq)? {
                    let text = if read { item.id } else { spoken(&item.id) };
                    texts.insert(text, as_given(&vectors, row));
                }
            }
            if !texts.is_empty() {
                holders.push(Arc::new(Holder { collection: info.name, dim, texts }));
            }
        }
        // The others are by name, as the store gives them.
        holders.sort_by_key(|holder| holder.collection == TEXTS);
        lock(&self.texts).insert(key.clone(), holders.clone());
        Ok(holders)
    }

    /// Adds what was read beside a store that takes none.
    ///
    /// # Errors
    /// When the store can't be read.
    pub(super) fn hold(&self, model: &ModelRef, stage: Stage, texts: &[&str], vectors: &Embeddings) -> Result<(), Error> {
        let key = space_of_texts(model, stage, PLACE);
        let mut holders = self.holders(&key)?;
        let mut kept = match holders.pop_if(|last| last.collection == TEXTS) {
            Some(kept) => (*kept).clone(),
            None => Holder { collection: TEXTS.to_owned(), dim: vectors.dim(), texts: HashMap::new() },
        };
        kept.texts.extend(texts.iter().enumerate().map(|(row, text)| ((*text).to_owned(), as_given(vectors, row))));
        holders.push(Arc::new(kept));
        lock(&self.texts).insert(key, holders);
        Ok(())
    }

    /// For a model that reads nothing: the text of each label, or one that is another name of it. A collection is asked for both
    /// before the next one is.
    ///
    /// # Errors
    /// When the ontologies can't be read.
    pub(super) fn find_meant<'a>(&self, held: &'a Held, labels: &[String]) -> Result<Vec<Option<Found<'a>>>, Error> {
        let mut found: Vec<Option<Found<'a>>> = vec![None; labels.len()];
        for holder in &held.holders {
            for (label, place) in labels.iter().zip(&mut found).filter(|(_, place)| place.is_none()) {
                *place = holder.find(label);
            }
            if found.iter().all(Option::is_some) {
                break;
            }
            let ontologies = self.ontologies()?;
            let terms = |label: &str| -> Vec<(usize, TermId)> {
                ontologies.iter().enumerate().filter_map(|(i, ontology)| Some((i, ontology.meant(label)?))).collect()
            };
            let mut texts: Vec<&str> = holder.texts.keys().map(String::as_str).collect();
            texts.sort_unstable();
            // Of several texts for one term the first is taken.
            let mut known: HashMap<(usize, TermId), &str> = HashMap::new();
            for text in texts {
                for term in terms(text) {
                    known.entry(term).or_insert(text);
                }
            }
            for (label, place) in labels.iter().zip(&mut found).filter(|(_, place)| place.is_none()) {
                *place = terms(label).iter().find_map(|term| holder.find(known.get(term)?));
            }
        }
        Ok(found)
    }

    /// Leaves word of texts of which several collections hold different vectors, and whose were used.
    pub(super) fn note_rivals<'a>(
        &self,
        model: &ModelRef,
        prompt: &str,
        held: &'a Held,
        found: impl IntoIterator<Item = Found<'a>>,
    ) {
        let mut used: BTreeMap<&str, (BTreeSet<&str>, Vec<&str>)> = BTreeMap::new();
        for found in found {
            let rivals = held.rivals(&found);
            if !rivals.is_empty() {
                let (others, texts) = used.entry(found.holder.collection.as_str()).or_default();
                others.extend(rivals);
                texts.push(found.text);
            }
        }
        for (collection, (others, texts)) in used {
            let what = match texts.as_slice() {
                [only] => format!("`{}`", shortened(only)),
                several => format!("{} texts such as `{}`", several.len(), shortened(several.first().unwrap_or(&""))),
            };
            let (prompt, id, others) = (shortened(prompt), &model.id, one_of(others));
            let way = if held.of_clips { "" } else { "; `use COLLECTION` says whose come first" };
            self.say(format!(
                "several collections hold different vectors of {what} by the model `{id}` with the prompt `{prompt}`: \
                 those of `{collection}` were used, not those of {others}{way}"
            ));
        }
    }
}

/// The space of the texts that were made from a prompt.
pub(super) fn space_of_texts(model: &ModelRef, stage: Stage, prompt: &str) -> SpaceKey {
    SpaceKey::new(Space::new(&model.id, Modality::Text, stage), &model.hash).with_prompt(prompt)
}

/// A row with the norm that it had.
fn as_given(vectors: &Embeddings, row: usize) -> Arc<[f32]> {
    vectors.row(row).iter().map(|x| x * vectors.norm(row)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{NewItem, Store};

    /// Collections of texts of the model `m` for one prompt: collection, text, vector.
    fn workspace(prompt: &str, texts: &[(&str, &str, [f32; 2])]) -> (Workspace, ModelRef) {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let model = workspace.register_import("m", None).unwrap();
        let key = space_of_texts(&model, Stage::Joint, prompt);
        for (name, id, vector) in texts {
            let item = NewItem { vectors: vec![(key.clone(), vector.to_vec())], ..NewItem::new(*id, Modality::Text) };
            workspace.store().open_or_create(name).unwrap().commit(vec![item]).unwrap();
        }
        (workspace, model)
    }

    /// Who gives the vector of a text, and which.
    fn given(found: Option<Found<'_>>) -> (String, Vec<f32>) {
        let found = found.unwrap();
        (found.holder.collection.clone(), found.vector.to_vec())
    }

    #[test]
    fn what_a_tower_read_is_asked_last() {
        let texts =
            [(TEXTS, "a_b", [1.0, 0.0]), (TEXTS, "tuba", [1.0, 0.0]), ("z", "tuba", [0.0, 2.0]), ("z", "a_b", [0.0, 1.0])];
        let (workspace, model) = workspace(PLACE, &texts);
        let held = workspace.held(&model, Stage::Joint, PLACE).unwrap();
        assert_eq!(given(held.find("tuba")), ("z".into(), vec![0.0, 2.0]));
        // Only of labels does `_` mean a space.
        assert_eq!(given(held.find("a_b")), (TEXTS.into(), vec![1.0, 0.0]));
        assert_eq!(given(held.find("a b")), ("z".into(), vec![0.0, 1.0]));
        assert_eq!(Vec::from_iter(held.texts()), ["a b", "a_b", "tuba"]);
        // An import goes before a tower, and nothing need be said of it.
        workspace.note_rivals(&model, PLACE, &held, held.find("tuba"));
        assert_eq!(workspace.said(), Vec::<String>::new());
        let passing = Embeddings::from_rows(Space::new("m", Modality::Text, Stage::Joint), 2, vec![0.0, 4.0]).unwrap();
        workspace.hold(&model, Stage::Joint, &["oboe"], &passing).unwrap();
        let held = workspace.held(&model, Stage::Joint, PLACE).unwrap();
        assert_eq!(given(held.find("oboe")), (TEXTS.into(), vec![0.0, 4.0]));
        assert_eq!(given(held.find("tuba")), ("z".into(), vec![0.0, 2.0]));
    }

    #[test]
    fn another_name_in_the_own_collection_goes_before_the_label_in_others() {
        let texts = [("a", "cello", [1.0, 0.0]), ("z", "violoncello", [0.0, 1.0])];
        let (workspace, model) = workspace("A <> track", &texts);
        let meant = |model: &ModelRef| {
            let held = workspace.held(model, Stage::Joint, "A <> track").unwrap();
            given(workspace.find_meant(&held, &["cello".to_owned()]).unwrap()[0]).0
        };
        assert_eq!(meant(&model), "a");
        assert_eq!(meant(&model.clone().reading_first(["z"])), "z");
        assert_eq!(meant(&model.reading_first(["a", "z"])), "a");
    }
}
