//! Text → statements → plans → reports: one user's dealings with one store.
//!
//! ```text
//!   text ─ split ─ parse ─ bind ─ plan ─ run ─ Report ─┬─ let NAME keeps it, expect judges it
//!                                                      └─ output: as FORMAT, into "FILE"
//! ```
//!
//! The session is the only place that knows every kind of error; it sorts them into [`Failure`]s with an exit code.

mod complete;
mod cursor;
mod expect;
mod explain;
mod history;
#[cfg(test)]
mod list_tests;
mod output;
mod rows;
mod words;

use std::collections::BTreeMap;
use std::io::{ErrorKind, Write};

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::progress::Progress;
use crate::query::lex::{Kind, Token, tokens};
use crate::query::split::{Continuation, Piece, split};
use crate::query::{Command, Predicate, Settings, Signature, Statement, bind, is_expectation, parse};
use crate::render::{Format, Style};
use crate::report::Report;
use crate::store;
use crate::value::Value;
use crate::verb::{self, Effect, Outcome, Plan, STATEMENT_WORDS, Scope, VERBS};
use crate::workspace::{self, Workspace};

pub use complete::Candidate;
use history::{History, Left, named};
pub use output::{Destination, format_of, format_of_output};
pub use words::WordKind;

/// Why a statement failed, as far as the program's exit code cares.
#[derive(Debug)]
pub enum Failure {
    /// The statement: exit code 1.
    Statement(Diagnostic),
    /// The store is locked or damaged: exit code 3.
    Store(Diagnostic),
    /// The user stopped it: exit code 130.
    Interrupted,
}

impl Failure {
    /// The exit code of a program that ends with this failure.
    pub fn exit_code(&self) -> u8 {
        match self {
            Failure::Statement(_) => 1,
            Failure::Store(_) => 3,
            Failure::Interrupted => 130,
        }
    }

    /// The message.
    pub fn diagnostic(&self) -> Diagnostic {
        match self {
            Failure::Statement(d) | Failure::Store(d) => d.clone(),
            Failure::Interrupted => Diagnostic::new("interrupted"),
        }
    }
}

impl From<Diagnostic> for Failure {
    fn from(diagnostic: Diagnostic) -> Self {
        Failure::Statement(diagnostic)
    }
}

impl From<workspace::Error> for Failure {
    fn from(error: workspace::Error) -> Self {
        match error {
            workspace::Error::Diagnostic(diagnostic) => Failure::Statement(diagnostic),
            workspace::Error::Store(store) if store.is_fatal() => Failure::Store(store_diagnostic(&store)),
            workspace::Error::Cancelled | workspace::Error::Store(store::Error::Cancelled) => Failure::Interrupted,
            workspace::Error::Store(store) => Failure::Statement(store_diagnostic(&store)),
            other => Failure::Statement(Diagnostic::new(other.to_string())),
        }
    }
}

impl From<verb::Error> for Failure {
    fn from(error: verb::Error) -> Self {
        match error {
            verb::Error::Diagnostic(diagnostic) => Failure::Statement(diagnostic),
            verb::Error::Workspace(error) => error.into(),
            verb::Error::Cancelled | verb::Error::Metric(crate::metric::Error::Cancelled) => Failure::Interrupted,
            verb::Error::Metric(crate::metric::Error::Unreadable(fault)) => match fault.0.downcast_ref::<crate::store::Error>() {
                Some(store) if store.is_fatal() => Failure::Store(store_diagnostic(store)),
                _ => Failure::Statement(Diagnostic::new(fault.to_string())),
            },
            other => Failure::Statement(Diagnostic::new(other.to_string())),
        }
    }
}

fn store_diagnostic(error: &crate::store::Error) -> Diagnostic {
    let diagnostic = Diagnostic::new(error.to_string());
    match error {
        crate::store::Error::Locked { .. } => {
            diagnostic.hint("wait for the other one or close it, or name another store with `--store DIR`")
        }
        crate::store::Error::Foreign { .. } => diagnostic.hint("name another folder with `--store DIR`"),
        crate::store::Error::Damaged { .. } => diagnostic
            .hint("`dyad check` tells what is lost, `dyad check --repair` mends what can be")
            .hint("`dyad --store NEW restore FILE` brings back a snapshot"),
        crate::store::Error::Format { .. } => diagnostic.hint("a newer dyad made it, and opens it"),
        crate::store::Error::Io { doing: "open", source, .. }
            if matches!(source.kind(), ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem) =>
        {
            let hint = "opening a store writes to its folder; what `dyad snapshot FILE` wrote is read anywhere by `--store FILE`";
            diagnostic.hint(hint)
        }
        _ => diagnostic,
    }
}

/// What one statement gave.
pub struct Executed {
    pub report: Report,
    pub destination: Destination,
}

/// See the module.
pub struct Session {
    workspace: Workspace,
    settings: Settings,
    named: BTreeMap<String, Outcome>,
    last: Option<Vec<(String, Value)>>,
    history: History,
    sample: complete::Kept,
    /// The format of the last result that was written out, if one was.
    before: Option<Format>,
}

impl Session {
    /// A session over an opened workspace.
    pub fn new(workspace: Workspace) -> Session {
        let (settings, named, history) = (Settings::new(), BTreeMap::new(), History::default());
        Session { workspace, settings, named, last: None, history, sample: complete::Kept::default(), before: None }
    }

    /// The workspace.
    pub fn workspace(&self) -> &Workspace {
        &self.workspace
    }

    /// Takes another store; settings and named results go with the old one.
    pub fn replace(&mut self, workspace: Workspace) {
        *self = Session::new(workspace);
    }

    /// What [`Session::run_each`] writes next goes where nothing of this session stands.
    pub fn turn_page(&mut self) {
        self.before = None;
    }

    /// Runs the statements of `source` in order and writes their results to `out`.
    ///
    /// # Errors
    /// The first failure, its span in `source`; what stood before it has run.
    pub fn run(
        &mut self,
        source: &str,
        continuation: Continuation,
        view: (Format, &Style),
        out: &mut dyn Write,
        progress: &dyn Progress,
    ) -> Result<(), Failure> {
        self.turn_page();
        self.run_each(source, continuation, view, out, progress, &mut |ended| ended.map(drop))
    }

    /// As [`Session::run`], but how each statement ended goes to `on_end`: what its format left out of the result, or the
    /// failure, after which it decides whether to go on.
    ///
    /// # Errors
    /// What `on_end` gives back.
    pub fn run_each(
        &mut self,
        source: &str,
        continuation: Continuation,
        (format, style): (Format, &Style),
        out: &mut dyn Write,
        progress: &dyn Progress,
        on_end: &mut dyn FnMut(Result<Vec<String>, Failure>) -> Result<(), Failure>,
    ) -> Result<(), Failure> {
        for piece in split(source, continuation) {
            let done = match piece {
                Err(fault) => {
                    let before = fault.span.and_then(|span| source.get(..span.start)).unwrap_or_default();
                    self.unread(before.rsplit(['\n', ';']).next().unwrap_or_default());
                    Err(fault.into())
                }
                Ok(piece) => self.execute(piece, progress).and_then(|executed| {
                    let written = output::write(&executed, (format, style), out, &mut self.before);
                    let written = written.map_err(|failure| placed(failure, piece));
                    if written.is_err() {
                        self.last = None;
                    }
                    written
                }),
            };
            on_end(done)?;
        }
        Ok(())
    }

    /// Runs one statement.
    ///
    /// # Errors
    /// When it can't be parsed, bound, planned or run.
    pub fn execute(&mut self, piece: Piece<'_>, progress: &dyn Progress) -> Result<Executed, Failure> {
        self.executed(piece, progress).map_err(|failure| placed(failure, piece))
    }

    fn executed(&mut self, piece: Piece<'_>, progress: &dyn Progress) -> Result<Executed, Failure> {
        let statement = parse(piece).inspect_err(|_| self.unread(piece.text))?;
        let (before, name) = (self.history.before(piece.text), named(&statement));
        let judges = matches!(statement, Statement::Expect(_));
        // What a statement that failed has left is not said of this one.
        drop(self.workspace.said());
        let destination = output::destination(&statement).map_err(Failure::from);
        let done = destination.and_then(|destination| Ok((destination, self.outcome(statement, progress)?.report)));
        // `expect` judges the statement before it, however many of them follow it; of one that failed there is no result.
        if !judges {
            self.last = done.as_ref().ok().map(|(_, report)| expect::measured(report));
        }
        let (destination, mut report) = done?;
        report.statement = piece.text.to_owned();
        report.before = before;
        if let Some(name) = name {
            self.history.add(Left::Result(name), piece.text);
        }
        Ok(Executed { report, destination })
    }

    /// A statement could not be read: there is no result of it, and an `expect` takes none away.
    fn unread(&mut self, text: &str) {
        self.last = self.last.take().filter(|_| is_expectation(text));
    }

    fn outcome(&mut self, statement: Statement, progress: &dyn Progress) -> Result<Outcome, Failure> {
        match statement {
            Statement::Command(command) => {
                let text = command.text.clone();
                let mut outcome = self.with_plan(*command, progress, |plan, rows, scope| {
                    let mut outcome = plan.run(scope)?;
                    rows.choose(&mut outcome.report)?;
                    Ok(outcome)
                })?;
                outcome.report.statement = text;
                Ok(self.settle(outcome))
            }
            Statement::Explain { analyze, statement } => Ok(self.explain(analyze, *statement, progress)?.into()),
            Statement::Let { name, statement } => {
                let outcome = self.outcome(*statement, progress)?;
                self.named.insert(name.node, outcome.clone());
                Ok(outcome)
            }
            Statement::Expect(predicate) => Ok(expect::expect(self.last.as_deref(), &predicate)?.into()),
            Statement::Help(topic) => Ok(verb::help::help(topic.as_ref())?.into()),
        }
    }

    fn with_plan<T>(
        &self,
        command: Command,
        progress: &dyn Progress,
        then: impl FnOnce(&dyn Plan, &rows::Rows, &Scope<'_>) -> Result<T, Failure>,
    ) -> Result<T, Failure> {
        let Some(verb) = verb::find(&command.verb.node) else { return Err(unknown_verb(&command.verb).into()) };
        let (signature, rows) = (verb.signature(), rows::Rows::of(&command, verb.signature())?);
        let filter = command.filter.as_ref().map(|filter| filter.node.clone());
        let bound = bind(command, signature, &self.settings)?;
        let Session { workspace, settings, named, .. } = self;
        let scope = Scope { workspace, settings, named, progress, first: rows.first(), order: rows.order() };
        let done = verb.plan(bound, &scope).map_err(Failure::from).and_then(|plan| then(plan.as_ref(), &rows, &scope));
        done.map_err(|failure| match (failure, filter) {
            (Failure::Statement(fault), Some(filter)) => Failure::Statement(meant_as_parameter(fault, &filter, signature)),
            (failure, _) => failure,
        })
    }

    /// Takes over what a statement changes in the session.
    fn settle(&mut self, mut outcome: Outcome) -> Outcome {
        if let Some(Effect::Set { key, value }) = outcome.effect.take() {
            self.history.add(Left::Setting(key.clone()), &outcome.report.statement);
            match value {
                Some(value) => self.settings.insert(key, value),
                None => self.settings.remove(&key),
            };
        }
        if let Some(backend) = self.workspace.backend_used() {
            outcome.report.context.fact("backend", backend);
        }
        outcome.report.notes.extend(self.workspace.said());
        outcome
    }
}

/// A field that no clip has may be a parameter: one that is misspelt, or one that the verb does not take.
fn meant_as_parameter(fault: Diagnostic, filter: &Predicate, signature: &Signature) -> Diagnostic {
    let fields = filter.fields();
    let Some(field) = fields.iter().find(|field| fault.span == Some(field.span) && fault.hints.is_empty()) else { return fault };
    let takes = |signature: &Signature| signature.parameter(&field.node).is_some();
    match VERBS.iter().map(|verb| verb.signature()).find(|other| takes(other)) {
        Some(other) => fault.hint(format!("`{}` is a parameter of `{}`, not of `{}`", field.node, other.name, signature.name)),
        None => fault.suggest(&field.node, signature.parameters.iter().map(|parameter| parameter.name)),
    }
}

/// Whatever went wrong, the reader of a file should see where: at what the message names, if the statement has it, and else
/// at its first word.
fn placed(failure: Failure, piece: Piece<'_>) -> Failure {
    match failure {
        Failure::Statement(fault) if fault.span.is_none() => {
            let at = named_place(&fault.message, piece).unwrap_or_else(|| first_word(piece));
            Failure::Statement(fault.at(at))
        }
        other => other,
    }
}

/// Where the statement says what the message puts in backticks; of several the longest.
fn named_place(message: &str, piece: Piece<'_>) -> Option<Span> {
    let named: Vec<&str> = message.split('`').skip(1).step_by(2).collect();
    let place = |token: Token| {
        let text = piece.text.get(token.start..token.end)?;
        let plain = if matches!(token.kind, Kind::Text { .. }) { text.trim_matches(['"', '\'']) } else { text };
        named.contains(&plain).then(|| Span::new(token.start + piece.offset, token.end + piece.offset))
    };
    tokens(piece.text, 0).filter_map(place).max_by_key(|span| span.end - span.start)
}

fn first_word(piece: Piece<'_>) -> Span {
    let word = piece.text.split_whitespace().next().unwrap_or("");
    Span::new(piece.offset, piece.offset + word.len())
}

fn unknown_verb(verb: &Spanned<String>) -> Diagnostic {
    let usage = match verb.node.to_lowercase().as_str() {
        "explain" => "`explain STATEMENT`, as in `explain count clips`",
        "let" => "`let NAME = STATEMENT`",
        "expect" => "`expect CONDITION`, as in `expect top1 > 0.4`",
        _ => "",
    };
    if !usage.is_empty() {
        return Diagnostic::new(format!("`{}` is not complete", verb.node)).at(verb.span).expected(usage);
    }
    verb::unknown(verb, &STATEMENT_WORDS)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_store_that_cannot_be_written_to_points_to_snapshot_files() {
        let hints = |doing, kind: ErrorKind| {
            let error = store::Error::Io { doing, path: "changes".into(), source: kind.into() };
            Failure::from(workspace::Error::from(error)).diagnostic().hints
        };
        assert!(hints("open", ErrorKind::PermissionDenied)[0].contains("dyad snapshot"));
        assert!(hints("open", ErrorKind::ReadOnlyFilesystem)[0].contains("dyad snapshot"));
        assert!(hints("open", ErrorKind::NotFound).is_empty() && hints("read", ErrorKind::PermissionDenied).is_empty());
    }
}
