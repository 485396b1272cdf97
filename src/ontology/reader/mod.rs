//! Reads ontologies from files: JSON (ours or AudioSet's), indented text, CSV with a row for each parent and child, or SKOS
//! in Turtle.
//!
//! ```text
//! mine.txt               mine.csv            mine.json
//! instrument             parent,child        {"instrument": {"stringed": ["lute", "lyre"],
//!   stringed             instrument,stringed                 "wind": {"flute": {}}}}
//!     lute = oud         stringed,lute
//!     lyre               stringed,lyre
//! ```
//!
//! A file with one term at the top has it as its root; several stand side by side without one.

mod audioset;
mod csv;
mod graph;
mod indented;
mod json;
mod skos;

use std::path::Path;

use super::build::Fault;
use super::{Builder, Ontology};
use crate::diagnostic::one_of;

/// How the text of an ontology is laid out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Our document (`{"name", "title", "source", "licence", "root", "aliases", "tree"}`, or `"nodes"` in place of `"tree"`),
    /// the bare tree of names, or AudioSet's list of nodes.
    Json,
    /// A term a line, children indented deeper than their parent, `name = alias, alias`, `#` comments.
    Indented,
    /// Columns `parent` and `child`; a name is one term, however many parents its rows give it.
    Csv,
    /// SKOS concepts in Turtle: `skos:prefLabel`, `altLabel`, `notation`, `broader` and `narrower`.
    Turtle,
}

impl Format {
    /// Endings that are known, with their format.
    pub const ENDINGS: [(&'static str, Format); 4] =
        [("json", Format::Json), ("txt", Format::Indented), ("csv", Format::Csv), ("ttl", Format::Turtle)];

    /// The format that a file's ending says.
    pub fn of(path: &Path) -> Option<Format> {
        let ending = path.extension()?.to_str()?.to_lowercase();
        Format::ENDINGS.iter().find(|(known, _)| *known == ending).map(|(_, format)| *format)
    }
}

/// Why a file gave no ontology.
#[derive(Debug, thiserror::Error)]
pub enum ReadError {
    #[error("`{path}` cannot be read: {error}")]
    Io { path: String, error: std::io::Error },
    #[error("`{path}` has no ending that says how to read it: expected {}", one_of(Format::ENDINGS.map(|(end, _)| end)))]
    Ending { path: String },
    /// `line` counts from 1.
    #[error("the ontology `{origin}` cannot be read at line {line}: {problem}")]
    Line { origin: String, line: usize, problem: String },
    #[error("the ontology `{origin}` cannot be read: {problem}")]
    Whole { origin: String, problem: String },
}

/// Reads a file; its ending says how, and its name without the ending is the ontology's name unless the file gives one.
///
/// # Errors
/// When the file cannot be read, its ending is unknown, or its text is no ontology.
pub fn read(path: &Path) -> Result<Ontology, ReadError> {
    let shown = path.display().to_string();
    let format = Format::of(path).ok_or_else(|| ReadError::Ending { path: shown.clone() })?;
    let text = std::fs::read_to_string(path).map_err(|error| ReadError::Io { path: shown, error })?;
    let name = path.file_stem().map_or_else(|| "ontology".into(), |stem| stem.to_string_lossy().into_owned());
    parse(&name, &text, format)
}

/// Reads a text; `name` is the ontology's name unless the text gives one, and stands in messages.
///
/// # Errors
/// When the text is not in the format, or its terms could not be told apart.
///
/// ```
/// # use dyad::ontology::{Hops, reader::{Format, parse}};
/// let mine = parse("mine", "top\n  strings\n    lute = oud\n    lyre\n  winds\n", Format::Indented).unwrap();
/// assert_eq!(mine.hops(mine.resolve("oud").unwrap(), mine.resolve("lyre").unwrap()), Some(Hops(2)));
/// ```
pub fn parse(name: &str, text: &str, format: Format) -> Result<Ontology, ReadError> {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let read = match format {
        Format::Json => json::parse(name, text),
        Format::Indented => indented::parse(name, text),
        Format::Csv => csv::parse(name, text),
        Format::Turtle => skos::parse(name, text),
    };
    read.map_err(|problem| problem.of(name))
}

/// What is wrong, and at which line (from 1) where that is known.
struct Problem {
    line: Option<usize>,
    problem: String,
}

impl Problem {
    fn at(line: usize, problem: impl ToString) -> Self {
        Problem { line: Some(line), problem: problem.to_string() }
    }

    fn of(self, origin: &str) -> ReadError {
        let (origin, problem) = (origin.to_owned(), self.problem);
        match self.line {
            Some(line) => ReadError::Line { origin, line, problem },
            None => ReadError::Whole { origin, problem },
        }
    }
}

impl From<Fault> for Problem {
    fn from(fault: Fault) -> Self {
        Problem { line: None, problem: fault.to_string() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_three_formats_give_the_same_tree() {
        let json = parse("t", r#"{"top": {"a": ["x", "y"], "b": {"z": {}}}}"#, Format::Json).unwrap();
        let text = parse("t", "\u{feff}# a comment\ntop\n\ta\n\t\tx\n\n\t\ty\n\tb\n\t\tz\n", Format::Indented).unwrap();
        let csv = parse("t", "parent,child\ntop,a\na,x\na,y\ntop,b\nb,z\n", Format::Csv).unwrap();
        assert_eq!(json.draw(), "top\n├─ a\n│  ├─ x\n│  └─ y\n└─ b\n   └─ z\n");
        assert_eq!(json.terms(), text.terms());
        assert_eq!(json.terms(), csv.terms());
        assert_eq!((json.root(), text.root(), csv.root()), (json.ids().next(), json.ids().next(), json.ids().next()));
    }

    #[test]
    fn files_are_read_by_their_ending() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("mine.TXT");
        std::fs::write(&path, "a\n b\n").unwrap();
        assert_eq!(read(&path).unwrap().name, "mine");
        assert!(matches!(read(&folder.path().join("absent.json")), Err(ReadError::Io { .. })));
        let error = read(&folder.path().join("mine.yaml")).unwrap_err().to_string();
        assert!(error.ends_with("expected `json`, `txt`, `csv` or `ttl`"), "{error}");
    }

    #[test]
    fn no_text_panics() {
        let deep = "[".repeat(100_000);
        let steps: String = (0..400).map(|i| format!("{}n{i}\n", " ".repeat(i))).collect();
        for text in [
            "",
            "{}",
            "[]",
            "null",
            "\0",
            "{",
            "\"",
            "a,b",
            "parent,child\n,\n",
            "<a> <b> <c> .",
            "[{\"id\": \"a\", \"child_ids\": [\"a\"]}]",
            &deep,
            &steps,
            "\u{feff}",
        ] {
            for (_, format) in Format::ENDINGS {
                let _ = parse("t", text, format);
            }
        }
        assert!(parse("t", &steps, Format::Indented).is_err());
    }
}
