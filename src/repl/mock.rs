//! A shell for the tests of the REPL: knows a few words and remembers what it was asked.

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::Path;
use std::rc::Rc;

use super::{Candidate, Hint, Shell, View, WordKind};
use crate::diagnostic::{Diagnostic, Span};

/// `fail` fails, `stop` is interrupted, everything else writes `ran WORD`.
pub struct Mock {
    pub seen: Vec<String>,
    pub view: Option<View>,
    pub store: String,
}

impl Default for Mock {
    fn default() -> Self {
        Mock { seen: Vec::new(), view: None, store: ".dyad".into() }
    }
}

impl Shell for Mock {
    fn run(&mut self, text: &str, view: &View, out: &mut dyn Write) -> Result<(), Diagnostic> {
        self.seen.push(text.to_owned());
        self.view = Some(view.clone());
        let word = text.split_whitespace().next().unwrap_or_default();
        if word == "fail" || word == "stop" {
            let at = text.find(word).unwrap_or_default();
            return Err(Diagnostic::new("it failed").at(Span::new(at, at + word.len())));
        }
        writeln!(out, "ran {}", word.trim_end_matches(';')).map_err(|error| Diagnostic::new(error.to_string()))
    }

    fn typed(&mut self) {}

    fn interrupted(&self) -> bool {
        self.seen.last().is_some_and(|text| text.contains("stop"))
    }

    fn open_store(&mut self, folder: &Path) -> Result<(), Diagnostic> {
        if folder == Path::new("nowhere") {
            return Err(Diagnostic::new("no store in `nowhere`"));
        }
        self.store = folder.display().to_string();
        Ok(())
    }

    fn store(&self) -> String {
        self.store.clone()
    }

    fn complete(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>) {
        let typed = line.get(..pos).unwrap_or(line);
        let fits = "classify".starts_with(typed);
        (0, fits.then(|| Candidate { display: "classify".into(), replacement: "classify ".into() }).into_iter().collect())
    }

    fn hint(&self, line: &str, _: usize) -> Option<Hint> {
        (line == "classify ").then(|| Hint { text: "clips".into(), insert: true })
    }

    fn classify_word(&self, word: &str) -> WordKind {
        match word {
            "classify" => WordKind::Verb,
            "where" => WordKind::Clause,
            "prompt" => WordKind::Parameter,
            _ => WordKind::Plain,
        }
    }
}

/// A writer whose text can be taken.
#[derive(Debug, Clone, Default)]
pub struct Tape(Rc<RefCell<Vec<u8>>>);

impl Tape {
    pub fn take(&self) -> String {
        String::from_utf8(self.0.take()).unwrap_or_default()
    }
}

impl Write for Tape {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.borrow_mut().extend_from_slice(bytes);
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
