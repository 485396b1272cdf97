//! `hubness`: are some clips or labels near everything?

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span};
use crate::embedding::{Embeddings, Scores, Stage};
use crate::metric::{Bootstrap, Cosines, Hubs, Product, csls};
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::verb::gap::centred;
use crate::verb::truth::{Task, Truth, labels_of};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::Prompts;

pub struct Hubness;

/// Hubs that are named.
const NAMED: usize = 5;

/// More clips than these give a matrix of clips × clips that memory should not hold.
const MOST_CLIPS: usize = 10_000;

static SIGNATURE: Signature = Signature {
    name: "hubness",
    summary: "hubs: clips and labels that are among the nearest of far more queries than others",
    usage: &["hubness clips [in C] [k=10] [where prompt=\"A <> track\" and …]", "hubness clips [in C] [k=10] space=pre-joint"],
    about: "N is the number of queries that have a candidate among their k nearest. Hubness is its skewness over candidates (0 is even; \
            above 1 there are clear hubs), `orphans` the share of candidates that no query finds. Three directions: label texts as \
            queries for clips (`text_audio`), clips for clips (`audio_audio`, itself no candidate), and clips for labels at k=1 \
            (`audio_text`: how often each label is the best). Each as it is, after centring (each side less its own mean), and with \
            CSLS (a candidate's cosine less half its mean cosine with its k nearest queries). Of equal scores the candidate that comes \
            first counts. Intervals resample candidates with the N that they have. Skewness is undefined where all N are equal; the \
            centred rows are left out where a vector lies at the mean. Before the projection there is `audio_audio` alone, over all \
            clips, with or without labels. Source: Radovanović et al., JMLR 2010; Conneau et al., ICLR 2018.",
    subjects: &["clip"],
    clauses: &[Clause::In, Clause::Where],
    parameters: &[
        shared::PROMPT,
        shared::MODEL,
        shared::SPACE,
        Parameter { name: "k", kind: Kind::Int { min: 1, max: 10_000 }, default: "10", help: "how many neighbours" },
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::SEED,
    ],
    examples: &[
        Example {
            statement: "hubness clips",
            gives: "skewness in three directions, as it is, centred and with CSLS, and the hubs by name",
        },
        Example { statement: "hubness clips k=5 where dynamic=\"ff\"", gives: "the loud clips only, at five neighbours" },
    ],
    ..Signature::BARE
};

impl Verb for Hubness {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, mut bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        bound.gives_way("space", &["prompt"]);
        let stage = parameters::stage(&bound);
        let prompts = match stage {
            Stage::Joint => Some(parameters::prompt(&bound)?),
            Stage::PreJoint => None,
        };
        if let (None, Some(prompt)) = (&prompts, bound.written("prompt")) {
            let fault = Diagnostic::new("texts and clips do not compare before the projection").at(prompt);
            return Err(fault.expected("`space=joint`, or no prompt").into());
        }
        // What `set k=…` gave is bound for `using knn` too; ten is the usual number here.
        let k = bound.int("k").and_then(|k| usize::try_from(k).ok()).unwrap_or(10);
        Ok(Box::new(HubnessPlan { task: Task::new(bound, stage, scope)?, prompts, k }))
    }
}

struct HubnessPlan {
    task: Task,
    /// None before the projection, where texts are in no direction.
    prompts: Option<Prompts>,
    k: usize,
}

/// Queries and candidates of one direction.
struct Direction<'a> {
    name: &'static str,
    scores: Scores,
    /// None where centring leaves vectors without a direction.
    centred: Option<Scores>,
    k: usize,
    candidates: &'a [String],
}

impl Plan for HubnessPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.prompts.iter().map(|prompts| Step::new("prompt", prompts.keys().join(", "))));
        let directions = if self.prompts.is_some() { "in three directions" } else { "clips for clips" };
        steps.push(Step::new("search", format!("exact: the {} nearest of every query, {directions}", self.k)));
        steps.push(Step::new("corrections", "centring; CSLS"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let (task, truth) = (&self.task, self.truth(scope)?);
        let clips = (truth.clips.len(), "clips");
        let mut steps = match &self.prompts {
            Some(prompts) => task.reading_each(&truth, prompts, scope)?,
            None => Vec::new(),
        };
        steps.push(parameters::cosines(clips, clips, task.info.dim));
        Ok(steps)
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let task = &self.task;
        let truth = self.truth(scope)?;
        refuse_too_many(&truth, task.bound.verb.span)?;
        let bootstrap = parameters::bootstrap(&task.bound);
        let mut report = task.report("hubness", &truth, scope);
        if let Some(prompts) = &self.prompts {
            provenance::prompted(&mut report.context, prompts);
        }
        report.context.fact("k", self.k);
        let mut table = Table::new(["direction", "correction", "k", "skewness", "low", "high", "orphans", "most"]);
        let mut hubs = Table::new(["direction", "correction", "hub", "label", "queries"]).titled("hubs");
        let mut bars = Vec::new();
        let ids = truth.ids();
        let labels: Vec<String> = truth.clips.items().into_iter().map(|item| labels_of(item).join("; ")).collect();
        for Direction { name, scores, centred, k, candidates } in self.directions(&truth, &ids, &mut report.notes, scope)? {
            let mut tell = |correction: &str, counted: Hubs| -> Result<(), Error> {
                let row = measured(name, correction, &counted, &bootstrap, &mut report, scope)?;
                bars.push((format!("{name} {correction}"), row.clone()));
                let most = counted.counts().iter().max().copied().unwrap_or(0);
                let orphans = report.metrics.last().map(|m| m.value);
                table.push(vec![
                    name.into(),
                    correction.into(),
                    k.into(),
                    row.value.into(),
                    row.low.into(),
                    row.high.into(),
                    orphans.into(),
                    i64::from(most).into(),
                ]);
                let mut order: Vec<usize> = (0..counted.counts().len()).collect();
                order.sort_by_key(|&c| std::cmp::Reverse(counted.counts()[c]));
                for &c in order.iter().take(NAMED).filter(|&&c| counted.counts()[c] > 0) {
                    let of_clip = labels.get(c).filter(|label| name != "audio_text" && !label.is_empty());
                    hubs.push(vec![
                        name.into(),
                        correction.into(),
                        candidates[c].as_str().into(),
                        of_clip.map(String::as_str).into(),
                        i64::from(counted.counts()[c]).into(),
                    ]);
                }
                Ok(())
            };
            tell("none", Hubs::new(&scores, k)?)?;
            if let Some(centred) = centred {
                tell("centred", Hubs::new(&centred, k)?)?;
            }
            tell("csls", Hubs::new(&csls(scores, self.k)?, k)?)?;
        }
        report.tables.extend([table, hubs]);
        report.figures.push(Figure::Bars { title: "skewness of how often each is near".into(), unit: String::new(), bars });
        Ok(report.into())
    }
}

impl HubnessPlan {
    /// The clips: before the projection, where no label is used, with one label or none too.
    fn truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        if self.prompts.is_some() { self.task.truth(scope) } else { self.task.clips(scope) }
    }

    fn directions<'a>(
        &self,
        truth: &'a Truth,
        ids: &'a [String],
        notes: &mut Vec<String>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Direction<'a>>, Error> {
        let task = &self.task;
        let clips = truth.clips.embeddings();
        let clips_centred = or_noted(centred(&clips, "clips"), notes).map(Arc::new);
        let mut directions = vec![Direction {
            name: "audio_audio",
            scores: clips_by_clips(&clips, scope)?,
            centred: clips_centred.as_ref().map(|clips| clips_by_clips(clips, scope)).transpose()?,
            k: self.k,
            candidates: ids,
        }];
        let Some(prompts) = &self.prompts else { return Ok(directions) };
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), prompts, &truth.classes, scope.progress)?;
        let texts_centred = or_noted(centred(&texts, "texts"), notes);
        let both = clips_centred.as_deref().zip(texts_centred.as_ref());
        let centred = both.map(|(clips, texts)| texts.cosines(clips)).transpose()?;
        directions
            .insert(0, Direction { name: "text_audio", scores: texts.cosines(&clips)?, centred, k: self.k, candidates: ids });
        let centred = both.map(|(clips, texts)| clips.cosines(texts)).transpose()?;
        let scores = clips.cosines(&texts)?;
        directions.push(Direction { name: "audio_text", scores, centred, k: 1, candidates: &truth.classes });
        Ok(directions)
    }
}

/// What centring leaves; a note says why it leaves nothing.
fn or_noted(centred: Result<Embeddings, String>, notes: &mut Vec<String>) -> Option<Embeddings> {
    centred.map_err(|why| notes.push(why)).ok()
}

/// Refuses more clips than a matrix of clips × clips should hold.
///
/// # Errors
/// Says how many there may be.
fn refuse_too_many(truth: &Truth, span: Span) -> Result<(), Error> {
    if truth.clips.len() <= MOST_CLIPS {
        return Ok(());
    }
    let fault = Diagnostic::new(format!("{} clips are too many to hold each against each", truth.clips.len())).at(span);
    Err(fault.expected(format!("at most {MOST_CLIPS} clips; `where …` chooses some")).into())
}

/// The cosine of each clip with each other; with itself it is masked.
///
/// # Errors
/// When the user cancels.
fn clips_by_clips(clips: &Arc<Embeddings>, scope: &Scope<'_>) -> Result<Scores, Error> {
    let n = clips.len();
    let mut values = Vec::with_capacity(n * n);
    Product::among(Arc::clone(clips)).blocks(0..n, scope.progress, &mut |_, block| {
        values.extend_from_slice(block);
        Ok(())
    })?;
    Ok(Scores { n, k: n, values })
}

/// Adds the metrics of one direction and correction, and gives its skewness.
fn measured(
    direction: &str,
    correction: &str,
    counted: &Hubs,
    bootstrap: &Bootstrap,
    report: &mut Report,
    scope: &Scope<'_>,
) -> Result<Estimate, Error> {
    let sampled = bootstrap.estimate(counted, None, scope.progress)?;
    let ending = if correction == "none" { String::new() } else { format!("_{correction}") };
    let full = |name: &str| format!("{direction}_{name}{ending}");
    report.notes.extend(sampled.notes().iter().map(|note| format!("{direction} {correction}: {note}")));
    report.metrics.extend(sampled.estimates.iter().map(|e| Estimate { name: full(&e.name), ..e.clone() }));
    let skewness = sampled.estimates.into_iter().find(|e| e.name == "skewness");
    Ok(skewness.unwrap_or_else(|| Estimate::point("skewness", f64::NAN)))
}
