//! Sets of prompts, read from TOML.
//!
//! ```toml
//! name = "mine"
//! description = "What the set is for"
//! source = "Where its words come from"
//!
//! [[prompt]]
//! name = "track"
//! template = "A <> track"
//!
//! [[prompt]]
//! name = "context"
//! template = "<> "
//! random_context = { seed = 1, words = 12 }
//!
//! [[prompt]]
//! name = "definition"
//! definitions = { violin = "The <> is a small bowed instrument." }
//!
//! [[prompt]]
//! name = "definition-without-label"
//! label_removed_from = "definition"
//! control_of = "definition"
//! ```
//!
//! A prompt has exactly one of `template`, `definitions`, `label_removed_from`. What it is removed from stands earlier, as does
//! what it is a `control_of`: the prompt that it spoils on purpose, so that it does not count as a paraphrase.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use serde::Deserialize;

use super::{Prompt, PromptError, Wording, with_place};
use crate::diagnostic::fold;
use crate::diagnostic::{did_you_mean, one_of};

/// Most random words that a prompt may take.
const MOST_WORDS: usize = 1000;

/// Named prompts in order: what a sweep runs through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PromptSet {
    /// The word that statements use (`prompts=ismir2024`).
    pub name: String,
    pub description: String,
    pub source: String,
    pub prompts: Vec<Prompt>,
}

/// Why a file gave no prompt set, or a set no prompt.
#[derive(Debug, thiserror::Error)]
pub enum SetError {
    #[error("`{path}` cannot be read: {error}")]
    Io { path: String, error: std::io::Error },
    /// `line` counts from 1.
    #[error("the prompt set `{origin}` cannot be read at line {line}: {problem}")]
    Toml { origin: String, line: usize, problem: String },
    #[error("the prompt set `{origin}` cannot be read: {problem}")]
    Wrong { origin: String, problem: String },
    #[error("the prompt set `{set}` has no prompt `{name}`: expected {}", one_of(known.iter().map(String::as_str)))]
    NoPrompt { set: String, name: String, known: Vec<String> },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct SetFile {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    source: String,
    prompt: Vec<PromptEntry>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct PromptEntry {
    name: String,
    template: Option<String>,
    random_context: Option<RandomContext>,
    definitions: Option<BTreeMap<String, String>>,
    label_removed_from: Option<String>,
    control_of: Option<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct RandomContext {
    seed: u64,
    words: usize,
}

impl PromptSet {
    /// Reads a file.
    ///
    /// # Errors
    /// When it cannot be read, or as [`PromptSet::parse`].
    pub fn read(path: &Path) -> Result<PromptSet, SetError> {
        let shown = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| SetError::Io { path: shown.clone(), error })?;
        PromptSet::parse(&shown, &text)
    }

    /// Reads a text; `origin` stands in messages.
    ///
    /// # Errors
    /// When it is not TOML of this form, a prompt lacks its place for the label, or a name stands twice.
    pub fn parse(origin: &str, text: &str) -> Result<PromptSet, SetError> {
        let file: SetFile = toml::from_str(text).map_err(|error| {
            let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
            let problem = error.message().lines().collect::<Vec<_>>().join(", ");
            SetError::Toml { origin: origin.to_owned(), line: before.matches('\n').count() + 1, problem }
        })?;
        let wrong = |problem: String| SetError::Wrong { origin: origin.to_owned(), problem };
        let mut set = PromptSet { name: file.name, description: file.description, source: file.source, prompts: Vec::new() };
        for entry in file.prompt {
            if set.prompts.iter().any(|prompt| prompt.name == entry.name) {
                return Err(wrong(format!("the prompt `{}` stands twice: expected each name once", entry.name)));
            }
            let prompt = set.read_entry(entry).map_err(wrong)?;
            set.prompts.push(prompt);
        }
        if set.prompts.is_empty() {
            return Err(wrong("there are no prompts: expected at least one `[[prompt]]`".into()));
        }
        Ok(set)
    }

    /// The prompt of this name.
    ///
    /// # Errors
    /// When the set has none.
    pub fn prompt(&self, name: &str) -> Result<&Prompt, SetError> {
        self.prompts.iter().find(|prompt| prompt.name == name).ok_or_else(|| SetError::NoPrompt {
            set: self.name.clone(),
            name: name.to_owned(),
            known: self.prompts.iter().map(|prompt| prompt.name.clone()).collect(),
        })
    }

    fn read_entry(&self, entry: PromptEntry) -> Result<Prompt, String> {
        let name = entry.name;
        let problem = |error: PromptError| format!("in `{name}`, {error}");
        let wording = match (entry.template, entry.definitions, entry.label_removed_from, entry.random_context) {
            (Some(template), None, None, None) => Wording::Template(with_place(&template).map_err(problem)?),
            (Some(_), None, None, Some(context)) if context.words > MOST_WORDS => {
                return Err(format!("`{name}` asks for {} random words: expected at most {MOST_WORDS}", context.words));
            }
            (Some(template), None, None, Some(RandomContext { seed, words })) => {
                Wording::RandomContext { template: with_place(&template).map_err(problem)?, seed, words }
            }
            (None, Some(sentences), None, None) => {
                let mut folded = BTreeMap::new();
                for (label, sentence) in sentences {
                    if folded.insert(fold(&label), with_place(&sentence).map_err(problem)?).is_some() {
                        return Err(format!("`{name}` defines `{label}` twice: expected one sentence a label"));
                    }
                }
                Wording::Definitions(Arc::new(folded))
            }
            (None, None, Some(from), None) => {
                let earlier = self.earlier(&from, &format!("`{name}` takes its label out of"))?;
                Wording::LabelRemoved(Box::new(earlier.wording.clone()))
            }
            _ => {
                return Err(format!(
                    "`{name}` is not one kind of prompt: expected one of `template`, `definitions` and \
                     `label_removed_from`, and `random_context` only with `template`"
                ));
            }
        };
        let key = match &wording {
            Wording::Template(template) => template.clone(),
            _ => format!("{}/{name}", self.name),
        };
        if let Some(base) = &entry.control_of {
            self.earlier(base, &format!("`{name}` is a control of"))?;
        }
        Ok(Prompt { name, control_of: entry.control_of, key, wording })
    }

    fn earlier(&self, name: &str, what: &str) -> Result<&Prompt, String> {
        self.prompts.iter().find(|prompt| prompt.name == name).ok_or_else(|| {
            let near = did_you_mean(name, self.prompts.iter().map(|prompt| prompt.name.as_str()));
            let expected = near.map_or_else(|| "an earlier prompt of the set".to_owned(), |near| format!("`{near}`"));
            format!("{what} `{name}`, which does not stand before it: expected {expected}")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn error(prompts: &str) -> String {
        PromptSet::parse("t", &format!("name = \"t\"\n{prompts}")).unwrap_err().to_string()
    }

    #[test]
    fn errors_name_the_prompt_or_the_line() {
        let cases = [
            (
                "[[prompt]]\nname = \"x\"\ntemplate = \"A track\"",
                "the prompt set `t` cannot be read: in `x`, the prompt `A track` has no place for a label: expected `<>` where the label goes, as in `A <> track`",
            ),
            (
                "[[prompt]]\nname = \"x\"\ntemplat = \"<>\"",
                "the prompt set `t` cannot be read at line 4: unknown field `templat`, expected one of `name`, `template`, `random_context`, `definitions`, `label_removed_from`, `control_of`",
            ),
            (
                "[[prompt]]\nname = \"x\"\ntemplate = \"<>\"\n[[prompt]]\nname = \"x\"\ntemplate = \"<>\"",
                "the prompt set `t` cannot be read: the prompt `x` stands twice: expected each name once",
            ),
            (
                "[[prompt]]\nname = \"x\"\nlabel_removed_from = \"y\"",
                "the prompt set `t` cannot be read: `x` takes its label out of `y`, which does not stand before it: expected an earlier prompt of the set",
            ),
            (
                "[[prompt]]\nname = \"bare\"\ntemplate = \"<>\"\n[[prompt]]\nname = \"x\"\ntemplate = \"no <>\"\ncontrol_of = \"bar\"",
                "the prompt set `t` cannot be read: `x` is a control of `bar`, which does not stand before it: expected `bare`",
            ),
            (
                "[[prompt]]\nname = \"x\"\ndefinitions = { a_b = \"<>\", \"A B\" = \"<>\" }",
                "the prompt set `t` cannot be read: `x` defines `a_b` twice: expected one sentence a label",
            ),
            ("prompt = []", "the prompt set `t` cannot be read: there are no prompts: expected at least one `[[prompt]]`"),
        ];
        for (text, message) in cases {
            assert_eq!(error(text), message);
        }
        for both in ["", "template = \"<>\"\ndefinitions = {}", "random_context = { seed = 1, words = 1 }"] {
            assert!(error(&format!("[[prompt]]\nname = \"x\"\n{both}")).contains("`x` is not one kind of prompt"), "{both}");
        }
        assert!(
            error("[[prompt]]\nname = \"x\"\ntemplate = \"<>\"\nrandom_context = { seed = 1, words = 5000 }")
                .contains("at most 1000")
        );
        assert!(error("[[prompt").contains("at line 2"));
    }

    #[test]
    fn files_are_read() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.toml");
        std::fs::write(&path, "name = \"mine\"\n[[prompt]]\nname = \"x\"\ntemplate = \"<>!\"\n").unwrap();
        let set = PromptSet::read(&path).unwrap();
        assert_eq!(set.prompt("x").unwrap().render("a_b").unwrap(), "a b!");
        assert!(matches!(PromptSet::read(&folder.path().join("absent.toml")), Err(SetError::Io { .. })));
    }
}
