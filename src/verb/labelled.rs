//! Statements that hold labelled clips against labels: `classify`, `similarity`, `margin`.
//!
//! ```text
//!   Task ─ Truth ─┐
//!                 ├─ cosines n × classes ─ the verb's own Measured ─ Outcome       one prompt, or audio-only labels
//!   Against ──────┘                    └── once a prompt ─ rows, spread, Holm      prompts=NAME
//! ```

use std::sync::Arc;

use crate::metric::{self, Bootstrap, Cosines, Direction, Measure, holm};
use crate::prompt::Prompt;
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::against::{self, Against};
use crate::verb::pairing::Pairing;
use crate::verb::trial::{Groups, Trial};
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters, provenance, spaces};
use crate::workspace::Prompts;

/// What a verb of this kind takes, unless it says otherwise.
pub const SHAPE: Signature = Signature {
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where, Clause::By, Clause::Using],
    parameters: &[
        shared::PROMPT,
        shared::PROMPTS,
        shared::MODEL,
        spaces::SPACE,
        against::PROTOCOL,
        against::K,
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::SEED,
    ],
    ..Signature::BARE
};

/// The measured clips, for `compare`: their measure, and a quantity of each.
pub fn trial(
    truth: &Truth,
    groups: Option<Groups>,
    value: (&'static str, Vec<f64>),
    measure: impl Measure + Send + 'static,
) -> Trial {
    Trial {
        unit: "clips",
        items: truth.ids(),
        truth: truth.labels(),
        vocabulary: truth.classes.clone(),
        groups,
        right: None,
        values: vec![value],
        measure: Box::new(measure),
    }
}

/// What is said of classes that every clip or none has.
pub fn left_out(classes: &[&str]) -> Option<String> {
    let told = || format!("without clips of both kinds, and so left out of the mean areas: {}", classes.join(", "));
    (!classes.is_empty()).then(told)
}

/// The fact that says how many ties counted against the model.
pub const TIES: &str = "ties";

/// What a verb makes of clips × classes.
pub type Measured = fn(&Task, &Truth, &Arc<dyn Cosines>, &Scope<'_>) -> Result<Outcome, Error>;

/// A verb's own part: what it measures, and of which numbers a sweep gives best, worst, mean and spread, the first of
/// which orders the prompts.
#[derive(Clone, Copy)]
pub struct Labelled {
    pub signature: &'static Signature,
    pub measured: Measured,
    pub leading: &'static [&'static str],
    /// Whether clips may have several labels.
    pub several: bool,
}

impl Labelled {
    /// Resolves a statement over a set of clips.
    ///
    /// # Errors
    /// When a word names nothing, or the parts do not go together.
    pub fn plan(self, mut bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, self.signature)?;
        bound.gives_way("prompts", &["prompt", "by", "confusion"]);
        let against = Against::of(&mut bound)?;
        let prompts = if bound.using.is_none() { parameters::sweep(&bound, scope)? } else { None };
        if prompts.is_some() {
            bound.refuse(&["prompt", "by", "confusion"], "a sweep of prompts")?;
        }
        spaces::each(bound, scope, &|bound, stage, scope| {
            let task = Task::new(bound, stage, scope)?;
            Ok(match prompts.clone() {
                Some(prompts) => Box::new(Sweep { verb: self, task, prompts }),
                None => Box::new(Set { verb: self, task, against: against.clone() }),
            })
        })
    }
}

impl Labelled {
    fn truth(&self, task: &Task, scope: &Scope<'_>) -> Result<Truth, Error> {
        if self.several { task.any_truth_in_blocks(scope) } else { task.truth_in_blocks(scope) }
    }
}

struct Set {
    verb: Labelled,
    task: Task,
    against: Against,
}

impl Plan for Set {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.against.steps());
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let truth = self.verb.truth(&self.task, scope)?;
        self.against.over(&self.task, &truth)?.estimate(&self.task, &truth, scope)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let truth = self.against.truth(&self.task, self.verb.several, scope)?;
        let against = self.against.over(&self.task, &truth)?;
        let (scores, masked) = against.scores(&self.task, &truth, scope)?;
        let mut outcome = (self.verb.measured)(&self.task, &truth, &scores, scope)?;
        against.tell(&mut outcome.report, masked);
        Ok(outcome)
    }
}

struct Sweep {
    verb: Labelled,
    task: Task,
    prompts: Vec<Prompt>,
}

impl Plan for Sweep {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.prompts.iter().map(|p| Step::new("prompt", format!("{}: {}", p.name, p.key()))));
        steps.push(Step::new("search", "exact: every clip with every label, once a prompt"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let (truth, prompts) = (self.verb.truth(&self.task, scope)?, Prompts(self.prompts.clone()));
        self.task.reading_each(&truth, &prompts, scope)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let truth = self.verb.truth(&self.task, scope)?;
        let mut measured = Vec::with_capacity(self.prompts.len());
        for prompt in &self.prompts {
            let against = Against::Texts(Prompts(vec![prompt.clone()]));
            let (scores, _) = against.scores(&self.task, &truth, scope)?;
            measured.push((prompt, (self.verb.measured)(&self.task, &truth, &scores, scope)?));
        }
        let mut report = self.task.report(self.verb.signature.name, &truth, scope);
        self.task.note_groups(&mut report.context);
        report.context.prompts = self.prompts.iter().map(|p| p.key().to_owned()).collect();
        let (model, stage) = (&self.task.model, self.task.stage());
        report.context.wording = scope.workspace.wording(model, stage, &self.prompts, &truth.classes)?;
        let constant = |name: &str| measured.first().and_then(|(_, o)| o.report.context.extra.iter().find(|(n, _)| n == name));
        for name in ["chance", "majority"] {
            report.context.extra.extend(constant(name).cloned());
        }
        gather(&mut report, &measured, self.verb.leading, &parameters::bootstrap(&self.task.bound), scope)?;
        Ok(report.into())
    }
}

/// Puts what a sweep measured into its report: a row a prompt, the spread of the leading numbers, the tests against the best,
/// the notes.
///
/// # Errors
/// When the prompts' items do not pair, or the user cancels.
pub fn gather(
    report: &mut Report,
    measured: &[(&Prompt, Outcome)],
    leading: &[&str],
    bootstrap: &Bootstrap,
    scope: &Scope<'_>,
) -> Result<(), Error> {
    let lead = leading.first().copied().unwrap_or_default();
    report.metrics = leading.iter().flat_map(|name| spread(name, measured)).collect();
    report.tables.push(rows(measured, lead));
    report.tables.extend(against_the_best(measured, lead, bootstrap, scope)?);
    for (prompt, outcome) in measured {
        for note in &outcome.report.notes {
            let of_all = measured.iter().all(|(_, other)| other.report.notes.contains(note));
            let note = if of_all { note.clone() } else { format!("{}: {note}", prompt.name) };
            if !report.notes.contains(&note) {
                report.notes.push(note);
            }
        }
    }
    let bar = |(prompt, outcome): &(&Prompt, Outcome)| Some((prompt.name.clone(), outcome.report.metric(lead)?.clone()));
    report.figures.push(Figure::Bars {
        title: format!("{lead} by prompt"),
        unit: String::new(),
        bars: measured.iter().filter_map(bar).collect(),
    });
    Ok(())
}

fn rows(measured: &[(&Prompt, Outcome)], lead: &str) -> Table {
    let metrics: Vec<&str> =
        measured.first().map(|(_, o)| o.report.metrics.iter().map(|e| e.name.as_str()).collect()).unwrap_or_default();
    let (low, high) = (format!("{lead}_low"), format!("{lead}_high"));
    let ties = |outcome: &Outcome| outcome.report.context.extra.iter().find(|(name, _)| name == TIES).map(|(_, n)| n.clone());
    let tied = measured.iter().any(|(_, outcome)| ties(outcome).is_some());
    let columns = ["name", "prompt"].into_iter().chain(metrics).chain([low.as_str(), high.as_str()]);
    let mut table = Table::new(columns.chain(tied.then_some(TIES)));
    for (prompt, outcome) in measured {
        let leading = provenance::named(&outcome.report.metrics, lead);
        let mut row: Vec<Value> = vec![prompt.name.as_str().into(), prompt.key().into()];
        row.extend(outcome.report.metrics.iter().map(|e| Value::from(e.value)));
        row.extend([leading.and_then(|e| e.low).into(), leading.and_then(|e| e.high).into()]);
        row.extend(tied.then(|| ties(outcome).unwrap_or(Value::Null)));
        table.push(row);
    }
    table
}

/// Best, worst, mean and spread (greatest less least) of a number over the prompts; greatest and least of one that does not judge.
fn spread(name: &str, measured: &[(&Prompt, Outcome)]) -> Vec<Estimate> {
    let values = measured.iter().filter_map(|(_, o)| o.report.metric(name)).map(|e| e.value).filter(|v| v.is_finite());
    let values: Vec<f64> = values.collect();
    if values.is_empty() {
        return Vec::new();
    }
    let greatest = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
    let least = values.iter().copied().fold(f64::INFINITY, f64::min);
    let (first, second) = match direction(name) {
        Direction::Greater => (("best", greatest), ("worst", least)),
        Direction::Smaller => (("best", least), ("worst", greatest)),
        Direction::Neutral => (("greatest", greatest), ("least", least)),
    };
    let mean = values.iter().sum::<f64>() / values.len() as f64;
    let numbers = [first, second, ("mean", mean), ("spread", greatest - least)];
    numbers.map(|(what, value)| Estimate::point(&format!("{name}_{what}"), value)).into()
}

fn direction(name: &str) -> Direction {
    metric::named(name).map_or(Direction::Neutral, |metric| metric.direction)
}

/// Each other prompt against the best one: McNemar's test, or sign flips where nothing is right or wrong. Which one is the best
/// is seen from the same clips, so Holm's correction is over all pairs of prompts.
fn against_the_best(
    measured: &[(&Prompt, Outcome)],
    lead: &str,
    bootstrap: &Bootstrap,
    scope: &Scope<'_>,
) -> Result<Option<Table>, Error> {
    if direction(lead) != Direction::Greater {
        return Ok(None);
    }
    let value = |report: &Report| report.metric(lead).map_or(f64::NAN, |e| e.value);
    let order = |a: &&(&Prompt, Outcome), b: &&(&Prompt, Outcome)| value(&a.1.report).total_cmp(&value(&b.1.report));
    let Some(best) = measured.iter().rev().max_by(order) else { return Ok(None) };
    let mut compared = Vec::new();
    for (at, first) in measured.iter().enumerate() {
        for second in measured.iter().skip(at + 1) {
            let (Some(a), Some(b)) = (&first.1.trial, &second.1.trial) else { continue };
            let Some((test, p)) = Pairing::new(a, b)?.leading_test(bootstrap.seed, scope.progress)? else { continue };
            compared.push((first, second, test, p));
        }
    }
    let adjusted = holm(&compared.iter().map(|c| c.3).collect::<Vec<_>>());
    let mut table =
        Table::new(["prompt", "behind by", "test", "p", "p_holm"]).titled(format!("against the best, `{}`", best.0.name));
    let is_best = |one: &(&Prompt, Outcome)| std::ptr::eq(one, best);
    for ((first, second, test, p), adjusted) in compared.into_iter().zip(adjusted) {
        if !is_best(first) && !is_best(second) {
            continue;
        }
        let (prompt, outcome) = if is_best(first) { second } else { first };
        let behind = value(&best.1.report) - value(&outcome.report);
        table.push(vec![prompt.name.as_str().into(), behind.into(), test.into(), p.into(), adjusted.into()]);
    }
    Ok((!table.rows.is_empty()).then_some(table))
}
