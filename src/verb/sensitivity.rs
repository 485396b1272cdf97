//! `sensitivity`: how much the answers hang on the wording of the prompt, over paraphrases and controls.

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::embedding::Stage;
use crate::metric::{Classification, OF_CLASS, OF_CONTROL, OF_WORDING, Sampled, Sensitivity as Measured, holm};
use crate::prompt::Prompt;
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Table};
use crate::value::Value;
use crate::verb::against::Against;
use crate::verb::pairing::{of_right, test_right};
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, labelled, parameters};
use crate::workspace::Prompts;

pub struct Sensitivity;

/// The prompts without `prompts=`, and the set whose definitions go with them.
const PARAPHRASES: &str = "sensitivity";
const DEFINITIONS: (&str, [(&str, &str); 2]) =
    ("ismir2024", [("definition", "bare"), ("definition-without-label", "definition")]);

static SIGNATURE: Signature = Signature {
    name: "sensitivity",
    summary: "how much zero-shot answers hang on the prompt: spread over paraphrases, and controls",
    usage: &[
        "sensitivity clips [in C] [where …] [by FIELD]",
        "sensitivity clips where prompts=NAME",
        "sensitivity clips where prompts=(\"A <> track\", …)",
    ],
    about: "Classifies the clips once a prompt. Over the *paraphrases*, which ask the same in other words: mean, best, worst, spread \
            (best less worst) and standard deviation of top1, and of f1_macro and roc_auc; `agreement` (the chance that two paraphrases \
            give a clip the same label), `unanimous` (clips that all give the same label) and `undecided` (clips that some have right \
            and others wrong). Of each *control*, which spoils a prompt on purpose (a negation, random words after it, the definition in \
            place of the label, the definition with the label's words removed): top1 and roc_auc less those of the prompt that it spoils, \
            the share of clips that keep their label, and McNemar's exact test (with `by FIELD`, sign flips of whole groups) with \
            Holm's correction. A model that understands loses all \
            by a negation and nothing by random words; one that still does well without the label reads the description. Of each class: \
            recall over the paraphrases, with the prompts where it is best and worst. All intervals resample the clips (groups with \
            `by FIELD`) once for all prompts, so differences are paired; a spread is never negative, so judge it against its interval and \
            not against zero. Without `prompts=` the set `sensitivity` and the definitions of `ismir2024` are taken, as far as the model and \
            the labels allow; in a set, `control_of` marks the controls. Needs one label a clip.",
    subjects: &["clip", "prompt"],
    clauses: &[Clause::In, Clause::Where, Clause::By],
    parameters: &[shared::PROMPTS, shared::MODEL, shared::RESAMPLES, shared::CONFIDENCE, shared::SEED],
    examples: &[
        Example { statement: "sensitivity clips", gives: "the spread over eight paraphrases, five controls, and a row a class" },
        Example {
            statement: "sensitivity clips where prompts=ismir2024",
            gives: "the paper's prompts: four that name the instrument, two that spoil it",
        },
        Example { statement: "sensitivity clips where prompts=article", gives: "what the article alone changes" },
    ],
    ..Signature::BARE
};

impl Verb for Sensitivity {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let chosen = parameters::sweep(&bound, scope)?;
        let given = chosen.is_some();
        let prompts = match chosen {
            Some(prompts) => prompts,
            None => usual(scope)?,
        };
        let task = Task::new(bound, Stage::Joint, scope)?;
        if prompts.iter().filter(|prompt| prompt.control_of.is_none()).count() < 2 {
            let place = task.bound.value("prompts").map_or(task.bound.verb.span, |p| p.span);
            return Err(Diagnostic::new("one wording has no spread")
                .at(place)
                .expected("at least two prompts that are no controls")
                .into());
        }
        Ok(Box::new(SensitivityPlan { task, prompts, given }))
    }
}

/// The set `sensitivity`, and the definitions as controls.
fn usual(scope: &Scope<'_>) -> Result<Vec<Prompt>, Error> {
    let named = |name: &str| scope.workspace.prompt_set(&crate::diagnostic::Spanned::new(name.to_owned(), Default::default()));
    let mut prompts = named(PARAPHRASES)?.prompts;
    let definitions = named(DEFINITIONS.0)?;
    for (name, base) in DEFINITIONS.1 {
        if let Ok(prompt) = definitions.prompt(name) {
            let mut control = prompt.clone();
            control.control_of = Some(base.to_owned());
            prompts.push(control);
        }
    }
    Ok(prompts)
}

struct SensitivityPlan {
    task: Task,
    prompts: Vec<Prompt>,
    /// Whether the statement named them; if not, those that the model or the labels do not allow are left out.
    given: bool,
}

impl SensitivityPlan {
    /// The prompts that can be read, each classified; a note for each that can't.
    fn classified(
        &self,
        truth: &Truth,
        notes: &mut Vec<String>,
        scope: &Scope<'_>,
    ) -> Result<Vec<(&Prompt, Classification)>, Error> {
        let (mut read, mut first_fault) = (Vec::new(), None);
        for prompt in &self.prompts {
            match Against::Texts(Prompts(vec![prompt.clone()])).scores(&self.task, truth, scope) {
                Ok((cosines, _)) => read.push((prompt, Classification::over(cosines, &truth.class, scope.progress)?)),
                Err(fault) if self.given || scope.progress.cancelled() => return Err(fault),
                Err(fault) => {
                    notes.push(format!("the prompt `{}` was left out: {}", prompt.name, reason(&fault)));
                    first_fault.get_or_insert(fault);
                }
            }
        }
        let paraphrases = read.iter().filter(|(prompt, _)| prompt.control_of.is_none()).count();
        match first_fault {
            Some(fault) if paraphrases < 2 => Err(fault),
            _ => Ok(read),
        }
    }
}

/// The fault without the ways on, which are for who named the prompt.
fn reason(fault: &Error) -> String {
    match fault {
        Error::Diagnostic(fault) => Diagnostic { hints: Vec::new(), ..fault.clone() }.to_string(),
        other => other.to_string(),
    }
}

impl Plan for SensitivityPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.prompts.iter().map(|p| match &p.control_of {
            None => Step::new("paraphrase", format!("{}: {}", p.name, p.key())),
            Some(base) => Step::new("control", format!("{} of {base}: {}", p.name, p.key())),
        }));
        steps.push(Step::new("search", "exact: every clip with every label, once a prompt"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let (task, truth) = (&self.task, self.task.truth(scope)?);
        let one = |prompt: &Prompt| Prompts(vec![prompt.clone()]);
        let readable = |prompt: &&Prompt| {
            self.given || scope.workspace.unread(&task.model, task.stage(), &one(prompt), &truth.classes).is_ok()
        };
        task.reading_each(&truth, &Prompts(self.prompts.iter().filter(readable).cloned().collect()), scope)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = task.truth(scope)?;
        let mut notes = Vec::new();
        let read = self.classified(&truth, &mut notes, scope)?;
        let prompts: Vec<&Prompt> = read.iter().map(|(prompt, _)| *prompt).collect();
        let paraphrases: Vec<usize> = (0..prompts.len()).filter(|&i| prompts[i].control_of.is_none()).collect();
        let base_of = |i: usize| prompts.iter().position(|p| Some(&p.name) == prompts[i].control_of.as_ref());
        let controls: Vec<(usize, usize)> = (0..prompts.len()).filter_map(|i| Some((i, base_of(i)?))).collect();
        let wordings = read.iter().map(|(_, wording)| wording.clone()).collect();
        let measure = Measured::new(wordings, paraphrases.clone(), controls.clone())?;

        let groups = task.resampled_by(&truth)?;
        let bootstrap = parameters::bootstrap(&task.bound);
        let sampled = bootstrap.estimate(&measure, groups.as_deref(), scope.progress)?;
        let mut report = task.report(SIGNATURE.name, &truth, scope);
        task.note_groups(&mut report.context);
        report.context.prompts = prompts.iter().map(|p| p.key().to_owned()).collect();
        let read = prompts.iter().copied();
        report.context.wording = scope.workspace.wording(&task.model, task.stage(), read, &truth.classes)?;
        report.context.fact("paraphrases", paraphrases.len());
        report.context.fact("controls", controls.len());
        report.notes.extend(notes);
        let parts = measure.parts(&sampled.estimates);
        // Those of single wordings are undefined where these are.
        report.notes.extend(sampled.notes_of(parts.over_paraphrases.len()));
        report.notes.extend(undefined_recalls(&sampled, truth.classes.len()));
        report.metrics = parts.over_paraphrases.to_vec();
        report.tables.push(by_prompt(&prompts, parts.wordings));
        let test = |control: &[bool], base: &[bool]| {
            test_right(control, base, groups.as_deref(), bootstrap.seed, scope.progress).map_err(Error::from)
        };
        let by_control = by_control(&prompts, &controls, &measure, parts.controls, &test)?;
        let title = format!("controls, less the prompt that they spoil ({})", of_right(groups.is_some()));
        report.tables.extend(by_control.map(|table| table.titled(title)));
        let recalls: Vec<Vec<f64>> =
            measure.wordings().iter().map(|w| w.per_class().iter().map(|class| class.recall).collect()).collect();
        report.tables.push(by_class(&truth, &prompts, &paraphrases, &recalls, parts.classes));
        report.figures.push(Figure::Bars {
            title: "top1 by prompt".into(),
            unit: String::new(),
            bars: prompts
                .iter()
                .zip(parts.wordings.chunks(OF_WORDING.len()))
                .map(|(p, of)| (p.name.clone(), of[0].clone()))
                .collect(),
        });
        report.figures.push(Figure::Heat {
            title: "recall of each class (row) by prompt (column)".into(),
            rows: truth.classes.clone(),
            columns: prompts.iter().map(|p| p.name.clone()).collect(),
            values: (0..truth.classes.len()).map(|class| recalls.iter().map(|of| of[class]).collect()).collect(),
            counts: false,
        });
        let trial = labelled::trial(&truth, groups, ("share_right", measure.share_right()), measure.without_details());
        Ok(Outcome { trial: Some(Arc::new(trial)), ..report.into() })
    }
}

/// A sentence about the classes that some resamples lack, whose numbers stand last.
fn undefined_recalls(sampled: &Sampled, classes: usize) -> Option<String> {
    let first = sampled.undefined.len().saturating_sub(classes * OF_CLASS.len());
    let lacking = sampled.undefined.iter().skip(first).step_by(OF_CLASS.len()).filter(|&&n| n > 0);
    let (count, most) = lacking.fold((0, 0), |(count, most), &n| (count + 1, n.max(most)));
    let of = sampled.resamples;
    (count > 0).then(|| {
        format!("{count} classes have no clip in up to {most} of {of} resamples, which the intervals of their recall leave out")
    })
}

fn interval(estimate: &Estimate) -> [Value; 3] {
    [estimate.value.into(), estimate.low.into(), estimate.high.into()]
}

fn by_prompt(prompts: &[&Prompt], estimates: &[Estimate]) -> Table {
    let mut table = Table::new(["name", "kind", "prompt", "top1", "low", "high", "f1_macro", "roc_auc"]).titled("prompts");
    for (prompt, of) in prompts.iter().zip(estimates.chunks_exact(OF_WORDING.len())) {
        let kind = prompt.control_of.as_ref().map_or_else(|| "paraphrase".to_owned(), |base| format!("control of {base}"));
        let mut row: Vec<Value> = vec![prompt.name.as_str().into(), kind.into(), prompt.key().into()];
        row.extend(interval(&of[0]));
        row.extend(of[1..].iter().map(|e| Value::from(e.value)));
        table.push(row);
    }
    table
}

/// The p of two settings, by which items each is right on.
type Test<'a> = dyn Fn(&[bool], &[bool]) -> Result<f64, Error> + 'a;

/// Each control beside its base; none without controls.
fn by_control(
    prompts: &[&Prompt],
    controls: &[(usize, usize)],
    measure: &Measured,
    estimates: &[Estimate],
    test: &Test<'_>,
) -> Result<Option<Table>, Error> {
    let mut table = Table::new(["control", "of", "top1 less", "low", "high", "roc_auc less", "same label", "p", "p_holm"]);
    let right = |at: usize| measure.wordings()[at].right(1);
    let tests = controls.iter().map(|&(control, base)| test(&right(control), &right(base)));
    let tests = tests.collect::<Result<Vec<f64>, Error>>()?;
    let adjusted = holm(&tests);
    for (((&(control, base), of), p), adjusted) in
        controls.iter().zip(estimates.chunks_exact(OF_CONTROL.len())).zip(&tests).zip(&adjusted)
    {
        let mut row: Vec<Value> = vec![prompts[control].name.as_str().into(), prompts[base].name.as_str().into()];
        row.extend(interval(&of[0]));
        row.extend([of[1].value, of[2].value, *p, *adjusted].map(Value::from));
        table.push(row);
    }
    Ok((!table.rows.is_empty()).then_some(table))
}

fn by_class(truth: &Truth, prompts: &[&Prompt], paraphrases: &[usize], recalls: &[Vec<f64>], estimates: &[Estimate]) -> Table {
    let mut table = Table::new(["class", "recall mean", "spread", "low", "high", "best", "best by", "worst", "worst by"]);
    table = table.titled("recall of each class over the paraphrases");
    for ((class, name), of) in truth.classes.iter().enumerate().zip(estimates.chunks_exact(OF_CLASS.len())) {
        let at = |p: &usize| recalls[*p][class];
        let best = paraphrases.iter().copied().reduce(|a, b| if at(&b) > at(&a) { b } else { a });
        let worst = paraphrases.iter().copied().reduce(|a, b| if at(&b) < at(&a) { b } else { a });
        let mut row: Vec<Value> = vec![name.as_str().into(), of[0].value.into()];
        row.extend(interval(&of[1]));
        let moved = best.as_ref().map(at) != worst.as_ref().map(at);
        for end in [best, worst] {
            row.push(end.as_ref().map(at).into());
            row.push(end.filter(|_| moved).map(|p| prompts[p].name.clone()).into());
        }
        table.push(row);
    }
    table
}
