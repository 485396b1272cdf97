//! A sweep over prompts: a row a prompt, and best, worst, mean and spread (Figure 2 of the paper).

use super::{Task, set};
use crate::metric::Classification;
use crate::prompt::Prompt;
use crate::report::{Estimate, Figure, Report, Table};
use crate::value::Value;
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters, provenance};
use crate::workspace::Prompts;

pub struct Sweep {
    pub task: Task,
    pub prompts: Vec<Prompt>,
}

impl Plan for Sweep {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.prompts.iter().map(|p| Step::new("prompt", format!("{}: {}", p.name, p.key()))));
        steps.push(Step::new("search", "exact: every clip with every label, once a prompt"));
        steps.push(Step::new("intervals", format!("{} resamples a prompt", parameters::bootstrap(&self.task.bound).resamples)));
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = task.truth(scope)?;
        let top = set::top(task, truth.classes.len())?;
        let bootstrap = parameters::bootstrap(&task.bound);
        let groups = task.bound.by.as_ref().map(|field| truth.groups(field)).transpose()?;
        let clips = truth.clips.embeddings();
        let mut report = Report::new("classify");
        report.context = provenance::context(scope, Some(task.collection.name()), &task.model, "joint");
        report.context.n = Some(truth.clips.len());
        provenance::sampled(&mut report.context, &bootstrap);
        report.context.fact("classes", truth.classes.len());

        let mut measured: Vec<(String, Vec<Estimate>)> = Vec::new();
        for prompt in &self.prompts {
            let prompts = Prompts(vec![prompt.clone()]);
            let stage = task.info.key.space.stage;
            let texts = scope.workspace.label_vectors(&task.model, stage, &prompts, &truth.classes, scope.progress)?;
            let classification = Classification::new(&clips.cosines(&texts)?, &truth.class)?.up_to(top);
            let sampled = bootstrap.estimate(&classification, groups.as_deref(), scope.progress)?;
            report.notes.extend(sampled.notes().iter().map(|note| format!("{}: {note}", prompt.name)));
            if measured.is_empty() {
                let chance = classification.chance();
                report.context.fact("chance", provenance::named(&chance, "top1").map(|e| e.value));
            }
            measured.push((prompt.name.clone(), sampled.estimates.into_iter().filter(|e| set::within(e, top)).collect()));
            report.context.prompts.push(prompt.key().to_owned());
        }
        report.metrics = summary(&measured);
        report.tables.push(rows(&self.prompts, &measured));
        let bars =
            measured.iter().filter_map(|(name, all)| Some((name.clone(), provenance::named(all, "top1")?.clone()))).collect();
        report.figures.push(Figure::Bars { title: "top-1 accuracy by prompt".into(), unit: String::new(), bars });
        truth.note_unlabelled(&mut report.notes);
        Ok(report.into())
    }
}

fn rows(prompts: &[Prompt], measured: &[(String, Vec<Estimate>)]) -> Table {
    let metrics: Vec<&str> = measured.first().map(|(_, all)| all.iter().map(|e| e.name.as_str()).collect()).unwrap_or_default();
    let mut columns = vec!["name", "prompt"];
    columns.extend(&metrics);
    columns.extend(["top1_low", "top1_high"]);
    let mut table = Table::new(columns);
    for (prompt, (name, all)) in prompts.iter().zip(measured) {
        let top1 = provenance::named(all, "top1");
        let mut row: Vec<Value> = vec![name.as_str().into(), prompt.key().into()];
        row.extend(all.iter().map(|e| Value::from(e.value)));
        row.extend([top1.and_then(|e| e.low).into(), top1.and_then(|e| e.high).into()]);
        table.push(row);
    }
    table
}

/// Best, worst, mean and spread (best less worst) of top-1 and ROC-AUC over the prompts.
fn summary(measured: &[(String, Vec<Estimate>)]) -> Vec<Estimate> {
    let mut out = Vec::new();
    for metric in ["top1", "roc_auc"] {
        let values: Vec<f64> = measured
            .iter()
            .filter_map(|(_, all)| provenance::named(all, metric))
            .map(|e| e.value)
            .filter(|v| v.is_finite())
            .collect();
        if values.is_empty() {
            continue;
        }
        let best = values.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let worst = values.iter().copied().fold(f64::INFINITY, f64::min);
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        for (what, value) in [("best", best), ("worst", worst), ("mean", mean), ("spread", best - worst)] {
            out.push(Estimate::point(&format!("{metric}_{what}"), value));
        }
    }
    out
}
