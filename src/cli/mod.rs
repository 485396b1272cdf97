//! The command line: arguments → a store and a session → what was asked → an exit code.
//!
//! Results go to standard output, everything else to standard error. Exit codes: 0 all succeeded, 1 a statement or file
//! failed, 2 wrong usage, 3 the store is locked or damaged, 130 interrupted.

mod args;
mod bars;
mod batch;
mod bundled;
mod commands;
pub mod datasets;
mod demo;
mod doctor;
mod exchange;
mod ingest;
mod maintain;
mod meant;
mod models;
mod out;
pub mod reference;
pub mod report;
mod shell;

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use crate::diagnostic::Diagnostic;
use crate::progress::Progress;
use crate::render::{Format, Style, left_out, renderer};
use crate::report::Report;
use crate::session::{Failure, Session};
use crate::store::Store;
use crate::workspace::Workspace;
use args::{Args, ColorChoice, Task};
use bars::Bars;

/// Runs the program.
pub fn main() -> ExitCode {
    let args = match Args::read() {
        Ok(args) => args,
        Err(error) => {
            let _ = error.print();
            return ExitCode::from(if error.use_stderr() { 2 } else { 0 });
        }
    };
    let app = App::new(&args);
    match app.run(args) {
        Ok(code) => ExitCode::from(code),
        Err(failure) => {
            app.complain(&failure.diagnostic());
            ExitCode::from(failure.exit_code())
        }
    }
}

/// What every command shares.
struct App {
    store: PathBuf,
    /// Whether the user said which store.
    names_store: bool,
    models: Vec<PathBuf>,
    /// Neither reads nor writes index files.
    no_index: bool,
    format: Format,
    style: Style,
    quiet: bool,
    verbose: bool,
    bars: Bars,
}

impl App {
    fn new(args: &Args) -> App {
        let stdout = std::io::stdout();
        let terminal = stdout.is_terminal();
        let no_color = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty());
        let color = match args.color {
            ColorChoice::Always => true,
            ColorChoice::Never => false,
            ColorChoice::Auto => terminal && !no_color && std::env::var("TERM").as_deref() != Ok("dumb"),
        };
        let width = terminal.then(console_width).flatten();
        let style = Style { color, width, unicode: unicode(), max_rows: None, headers: true };
        App {
            store: args.store.clone().unwrap_or_else(|| PathBuf::from(".dyad")),
            names_store: args.store.is_some(),
            models: args.models.clone(),
            no_index: args.no_index,
            format: args.format.unwrap_or_default(),
            style,
            quiet: args.quiet,
            verbose: args.verbose,
            bars: Bars::new(!args.quiet && std::io::stderr().is_terminal()),
        }
    }

    fn run(&self, args: Args) -> Result<u8, Failure> {
        bars::watch_interrupts();
        if let Some(threads) = args.threads {
            // Nothing has used the pool yet.
            let _ = rayon::ThreadPoolBuilder::new().num_threads(usize::from(threads)).build_global();
        }
        match args.task {
            None if !args.statements.is_empty() => batch::statements(self, &args.statements, args.keep_going),
            None if std::io::stdin().is_terminal() => shell::repl(self, args.no_init),
            None => batch::standard_input(self, args.keep_going),
            Some(task) => self.task(task, args.keep_going),
        }
    }

    fn task(&self, task: Task, keep_going: bool) -> Result<u8, Failure> {
        match task {
            Task::Run { files } => batch::files(self, &files, keep_going),
            Task::Ingest(ingest) => ingest::ingest(self, ingest),
            Task::Import(import) => exchange::import(self, import),
            Task::Export(export) => exchange::export(self, export),
            Task::Demo => demo::demo(self),
            Task::Report { out } => report::report(self, &out),
            Task::Replay { file } => report::replay::replay(self, &file),
            Task::Compact => maintain::compact(self),
            Task::Snapshot { file } => maintain::snapshot(self, &file),
            Task::Restore { file } => maintain::restore(self, &file),
            Task::Check(check) => maintain::check(self, check),
            Task::Doctor => doctor::doctor(self),
            Task::Models { action } => models::models(self, action),
            Task::Ontologies { action } => commands::ontologies(self, action),
            Task::Datasets { action } => datasets::datasets(self, action),
            Task::Collections { action } => commands::collections(self, action),
        }
    }

    /// The store, to write to: made if there is none.
    fn workspace(&self) -> Result<Workspace, Failure> {
        self.workspace_in(&self.store)
    }

    fn workspace_in(&self, dir: &Path) -> Result<Workspace, Failure> {
        self.opened(|| Ok(Workspace::open(dir, &self.models)?))
    }

    /// The store, to read; where there is none an empty one, which is not kept.
    fn present(&self, models: &[PathBuf]) -> Result<Workspace, Failure> {
        self.opened(|| match self.store.exists() {
            true => Ok(Workspace::open(&self.store, models)?),
            false => Ok(Workspace::over(Store::in_memory().map_err(crate::workspace::Error::from)?, models)),
        })
    }

    fn opened(&self, open: impl FnOnce() -> Result<Workspace, Failure>) -> Result<Workspace, Failure> {
        let start = std::time::Instant::now();
        let mut workspace = open()?;
        if self.verbose {
            let (place, threads) = (workspace.place(), rayon::current_num_threads());
            self.say(&format!("store {place} opened in {:.3} s; {threads} threads", start.elapsed().as_secs_f64()));
        }
        if self.no_index {
            workspace.without_index_files();
        }
        Ok(workspace)
    }

    fn session(&self) -> Result<Session, Failure> {
        Ok(Session::new(self.present(&self.models)?))
    }

    fn print(&self, report: &Report) -> Result<(), Failure> {
        let mut out = out::stdout();
        let written = renderer(self.format, &self.style).report(report, &mut out).and_then(|()| out.flush());
        written.map_err(|e| Diagnostic::new(format!("the result can't be written: {e}")))?;
        self.tell(&left_out(self.format, report));
        Ok(())
    }

    /// What a result's format has no place for.
    fn tell(&self, left_out: &[String]) {
        left_out.iter().for_each(|note| self.say(&format!("note: {note}")));
    }

    /// A line for people, on standard error.
    fn say(&self, text: &str) {
        if !self.quiet {
            out::complain(&format!("{text}\n"));
        }
    }

    fn complain(&self, diagnostic: &Diagnostic) {
        self.bars.end();
        out::complain(&diagnostic.render("", None));
    }
}

fn console_width() -> Option<usize> {
    let (_, columns) = console_size();
    (columns > 0).then_some(columns)
}

/// Rows and columns of the terminal; zeros where there is none.
fn console_size() -> (usize, usize) {
    let (rows, columns) = console::Term::stdout().size();
    (usize::from(rows), usize::from(columns))
}

fn unicode() -> bool {
    let locale = ["LC_ALL", "LC_CTYPE", "LANG"].into_iter().filter_map(|name| std::env::var(name).ok()).find(|v| !v.is_empty());
    locale.is_none_or(|l| !matches!(l.as_str(), "C" | "POSIX"))
}
