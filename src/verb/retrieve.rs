//! `retrieve`: labels as queries for clips, clips as queries for labels, or clips for clips of the same label.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::metric::{Product, Query, Retrieval, Turned};
use crate::query::signature::{Clause, shared};
use crate::query::statement::Target;
use crate::query::{Bound, Example, Signature};
use crate::report::{Figure, Table};
use crate::value::Value;
use crate::verb::against::refuse_text_pre_joint;
use crate::verb::trial::Trial;
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::Prompts;

pub struct Retrieve;

static SIGNATURE: Signature = Signature {
    name: "retrieve",
    summary: "retrieval metrics: labels as queries for clips, clips for labels, or clips for clips",
    usage: &[
        "retrieve clips for labels [in C] [where prompt=\"A <> track\" and …]",
        "retrieve labels for clips [in C] [where prompt=\"A <> track\" and …]",
        "retrieve clips for clips [in C] [space=joint|pre-joint]",
    ],
    about: "What stands after `for` is the query, what stands before it the candidates, ranked by falling cosine. A label in the prompt \
            has as relevant candidates all clips with that label; a clip has its one label, or (clips for clips) all other clips with \
            its label, itself being no candidate. r_at_m asks whether any relevant candidate is among the first m; map, mrr, median_rank \
            and ndcg_at_10 as in `describe map` and so on. Of equal cosines the irrelevant candidates come first, so a tie never helps, \
            and is counted. A query without a relevant candidate takes no part. Intervals resample queries, so `clips for labels` has as \
            many units as there are labels.",
    subjects: &["clip", "label"],
    clauses: &[Clause::In, Clause::Where, Clause::For, Clause::By],
    parameters: &[shared::PROMPT, shared::MODEL, shared::SPACE, shared::RESAMPLES, shared::CONFIDENCE, shared::SEED],
    examples: &[
        Example {
            statement: "retrieve clips for labels where prompt=\"A <> track\"",
            gives: "text → audio: R@1, 5, 10, mAP, MRR, median rank and nDCG@10, and a row a label",
        },
        Example { statement: "retrieve labels for clips where dynamic=\"ff\"", gives: "audio → text, over the loud clips" },
        Example { statement: "retrieve clips for clips space=pre-joint", gives: "audio → audio before the projection" },
    ],
    ..Signature::BARE
};

impl Verb for Retrieve {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let direction = Direction::of(&bound)?;
        if direction != Direction::ClipsForClips {
            refuse_text_pre_joint(&bound)?;
        } else if let Some(prompt) = bound.value("prompt").filter(|p| p.span != bound.verb.span) {
            let fault = Diagnostic::new("no text is read to find clips for clips").at(prompt.span);
            return Err(fault.expected("`retrieve clips for clips` without a prompt").into());
        }
        let stage = if direction == Direction::ClipsForClips { parameters::stage(&bound) } else { Stage::Joint };
        let prompts = parameters::prompt(&bound)?;
        Ok(Box::new(RetrievePlan { task: Task::new(bound, stage, scope)?, prompts, direction }))
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Direction {
    ClipsForLabels,
    LabelsForClips,
    ClipsForClips,
}

impl Direction {
    fn of(bound: &Bound) -> Result<Direction, Error> {
        const FORMS: &str = "`retrieve clips for labels`, `retrieve labels for clips` or `retrieve clips for clips`";
        let (query, span) = match &bound.target {
            Some(Spanned { node: Target::Word(word), span }) => (word.to_lowercase(), *span),
            Some(other) => {
                return Err(Diagnostic::new("`retrieve` can't use a text as the query").at(other.span).expected(FORMS).into());
            }
            None => return Err(Diagnostic::new("`retrieve` needs queries").at(bound.verb.span).expected(FORMS).into()),
        };
        match (bound.has("clip"), bound.has("label"), query.trim_end_matches('s')) {
            (true, false, "label") => Ok(Direction::ClipsForLabels),
            (false, true, "clip") => Ok(Direction::LabelsForClips),
            (true, false, "clip") => Ok(Direction::ClipsForClips),
            (false, true, "label") => {
                Err(Diagnostic::new("labels for labels are the business of `triplets`").at(span).expected(FORMS).into())
            }
            (true, false, _) | (false, true, _) => Err(Diagnostic::new(format!("`{query}` can't be queries"))
                .at(span)
                .expected("`labels` or `clips`")
                .suggest(&query, ["labels", "clips"])
                .into()),
            _ => Err(Diagnostic::new("`retrieve` needs one kind of candidates").at(bound.verb.span).expected(FORMS).into()),
        }
    }

    fn name(self) -> &'static str {
        match self {
            Direction::ClipsForLabels => "label → clips",
            Direction::LabelsForClips => "clip → labels",
            Direction::ClipsForClips => "clip → clips",
        }
    }

    fn rule(self) -> &'static str {
        match self {
            Direction::ClipsForLabels => "relevant to a label: every clip with it",
            Direction::LabelsForClips => "relevant to a clip: its own label",
            Direction::ClipsForClips => "relevant to a clip: every other clip with its label",
        }
    }
}

struct RetrievePlan {
    task: Task,
    prompts: Prompts,
    direction: Direction,
}

impl RetrievePlan {
    fn retrieval(&self, truth: &Truth, scope: &Scope<'_>) -> Result<(Retrieval, usize), Error> {
        let (task, progress) = (&self.task, scope.progress);
        let class = |clip: usize| truth.class.get(clip).copied();
        if self.direction == Direction::ClipsForClips {
            let scores = Product::among(truth.clips.embeddings());
            let found = Retrieval::over(&scores, |q, c| class(q) == class(c), progress)?;
            return Ok((found, truth.class.len().saturating_sub(1)));
        }
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), &self.prompts, &truth.classes, progress)?;
        let (texts, space) = (Arc::new(texts), &task.info.key.space);
        if self.direction == Direction::ClipsForLabels {
            let scores = Turned::new(texts, space, truth.rows())?;
            return Ok((Retrieval::over(&scores, |q, c| class(c) == Some(q), progress)?, truth.class.len()));
        }
        let scores = Product::new(truth.rows(), space, texts)?;
        Ok((Retrieval::over(&scores, |q, c| class(q) == Some(c), progress)?, truth.classes.len()))
    }
}

impl Plan for RetrievePlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        if self.direction != Direction::ClipsForClips {
            steps.push(Step::new("prompt", self.prompts.keys().join(", ")));
        }
        steps.push(Step::new("queries", self.direction.name()));
        steps.push(Step::new("relevance", self.direction.rule()));
        steps.push(Step::new("search", "exact: every query with every candidate"));
        steps.push(self.task.interval_step());
        steps
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = match self.direction {
            Direction::ClipsForClips => task.truth(scope)?,
            _ => task.truth_in_blocks(scope)?,
        };
        let (retrieval, candidates) = self.retrieval(&truth, scope)?;
        let of_labels = self.direction == Direction::ClipsForLabels;
        let groups = match &task.bound.by {
            Some(field) if of_labels => {
                let fault =
                    Diagnostic::new(format!("the queries are labels, which have no field `{}`", field.node)).at(field.span);
                return Err(fault.expected("`by FIELD` where clips are the queries").into());
            }
            _ => task.resampled_by(&truth)?,
        };
        let bootstrap = parameters::bootstrap(&task.bound);
        let sampled = bootstrap.estimate(&retrieval, groups.as_deref(), scope.progress)?;

        let mut report = task.report("retrieve", &truth, scope);
        task.note_groups(&mut report.context);
        if self.direction != Direction::ClipsForClips {
            provenance::prompted(&mut report.context, &self.prompts);
        }
        report.context.fact("direction", self.direction.name());
        report.context.fact("relevance", self.direction.rule());
        report.context.fact("queries", retrieval.queries().iter().flatten().count());
        report.context.fact("candidates", candidates);
        report.context.fact("ties", retrieval.ties());
        let without = retrieval.without_positive().len();
        if without > 0 {
            report.notes.push(format!("{without} queries have no relevant candidate and take no part"));
        }
        report.notes.extend(sampled.notes());
        report.metrics = sampled.estimates;
        report.tables.push(by_label(&truth, &retrieval, of_labels));
        let bars = report.metrics.iter().filter(|m| m.name != "median_rank").map(|m| (m.name.clone(), m.clone())).collect();
        report.figures.push(Figure::Bars { title: self.direction.name().into(), unit: String::new(), bars });

        let of = |number: fn(&Query) -> f64| retrieval.queries().iter().map(|q| q.as_ref().map_or(f64::NAN, number)).collect();
        let trial = Trial {
            unit: if of_labels { "labels" } else { "clips" },
            items: if of_labels { truth.classes.clone() } else { truth.ids() },
            truth: if of_labels { Vec::new() } else { truth.labels() },
            // What is retrieved must be the same on both sides.
            vocabulary: if self.direction == Direction::LabelsForClips { truth.classes.clone() } else { truth.ids() },
            groups,
            right: None,
            values: vec![("average_precision", of(|q| q.average_precision)), ("reciprocal_rank", of(|q| 1.0 / q.first as f64))],
            measure: Box::new(retrieval),
        };
        Ok(Outcome { trial: Some(Arc::new(trial)), ..report.into() })
    }
}

/// Means of the queries of each label.
fn by_label(truth: &Truth, retrieval: &Retrieval, of_labels: bool) -> Table {
    let columns = ["label", "queries", "relevant", "best rank", "average_precision", "reciprocal_rank", "ndcg_at_10"];
    let mut table = Table::new(columns).titled("by label of the query");
    for (class, name) in truth.classes.iter().enumerate() {
        let own = |i: usize| if of_labels { i == class } else { truth.class.get(i) == Some(&class) };
        let queries: Vec<&Query> =
            retrieval.queries().iter().enumerate().filter(|(i, _)| own(*i)).filter_map(|(_, q)| q.as_ref()).collect();
        let n = queries.len();
        let mean = |number: fn(&Query) -> f64| queries.iter().map(|q| number(q)).sum::<f64>() / n as f64;
        let relevant = mean(|q| q.relevant as f64);
        table.push(vec![
            name.as_str().into(),
            n.into(),
            if relevant.fract() == 0.0 { (relevant as usize).into() } else { Value::from(relevant) },
            queries.iter().map(|q| q.first).min().into(),
            mean(|q| q.average_precision).into(),
            mean(|q| 1.0 / q.first as f64).into(),
            mean(|q| q.ndcg).into(),
        ]);
    }
    table
}
