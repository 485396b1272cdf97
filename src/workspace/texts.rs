//! Labels as text vectors: imported ones, kept ones, and new ones from the model's text tower.
//!
//! ```text
//!   (model, stage, prompt, label) ─ imported for this prompt? ─ yes → its vector
//!                                          no → the rendered text ─ kept in `texts`? ─ yes → its vector
//!                                                                     no → text tower → both stages kept
//! ```
//!
//! Imported vectors serve the prompt that they were made from and no other. What a tower reads is kept in the collection
//! [`TEXTS`] under the text itself, so a changed prompt file can't serve an old vector and nothing is read twice.

use std::collections::HashMap;
use std::sync::Arc;

use rayon::prelude::*;

use super::patience::patiently;
use super::{Error, ModelRef, Workspace, lock};
use crate::diagnostic::{Diagnostic, one_of};
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::encoder::{self, Model, Tower, TowerOutput};
use crate::ontology::TermId;
use crate::progress::Progress;
use crate::prompt::{PLACE, Prompt};
use crate::store::{NewItem, SpaceKey};

/// The collection that keeps what text towers have read.
pub const TEXTS: &str = "texts";
/// Texts that are read between two commits: enough that many are of one length.
const TEXTS_A_COMMIT: usize = 256;

/// The texts of one space: label or text → the vector as the model gave it.
type Known = HashMap<String, Arc<[f32]>>;
/// (model hash, stage, prompt key) → its texts.
pub(super) type Cache = HashMap<(String, Stage, String), Arc<Known>>;

/// One prompt, or several as an ensemble: the mean of the unit vectors, brought to unit length.
#[derive(Debug, Clone, PartialEq)]
pub struct Prompts(pub Vec<Prompt>);

impl Prompts {
    /// The prompts' keys, for provenance.
    pub fn keys(&self) -> Vec<String> {
        self.0.iter().map(|p| p.key().to_owned()).collect()
    }
}

impl Workspace {
    /// One row a label: each label put into the prompt and read by the model's text tower, at `stage`.
    ///
    /// # Errors
    /// When the model has no vectors for the prompt or a label and no text tower to make them; when embedding fails.
    pub fn label_vectors(
        &self,
        model: &ModelRef,
        stage: Stage,
        prompts: &Prompts,
        labels: &[String],
        progress: &dyn Progress,
    ) -> Result<Embeddings, Error> {
        let mut per_prompt = Vec::with_capacity(prompts.0.len());
        for prompt in &prompts.0 {
            per_prompt.push(self.prompt_vectors(model, stage, prompt, labels, progress)?);
        }
        match per_prompt.len() {
            1 => Ok(per_prompt.remove(0)),
            _ => mean_of_units(&per_prompt),
        }
    }

    /// A free text as a vector of the joint space; it is not kept.
    ///
    /// # Errors
    /// When the model has no text tower and the text was not imported, or embedding fails.
    pub fn text_vector(&self, model: &ModelRef, text: &str, progress: &dyn Progress) -> Result<Embeddings, Error> {
        let space = Space::new(&model.id, Modality::Text, Stage::Joint);
        if let Some(vector) = self.known_texts(model, Stage::Joint, PLACE)?.get(text) {
            return Ok(Embeddings::from_rows(space, vector.len(), vector.to_vec())?);
        }
        let Some(towers) = &model.model else {
            let fault = Diagnostic::new(format!("the model `{}` has no text graph and can't read `{text}`", model.id));
            return Err(fault.hint("name a model with graphs: `show models` lists them").into());
        };
        self.note_tower();
        progress.begin("reading texts", Some(1));
        let output = read_patiently(towers, &[text], progress);
        progress.end();
        let output = output?;
        self.note_cut(model, &[text.to_owned()], PLACE)?;
        Ok(output.joint.into_embeddings(space)?)
    }

    /// How many of the labels' texts no tower has read yet and nobody imported: what [`Workspace::label_vectors`] would embed.
    ///
    /// # Errors
    /// As [`Workspace::label_vectors`].
    pub fn unread(&self, model: &ModelRef, stage: Stage, prompts: &Prompts, labels: &[String]) -> Result<usize, Error> {
        let kept = self.known_texts(model, stage, PLACE)?;
        let mut unread = std::collections::BTreeSet::new();
        for prompt in &prompts.0 {
            let imported = self.known_texts(model, stage, prompt.key())?;
            for label in labels.iter().filter(|label| !imported.contains_key(&spoken(label))) {
                let text = self.render(prompt, label)?;
                if !kept.contains_key(&text) {
                    unread.insert(text);
                }
            }
        }
        Ok(unread.len())
    }

    fn prompt_vectors(
        &self,
        model: &ModelRef,
        stage: Stage,
        prompt: &Prompt,
        labels: &[String],
        progress: &dyn Progress,
    ) -> Result<Embeddings, Error> {
        let imported = self.known_texts(model, stage, prompt.key())?;
        let spoken: Vec<String> = labels.iter().map(|l| spoken(l)).collect();
        let mut rows: Vec<Option<Arc<[f32]>>> = spoken.iter().map(|l| imported.get(l).cloned()).collect();
        let missing: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_none()).collect();
        if !missing.is_empty() && model.model.is_some() {
            let texts = missing.iter().map(|&i| self.render(prompt, &labels[i])).collect::<Result<Vec<_>, _>>()?;
            let read = self.read_texts(model, stage, &texts, progress)?;
            self.note_cut(model, &texts, prompt.key())?;
            for (&i, text) in missing.iter().zip(&texts) {
                rows[i] = read.get(text).cloned();
            }
        } else if !missing.is_empty() {
            self.match_aliases(model, stage, prompt, &spoken, &imported, &mut rows)?;
        }
        if let Some((label, _)) = labels.iter().zip(&rows).find(|(_, row)| row.is_none()) {
            let what = format!("the model `{}` has no {stage} vector for `{label}` in the prompt `{}`", model.id, prompt.key());
            return Err(Diagnostic::new(what).expected("one for each label").into());
        }
        let rows: Vec<Arc<[f32]>> = rows.into_iter().flatten().collect();
        let dim = rows.first().map_or(1, |r| r.len());
        let values = rows.iter().flat_map(|row| row.iter().copied()).collect();
        Ok(Embeddings::from_rows(Space::new(&model.id, Modality::Text, stage), dim, values)?)
    }

    /// The sentence of a prompt for a label; definitions are looked up by the label's term where it is another word for it.
    pub(super) fn render(&self, prompt: &Prompt, label: &str) -> Result<String, Error> {
        let ontologies = self.ontologies()?;
        let rendered = prompt.render(label).or_else(|first| {
            let entry = ontologies.iter().find_map(|o| o.meant(label).map(|term| &o.term(term).name));
            entry.map_or(Err(first), |entry| prompt.render_as(label, entry))
        });
        rendered.map_err(|error| Diagnostic::new(error.to_string()).into())
    }

    /// Everything that has a vector for a prompt.
    pub(super) fn known_texts(&self, model: &ModelRef, stage: Stage, prompt: &str) -> Result<Arc<Known>, Error> {
        let cached = (model.hash.clone(), stage, prompt.to_owned());
        if let Some(known) = lock(&self.texts).get(&cached) {
            return Ok(Arc::clone(known));
        }
        let space = Space::new(&model.id, Modality::Text, stage);
        let wanted = SpaceKey::new(space, &model.hash).with_prompt(prompt);
        let mut known = Known::new();
        for info in self.store.collections()? {
            if !info.spaces.iter().any(|s| s.key == wanted) {
                continue;
            }
            let Some(collection) = self.store.collection(&info.name)? else { continue };
            let (seqs, vectors) = collection.vectors(&wanted)?;
            let read = info.name == TEXTS && prompt == PLACE;
            for (row, seq) in seqs.into_iter().enumerate() {
                if let Some(item) = collection.item(seq)? {
                    // A text is what the tower read; only of labels does `_` mean a space.
                    let text = if read { item.id } else { spoken(&item.id) };
                    known.insert(text, as_given(&vectors, row));
                }
            }
        }
        let known = Arc::new(known);
        lock(&self.texts).insert(cached, Arc::clone(&known));
        Ok(known)
    }

    /// The vectors of texts; those that were never read are read now, at both stages, and kept.
    fn read_texts(&self, model: &ModelRef, stage: Stage, texts: &[String], progress: &dyn Progress) -> Result<Arc<Known>, Error> {
        let known = self.known_texts(model, stage, PLACE)?;
        let mut missing: Vec<&str> = texts.iter().map(String::as_str).filter(|t| !known.contains_key(*t)).collect();
        missing.sort_unstable();
        missing.dedup();
        let Some(towers) = model.model.as_ref().filter(|_| !missing.is_empty()) else { return Ok(known) };
        self.note_tower();
        if self.store.writable().is_err() {
            return self.read_passing(model, stage, towers, &missing, progress);
        }
        let collection = self.store.open_or_create(TEXTS)?;
        for info in collection.spaces()? {
            // What another version of the model read is of no use.
            if info.key.space.model == model.id && info.key.model_hash != model.hash {
                collection.drop_space(&info.key)?;
            }
        }
        let key = |stage| SpaceKey::new(Space::new(&model.id, Modality::Text, stage), &model.hash).with_prompt(PLACE);
        progress.begin("reading texts", Some(missing.len() as u64));
        for batch in missing.chunks(TEXTS_A_COMMIT) {
            let output = read_patiently(towers, batch, progress)?;
            let items = batch.iter().enumerate().map(|(i, text)| NewItem {
                vectors: vec![
                    (key(Stage::PreJoint), output.pre_joint.row(i).to_vec()),
                    (key(Stage::Joint), output.joint.row(i).to_vec()),
                ],
                ..NewItem::new(*text, Modality::Text)
            });
            collection.commit(items.collect())?;
        }
        progress.end();
        self.forget_texts();
        self.known_texts(model, stage, PLACE)
    }

    /// Leaves word of the texts that the model does not read to the end, so that nobody takes their vectors for those of the whole.
    fn note_cut(&self, model: &ModelRef, texts: &[String], prompt: &str) -> Result<(), Error> {
        let Some(tower) = model.model.as_ref().and_then(|towers| towers.text.as_ref()) else { return Ok(()) };
        let cut: Vec<bool> = texts.par_iter().map(|text| tower.cuts(text)).collect::<Result<_, _>>()?;
        let count = cut.iter().filter(|cut| **cut).count();
        if count > 0 {
            let (all, most, id) = (texts.len(), tower.spec().max_tokens, &model.id);
            let with = if prompt == PLACE { String::new() } else { format!(" with the prompt `{}`", shortened(prompt)) };
            let texts = if all == 1 { "the text is".to_owned() } else { format!("{count} of {all} texts{with} are") };
            self.say(format!("{texts} longer than the {most} tokens that `{id}` reads: the rest was cut off"));
        }
        Ok(())
    }

    /// Reads texts beside a store that takes none: they are kept in memory.
    fn read_passing(
        &self,
        model: &ModelRef,
        stage: Stage,
        towers: &Arc<Model>,
        missing: &[&str],
        progress: &dyn Progress,
    ) -> Result<Arc<Known>, Error> {
        progress.begin("reading texts", Some(missing.len() as u64));
        let mut output = TowerOutput::empty(towers.text_tower()?.dims());
        for batch in missing.chunks(TEXTS_A_COMMIT) {
            output.append(read_patiently(towers, batch, progress)?);
        }
        progress.end();
        for (of, rows) in [(Stage::PreJoint, output.pre_joint), (Stage::Joint, output.joint)] {
            let vectors = rows.into_embeddings(Space::new(&model.id, Modality::Text, of))?;
            let mut known = (*self.known_texts(model, of, PLACE)?).clone();
            known.extend(missing.iter().enumerate().map(|(row, text)| ((*text).to_owned(), as_given(&vectors, row))));
            lock(&self.texts).insert((model.hash.clone(), of, PLACE.to_owned()), Arc::new(known));
        }
        self.known_texts(model, stage, PLACE)
    }

    /// For a model without a text tower: an imported label may be another name of the one that is asked for.
    fn match_aliases(
        &self,
        model: &ModelRef,
        stage: Stage,
        prompt: &Prompt,
        labels: &[String],
        imported: &Known,
        rows: &mut [Option<Arc<[f32]>>],
    ) -> Result<(), Error> {
        let ontologies = self.ontologies()?;
        let terms = |label: &str| -> Vec<(usize, TermId)> {
            ontologies.iter().enumerate().filter_map(|(i, ontology)| Some((i, ontology.meant(label)?))).collect()
        };
        let mut texts: Vec<(&String, &Arc<[f32]>)> = imported.iter().collect();
        texts.sort_unstable_by_key(|(text, _)| *text);
        // Of several texts for one term the first is taken.
        let mut known: HashMap<(usize, TermId), &Arc<[f32]>> = HashMap::new();
        for (text, vector) in texts {
            for term in terms(text) {
                known.entry(term).or_insert(vector);
            }
        }
        let mut absent: Vec<&str> = Vec::new();
        for (label, row) in labels.iter().zip(rows.iter_mut()).filter(|(_, row)| row.is_none()) {
            *row = terms(label).iter().find_map(|term| known.get(term).map(|vector| Arc::clone(vector)));
            if row.is_none() {
                absent.push(label);
            }
        }
        let Some(first) = absent.first() else { return Ok(()) };
        let prompts = self.imported_prompts(model, stage)?;
        let id = &model.id;
        let fault = match (imported.is_empty(), prompts.as_slice()) {
            (true, []) => Diagnostic::new(format!("the model `{id}` has no text vectors in its {stage} space")),
            (true, prompts) => {
                Diagnostic::new(format!("the model `{id}` has no {stage} text vectors for the prompt `{}`", prompt.key()))
                    .expected(format!("one of the prompts that were imported: {}", one_of(prompts.iter().map(String::as_str))))
                    .suggest(prompt.key(), prompts.iter().map(String::as_str))
            }
            (false, _) => {
                let (count, all) = (absent.len(), labels.len());
                let shown = one_of(absent.iter().take(5).copied());
                let what = format!("the model `{id}` has no {stage} text vectors for {count} of {all} labels, such as {shown}");
                Diagnostic::new(what).suggest(first, imported.keys().map(String::as_str))
            }
        };
        Err(fault.hint("it has no text graph, so it answers only for texts whose vectors were imported").into())
    }

    /// The prompts for which a model has text vectors at `stage`.
    ///
    /// # Errors
    /// When the store can't be read.
    pub fn imported_prompts(&self, model: &ModelRef, stage: Stage) -> Result<Vec<String>, Error> {
        let space = Space::new(&model.id, Modality::Text, stage);
        let spaces = self.store.collections()?.into_iter().flat_map(|c| c.spaces);
        let mut prompts: Vec<String> = spaces.filter(|s| s.key.space == space).filter_map(|s| s.key.prompt).collect();
        prompts.sort();
        prompts.dedup();
        Ok(prompts)
    }

    /// Drops what is remembered of text vectors, after an import.
    pub fn forget_texts(&self) {
        lock(&self.texts).clear();
    }
}

/// A row with the norm that it had.
fn as_given(vectors: &Embeddings, row: usize) -> Arc<[f32]> {
    vectors.row(row).iter().map(|x| x * vectors.norm(row)).collect()
}

/// A label as it is said: `french_horn` is "french horn".
pub fn spoken(label: &str) -> String {
    label.replace('_', " ")
}

/// Reads texts; stops after those at hand when the user cancels.
fn read_patiently(towers: &Arc<Model>, batch: &[&str], progress: &dyn Progress) -> Result<TowerOutput, Error> {
    let towers = Arc::clone(towers);
    let texts: Vec<String> = batch.iter().map(|text| (*text).to_owned()).collect();
    towers.text_tower()?;
    patiently(progress, move |away| {
        let tower = towers.text_tower()?;
        let go_on = |texts: usize| {
            away.advance(texts as u64);
            !away.is_gone()
        };
        tower.embed_while(&texts.iter().map(String::as_str).collect::<Vec<_>>(), &go_on)
    })?
    .map_err(|error: encoder::Error| error.into())
}

/// The beginning of a long prompt.
fn shortened(prompt: &str) -> String {
    match prompt.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &prompt[..end]),
        None => prompt.to_owned(),
    }
}

fn mean_of_units(all: &[Embeddings]) -> Result<Embeddings, Error> {
    let Some(first) = all.first() else { return Err(Diagnostic::new("an ensemble needs a prompt").into()) };
    let mut values = vec![0.0f32; first.rows().len()];
    for embeddings in all {
        values.iter_mut().zip(embeddings.rows()).for_each(|(sum, x)| *sum += x);
    }
    Ok(Embeddings::from_rows(first.space.clone(), first.dim(), values)?)
}
