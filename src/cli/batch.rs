//! Statements from `-c`, from files and from standard input.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::{App, out};
use crate::diagnostic::Diagnostic;
use crate::progress::Progress;
use crate::query::split::Continuation;
use crate::repl::is_dot;
use crate::session::{Failure, Session};

/// `-c STATEMENT …`
pub fn statements(app: &App, statements: &[String], keep_going: bool) -> Result<u8, Failure> {
    let mut batch = Batch::new(app, keep_going)?;
    for statement in statements {
        batch.source(statement, None, Continuation::Explicit);
    }
    batch.summary(false);
    Ok(batch.code)
}

/// `run FILE …`
pub fn files(app: &App, files: &[PathBuf], keep_going: bool) -> Result<u8, Failure> {
    let mut sources = Vec::new();
    for file in files {
        sources.push((file, read(file)?));
    }
    let mut batch = Batch::new(app, keep_going)?;
    for (file, source) in sources {
        batch.source(&source, Some(&file.display().to_string()), Continuation::Indented);
    }
    batch.summary(true);
    Ok(batch.code)
}

/// Statements that are piped in.
pub fn standard_input(app: &App, keep_going: bool) -> Result<u8, Failure> {
    let mut source = String::new();
    std::io::stdin()
        .lock()
        .read_to_string(&mut source)
        .map_err(|e| Diagnostic::new(format!("standard input can't be read: {e}")))?;
    let mut batch = Batch::new(app, keep_going)?;
    batch.source(&source, None, Continuation::Indented);
    batch.summary(false);
    Ok(batch.code)
}

fn read(file: &Path) -> Result<String, Failure> {
    let fault = |reason: String| Failure::from(Diagnostic::new(format!("`{}` can't be read: {reason}", file.display())));
    let bytes = std::fs::read(file).map_err(|e| fault(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8 text".into()))
}

/// A dot command is no statement: says where it can stand.
fn hinted(fault: Diagnostic, source: &str) -> Diagnostic {
    let dot = fault.span.and_then(|span| source.get(span.start..)).is_some_and(is_dot);
    if dot { fault.hint("commands with a dot are the REPL's; `.read FILE` there runs a file that has them") } else { fault }
}

struct Batch<'a> {
    app: &'a App,
    session: Session,
    keep_going: bool,
    start: Instant,
    ran: usize,
    failed: usize,
    /// That of the worst failure so far.
    code: u8,
    /// Set at the first failure without `--keep-going`, and at one that no statement can mend.
    stopped: bool,
}

impl<'a> Batch<'a> {
    fn new(app: &'a App, keep_going: bool) -> Result<Batch<'a>, Failure> {
        let session = app.session()?;
        Ok(Batch { app, session, keep_going, start: Instant::now(), ran: 0, failed: 0, code: 0, stopped: false })
    }

    /// Runs one source; what fails is shown with its place.
    fn source(&mut self, source: &str, origin: Option<&str>, continuation: Continuation) {
        if self.stopped {
            return;
        }
        let Batch { app, session, keep_going, ran, failed, code, stopped, .. } = self;
        let mut out = out::stdout();
        let mut since = Instant::now();
        let mut on_end = |ended: Result<Vec<String>, Failure>| {
            *ran += 1;
            if app.verbose {
                app.bars.end();
                app.say(&format!("statement {ran}: {:.3} s", since.elapsed().as_secs_f64()));
            }
            since = Instant::now();
            let failure = match ended {
                Ok(left_out) => {
                    app.bars.end();
                    app.tell(&left_out);
                    return Ok(());
                }
                Err(failure) => failure,
            };
            *failed += 1;
            *code = failure.exit_code().max(*code);
            app.bars.end();
            out::complain(&hinted(failure.diagnostic(), source).render(source, origin));
            if *keep_going && failure.exit_code() == 1 {
                return Ok(());
            }
            *stopped = true;
            Err(failure)
        };
        // What failed was shown already.
        let _ = session.run_each(source, continuation, (app.format, &app.style), &mut out, &app.bars, &mut on_end);
        let _ = out.flush();
    }

    /// A line for people, on standard error: after files, and wherever something failed and the rest went on.
    fn summary(&self, files: bool) {
        if files || (self.failed > 0 && self.keep_going) {
            let count = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
            let failed = if self.failed > 0 { format!("{} failed", self.failed) } else { "none failed".into() };
            let stopped = if self.stopped { ", stopped there" } else { "" };
            let seconds = self.start.elapsed().as_secs_f64();
            self.app.say(&format!("{}, {failed}{stopped}, {seconds:.1} s", count(self.ran, "statement")));
        }
    }
}
