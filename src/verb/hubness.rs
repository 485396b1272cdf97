//! `hubness`: are some clips or labels near everything?

use std::sync::Arc;

use crate::diagnostic::Diagnostic;
use crate::embedding::{Embeddings, Stage};
use crate::index::{self, each_nearest};
use crate::metric::{Bootstrap, Hubs, csls};
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Estimate, Figure, Report, Table};
use crate::verb::gap::centred;
use crate::verb::truth::{Task, Truth, labels_of};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance};
use crate::workspace::{self, Prompts};

pub struct Hubness;

/// Hubs that are named.
const NAMED: usize = 5;
/// Neighbours where none are said.
const USUAL: usize = 10;

static SIGNATURE: Signature = Signature {
    name: "hubness",
    summary: "hubs: clips and labels that are among the nearest of far more queries than others",
    usage: &["hubness clips [in C] [k=10] [where prompt=\"A <> track\" and …]", "hubness clips [in C] [k=10] space=pre-joint"],
    about: "N is the number of queries that have a candidate among their k nearest. Hubness is its skewness over candidates (0 is even; \
            above 1 there are clear hubs), `orphans` the share of candidates that no query finds. Three directions: label texts as \
            queries for clips (`text_audio`), clips for clips (`audio_audio`, itself no candidate), and clips for labels at k=1 \
            (`audio_text`: how often each label is the best). Each as it is, after centring (each side less its own mean), and with \
            CSLS (a candidate's cosine less half its mean cosine with its k nearest queries). Of equal scores the candidate that comes \
            first counts; k is at most the number of other clips. Intervals resample candidates with the N that they have. Skewness \
            is undefined where all N are equal; the centred rows are left out where a vector lies at the mean. Needs one label a clip, \
            but before the projection, where there is `audio_audio` alone, over all clips, with labels or without. Source: Radovanović \
            et al., JMLR 2010; Conneau et al., ICLR 2018.",
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
        Ok(Box::new(HubnessPlan { task: Task::new(bound, stage, scope)?, prompts }))
    }
}

struct HubnessPlan {
    task: Task,
    /// None before the projection, where texts are in no direction.
    prompts: Option<Prompts>,
}

/// Queries and candidates of one direction.
struct Direction<'a> {
    name: &'static str,
    sides: Sides,
    /// None where centring leaves vectors without a direction.
    centred: Option<Sides>,
    k: usize,
    candidates: &'a [String],
}

/// Queries and candidates.
struct Sides {
    queries: Arc<Embeddings>,
    candidates: Arc<Embeddings>,
    /// They are the same clips, and none is its own candidate.
    apart: bool,
}

/// How often each candidate is among the nearest of a query, and for each query its mean cosine with its nearest.
struct Near {
    hubs: Hubs,
    crowd: Vec<f32>,
}

impl Sides {
    fn between(queries: &Arc<Embeddings>, candidates: &Arc<Embeddings>) -> Self {
        Sides { queries: Arc::clone(queries), candidates: Arc::clone(candidates), apart: false }
    }

    fn among(clips: &Arc<Embeddings>) -> Self {
        Sides { apart: true, ..Sides::between(clips, clips) }
    }

    /// # Errors
    /// Without queries or candidates; when the user cancels.
    fn near(&self, k: usize, scope: &Scope<'_>) -> Result<Near, Error> {
        let (mut counts, mut crowd) = (vec![0; self.candidates.len()], Vec::with_capacity(self.queries.len()));
        each_nearest(&self.candidates, &self.queries, k, self.apart, scope.progress, |_, hits| {
            hits.iter().for_each(|hit| counts[hit.row] += 1);
            let sum: f32 = hits.iter().map(|hit| hit.similarity.0).sum();
            crowd.push(if hits.is_empty() { 0.0 } else { sum / hits.len() as f32 });
        })
        .map_err(|fault| match fault {
            index::Error::Cancelled => Error::Cancelled,
            other => workspace::Error::Index(other).into(),
        })?;
        Ok(Near { hubs: Hubs::new(counts)?, crowd })
    }

    /// These as CSLS sees them; `crowd` is each candidate's mean cosine with its nearest queries.
    ///
    /// # Errors
    /// None but for numbers that are none.
    fn csls(&self, crowd: &[f32]) -> Result<Self, Error> {
        let (candidates, queries) =
            csls(&self.candidates, crowd, &self.queries).map_err(|fault| Diagnostic::new(fault.to_string()))?;
        Ok(Sides { queries: Arc::new(queries), candidates: Arc::new(candidates), apart: self.apart })
    }

    /// Each the other's.
    fn turned(&self) -> Self {
        Sides { queries: Arc::clone(&self.candidates), candidates: Arc::clone(&self.queries), apart: self.apart }
    }
}

impl Plan for HubnessPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = self.task.steps();
        steps.extend(self.prompts.iter().map(|prompts| Step::new("prompt", prompts.keys().join(", "))));
        let directions = if self.prompts.is_some() { "in three directions" } else { "clips for clips" };
        // How many clips there are is not known yet.
        let k = parameters::neighbours(&self.task.bound, USUAL, usize::MAX).unwrap_or(USUAL);
        steps.push(Step::new("search", format!("exact: the {k} nearest of every query, {directions}")));
        steps.push(Step::new("corrections", "centring; CSLS"));
        steps.push(self.task.interval_step());
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let (task, truth) = (&self.task, self.truth(scope)?);
        self.k(&truth)?;
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
        let neighbours = self.k(&truth)?;
        let bootstrap = parameters::bootstrap(&task.bound);
        let mut report = task.report("hubness", &truth, scope);
        if let Some(prompts) = &self.prompts {
            provenance::prompted(&mut report.context, prompts);
        }
        report.context.fact("k", neighbours);
        let mut table = Table::new(["direction", "correction", "k", "skewness", "low", "high", "orphans", "most"]);
        let mut hubs = Table::new(["direction", "correction", "hub", "label", "queries"]).titled("hubs");
        let mut bars = Vec::new();
        let ids = truth.ids();
        let labels: Vec<String> = truth.clips.items().into_iter().map(|item| labels_of(item).join("; ")).collect();
        let directions = self.directions(&truth, neighbours, &ids, &mut report.notes, scope)?;
        for Direction { name, sides, centred, k, candidates } in directions {
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
            let plain = sides.near(k, scope)?;
            tell("none", plain.hubs)?;
            if let Some(centred) = centred {
                tell("centred", centred.near(k, scope)?.hubs)?;
            }
            // Clips among each other are as near one way as the other.
            let crowd = if sides.apart { plain.crowd } else { sides.turned().near(neighbours, scope)?.crowd };
            tell("csls", sides.csls(&crowd)?.near(k, scope)?.hubs)?;
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

    /// How many neighbours are looked for: a clip has one clip less for candidates than there are.
    fn k(&self, truth: &Truth) -> Result<usize, Error> {
        Ok(parameters::neighbours(&self.task.bound, USUAL, truth.clips.len().saturating_sub(1))?)
    }

    fn directions<'a>(
        &self,
        truth: &'a Truth,
        k: usize,
        ids: &'a [String],
        notes: &mut Vec<String>,
        scope: &Scope<'_>,
    ) -> Result<Vec<Direction<'a>>, Error> {
        let task = &self.task;
        let clips = truth.clips.embeddings();
        let clips_centred = or_noted(centred(&clips, "clips"), notes).map(Arc::new);
        let mut directions = vec![Direction {
            name: "audio_audio",
            sides: Sides::among(&clips),
            centred: clips_centred.as_ref().map(Sides::among),
            k,
            candidates: ids,
        }];
        let Some(prompts) = &self.prompts else { return Ok(directions) };
        let texts = scope.workspace.label_vectors(&task.model, task.stage(), prompts, &truth.classes, scope.progress)?;
        clips.space.comparable(&texts.space)?;
        let texts = Arc::new(texts);
        let texts_centred = or_noted(centred(&texts, "texts"), notes).map(Arc::new);
        let both = clips_centred.as_ref().zip(texts_centred.as_ref());
        let text_audio = Direction {
            name: "text_audio",
            sides: Sides::between(&texts, &clips),
            centred: both.map(|(clips, texts)| Sides::between(texts, clips)),
            k,
            candidates: ids,
        };
        let audio_text = Direction {
            name: "audio_text",
            sides: Sides::between(&clips, &texts),
            centred: both.map(|(clips, texts)| Sides::between(clips, texts)),
            k: 1,
            candidates: &truth.classes,
        };
        directions.insert(0, text_audio);
        directions.push(audio_text);
        Ok(directions)
    }
}

/// What centring leaves; a note says why it leaves nothing.
fn or_noted(centred: Result<Embeddings, String>, notes: &mut Vec<String>) -> Option<Embeddings> {
    centred.map_err(|why| notes.push(why)).ok()
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
