//! `classify`: zero-shot classification by texts, or by audio-only class means.
//!
//! Truth is the metadata field `label`; the classes are its distinct values, sorted. Experiments 1 and 5 of the paper.

mod one;
mod prototypes;
mod set;
mod sweep;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Bound, Example, Signature};
use crate::store::{Collection, Item, SpaceInfo};
use crate::value::Value;
use crate::verb::{Error, Plan, Scope, Step, Verb, parameters};
use crate::workspace::{Clips, ModelRef};

pub struct Classify;

static SIGNATURE: Signature = Signature {
    name: "classify",
    summary: "zero-shot classification of clips: by label texts, or by audio-only class means",
    usage: &[
        "classify clips [in C] [where prompt=\"A <> track\" and …] [top K] [by=class] [confusion]",
        "classify clip \"ID\" [where prompt=\"A <> track\"] [top K]",
        "classify clips where prompts=NAME",
        "classify clips using prototypes [by FIELD] [space=joint|pre-joint]",
    ],
    about: "Puts each label of the collection into the prompt, embeds it, and gives each clip the labels with the greatest cosine. \
            Over a set: top-1 to top-K accuracy, weighted and macro F1, balanced accuracy, macro ROC-AUC and PR-AUC, each with a \
            bootstrap interval over clips (over groups with `by FIELD`), beside chance and the majority class. A tie at the border \
            counts against the model. `using prototypes` takes class means of the clips' own vectors in place of texts (the \
            paper's audio-only labels): each tested clip is left out of its own class's mean; `by FIELD` takes means from the other \
            folds; `protocol=resubstitution` is the paper's own.",
    subjects: &["clip", "confusion"],
    clauses: &[Clause::In, Clause::Where, Clause::Top, Clause::By, Clause::Using],
    parameters: &[
        shared::PROMPT,
        shared::PROMPTS,
        shared::MODEL,
        shared::SPACE,
        Parameter { name: "by", kind: Kind::Choice(&["class"]), default: "none", help: "`by=class` adds a row a class" },
        Parameter {
            name: "protocol",
            kind: Kind::Choice(&["leave-one-out", "resubstitution"]),
            default: "leave-one-out",
            help: "for prototypes: whether a tested clip may be part of its own class's mean",
        },
        shared::RESAMPLES,
        shared::CONFIDENCE,
        shared::SEED,
    ],
    examples: &[
        Example {
            statement: "classify clip where prompt=\"A <> track\" top 3",
            gives: "top-1, top-2 and top-3 accuracy with intervals",
        },
        Example {
            statement: "classify clips where dynamic=\"ff\" by=class confusion",
            gives: "the loud clips only, with a row a class and the confusion matrix",
        },
        Example { statement: "classify clip \"violin/Vn-G4-mf.flac\" top 3", gives: "the three nearest labels of one clip" },
        Example { statement: "classify clips where prompts=ismir2024", gives: "a row for each of the paper's prompts" },
        Example {
            statement: "classify clips using prototypes space=pre-joint",
            gives: "accuracy of audio-only labels before the projection",
        },
    ],
    ..Signature::BARE
};

impl Verb for Classify {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        bound.refuse_more_than(1, &SIGNATURE)?;
        let prototypes = match &bound.using {
            None => false,
            Some(word) if word.node.eq_ignore_ascii_case("prototypes") => true,
            Some(word) => {
                let fault = Diagnostic::new(format!("`classify` can't use `{}` as labels", word.node)).at(word.span);
                return Err(fault.expected("`using prototypes`").suggest(&word.node, ["prototypes"]).into());
            }
        };
        let stage = parameters::stage(&bound);
        if !prototypes {
            refuse_text_pre_joint(&bound, stage)?;
        } else if let Some(extra) = bound.value("prompt").or(bound.value("prompts")).filter(|p| p.span != bound.verb.span) {
            let fault = Diagnostic::new("prototypes are made of audio and take no prompt").at(extra.span);
            return Err(fault.expected("`using prototypes` without a prompt").into());
        }
        let (collection, model, info) = parameters::clips_of(&bound, stage, scope)?;
        let task = Task { collection, model, info, bound };
        if let (Some(id), true) = (task.bound.argument(0), prototypes) {
            let fault = Diagnostic::new(format!("prototypes classify a set, not the one clip `{}`", id.node)).at(id.span);
            return Err(fault.expected("`classify clips using prototypes`").into());
        }
        if prototypes {
            return Ok(Box::new(prototypes::Prototypes::new(task)));
        }
        if let Some(id) = task.bound.argument(0) {
            return Ok(Box::new(one::One::new(task, id)?));
        }
        match parameters::sweep(&task.bound, scope)? {
            Some(prompts) => Ok(Box::new(sweep::Sweep { task, prompts })),
            None => Ok(Box::new(set::Set { prompts: parameters::prompt(&task.bound)?, task })),
        }
    }
}

/// Texts and clips meet only in the joint space.
fn refuse_text_pre_joint(bound: &Bound, stage: Stage) -> Result<(), Error> {
    match bound.value("space") {
        Some(space) if stage == Stage::PreJoint => {
            let fault = Diagnostic::new("texts and clips do not compare before the projection").at(space.span);
            Err(fault.expected("`space=joint`, or `using prototypes`").into())
        }
        _ => Ok(()),
    }
}

/// What every form of the verb has resolved.
struct Task {
    collection: Collection,
    model: ModelRef,
    info: SpaceInfo,
    bound: Bound,
}

impl Task {
    fn steps(&self) -> Vec<Step> {
        let mut steps = vec![
            Step::new("collection", self.collection.name()),
            Step::new("space", format!("{}, {} rows of {}", self.info.key, self.info.rows, self.info.dim)),
        ];
        if let Some(filter) = &self.bound.filter {
            steps.push(Step::new("filter", filter.to_string()));
        }
        steps
    }

    /// The clips with a label, their classes and the classes' names.
    fn truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        let clips = scope.workspace.clips(&self.collection, &self.info, self.bound.filter.as_ref())?;
        Truth::of(clips, self.collection.name(), self.bound.verb.span)
    }
}

/// Clips with their classes.
struct Truth {
    clips: Clips,
    /// Sorted; the labels as the collection has them.
    classes: Vec<String>,
    /// One a clip.
    class: Vec<usize>,
    /// Clips that were left out for want of a label.
    unlabelled: usize,
}

impl Truth {
    fn of(clips: Clips, collection: &str, span: crate::diagnostic::Span) -> Result<Truth, Error> {
        let all = clips.len();
        let rows: Vec<usize> = match &clips.rows {
            Some(rows) => rows.clone(),
            None => (0..all).collect(),
        };
        let items = &clips.loaded.items;
        let labelled: Vec<usize> = rows.into_iter().filter(|&r| label_of(&items[r]).is_some()).collect();
        let names: Vec<String> = labelled.iter().filter_map(|&r| label_of(&items[r])).collect();
        let mut classes = names.clone();
        classes.sort();
        classes.dedup();
        if classes.len() < 2 {
            let fault = match classes.first() {
                None => Diagnostic::new(format!("no clip of `{collection}` has a label")),
                Some(only) => Diagnostic::new(format!("all clips have the label `{only}`")),
            };
            let fault = fault.at(span).expected("clips of at least two labels");
            return Err(fault
                .hint("the field `label` is set when audio is ingested: `--label-from folder`, `--labels FILE`")
                .into());
        }
        let class = names.iter().map(|name| classes.partition_point(|c| c < name)).collect();
        let unlabelled = all - labelled.len();
        let rows = if unlabelled == 0 { clips.rows } else { Some(labelled) };
        Ok(Truth { clips: Clips { loaded: clips.loaded, rows }, classes, class, unlabelled })
    }

    fn note_unlabelled(&self, notes: &mut Vec<String>) {
        if self.unlabelled > 0 {
            notes.push(format!("{} clips without a label were left out", self.unlabelled));
        }
    }

    /// The value of `field` for each clip, numbered.
    fn groups(&self, field: &Spanned<String>) -> Result<Vec<usize>, Error> {
        let values: Vec<Value> = self.clips.items().iter().map(|i| crate::workspace::builtin_field(i, &field.node)).collect();
        if let Some(at) = values.iter().position(Value::is_null) {
            let item = self.clips.items()[at].id.clone();
            let fault = Diagnostic::new(format!("the clip `{item}` has no field `{}`", field.node)).at(field.span);
            let mut known: Vec<&str> = self.clips.items().iter().flat_map(|i| i.metadata.keys().map(String::as_str)).collect();
            known.sort_unstable();
            known.dedup();
            return Err(fault.expected("a field that every clip has").suggest(&field.node, known).into());
        }
        let mut distinct: Vec<String> = values.iter().map(Value::to_string).collect();
        distinct.sort();
        distinct.dedup();
        Ok(values.iter().map(|v| distinct.partition_point(|d| *d < v.to_string())).collect())
    }
}

/// A clip's label, if it has one.
fn label_of(item: &Item) -> Option<String> {
    match item.metadata.get("label") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.to_string()),
    }
}
