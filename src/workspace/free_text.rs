//! A text that a statement looks for, as a vector: what was imported first, then the text tower.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::held::Held;
use super::texts::{NAMED, read_patiently, shortened};
use super::{Error, ModelRef, Workspace};
use crate::diagnostic::{Diagnostic, one_of};
use crate::embedding::{Embeddings, Modality, Space, Stage};
use crate::progress::Progress;
use crate::prompt::PLACE;

impl Workspace {
    /// A free text as a vector of the joint space; it is not kept. One that was imported, by itself or as a label in a prompt,
    /// has the vector that it came with.
    ///
    /// # Errors
    /// When the model has no text tower and the text was not imported, or embedding fails.
    pub fn text_vector(&self, model: &ModelRef, text: &str, progress: &dyn Progress) -> Result<Embeddings, Error> {
        let space = Space::new(&model.id, Modality::Text, Stage::Joint);
        if let Some(vector) = self.held_text(model, text)? {
            return Ok(Embeddings::from_rows(space, vector.len(), vector.to_vec())?);
        }
        let Some(towers) = &model.model else { return Err(self.unreadable(model, text)?.into()) };
        self.note_tower();
        progress.begin("reading texts", Some(1));
        let output = read_patiently(towers, &[text], progress);
        progress.end();
        let output = output?;
        self.note_cut(model, &[text.to_owned()], PLACE)?;
        Ok(output.joint.into_embeddings(space)?)
    }

    /// The vector that is held of a text: first in the statement's own collection, whatever the prompt.
    fn held_text(&self, model: &ModelRef, text: &str) -> Result<Option<Arc<[f32]>>, Error> {
        let mut prompts = self.imported_prompts(model, Stage::Joint)?;
        // The text as it is goes before a label in a prompt.
        prompts.sort_by_key(|prompt| prompt != PLACE);
        let mut chosen: Option<(String, &str, Held)> = None;
        for prompt in prompts {
            let Some(label) = label_in(&prompt, text) else { continue };
            let held = self.held(model, Stage::Joint, &prompt)?;
            let Some(own) = held.find(label).map(|found| held.is_own(&found)) else { continue };
            if own || chosen.is_none() {
                chosen = Some((prompt, label, held));
            }
            if own {
                break;
            }
        }
        let Some((prompt, label, held)) = chosen else { return Ok(None) };
        let found = held.find(label);
        self.note_rivals(model, &prompt, &held, found);
        Ok(found.map(|found| Arc::clone(found.vector)))
    }

    /// What is said of a text that a model without a text tower has no vector for.
    fn unreadable(&self, model: &ModelRef, text: &str) -> Result<Diagnostic, Error> {
        let mut known = BTreeSet::new();
        for prompt in self.imported_prompts(model, Stage::Joint)?.iter().filter(|prompt| prompt.contains(PLACE)) {
            known.extend(self.held(model, Stage::Joint, prompt)?.texts().into_iter().map(|label| prompt.replace(PLACE, label)));
        }
        let fault = Diagnostic::new(format!("the model `{}` has no text graph and can't read `{text}`", model.id));
        let shown: Vec<String> = known.iter().take(NAMED).map(|text| shortened(text)).collect();
        let shown = one_of(shown.iter().map(String::as_str));
        let fault = match known.len() {
            0 => fault,
            few if few <= NAMED => fault.expected(format!("a text whose vector was imported: {shown}")),
            many => fault
                .expected(format!("one of the {many} texts whose vectors were imported, such as {shown}"))
                .hint("`show spaces` lists their prompts and collections, `list labels in COLLECTION` the labels"),
        };
        Ok(fault.suggest(text, known.iter().map(String::as_str)).hint("name a model with graphs: `show models` lists them"))
    }
}

/// The label that makes a prompt this text.
fn label_in<'a>(prompt: &str, text: &'a str) -> Option<&'a str> {
    let start = prompt.find(PLACE)?;
    let places = prompt.matches(PLACE).count();
    let around = prompt.len() - places * PLACE.len();
    let length = text.len().checked_sub(around)? / places;
    let label = text.get(start..start + length)?;
    (prompt.replace(PLACE, label) == text).then_some(label)
}

#[cfg(test)]
mod tests {
    use super::label_in;

    #[test]
    fn a_text_is_a_prompt_with_its_label() {
        assert_eq!(label_in("A <> track", "A violin track"), Some("violin"));
        assert_eq!(label_in("<>", "a bright tuba"), Some("a bright tuba"));
        assert_eq!(label_in("<>, just <>", "oboe d'été, just oboe d'été"), Some("oboe d'été"));
        for (prompt, text) in [
            ("A <> track", "A violin"),
            ("A <> track", "A"),
            ("A <> track", "a violin track"),
            ("<> and <>", "tuba and oboe"),
            ("é<>", "a"),
            ("<>é", "aéa"),
            ("ismir2024/definition", "ismir2024/definition"),
        ] {
            assert_eq!(label_in(prompt, text), None, "{prompt}: {text}");
        }
    }
}
