//! The verbs of the language, one file each.
//!
//! A verb is its [`Signature`] (what it takes, with examples), its *plan* (what it resolved, shown by `explain`) and its
//! *run*. To add a verb: write its file, add a line to [`VERBS`]. Parser check, help, completion, the reference and the
//! tests of the examples follow from the signature.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::progress::Progress;
use crate::query::{Bound, Literal, Order, Settings, Signature};
use crate::report::Report;
use crate::workspace::{self, Workspace};

mod against;
mod check;
mod classify;
mod compare;
mod count;
mod describe;
mod gap;
pub mod help;
mod histogram;
mod hits;
mod hubness;
mod label;
mod labelled;
mod list;
mod margin;
mod moments;
mod pairing;
mod parameters;
mod provenance;
mod retrieve;
mod search;
mod sensitivity;
pub mod set;
mod several;
mod show;
mod similar;
mod similarity;
mod spaces;
pub mod trial;
mod triplets;
mod truth;
mod using;
mod way_on;

/// Every verb, in the order of the reference.
pub static VERBS: &[&dyn Verb] = &[
    &classify::Classify,
    &sensitivity::Sensitivity,
    &similarity::Similarity,
    &margin::Margin,
    &retrieve::Retrieve,
    &triplets::Triplets,
    &compare::Compare,
    &gap::Gap,
    &hubness::Hubness,
    &check::Check,
    &search::Search,
    &similar::Similar,
    &label::Label,
    &show::Show,
    &describe::Describe,
    &list::List,
    &count::Count,
    &using::Use,
    &set::Set,
];

/// The verb `name`, without regard to case.
pub fn find(name: &str) -> Option<&'static dyn Verb> {
    VERBS.iter().copied().find(|v| v.signature().name.eq_ignore_ascii_case(name))
}

/// The refusal of a word that is no verb, nor one of `others`.
pub fn unknown(word: &Spanned<String>, others: &[&'static str]) -> Diagnostic {
    let names = VERBS.iter().map(|v| v.signature().name).chain(others.iter().copied());
    Diagnostic::new(format!("unknown verb `{}`", word.node))
        .at(word.span)
        .expected("a statement that begins with a verb")
        .suggest(&word.node, names)
        .hint("`help` lists the verbs")
}

/// Words that are statements of their own, beside the verbs.
pub const STATEMENT_WORDS: [&str; 4] = {
    let [a, b, c, d] = &help::STATEMENTS;
    [a.name, b.name, c.name, d.name]
};

/// One verb of the language.
pub trait Verb: Sync {
    /// What it takes.
    fn signature(&self) -> &'static Signature;

    /// Resolves the words of a bound statement: collection, model, space, prompts, ids. Nothing is embedded or searched yet.
    ///
    /// # Errors
    /// When a word names nothing, or the parts do not go together.
    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error>;
}

/// A statement ready to run.
pub trait Plan {
    /// What will be done, in order: (stage, detail). `explain` prints it.
    fn steps(&self) -> Vec<Step>;

    /// What [`Plan::run`] would have to do, counted but not done: labels, texts to read, comparisons. `explain` prints it
    /// below the steps; a plan whose steps say it all counts nothing more.
    ///
    /// # Errors
    /// As [`Plan::run`].
    fn estimate(&self, _: &Scope<'_>) -> Result<Vec<Step>, Error> {
        Ok(Vec::new())
    }

    /// Does it.
    ///
    /// # Errors
    /// When vectors are missing, a metric is undefined on the items, the store fails, or the user cancels.
    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error>;
}

/// One line of `explain`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    pub stage: &'static str,
    pub detail: String,
}

impl Step {
    /// A line of `explain`.
    pub fn new(stage: &'static str, detail: impl Into<String>) -> Self {
        Step { stage, detail: detail.into() }
    }
}

/// What a statement runs in.
#[derive(Clone, Copy)]
pub struct Scope<'a> {
    pub workspace: &'a Workspace,
    /// `set` and `use`.
    pub settings: &'a Settings,
    /// Results that `let` named.
    pub named: &'a BTreeMap<String, Outcome>,
    pub progress: &'a dyn Progress,
    /// Where only the first so many rows of the first table are kept: the rest need only be counted, in [`Table::more`].
    ///
    /// [`Table::more`]: crate::report::Table::more
    pub first: Option<usize>,
    /// The order in which they are the first; none for the table's own. The rows need not stand in it.
    pub order: Option<&'a Order>,
}

impl Scope<'_> {
    /// The collection of `use`.
    pub fn default_collection(&self) -> Option<&str> {
        match self.settings.get("collection") {
            Some(Literal::Scalar(crate::value::Value::Text(name))) => Some(name),
            _ => None,
        }
    }
}

/// A report, what the statement changes in the session, and what `compare` can pair.
#[derive(Debug, Clone, Default)]
pub struct Outcome {
    pub report: Report,
    pub effect: Option<Effect>,
    pub trial: Option<Arc<trial::Trial>>,
}

impl From<Report> for Outcome {
    fn from(report: Report) -> Self {
        Outcome { report, ..Default::default() }
    }
}

/// A change of the session.
#[derive(Debug, Clone, PartialEq)]
pub enum Effect {
    /// Sets a session default; none takes it back.
    Set { key: String, value: Option<Literal> },
}

/// Why a statement did not give a report.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    #[error(transparent)]
    Diagnostic(#[from] Diagnostic),
    #[error(transparent)]
    Workspace(#[from] workspace::Error),
    #[error(transparent)]
    Metric(#[from] crate::metric::Error),
    #[error(transparent)]
    Incomparable(#[from] crate::embedding::Incomparable),
    #[error("interrupted")]
    Cancelled,
}
