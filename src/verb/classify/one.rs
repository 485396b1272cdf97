//! One clip: its K best labels with similarity and margin, and whether the first is right.

use std::collections::BTreeSet;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::report::{Report, Table};
use crate::value::Value;
use crate::verb::truth::{Task, label_of, labels_of};
use crate::verb::{Error, Outcome, Plan, Scope, Step, parameters, provenance};
use crate::workspace::{Prompts, Source};

pub struct One {
    task: Task,
    id: Spanned<String>,
    prompts: Prompts,
}

impl One {
    pub fn new(task: Task, id: Spanned<String>) -> Result<Self, Error> {
        Ok(One { prompts: parameters::prompt(&task.bound)?, task, id })
    }
}

impl Plan for One {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.push(Step::new("clip", self.id.node.clone()));
        steps.push(Step::new("prompt", self.prompts.keys().join(", ")));
        steps.push(Step::new("search", "exact: the clip with every label of the collection"));
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let (item, vector) = scope.workspace.clip_vector(&task.collection, &task.info, &self.id, scope.progress)?;
        let mut labels = BTreeSet::new();
        Source::of(&task.collection, &task.info).each(None, scope.progress, &mut |item| labels.extend(labels_of(&item)))?;
        let labels = Vec::from_iter(labels);
        if labels.is_empty() {
            let fault = Diagnostic::new(format!("no clip of `{}` has a label", task.collection.name())).at(task.bound.verb.span);
            return Err(fault.hint("`label clip \"ID\" ontology=hdio` takes the labels of an ontology").into());
        }
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), &self.prompts, &labels, scope.progress)?;
        let scores = vector.cosines(&texts)?;
        let truth = label_of(&item);
        let own = labels_of(&item);
        // A tie counts against the model, as over a set: of equals the clip's own labels come last.
        let place = |label: usize| (own.contains(&labels[label]), label);
        let mut order: Vec<usize> = (0..labels.len()).collect();
        order.sort_by(|&a, &b| scores.values[b].total_cmp(&scores.values[a]).then_with(|| place(a).cmp(&place(b))));
        let mut report = Report::new("classify");
        report.context = provenance::context(scope, Some(task.collection.name()), &task.model, "joint");
        report.context.n = Some(1);
        provenance::prompted(&mut report.context, &self.prompts);
        report.context.fact("clip", item.id.as_str());
        match &truth {
            None if !own.is_empty() => report.context.fact("labels", own.join("; ")),
            _ => report.context.fact("label", truth.clone()),
        }
        if let [first, second, ..] = order.as_slice() {
            report.context.fact("margin", f64::from(scores.values[*first] - scores.values[*second]));
        }
        if !own.is_empty() {
            report.context.fact("right", own.contains(&labels[order[0]]));
        }
        let mut table = Table::new(["rank", "label", "similarity", "right"]);
        for (rank, &label) in order.iter().take(task.bound.top.unwrap_or(3)).enumerate() {
            let right = (!own.is_empty()).then(|| own.contains(&labels[label]));
            table.push(vec![
                Value::from(rank + 1),
                labels[label].as_str().into(),
                f64::from(scores.values[label]).into(),
                right.map_or(Value::Null, Value::Bool),
            ]);
        }
        report.tables.push(table);
        Ok(report.into())
    }
}
