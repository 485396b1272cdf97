//! A set of clips under one prompt: the metrics with their intervals, per class and as a matrix on request.

use super::{Task, Truth};
use crate::diagnostic::Diagnostic;
use crate::metric::Classification;
use crate::report::{Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters, provenance};
use crate::workspace::Prompts;

pub struct Set {
    pub task: Task,
    pub prompts: Prompts,
}

impl Plan for Set {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.push(Step::new("prompt", self.prompts.keys().join(", ")));
        steps.push(Step::new("labels", "the distinct values of `label`, one text a label, cached in the store"));
        steps.push(Step::new("search", "exact: every clip with every label"));
        steps.push(Step::new("intervals", format!("{} resamples", parameters::bootstrap(&self.task.bound).resamples)));
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = task.truth(scope)?;
        let stage = task.info.key.space.stage;
        let texts = scope.workspace.label_vectors(&task.model, stage, &self.prompts, &truth.classes, scope.progress)?;
        let scores = truth.clips.embeddings().cosines(&texts)?;
        let classification = Classification::new(&scores, &truth.class)?;
        let mut report = measured(task, &truth, classification, scope)?;
        provenance::prompted(&mut report.context, &self.prompts);
        Ok(report.into())
    }
}

/// The report of a classified set, whatever gave the scores.
pub fn measured(task: &Task, truth: &Truth, classification: Classification, scope: &Scope<'_>) -> Result<Report, Error> {
    let top = top(task, truth.classes.len())?;
    let classification = classification.up_to(top);
    let bootstrap = parameters::bootstrap(&task.bound);
    let groups = task.bound.by.as_ref().filter(|_| task.bound.using.is_none()).map(|field| truth.groups(field)).transpose()?;
    let sampled = bootstrap.estimate(&classification, groups.as_deref(), scope.progress)?;

    let space = task.info.key.space.clone();
    let mut report = Report::new("classify");
    report.context = provenance::context(
        scope,
        Some(task.collection.name()),
        &task.model,
        provenance::space_name(space.modality, space.stage),
    );
    report.context.n = Some(truth.clips.len());
    provenance::sampled(&mut report.context, &bootstrap);
    let (chance, majority) = (classification.chance(), classification.majority());
    report.context.fact("classes", truth.classes.len());
    report.context.fact("chance", provenance::named(&chance, "top1").map(|e| e.value));
    report.context.fact("majority", provenance::named(&majority, "top1").map(|e| e.value));
    report.context.fact("ties", classification.ties(1));
    if let Some(filter) = &task.bound.filter {
        report.context.fact("where", filter.to_string());
    }
    if let Some(field) = task.bound.by.as_ref().filter(|_| task.bound.using.is_none()) {
        report.context.fact("resampled_by", field.node.as_str());
    }
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates.into_iter().filter(|e| within(e, top)).collect();
    report.tables.push(metric_table(&report.metrics, &chance, &majority));

    if task.bound.value("by").is_some() {
        report.tables.push(per_class(truth, &classification));
    }
    if task.bound.has("confusion") {
        let (table, figure) = confusion(truth, &classification);
        report.tables.push(table);
        report.figures.push(figure);
    } else {
        let bars = report.metrics.iter().map(|m| (m.name.clone(), m.clone())).collect();
        report.figures.push(Figure::Bars { title: "metrics".into(), unit: String::new(), bars });
    }
    truth.note_unlabelled(&mut report.notes);
    let absent = classification.absent();
    if !absent.is_empty() {
        let names: Vec<&str> = absent.iter().map(|&c| truth.classes[c].as_str()).collect();
        report.notes.push(format!("without clips of both kinds, and so left out of the mean areas: {}", names.join(", ")));
    }
    Ok(report)
}

/// The K of `top K`, 5 by default, at most the number of classes.
///
/// # Errors
/// When it is above the number of classes.
pub fn top(task: &Task, classes: usize) -> Result<usize, Error> {
    match task.bound.top {
        None => Ok(5.min(classes)),
        Some(top) if top <= classes => Ok(top),
        Some(top) => Err(Diagnostic::new(format!("`top {top}` of {classes} classes"))
            .at(task.bound.verb.span)
            .expected(format!("at most `top {classes}`"))
            .into()),
    }
}

/// Whether a metric is asked for: `top4` is not, in `top 3`.
pub fn within(estimate: &Estimate, top: usize) -> bool {
    estimate.name.strip_prefix("top").and_then(|m| m.parse::<usize>().ok()).is_none_or(|m| m <= top)
}

fn metric_table(metrics: &[Estimate], chance: &[Estimate], majority: &[Estimate]) -> Table {
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
    };
    (table, figure)
}
