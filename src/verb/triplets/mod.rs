//! `triplets`: does a space put near what an ontology, or people, put near? (Figure 5 of the paper.)
//!
//! ```text
//!   texts of an ontology's terms ─┐
//!   class means of audio ─────────┼─ cosines + triplets ─ accuracy, clustered by anchor
//!   clips, triplets from a file ──┘
//! ```

mod human;
mod judged;
mod model;
mod sweep;
mod tree;

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::{Embeddings, Stage};
use crate::metric::{self, Bootstrap, class_means};
use crate::ontology::triplets::Distance;
use crate::prompt::Prompt;
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::report::{Context, Report};
use crate::verb::parameters::whole;
use crate::verb::truth::Task;
use crate::verb::way_on::{self, Labels};
use crate::verb::{Error, Outcome, Plan, Scope, Step, Verb, parameters, provenance, spaces};
use crate::workspace::{ModelRef, Prompts};
use tree::Tree;

pub struct Triplets;

static SIGNATURE: Signature = Signature {
    name: "triplets",
    summary: "semantic meaningfulness of a space: triplets of an ontology or of people, judged by cosine",
    usage: &[
        "triplets ontology=NAME [labels=tinysol|all|COLLECTION] [space=joint|pre-joint|all] [prompt=\"A <> track\"] [convention=strict|released]",
        "triplets ontology=NAME [distance=path|wu-palmer|lca] [margin=N] [nodes=leaves|all] [sample=N]",
        "triplets ontology=NAME prompts=NAME [labels=…] [space=joint|pre-joint|all] [convention=strict|released]",
        "triplets ontology=NAME using prototypes [in C] [where …] [space=joint|pre-joint|all]",
        "triplets from=\"FILE.csv\" [in C] [space=joint|pre-joint|all]",
    ],
    about: "A triplet (anchor, positive, negative) says that by the ontology the anchor is nearer to the positive than to the negative; \
            it is right when cos(anchor, positive) > cos(anchor, negative). An equal cosine is a tie, wrong, and counted. Nearness in \
            the ontology is the path through the lowest common ancestor (`distance=path`), 1 − 2·depth(lca) / (sum of both depths) \
            (`wu-palmer`), or the depth of the lowest common ancestor (`lca`); two terms that share only the root are unrelated: never \
            a positive pair, and farther than any related one. The interval resamples anchors with all their triplets. \
            `convention=strict` takes every ordered triplet of distinct labels (or `sample=N` of them, drawn without replacement); \
            `convention=released` takes those of the paper's published code, many of which are inverted against their own definition, \
            on the tree that it used. `prompts=` judges the same triplets once a prompt. `using prototypes` puts class means of audio in place of \
            texts, over the collection's labels, one a clip. Of several collections with imported vectors of a text, the one of \
            `labels=` comes first, else the one of `use`; where neither holds it and the vectors differ, a note says whose were used. \
            `from=FILE` takes triplets of clips that people made: a table `anchor,positive,negative` of clip ids, or MagnaTagATune's \
            `comparisons_final.csv`, where the clip with most odd-one-out votes is the negative of the other two (a draw gives none).",
    clauses: &[Clause::In, Clause::Where, Clause::Using],
    parameters: &[
        Parameter { name: "ontology", kind: Kind::Ontology, default: crate::ontology::USUAL, help: "the tree of terms" },
        Parameter {
            name: "labels",
            kind: Kind::Text,
            default: "all",
            help: "`tinysol` (its 14 instruments), `all` (the ontology's leaves; with `released`, its terms), or a collection's labels, read as it has them",
        },
        model::MODEL,
        spaces::SPACE,
        shared::PROMPT,
        shared::PROMPTS,
        Parameter {
            name: "convention",
            kind: Kind::Choice(&["strict", "released"]),
            default: "strict",
            help: "`released` repeats the paper's published code",
        },
        Parameter {
            name: "distance",
            kind: Kind::Choice(&Distance::NAMES),
            default: "path",
            help: "how near two terms are in the ontology",
        },
        Parameter {
            name: "margin",
            kind: Kind::Float { min: 0.0, max: 1000.0 },
            default: "0",
            help: "by how much the negative is farther at least, in the units of the distance",
        },
        Parameter {
            name: "nodes",
            kind: Kind::Choice(&["leaves", "all"]),
            default: "leaves",
            help: "which terms `labels=all` means",
        },
        Parameter {
            name: "sample",
            kind: Kind::Int { min: 1, max: 100_000_000 },
            default: "all of them",
            help: "so many triplets, drawn with `seed`",
        },
        Parameter { name: "from", kind: Kind::Text, default: "none", help: "a file of triplets of clips that people made" },
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::SEED,
    ],
    examples: &[
        Example { statement: "triplets ontology=hdio", gives: "accuracy over 242,312 triplets of the 100 leaves" },
        Example {
            statement: "triplets ontology=hdio labels=tinysol space=pre-joint",
            gives: "686 triplets of the 14 TinySOL labels, before the projection",
        },
        Example {
            statement: "triplets ontology=hdio space=all",
            gives: "before and after the projection, side by side with the paired difference",
        },
        Example {
            statement: "triplets ontology=hdio labels=tinysol convention=released",
            gives: "the 237 triplets of the paper's code, of which 67 are inverted",
        },
        Example {
            statement: "triplets ontology=hdio labels=tinysol prompts=ismir2024",
            gives: "the same triplets under each of the paper's prompts",
        },
        Example {
            statement: "triplets ontology=hdio using prototypes space=all",
            gives: "the same question put to class means of audio",
        },
        Example {
            statement: "triplets ontology=hdio nodes=all distance=wu-palmer sample=50000",
            gives: "a seeded sample over inner nodes too, by another distance",
        },
    ],
    ..Signature::BARE
};

impl Verb for Triplets {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, mut bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(0, &SIGNATURE)?;
        if let Some(word) = bound.using.as_ref().filter(|word| !word.node.eq_ignore_ascii_case("prototypes")) {
            let fault = Diagnostic::new(format!("`triplets` can't use `{}` as terms", word.node)).at(word.span);
            return Err(fault.expected("`using prototypes`").suggest(&word.node, ["prototypes"]).into());
        }
        for (setting, words) in OF_ONE {
            bound.gives_way(setting, words);
        }
        refuse_what_is_not_used(&bound)?;
        let swept = if bound.using.is_none() && bound.value("from").is_none() { parameters::sweep(&bound, scope)? } else { None };
        spaces::each(bound, scope, &|bound, stage, scope| {
            let bootstrap = parameters::bootstrap(&bound);
            let source = match (&bound.using, bound.text_of("from").map(|f| f.node.to_owned())) {
                (_, Some(file)) => {
                    let at = bound.text_of("from").map_or(bound.verb.span, |from| from.span);
                    Source::Clips { file: Spanned::new(file.into(), at), task: Task::new(bound, stage, scope)? }
                }
                (Some(_), None) => Source::Means { tree: Tree::of(&bound, scope)?, task: Task::new(bound, stage, scope)? },
                (None, None) => {
                    let source = |prompts: Prompts| -> Result<Source, Error> {
                        let labels = tree::labels(&bound, scope)?;
                        let named = tree::collection(labels.as_ref()).map(|name| name.node.as_str());
                        let first = named.into_iter().chain(scope.default_collection());
                        Ok(Source::Texts {
                            model: model::of(&bound, labels.as_ref(), scope)?.reading_first(first),
                            prompts,
                            labels,
                            tree: Tree::of(&bound, scope)?,
                            stage,
                            span: bound.verb.span,
                        })
                    };
                    if let Some(prompts) = &swept {
                        let plan = |prompt: &Prompt| {
                            let source = source(Prompts(vec![prompt.clone()]))?;
                            Ok((prompt.clone(), TripletsPlan { source, bootstrap }))
                        };
                        return Ok(Box::new(sweep::Sweep(prompts.iter().map(plan).collect::<Result<_, Error>>()?)));
                    }
                    source(parameters::prompt(&bound)?)?
                }
            };
            Ok(Box::new(TripletsPlan { source, bootstrap }))
        })
    }
}

/// What each of these does not look at.
const OF_ONE: [(&str, &[&str]); 4] = [
    ("from", &["using", "ontology", "labels", "prompt", "prompts", "convention", "distance", "margin", "nodes", "sample"]),
    ("convention", &["distance", "margin", "nodes", "sample"]),
    ("prompts", &["prompt"]),
    ("labels", &["nodes"]),
];
const OF_MEANS: &[&str] = &["labels", "prompt", "prompts", "nodes", "convention"];

/// Refuses words that the statement would not look at.
fn refuse_what_is_not_used(bound: &Bound) -> Result<(), Error> {
    let [(_, of_people), (_, of_released), (_, of_sweep), (_, of_named)] = OF_ONE;
    let says = |name: &str, word: &str| bound.text_of(name).is_some_and(|said| said.node.eq_ignore_ascii_case(word));
    if bound.value("from").is_some() {
        bound.refuse(of_people, "triplets of clips that people made")?;
    } else if bound.using.is_some() {
        bound.refuse(OF_MEANS, "class means over the collection's labels")?;
    } else if says("convention", "released") {
        bound.refuse(of_released, "the released convention, which has its own rule")?;
    }
    if bound.value("prompts").is_some() {
        bound.refuse(of_sweep, "a sweep of prompts")?;
    }
    if bound.value("labels").is_some() && !says("labels", "all") {
        bound.refuse(of_named, "labels that have a name")?;
    }
    let clips = bound.value("from").is_some() || bound.using.is_some();
    let place =
        bound.collection.as_ref().map(|c| c.span).or(bound.filter.as_ref().and_then(|f| f.fields().first().map(|f| f.span)));
    match place {
        Some(span) if !clips => {
            let fault = Diagnostic::new("triplets of texts have no clips to choose").at(span);
            Err(fault.expected("`using prototypes` or `from=FILE`, or `labels=COLLECTION`").into())
        }
        _ => Ok(()),
    }
}

/// What is held against what.
// One plan a statement: its size is of no matter.
#[allow(clippy::large_enum_variant)]
enum Source {
    Texts {
        model: ModelRef,
        prompts: Prompts,
        labels: Option<Spanned<String>>,
        tree: Tree,
        stage: Stage,
        span: crate::diagnostic::Span,
    },
    Means {
        tree: Tree,
        task: Task,
    },
    Clips {
        file: Spanned<std::path::PathBuf>,
        task: Task,
    },
}

struct TripletsPlan {
    source: Source,
    bootstrap: Bootstrap,
}

/// Triplets by positions in a list of named vectors.
struct Vocabulary {
    names: Vec<String>,
    /// The family of each, where there are families.
    families: Vec<Option<String>>,
    triplets: Vec<(u32, u32, u32)>,
}

impl TripletsPlan {
    /// The vectors, the triplets over them, and what is to be said of both.
    fn gather(&self, scope: &Scope<'_>) -> Result<(Arc<Embeddings>, Vocabulary, Report), Error> {
        let mut report = Report::new("triplets");
        let (vectors, vocabulary) = match &self.source {
            Source::Texts { model, prompts, labels, tree, stage, span } => {
                let vocabulary = tree.vocabulary(labels.as_ref(), *span, &mut report, scope)?;
                let texts = scope.workspace.label_vectors(model, *stage, prompts, &vocabulary.names, scope.progress);
                let texts = texts.map_err(|fault| {
                    let labels = Labels { names: &vocabulary.names, of_clips: false };
                    way_on::without_sentence(fault, (model, *stage), &prompts.0, labels, scope)
                })?;
                let facts = std::mem::take(&mut report.context.extra);
                report.context =
                    provenance::context(scope, None, model, provenance::space_name(crate::embedding::Modality::Text, *stage));
                provenance::prompted(&mut report.context, prompts);
                report.context.wording = scope.workspace.wording(model, *stage, &prompts.0, &vocabulary.names)?;
                report.context.extra = facts;
                report.context.collection = tree::collection(labels.as_ref()).map(|name| name.node.clone());
                (Arc::new(texts), vocabulary)
            }
            Source::Means { tree, task } => {
                let truth = task.truth(scope)?;
                let vocabulary = tree.over(&truth.classes, task, &mut report)?;
                let means = class_means(&truth.clips.embeddings(), &truth.class, truth.classes.len());
                let means = means.map_err(|fault| match &fault {
                    metric::Error::NoDirection { class } => {
                        let name = truth.classes.get(*class).map_or("", String::as_str);
                        let fault = Diagnostic::new(format!("the clips of `{name}` cancel each other out, and have no mean"));
                        Error::from(fault.at(task.bound.verb.span).expected("clips whose mean has a direction"))
                    }
                    _ => fault.into(),
                })?;
                let facts = std::mem::take(&mut report.context.extra);
                report.context = clip_context(task, scope);
                report.context.fact("clips", truth.clips.len());
                report.context.extra.extend(facts);
                truth.note_left_out(&mut report.notes);
                (Arc::new(means), vocabulary)
            }
            Source::Clips { file, task } => {
                let clips = scope.workspace.clips(&task.collection, &task.info, task.bound.filter.as_ref(), scope.progress)?;
                report.context = clip_context(task, scope);
                let vocabulary = human::read(&file.node, &clips, file.span, &mut report)?;
                (clips.embeddings(), vocabulary)
            }
        };
        Ok((vectors, vocabulary, report))
    }
}

fn clip_context(task: &Task, scope: &Scope<'_>) -> Context {
    let space = &task.info.key.space;
    let space = provenance::space_name(space.modality, space.stage);
    let mut context = provenance::context(scope, Some(task.collection.name()), &task.model, space);
    if let Some(filter) = &task.bound.filter {
        context.fact("where", filter.to_string());
    }
    context
}

impl Plan for TripletsPlan {
    fn steps(&self) -> Vec<Step> {
        let mut steps = match &self.source {
            Source::Texts { model, prompts, labels, tree, stage, .. } => {
                let mut steps = tree.steps(labels.as_ref());
                steps.push(Step::new("model", model.id.clone()));
                steps.push(Step::new("space", provenance::space_name(crate::embedding::Modality::Text, *stage)));
                steps.push(Step::new("prompt", prompts.keys().join(", ")));
                steps
            }
            Source::Means { tree, task } => {
                let mut steps = task.steps();
                steps.push(Step::new("terms", "class means of the clips' vectors"));
                steps.extend(tree.steps(None).into_iter().filter(|step| step.stage != "labels"));
                steps
            }
            Source::Clips { file, task } => {
                let mut steps = task.steps();
                steps.push(Step::new("triplets", format!("from `{}`", file.node.display())));
                steps
            }
        };
        steps.push(Step::new("intervals", format!("{} resamples of anchors", self.bootstrap.resamples)));
        steps
    }

    fn estimate(&self, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let Source::Texts { model, prompts, labels, tree, stage, span } = &self.source else { return Ok(Vec::new()) };
        let vocabulary = tree.vocabulary(labels.as_ref(), *span, &mut Report::new("triplets"), scope)?;
        let (texts, triplets) = (vocabulary.names.len(), vocabulary.triplets.len());
        let unread = scope.workspace.unread(model, *stage, prompts, &vocabulary.names)?;
        Ok(vec![
            parameters::reading(unread, texts * prompts.0.len()),
            Step::new("work", format!("{} cosines, {} judgements", whole(texts * texts), whole(triplets))),
        ])
    }

    fn run(&self, scope: &Scope<'_>) -> Result<Outcome, Error> {
        let (vectors, vocabulary, report) = self.gather(scope)?;
        judged::outcome(&vectors, vocabulary, report, &self.bootstrap, scope)
    }
}
