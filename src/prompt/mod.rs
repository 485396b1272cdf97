//! Prompts: the sentence that a text tower reads in place of a label.
//!
//! ```text
//! "A <> track"                      + french_horn   → A french horn track
//! ismir2024/definition              + french_horn   → The french horn is a brass instrument of coiled …
//! ismir2024/definition-without-label                → The is a brass instrument of coiled …
//! ismir2024/random-context          + french_horn   → french horn …, then random words
//! ```
//!
//! `<>` is the label, with `_` as a space. Sets of prompts are files: see [`set`]. The six of the set `ismir2024` are those of
//! Vasilakis, Bittner, Pauwels, ISMIR 2024.

pub mod bundled;
mod lorem;
mod remove;
pub mod set;

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{did_you_mean, fold};

pub use set::PromptSet;

/// The prompt where none is named.
pub const USUAL: &str = "A <> track";

/// The place of the label in a prompt.
pub const PLACE: &str = "<>";

/// Why a prompt was refused, or gave no sentence.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum PromptError {
    #[error("the prompt `{prompt}` has no place for a label: expected `<>` where the label goes, as in `A <> track`")]
    NoPlace { prompt: String },
    #[error("the prompt `{prompt}` has no sentence for `{label}`: expected one of the {known} labels it defines")]
    NoSentence {
        prompt: String,
        label: String,
        known: usize,
        /// The label that may have been meant.
        nearest: Option<String>,
    },
}

/// A way to put a label into words.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prompt {
    /// Its name within a set; the template itself for one that stands alone.
    pub name: String,
    /// The prompt of the same set that this one spoils on purpose, where it is a control and no paraphrase.
    pub control_of: Option<String>,
    key: String,
    wording: Wording,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Wording {
    Template(String),
    /// The template, then `words` random words.
    RandomContext {
        template: String,
        seed: u64,
        words: usize,
    },
    /// Folded label → a template.
    Definitions(Arc<BTreeMap<String, String>>),
    LabelRemoved(Box<Wording>),
}

impl Prompt {
    /// A prompt that stands alone, such as `A <> track`.
    ///
    /// # Errors
    /// When `<>` is absent.
    ///
    /// ```
    /// use dyad::prompt::Prompt;
    /// let prompt = Prompt::template("A <> track").unwrap();
    /// assert_eq!(prompt.render("french_horn").unwrap(), "A french horn track");
    /// assert!(Prompt::template("A track").is_err());
    /// ```
    pub fn template(text: &str) -> Result<Prompt, PromptError> {
        let wording = Wording::Template(with_place(text)?);
        Ok(Prompt { name: text.to_owned(), control_of: None, key: text.to_owned(), wording })
    }

    /// What identifies the prompt in reports and parameters: the template, or `SET/NAME` where there is no single template.
    ///
    /// The sentences behind `SET/NAME` change with the set's file; a cache of vectors should go by the rendered text.
    pub fn key(&self) -> &str {
        &self.key
    }

    /// Whether the key is the template, which says all that there is to say; else it is a name with sentences behind it.
    pub fn is_written_out(&self) -> bool {
        matches!(self.wording, Wording::Template(_))
    }

    /// The sentence for a label.
    ///
    /// # Errors
    /// When the prompt is a list of definitions and has none for the label.
    pub fn render(&self, label: &str) -> Result<String, PromptError> {
        self.render_as(label, label)
    }

    /// The sentence for a label, with definitions and random words looked up by `entry`: the name of the label's term in the
    /// ontology, where the label is another word for it.
    ///
    /// # Errors
    /// When the prompt is a list of definitions and has none for `entry`.
    ///
    /// ```
    /// let set = dyad::prompt::bundled::set("ismir2024").unwrap();
    /// let definition = set.prompt("definition").unwrap();
    /// assert!(definition.render_as("bass tuba", "tuba").unwrap().starts_with("The bass tuba is the largest"));
    /// ```
    pub fn render_as(&self, label: &str, entry: &str) -> Result<String, PromptError> {
        self.word(&self.wording, &label.replace('_', " "), entry)
    }

    fn word(&self, wording: &Wording, label: &str, entry: &str) -> Result<String, PromptError> {
        match wording {
            Wording::Template(template) => Ok(template.replace(PLACE, label)),
            Wording::RandomContext { template, seed, words } => {
                Ok(format!("{}{}", template.replace(PLACE, label), lorem::words(*seed, &fold(entry), *words)))
            }
            Wording::Definitions(sentences) => {
                let entry = fold(entry);
                let sentence = sentences.get(&entry).ok_or_else(|| PromptError::NoSentence {
                    prompt: self.key.clone(),
                    label: label.to_owned(),
                    known: sentences.len(),
                    nearest: did_you_mean(&entry, sentences.keys().map(String::as_str)).map(str::to_owned),
                })?;
                Ok(sentence.replace(PLACE, label))
            }
            Wording::LabelRemoved(from) => Ok(remove::words_of(label, &self.word(from, label, entry)?)),
        }
    }
}

fn with_place(text: &str) -> Result<String, PromptError> {
    if text.contains(PLACE) { Ok(text.to_owned()) } else { Err(PromptError::NoPlace { prompt: text.to_owned() }) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_place_takes_the_label() {
        let render = |template: &str, label: &str| Prompt::template(template).unwrap().render(label).unwrap();
        assert_eq!(render("<>", "french_horn"), "french horn");
        assert_eq!(render("<> and <>", "trumpet in c"), "trumpet in c and trumpet in c");
        assert_eq!(Prompt::template("A <> track").unwrap().key(), "A <> track");
    }

    #[test]
    fn a_template_without_a_place_is_refused() {
        for text in ["A track", "", "< >"] {
            assert_eq!(Prompt::template(text), Err(PromptError::NoPlace { prompt: text.into() }));
        }
        assert_eq!(
            Prompt::template("A track").unwrap_err().to_string(),
            "the prompt `A track` has no place for a label: expected `<>` where the label goes, as in `A <> track`"
        );
    }

    #[test]
    fn a_missing_definition_names_the_nearest() {
        let set = bundled::set("ismir2024").unwrap();
        let error = set.prompt("definition-without-label").unwrap().render("violim").unwrap_err();
        assert!(matches!(&error, PromptError::NoSentence { nearest: Some(near), .. } if near == "violin"));
        assert_eq!(
            error.to_string(),
            "the prompt `ismir2024/definition-without-label` has no sentence for `violim`: expected one of the 100 labels it defines"
        );
    }
}
