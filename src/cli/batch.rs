//! Statements from `-c`, from files and from standard input.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use super::App;
use crate::diagnostic::Diagnostic;
use crate::query::split::Continuation;
use crate::session::{Failure, Session};

/// `-c STATEMENT …`
pub fn statements(app: &App, statements: &[String], keep_going: bool) -> Result<u8, Failure> {
    let mut batch = Batch::new(app, keep_going)?;
    for statement in statements {
        batch.source(statement, None, Continuation::Explicit)?;
    }
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
        batch.source(&source, Some(&file.display().to_string()), Continuation::Indented)?;
    }
    batch.summary();
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
    batch.source(&source, None, Continuation::Indented)?;
    Ok(batch.code)
}

fn read(file: &Path) -> Result<String, Failure> {
    let fault = |reason: String| Failure::from(Diagnostic::new(format!("`{}` can't be read: {reason}", file.display())));
    let bytes = std::fs::read(file).map_err(|e| fault(e.to_string()))?;
    String::from_utf8(bytes).map_err(|_| fault("it is not UTF-8 text".into()))
}

struct Batch<'a> {
    app: &'a App,
    session: Session,
    keep_going: bool,
    ran: usize,
    failed: usize,
    code: u8,
    /// Set at the first failure without `--keep-going`.
    stopped: bool,
}

impl<'a> Batch<'a> {
    fn new(app: &'a App, keep_going: bool) -> Result<Batch<'a>, Failure> {
        Ok(Batch { app, session: app.session()?, keep_going, ran: 0, failed: 0, code: 0, stopped: false })
    }

    /// Runs one source; what fails is shown with its place.
    fn source(&mut self, source: &str, origin: Option<&str>, continuation: Continuation) -> Result<(), Failure> {
        if self.stopped {
            return Ok(());
        }
        let (keep_going, code, stopped) = (self.keep_going, &mut self.code, &mut self.stopped);
        let mut on_failure = |failure: Failure| {
            eprint!("{}", failure.diagnostic().render(source, origin));
            *code = failure.exit_code();
            if keep_going && *code == 1 {
                return Ok(());
            }
            *stopped = true;
            Err(failure)
        };
        let mut out = std::io::stdout().lock();
        let view = (self.app.format, &self.app.style);
        let done = self.session.run_each(source, continuation, view, &mut out, &self.app.bars, &mut on_failure);
        let _ = out.flush();
        match done {
            Ok((ran, failed)) => {
                self.ran += ran;
                self.failed += failed;
            }
            // It was shown already.
            Err(_) => self.failed += 1,
        }
        Ok(())
    }

    fn summary(&self) {
        if self.failed > 0 && self.keep_going {
            self.app.say(&format!("{} of {} statements failed", self.failed, self.ran));
        }
    }
}
