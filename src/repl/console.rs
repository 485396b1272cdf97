//! The REPL without its line editor: takes text, runs statements and dot commands, puts results where they belong.
//!
//! ```text
//!   text ─ logical lines ─┬─ .command ── settings
//!                         └─ statement ─ Shell::run ─ terminal (pager) | .output FILE | .once FILE
//! ```
//!
//! Results go to `out`; errors, echo and times to `err`. A file of statements takes the same way as a typed line.

use std::cell::RefCell;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::time::Instant;

use super::dot::{self, COMMANDS, Dot};
use super::target::{Target, file_error};
use super::{Shell, View, lines, pager};
use crate::diagnostic::{Diagnostic, Span};
use crate::render::{Format, Style, prose};
use crate::session::{format_of, format_of_output};

/// Files may `.read` files, this deep.
const DEEPEST: usize = 16;

/// What the dot commands set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Settings {
    pub format: Format,
    pub headers: bool,
    /// Show the time of each statement.
    pub timer: bool,
    /// Show each statement of a file.
    pub echo: bool,
    /// Stop a file at its first error.
    pub bail: bool,
    /// Rows of a table at the terminal; none for all.
    pub max_rows: Option<usize>,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { format: Format::Table, headers: true, timer: false, echo: false, bail: false, max_rows: Some(40) }
    }
}

/// The terminal, or what stands for it.
pub struct Screen {
    pub out: Box<dyn Write>,
    pub err: Box<dyn Write>,
    pub color: bool,
    pub unicode: bool,
    /// Columns and rows, where they are known; long output is paged only then.
    pub size: Option<(usize, usize)>,
}

/// How a text ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    /// Something in it failed (and was reported).
    Failed,
    Exit,
}

/// Runs text against a shell.
pub struct Console<'a, S> {
    shell: &'a RefCell<S>,
    pub settings: Settings,
    pub screen: Screen,
    output: Option<Target>,
    /// Where the next result goes; the file is made when it comes.
    once: Option<PathBuf>,
    depth: usize,
}

impl<'a, S: Shell> Console<'a, S> {
    /// A console that writes to `screen`.
    pub fn new(shell: &'a RefCell<S>, settings: Settings, screen: Screen) -> Self {
        Console { shell, settings, screen, output: None, once: None, depth: 0 }
    }

    /// Runs the statements and commands of `text`; `origin` names its file, none for what was typed.
    pub fn feed(&mut self, text: &str, origin: Option<&str>) -> Outcome {
        let mut outcome = Outcome::Done;
        for range in lines::logical_lines(text) {
            let (before, line) = (text.get(..range.start).unwrap_or_default(), text.get(range).unwrap_or_default());
            // The newlines before it keep the line numbers of its errors right.
            let source = format!("{}{line}", "\n".repeat(before.matches('\n').count()));
            let result = if lines::is_dot(line) { self.command(line, &source) } else { self.statement(&source, origin) };
            match result {
                Ok(Outcome::Done) => {}
                Ok(Outcome::Exit) => return Outcome::Exit,
                Ok(Outcome::Failed) => outcome = Outcome::Failed,
                Err(error) => {
                    self.complain(&error, &source, origin);
                    outcome = Outcome::Failed;
                }
            }
            let stopped = self.settings.bail && origin.is_some() || self.shell.borrow().interrupted();
            if outcome == Outcome::Failed && stopped {
                return outcome;
            }
        }
        outcome
    }

    /// Runs a file.
    ///
    /// # Errors
    /// The file cannot be read as text, or files read each other in a circle.
    pub fn read(&mut self, path: &Path) -> Result<Outcome, Diagnostic> {
        if self.depth >= DEEPEST {
            return Err(Diagnostic::new(format!("`{}` is read {DEEPEST} files deep: they read each other", path.display())));
        }
        let text = std::fs::read_to_string(path).map_err(|error| file_error("read", path, &error))?;
        self.depth += 1;
        let outcome = self.feed(&text, Some(&path.display().to_string()));
        self.depth -= 1;
        Ok(outcome)
    }

    /// Reports an error about `source`.
    pub fn complain(&mut self, error: &Diagnostic, source: &str, origin: Option<&str>) {
        let mut text = error.render(source, origin);
        if self.screen.color {
            text = text.replacen("error:", "\x1b[1;31merror:\x1b[0m", 1);
        }
        self.tell(&text);
    }

    /// Writes to `err`; a terminal that is gone is noticed elsewhere.
    fn tell(&mut self, text: &str) {
        let _ = self.screen.err.write_all(text.as_bytes()).and_then(|()| self.screen.err.flush());
    }

    fn statement(&mut self, source: &str, origin: Option<&str>) -> Result<Outcome, Diagnostic> {
        let bare = source.trim().trim_end_matches(';').trim_end();
        if ["exit", "quit"].iter().any(|word| bare.eq_ignore_ascii_case(word)) {
            return Ok(Outcome::Exit);
        }
        if self.settings.echo && origin.is_some() {
            self.tell(&format!("{}\n", source.trim()));
        }
        let mut style = Style { headers: self.settings.headers, ..Style::default() };
        if self.once.is_none() && self.output.is_none() {
            (style.color, style.unicode) = (self.screen.color, self.screen.unicode);
            (style.width, style.max_rows) = (self.screen.size.map(|(columns, _)| columns), self.settings.max_rows);
        }
        let view = View { format: self.format(), style };
        let start = Instant::now();
        let mut out = Vec::new();
        let result = self.shell.borrow_mut().run(source, &view, &mut out);
        let written = self.put(&out, result.is_err());
        if self.settings.timer {
            let time = format!("time: {:.1} ms", start.elapsed().as_secs_f64() * 1e3);
            self.tell(&if self.screen.color { format!("\x1b[2m{time}\x1b[0m\n") } else { format!("{time}\n") });
        }
        result?;
        written.map(|()| Outcome::Done)
    }

    /// That of a file's ending goes before the mode, which a `.txt` leaves open.
    fn format(&self) -> Format {
        let file = self.once.as_deref().or(self.output.as_ref().map(|target| target.path.as_path()));
        file.and_then(|file| format_of(file).ok()?.filter(|&format| format != Format::Table)).unwrap_or(self.settings.format)
    }

    /// Puts results where they belong; `.once` without a result waits for the next.
    fn put(&mut self, text: &[u8], failed: bool) -> Result<(), Diagnostic> {
        if text.is_empty() && failed {
            return Ok(());
        }
        let apart = matches!(self.format(), Format::Csv | Format::Tsv);
        let (written, path) = match (self.once.take(), &mut self.output) {
            (Some(path), _) => (std::fs::write(&path, text), path),
            (None, Some(target)) => (target.put(text, apart), target.path.clone()),
            (None, None) => return self.show(text),
        };
        written.or_else(|error| self.show(text).and(Err(file_error("written", &path, &error))))
    }

    /// Puts results on the terminal, long ones through the pager, a blank line after those made for reading.
    fn show(&mut self, text: &[u8]) -> Result<(), Diagnostic> {
        if text.is_empty() {
            return Ok(());
        }
        if self.screen.size.is_some_and(|(_, rows)| pager::is_long(text, rows)) && pager::page(text).is_ok() {
            return Ok(());
        }
        let gap: &[u8] = if self.screen.size.is_some() && self.settings.format == Format::Table { b"\n" } else { b"" };
        let out = &mut self.screen.out;
        let written = out.write_all(text).and_then(|()| out.write_all(gap)).and_then(|()| out.flush());
        written.map_err(|error| Diagnostic::new(format!("the result could not be written: {error}")))
    }

    fn command(&mut self, line: &str, source: &str) -> Result<Outcome, Diagnostic> {
        let shift = source.len() - line.len();
        let command = dot::parse(line).map_err(|mut error| {
            error.span = error.span.map(|span| Span::new(span.start + shift, span.end + shift));
            error
        })?;
        let switch = |on: bool| if on { "on" } else { "off" };
        let settings = &mut self.settings;
        let answer = match command {
            Dot::Help(topic) => help(topic.as_deref())?,
            Dot::Mode(Some(format)) => return set(&mut settings.format, format),
            Dot::Mode(None) => format!("mode: {}", settings.format.name()),
            Dot::Timer(Some(on)) => return set(&mut settings.timer, on),
            Dot::Timer(None) => format!("timer: {}", switch(settings.timer)),
            Dot::Headers(Some(on)) => return set(&mut settings.headers, on),
            Dot::Headers(None) => format!("headers: {}", switch(settings.headers)),
            Dot::Echo(Some(on)) => return set(&mut settings.echo, on),
            Dot::Echo(None) => format!("echo: {}", switch(settings.echo)),
            Dot::Bail(Some(on)) => return set(&mut settings.bail, on),
            Dot::Bail(None) => format!("bail: {}", switch(settings.bail)),
            Dot::MaxRows(Some(rows)) => return set(&mut settings.max_rows, rows),
            Dot::MaxRows(None) => match settings.max_rows {
                Some(rows) => format!("maxrows: {rows}"),
                None => "maxrows: all".into(),
            },
            Dot::Read(path) => return self.read(&path),
            Dot::Output(path) => {
                self.output = path.as_deref().map(Target::create).transpose()?;
                return Ok(Outcome::Done);
            }
            Dot::Once(path) => return format_of_output(&path).and_then(|_| set(&mut self.once, Some(path))),
            Dot::Store(Some(folder)) => return self.shell.borrow_mut().open_store(&folder).map(|()| Outcome::Done),
            Dot::Store(None) => format!("store: {}", self.shell.borrow().store()),
            Dot::Exit => return Ok(Outcome::Exit),
        };
        let width = self.screen.size.map(|(columns, _)| columns);
        self.tell(&format!("{}\n", prose(&answer, &Style { width, ..Style::default() }).join("\n")));
        Ok(Outcome::Done)
    }
}

fn set<T>(place: &mut T, value: T) -> Result<Outcome, Diagnostic> {
    *place = value;
    Ok(Outcome::Done)
}

fn help(topic: Option<&str>) -> Result<String, Diagnostic> {
    let wanted = topic.map(|topic| format!(".{}", topic.trim_start_matches('.')));
    let shown = COMMANDS.iter().filter(|(name, _, _)| wanted.as_deref().is_none_or(|wanted| wanted == *name));
    let lines: Vec<String> =
        shown.map(|(name, argument, about)| format!("{:<20}{about}", format!("{name} {argument}"))).collect();
    match wanted {
        Some(wanted) if lines.is_empty() => Err(Diagnostic::new(format!("no command `{wanted}`"))
            .suggest(&wanted, COMMANDS.map(|(name, _, _)| name))
            .hint("`help VERB` explains a verb of the language")),
        Some(_) => Ok(lines.join("\n")),
        None => Ok(format!("{}\n\n`help` explains the statements.", lines.join("\n"))),
    }
}

#[cfg(test)]
mod tests {
    use super::super::mock::{Mock, Tape};
    use super::*;

    struct Session<'a> {
        console: Console<'a, Mock>,
        out: Tape,
        err: Tape,
    }

    fn session(shell: &RefCell<Mock>) -> Session<'_> {
        let (out, err) = (Tape::default(), Tape::default());
        let screen = Screen { out: Box::new(out.clone()), err: Box::new(err.clone()), color: false, unicode: true, size: None };
        Session { console: Console::new(shell, Settings::default(), screen), out, err }
    }

    #[test]
    fn statements_reach_the_shell_with_their_line_numbers() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        assert_eq!(session.console.feed("# head\nclassify clip\n  top 3\n\ncount clips;", None), Outcome::Done);
        assert_eq!(shell.borrow().seen, ["\nclassify clip\n  top 3", "\n\n\n\ncount clips;"]);
        assert_eq!(session.out.take(), "ran classify\nran count\n");
    }

    #[test]
    fn errors_are_told_and_point_into_the_file() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("q.dyad");
        std::fs::write(&file, "count clips\n\nfail clips\n.mdoe json\ncount clips\n").unwrap();
        assert_eq!(session.console.read(&file), Ok(Outcome::Failed));
        let err = session.err.take();
        assert!(err.contains("q.dyad:3:1\n  3 | fail clips\n    | ^^^^"), "{err}");
        assert!(err.contains("q.dyad:4:1\n  4 | .mdoe json\n    | ^^^^^") && err.contains("did you mean `.mode`?"), "{err}");
        assert_eq!(session.out.take(), "ran count\nran count\n");

        session.console.settings.bail = true;
        assert_eq!((session.console.read(&file), session.out.take().as_str()), (Ok(Outcome::Failed), "ran count\n"));
        // What is typed goes on after an error.
        assert_eq!(session.console.feed("fail\ncount", None), Outcome::Failed);
        assert_eq!(session.out.take(), "ran count\n");
        session.console.feed("list\nstop\ncount", None);
        assert_eq!(session.out.take(), "ran list\n", "what is stopped takes the rest with it");
    }

    #[test]
    fn settings_are_set_and_shown() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        let text = ".mode csv\n.headers off\n.maxrows 7\n.timer on\n.echo on\n.bail on\n.mode\n.headers\n.maxrows\n.timer\n.echo\n.bail\n.store";
        assert_eq!(session.console.feed(text, None), Outcome::Done);
        assert_eq!(session.err.take(), "mode: csv\nheaders: off\nmaxrows: 7\ntimer: on\necho: on\nbail: on\nstore: .dyad\n");
        session.console.feed("count clips", None);
        assert!(session.err.take().starts_with("time: "));
        let view = shell.borrow().view.clone().unwrap();
        assert_eq!((view.format, view.style.headers, view.style.max_rows), (Format::Csv, false, Some(7)));
        session.console.feed(".maxrows all\n.store elsewhere\n.store\n.store nowhere", None);
        assert_eq!(session.console.settings.max_rows, None);
        assert_eq!(session.err.take(), "store: elsewhere\nerror: no store in `nowhere`\n");
    }

    #[test]
    fn results_go_where_they_are_sent() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        let folder = tempfile::tempdir().unwrap();
        let path = |name: &str| folder.path().join(name);
        let feed = |session: &mut Session, text: &str| {
            session.console.feed(&text.replace("DIR", &folder.path().display().to_string()), None)
        };
        feed(&mut session, ".output \"DIR/all of it.txt\"\ncount\n.once DIR/one.txt\nlist\ncount\n.output\nlist");
        assert_eq!(std::fs::read_to_string(path("all of it.txt")).unwrap(), "ran count\nran count\n");
        assert_eq!(std::fs::read_to_string(path("one.txt")).unwrap(), "ran list\n");
        assert_eq!(session.out.take(), "ran list\n");
        assert_eq!(shell.borrow().view.as_ref().unwrap().style.max_rows, Some(40));
        assert_eq!(feed(&mut session, ".once DIR/missing/x\ncount"), Outcome::Failed);
        assert!(session.err.take().contains("missing/x` could not be written"));
        assert_eq!(session.out.take(), "ran count\n");
        feed(&mut session, ".once DIR/one.txt\nfail\n");
        assert_eq!(std::fs::read_to_string(path("one.txt")).unwrap(), "ran list\n", "a failure leaves the file as it was");
        feed(&mut session, "count\nlist");
        assert_eq!(std::fs::read_to_string(path("one.txt")).unwrap(), "ran count\n", "and the next result goes there");
        assert_eq!(session.out.take(), "ran list\n");
        for (file, format) in [("x.csv", Format::Csv), ("x.txt", Format::Json), ("x", Format::Json)] {
            feed(&mut session, &format!(".mode json\n.once DIR/{file}\ncount"));
            assert_eq!(shell.borrow().view.as_ref().unwrap().format, format, "{file}");
        }
        for file in [".once DIR/p.svg", ".once DIR/x.xyz", ".output DIR/x.cvs"] {
            assert_eq!(feed(&mut session, file), Outcome::Failed, "{file}");
        }
        feed(&mut session, ".output DIR/two.csv\ncount\nlist");
        assert_eq!(std::fs::read_to_string(path("two.csv")).unwrap(), "ran count\n\nran list\n");
    }

    #[test]
    fn files_that_read_each_other_end() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join("loop.dyad");
        std::fs::write(&file, format!(".read {}\n", file.display())).unwrap();
        assert_eq!(session.console.read(&file), Ok(Outcome::Failed));
        assert!(session.err.take().contains("they read each other"));
        assert_eq!(session.console.depth, 0);
        let missing = session.console.read(Path::new("none.dyad")).unwrap_err();
        assert!(missing.message.starts_with("the file `none.dyad` could not be read"));
    }

    #[test]
    fn leaving() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        for text in [".exit", ".quit", "exit", "QUIT;", "count\n.exit\nlist"] {
            assert_eq!(session.console.feed(text, None), Outcome::Exit, "{text}");
        }
        assert_eq!(session.out.take(), "ran count\n");
        assert_eq!(session.console.feed("exit the building", None), Outcome::Done);
    }

    #[test]
    fn help_for_commands() {
        let shell = RefCell::new(Mock::default());
        let mut session = session(&shell);
        session.console.feed(".help\n.help mode\n.help mdoe", None);
        let err = session.err.take();
        assert_eq!(err.matches(".mode [FORMAT]").count(), 2, "{err}");
        assert!(err.contains("did you mean `.mode`?") && err.contains(".exit"), "{err}");
    }
}
