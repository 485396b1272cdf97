//! The clips of a statement about labels, and the class that each clip has.
//!
//! Truth is the metadata field `label`; the classes are its distinct values, sorted. Where no clip has one, or on request, it is
//! the list `labels` (with `absent`), of which a clip can have several; see [`super::several`]. Clips without take no part. With
//! `where` the classes are those of the clips that pass, and a note names the others.

mod absent;
mod groups;

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::metric::Rows;
use crate::query::signature::{Kind, Parameter};
use crate::query::{Bound, Literal};
use crate::report::{Context, Report};
use crate::store::{Collection, Item, SpaceInfo};
use crate::value::Value;
use crate::verb::several::Several;
use crate::verb::trial::Groups;
use crate::verb::way_on::{self, Labels};
use crate::verb::{Error, Scope, Step, parameters, provenance};
use crate::workspace::{Clips, ModelRef, Prompts, Stored};

/// `truth=`
pub const TRUTH: Parameter = Parameter {
    name: "truth",
    kind: Kind::Choice(&["label", "labels"]),
    default: "`label` where a clip has one, else `labels`",
    help: "the field with the true label, or with the list of all of them",
};

/// Collection, model and space of a statement about labelled clips.
pub struct Task {
    pub collection: Collection,
    pub model: ModelRef,
    pub info: SpaceInfo,
    pub bound: Bound,
}

impl Task {
    /// Resolves the words of a statement.
    ///
    /// # Errors
    /// When a name is unknown or the collection has no such vectors.
    pub fn new(bound: Bound, stage: Stage, scope: &Scope<'_>) -> Result<Task, Error> {
        let (collection, model, info) = parameters::clips_of(&bound, stage, scope)?;
        Ok(Task { collection, model, info, bound })
    }

    /// Before or after the projection.
    pub fn stage(&self) -> Stage {
        self.info.key.space.stage
    }

    /// What `explain` says of them.
    pub fn steps(&self) -> Vec<Step> {
        let mut steps = vec![
            Step::new("collection", self.collection.name()),
            Step::new("space", format!("{}, {} rows of {}", self.info.key, self.info.rows, self.info.dim)),
        ];
        if let Some(filter) = &self.bound.filter {
            steps.push(Step::new("filter", filter.to_string()));
        }
        steps
    }

    /// How many resamples there will be.
    pub fn interval_step(&self) -> Step {
        Step::new("intervals", format!("{} resamples", parameters::bootstrap(&self.bound).resamples))
    }

    /// What it takes to hold each clip against each label under each prompt by itself: texts to read, cosines to compute.
    ///
    /// # Errors
    /// When a prompt has no text for a label.
    pub fn reading_each(&self, truth: &Truth, prompts: &Prompts, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let texts = truth.classes.len() * prompts.0.len();
        let unread = scope.workspace.unread(&self.model, self.stage(), prompts, &truth.classes).map_err(|fault| {
            way_on::without_sentence(fault, (&self.model, self.stage()), &prompts.0, truth.labels_of_clips(), scope)
        })?;
        let with = if prompts.0.len() == 1 { "labels" } else { "labels in prompts" };
        Ok(vec![
            parameters::reading(unread, texts),
            parameters::cosines((truth.clips.len(), "clips"), (texts, with), self.info.dim),
        ])
    }

    /// The clips with a label, their classes and the classes' names.
    ///
    /// # Errors
    /// When no clip passes the filter, there are fewer than two labels, or clips have several each.
    pub fn truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_memory(Wanted::One, scope)
    }

    /// The same for verbs that go through the clips' vectors by [`Truth::rows`] alone, so that they need not be in memory.
    ///
    /// # Errors
    /// As [`Task::truth`].
    pub fn truth_in_blocks(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_blocks(Wanted::One, scope)
    }

    /// As [`Task::truth`], or the clips with several labels each.
    ///
    /// # Errors
    /// When no clip passes the filter or there are fewer than two labels.
    pub fn any_truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_memory(Wanted::Any, scope)
    }

    /// As [`Task::any_truth`], with vectors that need not be in memory.
    ///
    /// # Errors
    /// As [`Task::any_truth`].
    pub fn any_truth_in_blocks(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_blocks(Wanted::Any, scope)
    }

    /// The clips with captions; the classes are the distinct captions. Vectors need not be in memory.
    ///
    /// # Errors
    /// When no clip passes the filter or there are fewer than two captions.
    pub fn captions_in_blocks(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_blocks(Wanted::Captions, scope)
    }

    /// The clips, whatever labels they have: also with one label, or none.
    ///
    /// # Errors
    /// When no clip passes the filter.
    pub fn clips(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        self.in_memory(Wanted::Clips, scope)
    }

    fn in_memory(&self, wanted: Wanted, scope: &Scope<'_>) -> Result<Truth, Error> {
        let filter = self.bound.filter.as_ref();
        self.judge(scope.workspace.clips(&self.collection, &self.info, filter, scope.progress)?, wanted)
    }

    fn in_blocks(&self, wanted: Wanted, scope: &Scope<'_>) -> Result<Truth, Error> {
        let filter = self.bound.filter.as_ref();
        let (clips, stored) = scope.workspace.clips_in_blocks(&self.collection, &self.info, filter, scope.progress)?;
        let mut truth = self.judge(clips, wanted)?;
        // Clips without a label are no longer among them.
        truth.stored = stored.map(|stored| Arc::new(stored.only(truth.clips.items().into_iter())));
        Ok(truth)
    }

    fn judge(&self, clips: Clips, wanted: Wanted) -> Result<Truth, Error> {
        let several = || !has(&clips, "label") && has(&clips, "labels");
        let asked = self.bound.value("truth").map(|value| match &value.node {
            Literal::Scalar(Value::Text(text)) => text.eq_ignore_ascii_case("labels"),
            _ => false,
        });
        let mut truth = match wanted {
            Wanted::Clips => return Ok(Truth::of_any(clips)),
            Wanted::Captions => return Truth::several(clips, Kinds::Captions, self),
            Wanted::Any if asked.unwrap_or_else(several) => Truth::several(clips, Kinds::Labels, self)?,
            Wanted::One if several() => {
                let (name, verb) = (self.collection.name(), &self.bound.verb);
                let what = format!("`{}` needs one label a clip, and the clips of `{name}` have several", verb.node);
                let fault = Diagnostic::new(what).at(verb.span);
                return Err(fault.expected("`classify` or `retrieve`, which take the field `labels`").into());
            }
            Wanted::Any | Wanted::One => Truth::of(clips, self)?,
        };
        if self.bound.filter.is_some() {
            truth.absent = absent::note(&truth, &self.bound.verb.node);
        }
        Ok(truth)
    }

    /// An empty report that says what was measured, on what and how often it was resampled.
    pub fn report(&self, kind: &str, truth: &Truth, scope: &Scope<'_>) -> Report {
        let space = &self.info.key.space;
        let space = provenance::space_name(space.modality, space.stage);
        let mut report = Report::new(kind);
        report.context = provenance::context(scope, Some(self.collection.name()), &self.model, space);
        report.context.n = Some(truth.clips.len());
        provenance::sampled(&mut report.context, &parameters::bootstrap(&self.bound));
        report.context.fact(if truth.kinds == Kinds::Captions { "captions" } else { "classes" }, truth.classes.len());
        if let (Kinds::Labels, Some(several)) = (truth.kinds, &truth.several) {
            report.context.fact("truth", "several labels a clip");
            report.context.fact("labels_per_clip", several.mean());
            report.context.fact("unknown", several.unknown(truth.classes.len()));
        }
        if let Some(filter) = &self.bound.filter {
            report.context.fact("where", filter.to_string());
        }
        truth.note_left_out(&mut report.notes);
        report
    }

    /// The groups that a bootstrap draws whole: `by FIELD`. Where they are folds too, clips of a fold belong together as well.
    ///
    /// # Errors
    /// When a clip lacks the field.
    pub fn resampled_by(&self, truth: &Truth) -> Result<Option<Groups>, Error> {
        let groups = |field: &Spanned<String>| Ok(Groups { by: field.node.clone(), of: self.groups(truth, field)? });
        self.bound.by.as_ref().map(groups).transpose()
    }

    /// Says by which field was resampled.
    pub fn note_groups(&self, context: &mut Context) {
        if let Some(field) = &self.bound.by {
            context.fact("resampled_by", field.node.as_str());
        }
    }
}

/// What kind of truth a verb takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wanted {
    /// One label a clip.
    One,
    /// One label a clip, or several.
    Any,
    Captions,
    /// Clips alone.
    Clips,
}

/// Clips with their classes.
pub struct Truth {
    pub clips: Clips,
    /// Sorted; the labels as the collection has them.
    pub classes: Vec<String>,
    /// One a clip; empty where there are several.
    pub class: Vec<usize>,
    /// What is known of each clip with each class, where there are several.
    pub several: Option<Several>,
    /// Clips that were left out for want of a label.
    pub unlabelled: usize,
    /// What is to be said of the collection's labels that none of these clips has.
    absent: Option<String>,
    kinds: Kinds,
    /// Their vectors, where they are not in memory.
    stored: Option<Arc<Stored>>,
}

/// What the classes are.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kinds {
    /// One label a clip.
    Label,
    /// Several labels a clip.
    Labels,
    Captions,
}

impl Kinds {
    fn field(self) -> &'static str {
        match self {
            Kinds::Label => "label",
            Kinds::Labels => "labels",
            Kinds::Captions => "captions",
        }
    }
}

/// Whether one of the chosen clips has a value in `field`.
fn has(clips: &Clips, field: &str) -> bool {
    clips.items().iter().any(|item| item.metadata.get(field).is_some_and(|value| !value.is_null()))
}

impl Truth {
    /// Clips that are not judged by their labels.
    fn of_any(clips: Clips) -> Truth {
        let classes = distinct(&clips.items().iter().flat_map(|item| labels_of(item)).collect::<Vec<String>>());
        Truth { clips, classes, class: Vec::new(), several: None, unlabelled: 0, absent: None, kinds: Kinds::Label, stored: None }
    }

    /// Reads the labels of clips.
    ///
    /// # Errors
    /// When there are fewer than two.
    fn of(clips: Clips, task: &Task) -> Result<Truth, Error> {
        let all = clips.len();
        let rows: Vec<usize> = match &clips.rows {
            Some(rows) => rows.clone(),
            None => (0..all).collect(),
        };
        let items = &clips.loaded.items;
        let labelled: Vec<usize> = rows.into_iter().filter(|&r| label_of(&items[r]).is_some()).collect();
        let names: Vec<String> = labelled.iter().filter_map(|&r| label_of(&items[r])).collect();
        let classes = distinct(&names);
        if classes.len() < 2 {
            let fault = match classes.first() {
                None => Diagnostic::new(format!("no clip of `{}` has a label", task.collection.name())),
                Some(only) => Diagnostic::new(format!("all clips have the label `{only}`")),
            };
            let fault = fault.at(task.bound.verb.span).expected("clips of at least two labels");
            return Err(fault.hint(absent::way_on(&clips, Kinds::Label, task.bound.filter.is_some())).into());
        }
        let class = names.iter().map(|name| classes.partition_point(|c| c < name)).collect();
        let unlabelled = all - labelled.len();
        let rows = if unlabelled == 0 { clips.rows } else { Some(labelled) };
        let clips = Clips { loaded: clips.loaded, rows };
        Ok(Truth { clips, classes, class, several: None, unlabelled, absent: None, kinds: Kinds::Label, stored: None })
    }

    /// Reads the lists of clips.
    fn several(clips: Clips, kinds: Kinds, task: &Task) -> Result<Truth, Error> {
        let (all, field, collection) = (clips.len(), kinds.field(), task.collection.name());
        let listed = |item: &Item, field: &str| item.metadata.get(field).is_some_and(|value| !value.is_null());
        let told = |item: &Item| match kinds {
            // A clip that is known to have none of some labels takes part.
            Kinds::Labels => listed(item, field) || listed(item, "absent"),
            _ => item.metadata.get(field).is_some_and(|value| !value.members().is_empty()),
        };
        let items = &clips.loaded.items;
        let rows: Vec<usize> = clips.rows.clone().unwrap_or_else(|| (0..items.len()).collect());
        let rows: Vec<usize> = rows.into_iter().filter(|&r| items.get(r).is_some_and(told)).collect();
        let unlabelled = all - rows.len();
        let clips = Clips { loaded: clips.loaded.clone(), rows: if unlabelled == 0 { clips.rows } else { Some(rows) } };
        let (classes, several) = Several::read(&clips.items(), field, kinds == Kinds::Labels);
        if classes.len() < 2 {
            let fault = match classes.first() {
                None => Diagnostic::new(format!("no clip of `{collection}` has {field}")),
                Some(only) => Diagnostic::new(format!("all {field} of `{collection}` are `{only}`")),
            };
            let fault = fault.at(task.bound.verb.span).expected(format!("clips with at least two {field}"));
            return Err(fault.hint(absent::way_on(&clips, kinds, task.bound.filter.is_some())).into());
        }
        Ok(Truth { clips, classes, class: Vec::new(), several: Some(several), unlabelled, absent: None, kinds, stored: None })
    }

    /// The classes, and whether a condition on the field `label` chooses among them.
    pub fn labels_of_clips(&self) -> Labels<'_> {
        Labels { names: &self.classes, of_clips: self.several.is_none() }
    }

    /// Whether a clip has a class; none where it is not known.
    pub fn known(&self, clip: usize, class: usize) -> Option<bool> {
        match &self.several {
            Some(several) => several.known(clip, class),
            None => Some(self.class.get(clip) == Some(&class)),
        }
    }

    /// The clips' vectors.
    pub fn rows(&self) -> Arc<dyn Rows> {
        match &self.stored {
            Some(stored) => Arc::<Stored>::clone(stored),
            None => self.clips.embeddings(),
        }
    }

    /// The clips' ids.
    pub fn ids(&self) -> Vec<String> {
        self.clips.items().iter().map(|item| item.id.clone()).collect()
    }

    /// The clips' labels, those of one clip behind each other.
    pub fn labels(&self) -> Vec<String> {
        if let Some(several) = &self.several {
            let joined = |clip| several.present(clip).iter().filter_map(|&c| self.classes.get(c)).cloned().collect::<Vec<_>>();
            return (0..self.clips.len()).map(|clip| joined(clip).join("; ")).collect();
        }
        self.class.iter().map(|&class| self.classes[class].clone()).collect()
    }

    /// Says how many clips had no label, and which labels have no clip.
    pub fn note_left_out(&self, notes: &mut Vec<String>) {
        if self.unlabelled > 0 {
            let what = if self.kinds == Kinds::Label { "a label" } else { self.kinds.field() };
            notes.push(format!("{} clips without {what} were left out", self.unlabelled));
        }
        notes.extend(self.absent.clone());
    }
}

/// Each value once, in their order.
pub fn distinct<'a>(values: impl IntoIterator<Item = &'a String>) -> Vec<String> {
    let distinct: BTreeSet<&String> = values.into_iter().collect();
    distinct.into_iter().cloned().collect()
}

/// A clip's label, if it has one.
pub fn label_of(item: &Item) -> Option<String> {
    match item.metadata.get("label") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.to_string()),
    }
}

/// A clip's label, or all that it has where it has no single one.
pub fn labels_of(item: &Item) -> Vec<String> {
    match (label_of(item), item.metadata.get("labels")) {
        (Some(label), _) => vec![label],
        (None, Some(labels)) => labels.members().iter().map(Value::to_string).collect(),
        (None, None) => Vec::new(),
    }
}
