//! What a word of a statement is, for its colour.

use super::Session;
use crate::embedding::Stage;
use crate::query::signature::Clause;
use crate::verb::{STATEMENT_WORDS, VERBS, find};

/// What a word is, for its colour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WordKind {
    Verb,
    /// A keyword of a clause (`where`, `top`, `and`).
    Clause,
    /// A parameter (`prompt`, `space`).
    Parameter,
    /// A word of the language that names something (`clips`, `pre-joint`).
    Name,
    Plain,
}

impl Session {
    /// What a word is, for its colour.
    pub fn classify_word(&self, word: &str) -> WordKind {
        let lower = word.to_lowercase();
        if find(&lower).is_some() || STATEMENT_WORDS.contains(&lower.as_str()) {
            return WordKind::Verb;
        }
        let clause = Clause::ALL.iter().any(|c| c.word().split(' ').any(|w| w == lower));
        if clause || ["and", "or", "not", "is", "null", "like", "desc", "asc", "analyze"].contains(&lower.as_str()) {
            return WordKind::Clause;
        }
        if VERBS.iter().any(|v| v.signature().parameter(&lower).is_some()) {
            return WordKind::Parameter;
        }
        let subject = |s: &&str| **s == lower || plural(s) == lower;
        if Stage::parse(&lower).is_some() || VERBS.iter().any(|v| v.signature().subjects.iter().any(subject)) {
            return WordKind::Name;
        }
        WordKind::Plain
    }
}

pub(super) fn plural(word: &str) -> String {
    match word.strip_suffix('y') {
        Some(stem) => format!("{stem}ies"),
        None if word == "confusion" => word.to_owned(),
        None => format!("{word}s"),
    }
}
