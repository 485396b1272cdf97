//! The REPL over a session.

use std::io::Write;
use std::path::{Path, PathBuf};

use super::App;
use super::bars::{self, Bars};
use crate::diagnostic::Diagnostic;
use crate::progress::Progress;
use crate::query::Clause;
use crate::query::split::Continuation;
use crate::render::prose;
use crate::repl::console::Settings;
use crate::repl::{self, Candidate, Hint, Shell, View, WordKind};
use crate::session::{Failure, Session};
use crate::verb::{VERBS, find};

/// The REPL on a terminal, until it is left.
pub fn repl(app: &App, no_init: bool) -> Result<u8, Failure> {
    let session = app.session()?;
    greet(app, &session);
    let options = repl::Options {
        history: folder("XDG_STATE_HOME", ".local/state").map(|dir| dir.join("history")),
        init: folder("XDG_CONFIG_HOME", ".config").map(|dir| dir.join("rc.dyad")).filter(|_| !no_init),
        settings: Settings { format: app.format, ..Settings::default() },
        color: app.style.color,
        unicode: app.style.unicode,
    };
    let shell = SessionShell { app, session, bars: Bars::new(app.bars.is_visible()), interrupted: false };
    repl::run(shell, options).map_err(|e| Diagnostic::new(e.to_string()))?;
    Ok(0)
}

fn greet(app: &App, session: &Session) {
    let clips: u64 = session.workspace().store().collections().map(|all| all.iter().map(|c| c.audio).sum()).unwrap_or(0);
    let store = app.store.display();
    let say = |text: &str| app.say(&prose(text, &app.style).join("\n"));
    say(&format!("dyad {} · store {store} · {clips} clips · `help` lists the verbs, Ctrl-D leaves", env!("CARGO_PKG_VERSION")));
    if clips == 0 {
        say("the store is empty: `dyad ingest DIR` embeds a folder of audio, `dyad demo` shows the whole path");
    }
}

/// dyad's folder below an XDG base folder.
fn folder(variable: &str, default: &str) -> Option<PathBuf> {
    let base = std::env::var_os(variable).filter(|v| !v.is_empty()).map(PathBuf::from);
    let base = base.or_else(|| std::env::var_os("HOME").map(|home| PathBuf::from(home).join(default)))?;
    Some(base.join("dyad"))
}

struct SessionShell<'a> {
    app: &'a App,
    session: Session,
    bars: Bars,
    interrupted: bool,
}

impl Shell for SessionShell<'_> {
    fn run(&mut self, text: &str, view: &View, out: &mut dyn Write) -> Result<(), Diagnostic> {
        let SessionShell { app, session, bars, .. } = self;
        // What was written before stands elsewhere, or above the prompt.
        session.turn_page();
        let mut on_end = |ended: Result<Vec<String>, Failure>| {
            bars.end();
            ended.map(|left_out| app.tell(&left_out))
        };
        let done = session.run_each(text, Continuation::Indented, (view.format, &view.style), out, &*bars, &mut on_end);
        self.interrupted = matches!(done, Err(Failure::Interrupted));
        done.map_err(|failure| failure.diagnostic())
    }

    fn typed(&mut self) {
        self.interrupted = false;
        bars::forget_interrupt();
    }

    fn interrupted(&self) -> bool {
        self.interrupted
    }

    fn open_store(&mut self, folder: &Path) -> Result<(), Diagnostic> {
        if !folder.exists() {
            let fault = Diagnostic::new(format!("there is no store `{}`", folder.display()));
            return Err(fault
                .expected("the folder of a store, or a snapshot file")
                .hint("`dyad --store DIR ingest …` makes one"));
        }
        let same = |open: &Path| open.canonicalize().is_ok_and(|open| folder.canonicalize().is_ok_and(|folder| folder == open));
        if self.session.workspace().store().place().is_some_and(same) {
            self.app.say(&format!("the store `{}` is open already", folder.display()));
            return Ok(());
        }
        self.session.replace(self.app.workspace_in(folder).map_err(|failure| failure.diagnostic())?);
        Ok(())
    }

    fn store(&self) -> String {
        self.session.workspace().place()
    }

    fn complete(&self, line: &str, pos: usize) -> (usize, Vec<Candidate>) {
        let (start, found) = self.session.complete(line, pos);
        // A word ends with a space, a parameter waits for its value.
        let ended = |c: Candidate| match c.replacement.ends_with('=') {
            true => c,
            false => Candidate { replacement: format!("{} ", c.replacement), ..c },
        };
        (start, found.into_iter().map(ended).collect())
    }

    fn hint(&self, line: &str, pos: usize) -> Option<Hint> {
        if pos < line.len() || line.trim().is_empty() {
            return None;
        }
        let said: Vec<&str> = line.split_whitespace().collect();
        let (first, last) = (said.first()?, said.last()?);
        if said.len() == 1 && !line.ends_with(' ') && first.len() >= 2 {
            let name = VERBS.iter().map(|v| v.signature().name).find(|name| name.starts_with(&first.to_lowercase()))?;
            return Some(Hint { text: name.get(first.len()..)?.to_owned(), insert: true }).filter(|h| !h.text.is_empty());
        }
        let explain = |text: &str| Some(Hint { text: text.to_owned(), insert: false }).filter(|h| !h.text.is_empty());
        if said.len() == 1 {
            return explain(find(first)?.signature().usage.first()?.get(first.len() + 1..)?);
        }
        // What a clause takes, or what holds without a parameter.
        if line.ends_with(' ') {
            let clause =
                Clause::ALL.iter().find(|c| c.word().rsplit(' ').next().is_some_and(|w| w.eq_ignore_ascii_case(last)))?;
            return explain(clause.help().0.get(clause.word().len() + 1..)?);
        }
        let parameter = find(first)?.signature().parameter(last.strip_suffix('=')?)?;
        explain(&format!(" {} (default {})", parameter.kind.expects(), parameter.default))
    }

    fn classify_word(&self, word: &str) -> WordKind {
        self.session.classify_word(word)
    }
}
