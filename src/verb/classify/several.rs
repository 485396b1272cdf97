//! A set of clips with several labels each: hits of any of them, and the areas of each class over what is known.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::metric::{Cosines, Measure, MultiLabel};
use crate::report::{Figure, Report, Table};
use crate::verb::classify::set::{metric_table, ties_below, top, within};
use crate::verb::labelled::{self, TIES};
use crate::verb::several::Several;
use crate::verb::trial::{Groups, Trial};
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Scope, parameters, provenance};

/// The report of tagged clips.
pub fn measured(
    task: &Task,
    truth: &Truth,
    several: &Several,
    scores: &Arc<dyn Cosines>,
    scope: &Scope<'_>,
) -> Result<Outcome, Error> {
    if let Some(word) = task.bound.subjects.iter().find(|s| s.node == "confusion") {
        let fault = Diagnostic::new("clips with several labels have no confusion matrix").at(word.span);
        return Err(fault.expected("`by=class` for a row a class").into());
    }
    let top = top(task, truth.classes.len())?;
    let known = |clip: usize, class: usize| several.known(clip, class);
    let tagging = MultiLabel::over(&**scores, known, scope.progress)?.up_to(top);
    let groups = task.resampled_by(truth)?;
    let sampled = parameters::bootstrap(&task.bound).estimate(&tagging, groups.as_deref(), scope.progress)?;

    let mut report = task.report("classify", truth, scope);
    task.note_groups(&mut report.context);
    let chance = tagging.chance();
    let mut majority = MultiLabel::new(&tagging.majority(), known)?.up_to(top).point();
    majority.retain(|e| e.name != "pr_auc");
    report.context.fact("chance", provenance::named(&chance, "top1").map(|e| e.value));
    report.context.fact("majority", provenance::named(&majority, "top1").map(|e| e.value));
    report.context.fact(TIES, tagging.ties(1));
    report.notes.extend(ties_below(top, |m| tagging.ties(m)));
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates.into_iter().filter(|e| within(e, top)).collect();
    report.tables.push(metric_table(&report.metrics, &chance, &majority));
    if task.bound.value("by").is_some() {
        report.tables.push(per_class(truth, &tagging));
    }
    let bars = report.metrics.iter().map(|m| (m.name.clone(), m.clone())).collect();
    report.figures.push(Figure::Bars { title: "metrics".into(), unit: String::new(), bars });
    notes(&mut report, truth, several, &tagging);
    Ok(Outcome { trial: Some(Arc::new(trial(truth, tagging, groups))), ..report.into() })
}

fn notes(report: &mut Report, truth: &Truth, several: &Several, tagging: &MultiLabel) {
    report.notes.push("several labels a clip: right at k when any label that it has is among its k best".into());
    let unknown = several.unknown(truth.classes.len());
    if unknown > 0 {
        let pairs = truth.clips.len() * truth.classes.len();
        report.notes.push(format!(
            "{unknown} of {pairs} pairs of a clip and a label are unknown: left out of the areas, and of the order of a clip's labels"
        ));
    }
    let (without, none) = (tagging.without(), tagging.with_none());
    for (clips, what) in
        [(none, "are known to have no label"), (without - none, "have no label that is known, and may have some")]
    {
        if clips > 0 {
            report.notes.push(format!("{clips} clips {what}: they count in the areas only"));
        }
    }
    let one_sided = tagging.per_class().into_iter().zip(&truth.classes).filter(|(tag, _)| tag.roc_auc.is_nan());
    report.notes.extend(labelled::left_out(&one_sided.map(|(_, name)| name.as_str()).collect::<Vec<_>>()));
}

fn per_class(truth: &Truth, tagging: &MultiLabel) -> Table {
    let mut table = Table::new(["class", "present", "absent", "unknown", "roc_auc", "average_precision"]).titled("per class");
    for (name, tag) in truth.classes.iter().zip(tagging.per_class()) {
        let unknown = truth.clips.len() - (tag.present + tag.absent) as usize;
        table.push(vec![
            name.as_str().into(),
            (tag.present as usize).into(),
            (tag.absent as usize).into(),
            unknown.into(),
            tag.roc_auc.into(),
            tag.average_precision.into(),
        ]);
    }
    table
}

/// The tagged clips, for `compare`.
fn trial(truth: &Truth, tagging: MultiLabel, groups: Option<Groups>) -> Trial {
    // A clip without a label is neither right nor wrong.
    let right = Some(tagging.right(1));
    let value = ("reciprocal_rank", tagging.reciprocal_ranks());
    Trial { right, ..labelled::trial(truth, groups, value, tagging) }
}
