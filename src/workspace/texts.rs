//! Labels as text vectors: imported ones, kept ones, and new ones from the model's text tower.
//!
//! ```text
//!   (model, stage, prompt, label) ─ imported for this prompt? ─ yes → its vector
//!                                          no → the rendered text ─ kept in `texts`? ─ yes → its vector
//!                                                                     no → text tower → both stages kept
//! ```
//!
//! Imported vectors serve the prompt that they were made from and no other; of several collections that hold some, the
//! statement's own comes first (`held`). What a tower reads is kept in the collection [`TEXTS`] under the text itself, so a
//! changed prompt file can't serve an old vector and nothing is read twice.

use std::collections::BTreeSet;
use std::sync::Arc;

use rayon::prelude::*;

use super::held::{Found, Held, space_of_texts};
use super::patience::patiently;
use super::{Error, ModelRef, Workspace, lock};
use crate::diagnostic::{Diagnostic, one_of};
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::encoder::{self, Model, Tower, TowerOutput};
use crate::progress::Progress;
use crate::prompt::{PLACE, Prompt};
use crate::store::NewItem;

/// The collection that keeps what text towers have read.
pub const TEXTS: &str = "texts";
/// Texts that are read between two commits: enough that many are of one length.
const TEXTS_A_COMMIT: usize = 256;

/// Imported texts that a message names.
pub(super) const NAMED: usize = 5;

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

    /// How many of the labels' texts no tower has read yet and nobody imported: what [`Workspace::label_vectors`] would embed.
    ///
    /// # Errors
    /// As [`Workspace::label_vectors`].
    pub fn unread(&self, model: &ModelRef, stage: Stage, prompts: &Prompts, labels: &[String]) -> Result<usize, Error> {
        let kept = self.held(model, stage, PLACE)?;
        let mut unread = BTreeSet::new();
        for prompt in &prompts.0 {
            let imported = self.held(model, stage, prompt.key())?;
            for label in labels.iter().filter(|label| imported.find(&spoken(label)).is_none()) {
                let text = self.render(prompt, label)?;
                if kept.find(&text).is_none() {
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
        let held = self.held(model, stage, prompt.key())?;
        let spoken: Vec<String> = labels.iter().map(|l| spoken(l)).collect();
        let found: Vec<Option<Found<'_>>> = match &model.model {
            Some(_) => spoken.iter().map(|label| held.find(label)).collect(),
            None => self.find_meant(&held, &spoken)?,
        };
        self.note_rivals(model, prompt.key(), &held, found.iter().copied().flatten());
        let mut rows: Vec<Option<Arc<[f32]>>> = found.iter().map(|found| found.map(|found| Arc::clone(found.vector))).collect();
        let missing: Vec<usize> = (0..rows.len()).filter(|&i| rows[i].is_none()).collect();
        if !missing.is_empty() && model.model.is_some() {
            let texts = missing.iter().map(|&i| self.render(prompt, &labels[i])).collect::<Result<Vec<_>, _>>()?;
            let read = self.read_texts(model, stage, &texts, progress)?;
            self.note_cut(model, &texts, prompt.key())?;
            for (&i, text) in missing.iter().zip(&texts) {
                rows[i] = read.find(text).map(|found| Arc::clone(found.vector));
            }
        } else if !missing.is_empty() {
            return Err(self.absent(model, stage, prompt, &spoken, &missing, &held)?.into());
        }
        if let Some((label, _)) = labels.iter().zip(&rows).find(|(_, row)| row.is_none()) {
            let what = format!("the model `{}` has no {stage} vector for `{label}` in the prompt `{}`", model.id, prompt.key());
            return Err(Diagnostic::new(what).expected("one for each label").into());
        }
        let rows: Vec<Arc<[f32]>> = rows.into_iter().flatten().collect();
        let dim = rows.first().map_or(1, |r| r.len());
        if let Some(other) = rows.iter().map(|row| row.len()).find(|other| *other != dim) {
            return Err(of_two_dimensions(&model.id, dim, other).into());
        }
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

    /// The vectors of texts; those that were never read are read now, at both stages, and kept.
    fn read_texts(&self, model: &ModelRef, stage: Stage, texts: &[String], progress: &dyn Progress) -> Result<Held, Error> {
        let known = self.held(model, stage, PLACE)?;
        let mut missing: Vec<&str> = texts.iter().map(String::as_str).filter(|text| known.find(text).is_none()).collect();
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
        let key = |stage| space_of_texts(model, stage, PLACE);
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
        self.held(model, stage, PLACE)
    }

    /// Leaves word of the texts that the model does not read to the end, so that nobody takes their vectors for those of the whole.
    pub(super) fn note_cut(&self, model: &ModelRef, texts: &[String], prompt: &str) -> Result<(), Error> {
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
    ) -> Result<Held, Error> {
        progress.begin("reading texts", Some(missing.len() as u64));
        let mut output = TowerOutput::empty(towers.text_tower()?.dims());
        for batch in missing.chunks(TEXTS_A_COMMIT) {
            output.append(read_patiently(towers, batch, progress)?);
        }
        progress.end();
        for (of, rows) in [(Stage::PreJoint, output.pre_joint), (Stage::Joint, output.joint)] {
            self.hold(model, of, missing, &rows.into_embeddings(Space::new(&model.id, Modality::Text, of))?)?;
        }
        self.held(model, stage, PLACE)
    }

    /// What is said of labels that a model without a text tower has no vectors for: those at `missing`.
    ///
    /// # Errors
    /// When the store can't be read.
    fn absent(
        &self,
        model: &ModelRef,
        stage: Stage,
        prompt: &Prompt,
        labels: &[String],
        missing: &[usize],
        held: &Held,
    ) -> Result<Diagnostic, Error> {
        let prompts = self.imported_prompts(model, stage)?;
        let (id, key) = (&model.id, prompt.key());
        let fault = match (held.is_empty(), held.others.first(), prompts.as_slice()) {
            (true, Some(other), _) => {
                let (collection, dim) = (&other.collection, other.dim);
                let what = format!(
                    "the model `{id}` has {stage} text vectors for the prompt `{key}` only in the collection `{collection}`, \
                     of {dim} dimensions"
                );
                let clips = model.home.collections.first().zip(model.home.joint);
                match clips {
                    Some((clips, dim)) => Diagnostic::new(what).expected(format!("texts of {dim}, as the clips of `{clips}`")),
                    None => Diagnostic::new(what),
                }
            }
            (true, None, []) => Diagnostic::new(format!("the model `{id}` has no text vectors in its {stage} space")),
            (true, None, prompts) => {
                Diagnostic::new(format!("the model `{id}` has no {stage} text vectors for the prompt `{key}`"))
                    .expected(format!("one of the prompts that were imported: {}", one_of(prompts.iter().map(String::as_str))))
                    .suggest(key, prompts.iter().map(String::as_str))
            }
            (false, ..) => {
                let absent: Vec<&str> = missing.iter().filter_map(|&i| labels.get(i)).map(String::as_str).collect();
                let (count, all) = (absent.len(), labels.len());
                let shown = one_of(absent.iter().take(NAMED).copied());
                let what = format!("the model `{id}` has no {stage} text vectors for {count} of {all} labels, such as {shown}");
                Diagnostic::new(what).suggest(absent.first().unwrap_or(&""), held.texts())
            }
        };
        Ok(fault.hint("it has no text graph, so it answers only for texts whose vectors were imported"))
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

/// A label as it is said: `french_horn` is "french horn".
pub fn spoken(label: &str) -> String {
    label.replace('_', " ")
}

/// Reads texts; stops after those at hand when the user cancels.
pub(super) fn read_patiently(towers: &Arc<Model>, batch: &[&str], progress: &dyn Progress) -> Result<TowerOutput, Error> {
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

/// The beginning of a long prompt or text.
pub(super) fn shortened(prompt: &str) -> String {
    match prompt.char_indices().nth(40) {
        Some((end, _)) => format!("{}…", &prompt[..end]),
        None => prompt.to_owned(),
    }
}

fn mean_of_units(all: &[Embeddings]) -> Result<Embeddings, Error> {
    let Some(first) = all.first() else { return Err(Diagnostic::new("an ensemble needs a prompt").into()) };
    if let Some(other) = all.iter().map(Embeddings::dim).find(|other| *other != first.dim()) {
        return Err(of_two_dimensions(&first.space.model, first.dim(), other).into());
    }
    let mut values = vec![0.0f32; first.rows().len()];
    for embeddings in all {
        values.iter_mut().zip(embeddings.rows()).for_each(|(sum, x)| *sum += x);
    }
    Ok(Embeddings::from_rows(first.space.clone(), first.dim(), values)?)
}

fn of_two_dimensions(model: &str, one: usize, other: usize) -> Diagnostic {
    let what = format!("the texts of the model `{model}` have {one} and {other} dimensions");
    Diagnostic::new(what).expected("texts of one dimension").hint("`show spaces` lists them")
}
