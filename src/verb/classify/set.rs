//! A set of clips: the metrics with their intervals, per class and as a matrix on request.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::metric::{Classification, Cosines};
use crate::report::{Estimate, Figure, Table};
use crate::value::Value;
use crate::verb::labelled::{self, TIES};
use crate::verb::trial::{Groups, Trial};
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Scope, parameters, provenance};

/// Errors that are listed.
const WORST: usize = 10;

/// The report of classified clips, whatever gave the scores.
pub fn measured(task: &Task, truth: &Truth, scores: &Arc<dyn Cosines>, scope: &Scope<'_>) -> Result<Outcome, Error> {
    if let Some(several) = &truth.several {
        return super::several::measured(task, truth, several, scores, scope);
    }
    let top = top(task, truth.classes.len())?;
    let classification = Classification::over(Arc::clone(scores), &truth.class, scope.progress)?.up_to(top);
    let groups = task.resampled_by(truth)?;
    let sampled = parameters::bootstrap(&task.bound).estimate(&classification, groups.as_deref(), scope.progress)?;

    let mut report = task.report("classify", truth, scope);
    task.note_groups(&mut report.context);
    let (chance, majority) = (classification.chance(), classification.majority());
    report.context.fact("chance", provenance::named(&chance, "top1").map(|e| e.value));
    report.context.fact("majority", provenance::named(&majority, "top1").map(|e| e.value));
    report.context.fact(TIES, classification.ties(1));
    report.notes.extend(ties_below(top, |m| classification.ties(m)));
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates.into_iter().filter(|e| within(e, top)).collect();
    report.tables.push(metric_table(&report.metrics, &chance, &majority));
    if task.bound.value("by").is_some() {
        report.tables.push(per_class(truth, &classification));
        report.tables.extend(worst(truth, &classification));
    }
    if task.bound.has("confusion") {
        let (table, figure) = confusion(truth, &classification);
        report.tables.push(table);
        report.figures.push(figure);
    } else {
        let bars = report.metrics.iter().map(|m| (m.name.clone(), m.clone())).collect();
        report.figures.push(Figure::Bars { title: "metrics".into(), unit: String::new(), bars });
    }
    let absent: Vec<&str> = classification.absent().iter().map(|&c| truth.classes[c].as_str()).collect();
    report.notes.extend(labelled::left_out(&absent));
    Ok(Outcome { trial: Some(Arc::new(trial(truth, classification, groups))), ..report.into() })
}

/// The classified clips, for `compare`.
fn trial(truth: &Truth, classification: Classification, groups: Option<Groups>) -> Trial {
    let right = Some(classification.right(1).into_iter().map(Some).collect());
    let value = ("reciprocal_rank", classification.reciprocal_ranks());
    Trial { right, ..labelled::trial(truth, groups, value, classification) }
}

/// The K of `top K`, 5 by default, at most the number of classes.
///
/// # Errors
/// When it is above the number of classes.
pub(super) fn top(task: &Task, classes: usize) -> Result<usize, Error> {
    match task.bound.top {
        None => Ok(5.min(classes)),
        Some(top) if top <= classes => Ok(top),
        Some(top) => Err(Diagnostic::new(format!("`top {top}` of {classes} classes"))
            .at(task.bound.top_at.unwrap_or(task.bound.verb.span))
            .expected(format!("at most `top {classes}`"))
            .into()),
    }
}

/// Whether a metric is asked for: `top4` is not, in `top 3`.
pub(super) fn within(estimate: &Estimate, top: usize) -> bool {
    estimate.name.strip_prefix("top").and_then(|m| m.parse::<usize>().ok()).is_none_or(|m| m <= top)
}

/// A sentence about the clips that only a tie at the border kept out of the first m, for each m above 1 that has some.
pub(super) fn ties_below(top: usize, ties: impl Fn(usize) -> usize) -> Option<String> {
    let counted = (2..=top).map(|m| (m, ties(m))).filter(|&(_, n)| n > 0).map(|(m, n)| format!("{n} at top{m}"));
    let counted: Vec<String> = counted.collect();
    (!counted.is_empty()).then(|| format!("clips that a tie at the border kept out: {}", counted.join(", ")))
}

pub(super) fn metric_table(metrics: &[Estimate], chance: &[Estimate], majority: &[Estimate]) -> Table {
    let mut table = Table::new(["metric", "value", "low", "high", "chance", "majority"]);
    let value = |list: &[Estimate], name: &str| Value::from(provenance::named(list, name).map(|e| e.value));
    for m in metrics {
        let (chance, majority) = (value(chance, &m.name), value(majority, &m.name));
        table.push(vec![m.name.as_str().into(), m.value.into(), m.low.into(), m.high.into(), chance, majority]);
    }
    table
}

fn per_class(truth: &Truth, classification: &Classification) -> Table {
    let columns = ["class", "n", "predicted", "recall", "precision", "f1", "roc_auc", "average_precision"];
    let mut table = Table::new(columns).titled("per class");
    for (name, class) in truth.classes.iter().zip(classification.per_class()) {
        table.push(vec![
            name.as_str().into(),
            (class.support as usize).into(),
            (class.predicted as usize).into(),
            class.recall.into(),
            class.precision.into(),
            class.f1.into(),
            class.roc_auc.into(),
            class.average_precision.into(),
        ]);
    }
    table
}

/// The clips whose wrong class is farthest ahead of their own, worst first; none when all are right.
fn worst(truth: &Truth, classification: &Classification) -> Option<Table> {
    let guesses = classification.predicted().iter().zip(&truth.class).zip(classification.best_and_own());
    let mut wrong: Vec<(usize, f32, f32)> = guesses
        .enumerate()
        .filter(|(_, ((guess, own), _))| guess != own)
        .map(|(i, (_, (best, own)))| (i, best, best - own))
        .filter(|(_, _, lead)| lead.is_finite())
        .collect();
    wrong.sort_by(|a, b| b.2.total_cmp(&a.2).then(a.0.cmp(&b.0)));
    let mut table = Table::new(["id", "label", "predicted", "similarity", "ahead by"]).titled("worst errors");
    let ids = truth.ids();
    for &(i, best, lead) in wrong.iter().take(WORST) {
        let guess = classification.predicted()[i];
        table.push(vec![
            ids[i].as_str().into(),
            truth.classes[truth.class[i]].as_str().into(),
            truth.classes[guess].as_str().into(),
            f64::from(best).into(),
            f64::from(lead).into(),
        ]);
    }
    (!table.rows.is_empty()).then_some(table)
}

fn confusion(truth: &Truth, classification: &Classification) -> (Table, Figure) {
    let matrix = classification.confusion();
    let columns = std::iter::once("true \\ predicted").chain(truth.classes.iter().map(String::as_str));
    let mut table = Table::new(columns).titled("confusion");
    for (name, row) in truth.classes.iter().zip(&matrix) {
        table.push(std::iter::once(name.as_str().into()).chain(row.iter().map(|&n| Value::Int(n as i64))).collect());
    }
    let figure = Figure::Heat {
        title: "true class (row) by predicted class (column)".into(),
        rows: truth.classes.clone(),
        columns: truth.classes.clone(),
        values: matrix.iter().map(|row| row.iter().map(|&n| n as f64).collect()).collect(),
        counts: true,
    };
    (table, figure)
}
