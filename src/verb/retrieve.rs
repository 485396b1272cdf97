//! `retrieve`: labels or captions as queries for clips, clips as queries for labels or captions, or clips for clips of the same
//! label.

mod direction;

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::embedding::Stage;
use crate::metric::{Cosines, Masked, Product, Query, Retrieval, Turned};
use crate::progress::Progress;
use crate::prompt::{PLACE, Prompt};
use crate::query::signature::{Clause, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Figure, Table};
use crate::value::Value;
use crate::verb::against::only_joint;
use crate::verb::trial::{Groups, Trial};
use crate::verb::truth::{TRUTH, Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance, spaces};
use crate::workspace::Prompts;
use direction::Direction;

pub struct Retrieve;

/// Queries that are listed.
const HARDEST: usize = 10;

static SIGNATURE: Signature = Signature {
    name: "retrieve",
    summary: "retrieval metrics: labels or captions as queries for clips, clips for either, or clips for clips",
    usage: &[
        "retrieve clips for labels [in C] [where prompt=\"A <> track\" and …]",
        "retrieve labels for clips [in C] [where prompt=\"A <> track\" and …]",
        "retrieve clips for captions [in C] [where …]",
        "retrieve captions for clips [in C] [where …]",
        "retrieve clips for clips [in C] [space=joint|pre-joint|all]",
    ],
    about: "What stands after `for` is the query, what stands before it the candidates, ranked by falling cosine. A label in the prompt \
            has as relevant candidates all clips with that label; a clip has its one label, or (clips for clips) all other clips with \
            its label, itself being no candidate. r_at_m asks whether any relevant candidate is among the first m; map, mrr, median_rank \
            and ndcg_at_10 as in `describe map` and so on. Of equal cosines the irrelevant candidates come first, so a tie never helps, \
            and is counted. A query without a relevant candidate takes no part. Intervals resample queries, so `clips for labels` has as \
            many units as there are labels. Of clips with several labels (the field `labels`) each counts; a pair of unknown truth is \
            left out. Captions (the field `captions`) are read as they stand: each is a query for its own clip, and to a clip any of \
            its captions is relevant, so with five captions r_at_m asks whether one of the five is among the first m. Of two clips \
            with the very same caption both are relevant to it. Intervals draw clips, each with all its captions.",
    subjects: &["clip", "label", "caption"],
    clauses: &[Clause::In, Clause::Where, Clause::For, Clause::By],
    parameters: &[shared::PROMPT, shared::MODEL, spaces::SPACE, TRUTH, shared::RESAMPLES, shared::CONFIDENCE, shared::SEED],
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

    fn plan(&self, mut bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        let direction = Direction::of(&bound)?;
        let written = bound.written("prompt");
        if direction.reads() {
            only_joint(&mut bound, "`retrieve clips for clips`")?;
        } else if let Some(prompt) = written {
            let fault = Diagnostic::new("no text is read to find clips for clips").at(prompt);
            return Err(fault.expected("`retrieve clips for clips` without a prompt").into());
        }
        if let Some(field) = bound.by.as_ref().filter(|_| direction.asks_texts()) {
            let what = if direction.of_captions() { "captions" } else { "labels" };
            let fault = Diagnostic::new(format!("the queries are {what}, which have no field `{}`", field.node)).at(field.span);
            return Err(fault.expected("`by FIELD` where clips are the queries").into());
        }
        let prompts = match written {
            None if direction.of_captions() => {
                Prompts(vec![Prompt::template(PLACE).map_err(|e| Diagnostic::new(e.to_string()))?])
            }
            _ => parameters::prompt(&bound)?,
        };
        if direction != Direction::ClipsForClips {
            return Ok(Box::new(RetrievePlan { task: Task::new(bound, Stage::Joint, scope)?, prompts, direction }));
        }
        spaces::each(bound, scope, &|bound, stage, scope| {
            Ok(Box::new(RetrievePlan { task: Task::new(bound, stage, scope)?, prompts: prompts.clone(), direction }))
        })
    }
}

struct RetrievePlan {
    task: Task,
    prompts: Prompts,
    direction: Direction,
}

impl RetrievePlan {
    fn truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        let truth = match self.direction {
            Direction::ClipsForClips => self.task.any_truth(scope),
            _ if self.direction.of_captions() => self.task.captions_in_blocks(scope),
            _ => self.task.any_truth_in_blocks(scope),
        };
        truth.map_err(|fault| self.of_one_label(fault))
    }

    /// What there is in place of the retrieval among clips of one label.
    fn of_one_label(&self, fault: Error) -> Error {
        match fault {
            Error::Diagnostic(fault) if self.task.bound.filter.is_some() && fault.message.starts_with("all clips have") => fault
                .hint("a condition chooses queries and candidates alike, and of one label every candidate is right")
                .hint("without it the result has a row for each label; `similar clip \"ID\" where …` lists the clips near one")
                .into(),
            other => other,
        }
    }

    fn retrieval(&self, truth: &Truth, scope: &Scope<'_>) -> Result<(Retrieval, usize), Error> {
        let (task, progress) = (&self.task, scope.progress);
        let unknown = truth.several.as_ref().map_or(0, |several| several.unknown(truth.classes.len()));
        if self.direction == Direction::ClipsForClips {
            let sharing = truth.several.as_ref().map(|several| several.sharing(truth.classes.len()));
            let share = |q: usize, c: usize| match &sharing {
                Some(sharing) => sharing.known(q, c),
                None => Some(truth.class.get(q) == truth.class.get(c)),
            };
            let found = masked(&Product::among(truth.clips.embeddings()), &share, unknown > 0, progress)?;
            return Ok((found, truth.clips.len().saturating_sub(1)));
        }
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), &self.prompts, &truth.classes, progress)?;
        let (texts, space) = (Arc::new(texts), &task.info.key.space);
        let scores: Arc<dyn Cosines> = match self.direction.asks_texts() {
            true => Arc::new(Turned::new(texts, space, truth.rows())?),
            false => Arc::new(Product::new(truth.rows(), space, texts)?),
        };
        let candidates = scores.candidates();
        let known = |q, c| if self.direction.asks_texts() { truth.known(c, q) } else { truth.known(q, c) };
        Ok((masked(&*scores, &known, unknown > 0, progress)?, candidates))
    }
}

/// Retrieval where `known` tells what is relevant; a pair of which it is not known, if there are `some`, is not there.
fn masked(
    scores: &dyn Cosines,
    known: &(dyn Fn(usize, usize) -> Option<bool> + Sync),
    some: bool,
    progress: &dyn Progress,
) -> Result<Retrieval, Error> {
    let hidden = |q: usize, c: usize| known(q, c).is_none();
    let masked = Masked::new(scores, &hidden);
    let of = if some { &masked } else { scores };
    Ok(Retrieval::over(of, |q, c| known(q, c) == Some(true), progress)?)
}

impl Plan for RetrievePlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        if self.direction.reads() {
            steps.push(Step::new("prompt", self.prompts.keys().join(", ")));
        }
        steps.push(Step::new("queries", self.direction.name()));
        steps.push(Step::new("relevance", self.direction.rule(false)));
        steps.push(Step::new("search", "exact: every query with every candidate"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let truth = self.truth(scope)?;
        let clips = (truth.clips.len(), "clips");
        if !self.direction.reads() {
            return Ok(vec![parameters::cosines(clips, clips, self.task.info.dim)]);
        }
        let (task, texts) = (&self.task, truth.classes.len());
        let what = if self.direction.of_captions() { "captions" } else { "labels" };
        let unread = scope.workspace.unread(&task.model, task.stage(), &self.prompts, &truth.classes)?;
        let reading = parameters::reading(unread, texts * self.prompts.0.len());
        Ok(vec![reading, parameters::cosines(clips, (texts, what), task.info.dim)])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = self.truth(scope)?;
        let (retrieval, candidates) = self.retrieval(&truth, scope)?;
        let of_texts = self.direction.asks_texts();
        let groups = match &task.bound.by {
            None if self.direction == Direction::ClipsForCaptions => Some(Groups { by: "clip".into(), of: clip_of_each(&truth) }),
            _ => task.resampled_by(&truth)?,
        };
        let bootstrap = parameters::bootstrap(&task.bound);
        let sampled = bootstrap.estimate(&retrieval, groups.as_deref(), scope.progress)?;

        let mut report = task.report("retrieve", &truth, scope);
        task.note_groups(&mut report.context);
        if self.direction == Direction::ClipsForCaptions {
            report.context.fact("resampled_by", "clip");
        }
        if self.direction.reads() {
            provenance::prompted(&mut report.context, &self.prompts);
        }
        report.context.fact("direction", self.direction.name());
        report.context.fact("relevance", self.direction.rule(truth.several.is_some()));
        report.context.fact("queries", retrieval.queries().iter().flatten().count());
        report.context.fact("candidates", candidates);
        report.context.fact("ties", retrieval.ties());
        let without = retrieval.without_positive().len();
        if without > 0 {
            report.notes.push(format!("{without} queries have no relevant candidate and take no part"));
        }
        report.notes.extend(sampled.notes());
        report.metrics = sampled.estimates;
        report.tables.push(match self.direction.of_captions() {
            true => hardest(&truth, &retrieval, of_texts),
            false => by_label(&truth, &retrieval, of_texts),
        });
        let bars = report.metrics.iter().filter(|m| m.name != "median_rank").map(|m| (m.name.clone(), m.clone())).collect();
        report.figures.push(Figure::Bars { title: self.direction.name().into(), unit: String::new(), bars });

        let of = |number: fn(&Query) -> f64| retrieval.queries().iter().map(|q| q.as_ref().map_or(f64::NAN, number)).collect();
        let trial = Trial {
            unit: match self.direction {
                Direction::ClipsForLabels => "labels",
                Direction::ClipsForCaptions => "captions",
                _ => "clips",
            },
            items: if of_texts { truth.classes.clone() } else { truth.ids() },
            truth: if of_texts { Vec::new() } else { truth.labels() },
            // What is retrieved must be the same on both sides.
            vocabulary: if self.direction.reads() && !of_texts { truth.classes.clone() } else { truth.ids() },
            groups,
            right: None,
            values: vec![("average_precision", of(|q| q.average_precision)), ("reciprocal_rank", of(|q| 1.0 / q.first as f64))],
            measure: Box::new(retrieval),
        };
        Ok(Outcome { trial: Some(Arc::new(trial)), ..report.into() })
    }
}

/// The first clip that has each caption, by number.
fn clip_of_each(truth: &Truth) -> Vec<usize> {
    let mut clips = vec![0; truth.classes.len()];
    for (clip, several) in (0..truth.clips.len()).rev().zip(std::iter::repeat(&truth.several)) {
        for &caption in several.as_ref().map_or(&[][..], |several| several.present(clip)) {
            if let Some(first) = clips.get_mut(caption) {
                *first = clip;
            }
        }
    }
    clips
}

/// The queries whose first relevant candidate stands farthest down.
fn hardest(truth: &Truth, retrieval: &Retrieval, of_texts: bool) -> Table {
    let mut order: Vec<(usize, &Query)> =
        retrieval.queries().iter().enumerate().filter_map(|(i, q)| Some((i, q.as_ref()?))).collect();
    order.sort_by(|a, b| b.1.first.cmp(&a.1.first).then(a.0.cmp(&b.0)));
    let names = if of_texts { truth.classes.clone() } else { truth.ids() };
    let mut table = Table::new([if of_texts { "caption" } else { "id" }, "relevant", "best rank"]).titled("hardest queries");
    for (query, went) in order.into_iter().take(HARDEST) {
        table.push(vec![names.get(query).cloned().into(), went.relevant.into(), went.first.into()]);
    }
    table
}

/// Means of the queries of each label.
fn by_label(truth: &Truth, retrieval: &Retrieval, of_texts: bool) -> Table {
    let columns = ["label", "queries", "relevant", "best rank", "average_precision", "reciprocal_rank", "ndcg_at_10"];
    let mut table = Table::new(columns).titled("by label of the query");
    for (class, name) in truth.classes.iter().enumerate() {
        let own = |i: usize| if of_texts { i == class } else { truth.known(i, class) == Some(true) };
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
