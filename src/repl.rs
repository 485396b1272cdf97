//! The language at a terminal: line editor, history, completion, dot commands.
//!
//! ```text
//!   dyad> classify clips where prompt="A <> track" top 3
//!   dyad> .mode json
//! ```
//!
//! The REPL knows lines, not statements: what runs them, completes them and names their words is a [`Shell`]. Typed text,
//! the rc file and `.read` take the same way through the [`console`]; the parts that need a terminal are
//! here and in `assist`.

mod assist;
pub mod console;
mod dot;
mod lines;
#[cfg(test)]
mod mock;
mod pager;
mod target;

use std::cell::RefCell;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use rustyline::error::ReadlineError;
use rustyline::history::DefaultHistory;
use rustyline::{ColorMode, CompletionType, Config, Editor, EventHandler, KeyEvent};

use crate::diagnostic::Diagnostic;
use crate::render::{Format, Style};
pub use crate::session::{Candidate, WordKind};
use assist::Assist;
pub use dot::COMMANDS;
pub use lines::is_dot;

use console::{Console, Outcome, Screen, Settings};

/// Lines of history that are kept.
const HISTORY: usize = 10_000;

/// What the REPL talks to: it runs statements and knows the words of the language and of the store.
///
/// All but [`run`](Shell::run) and [`open_store`](Shell::open_store) are asked at every key stroke.
pub trait Shell {
    /// Runs the statements of `text`, in order up to the first error, and writes their results to `out`.
    ///
    /// `text` is one line of a file with what belongs to it (an indented line goes on with the line before), after as many
    /// newlines as lines stand before it in its file. Errors are not written but returned.
    ///
    /// # Errors
    /// The first error, its span in `text`.
    fn run(&mut self, text: &str, view: &View, out: &mut dyn Write) -> Result<(), Diagnostic>;

    /// A line was typed: Ctrl-C is meant for it from now on, and what the user stopped before is past.
    fn typed(&mut self);

    /// Whether the user stopped the last statement; then what is left of its file is not run.
    fn interrupted(&self) -> bool;

    /// Leaves the store for the one in `folder`.
    ///
    /// # Errors
    /// It cannot be opened; the old one stays.
    fn open_store(&mut self, folder: &Path) -> Result<(), Diagnostic>;

    /// The folder of the store, for `.store`.
    fn store(&self) -> String;

    /// The words that could stand at `pos`, and the byte offset in `line` where the word begins that they replace.
    fn complete(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>);

    /// What could follow, shown dim behind the cursor. `pos` is the end of `line`.
    fn hint(&self, line: &str, pos: usize) -> Option<Hint>;

    /// What a word is, for its colour.
    fn classify_word(&self, word: &str) -> WordKind;
}

/// How results are to be written, unless a statement says so itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct View {
    pub format: Format,
    pub style: Style,
}

/// A hint behind the cursor.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hint {
    pub text: String,
    /// The right arrow puts it into the line; else it only explains (`[in COLLECTION]`).
    pub insert: bool,
}

/// How a REPL starts.
#[derive(Debug, Clone, Default)]
pub struct Options {
    /// Kept across sessions; its folder is made when it is missing.
    pub history: Option<PathBuf>,
    /// Run first; skipped when there is no such file.
    pub init: Option<PathBuf>,
    pub settings: Settings,
    pub color: bool,
    pub unicode: bool,
}

/// Why a REPL could not go on.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error("the terminal could not be read: {0}")]
    Terminal(#[from] ReadlineError),
}

/// Reads statements from the terminal until Ctrl-D, `.exit` or a statement that ends the session. Gives the shell back.
///
/// Standard input should be a terminal. Ctrl-C clears the line; while a statement runs it is a signal, which is the
/// caller's to catch.
///
/// # Errors
/// The terminal fails.
pub fn run<S: Shell>(shell: S, options: Options) -> Result<S, Error> {
    let shell = RefCell::new(shell);
    converse(&shell, options)?;
    Ok(shell.into_inner())
}

type LineEditor<'a, S> = Editor<Assist<'a, S>, DefaultHistory>;

fn converse<S: Shell>(shell: &RefCell<S>, options: Options) -> Result<(), Error> {
    let config = Config::builder()
        .max_history_size(HISTORY)?
        .completion_type(CompletionType::List)
        .color_mode(if options.color { ColorMode::Forced } else { ColorMode::Disabled })
        .build();
    let mut editor = LineEditor::with_config(config)?;
    editor.set_helper(Some(Assist::new(shell)));
    editor.bind_sequence(KeyEvent::ctrl('C'), EventHandler::Conditional(Box::new(assist::ClearHint)));
    let screen = Screen {
        out: Box::new(io::stdout()),
        err: Box::new(io::stderr()),
        color: options.color,
        unicode: options.unicode,
        size: None,
    };
    let mut console = Console::new(shell, options.settings, screen);
    if let Some(path) = &options.history {
        open_history(&mut editor, path, &mut console);
    }
    console.screen.size = size(&mut editor);
    if let Some(init) = options.init.filter(|path| path.exists()) {
        match console.read(&init) {
            Ok(Outcome::Exit) => return Ok(()),
            Ok(_) => {}
            Err(error) => console.complain(&error, "", None),
        }
    }
    loop {
        let line = match editor.readline(&("dyad> ", "\x1b[1mdyad>\x1b[0m ")) {
            Ok(line) => line,
            Err(ReadlineError::Interrupted | ReadlineError::Signal(_)) => continue,
            Err(ReadlineError::Eof) => return Ok(()),
            Err(error) => return Err(error.into()),
        };
        shell.borrow_mut().typed();
        if line.trim().is_empty() {
            continue;
        }
        // At once, so that a crash or a second session loses nothing.
        if editor.add_history_entry(line.trim_end()).unwrap_or(false)
            && let Some(path) = &options.history
        {
            let _ = editor.append_history(path);
        }
        console.screen.size = size(&mut editor);
        if console.feed(&line, None) == Outcome::Exit {
            return Ok(());
        }
    }
}

fn size<S: Shell>(editor: &mut LineEditor<S>) -> Option<(usize, usize)> {
    editor.dimensions().map(|(columns, rows)| (usize::from(columns), usize::from(rows)))
}

/// Loads the history. Without it the REPL is still of use: what is wrong with it is told, and that is all.
fn open_history<S: Shell>(editor: &mut LineEditor<S>, path: &Path, console: &mut Console<S>) {
    if let Some(folder) = path.parent() {
        let _ = std::fs::create_dir_all(folder);
    }
    match editor.load_history(path) {
        Ok(()) => {}
        Err(ReadlineError::Io(error)) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => {
            let error = Diagnostic::new(format!("the history `{}` could not be read: {error}", path.display()));
            console.complain(&error, "", None);
        }
    }
}
