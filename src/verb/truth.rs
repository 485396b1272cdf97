//! The clips of a statement about labels, and the class that each clip has.
//!
//! Truth is the metadata field `label`; the classes are its distinct values, sorted. Clips without a label take no part.

use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Span, Spanned};
use crate::embedding::Stage;
use crate::metric::Rows;
use crate::query::Bound;
use crate::report::{Context, Report};
use crate::store::{Collection, Item, SpaceInfo};
use crate::value::Value;
use crate::verb::{Error, Scope, Step, parameters, provenance};
use crate::workspace::{Clips, ModelRef, Stored};

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

    /// The clips with a label, their classes and the classes' names.
    ///
    /// # Errors
    /// When no clip passes the filter or there are fewer than two labels.
    pub fn truth(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        let clips = scope.workspace.clips(&self.collection, &self.info, self.bound.filter.as_ref(), scope.progress)?;
        Truth::of(clips, self.collection.name(), self.bound.verb.span)
    }

    /// The same for verbs that go through the clips' vectors by [`Truth::rows`] alone, so that they need not be in memory.
    ///
    /// # Errors
    /// As [`Task::truth`].
    pub fn truth_in_blocks(&self, scope: &Scope<'_>) -> Result<Truth, Error> {
        let filter = self.bound.filter.as_ref();
        let (clips, stored) = scope.workspace.clips_in_blocks(&self.collection, &self.info, filter, scope.progress)?;
        let mut truth = Truth::of(clips, self.collection.name(), self.bound.verb.span)?;
        // Clips without a label are no longer among them.
        truth.stored = stored.map(|stored| Arc::new(stored.only(truth.clips.items().into_iter())));
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
        report.context.fact("classes", truth.classes.len());
        if let Some(filter) = &self.bound.filter {
            report.context.fact("where", filter.to_string());
        }
        truth.note_unlabelled(&mut report.notes);
        report
    }

    /// The groups that a bootstrap draws whole: `by FIELD`, where the statement does not use it for folds.
    ///
    /// # Errors
    /// When a clip lacks the field.
    pub fn resampled_by(&self, truth: &Truth) -> Result<Option<Vec<usize>>, Error> {
        self.group_field().map(|field| truth.groups(field)).transpose()
    }

    /// Says by which field was resampled.
    pub fn note_groups(&self, context: &mut Context) {
        if let Some(field) = self.group_field() {
            context.fact("resampled_by", field.node.as_str());
        }
    }

    fn group_field(&self) -> Option<&Spanned<String>> {
        self.bound.by.as_ref().filter(|_| self.bound.using.is_none())
    }
}

/// Clips with their classes.
pub struct Truth {
    pub clips: Clips,
    /// Sorted; the labels as the collection has them.
    pub classes: Vec<String>,
    /// One a clip.
    pub class: Vec<usize>,
    /// Clips that were left out for want of a label.
    pub unlabelled: usize,
    /// Their vectors, where they are not in memory.
    stored: Option<Arc<Stored>>,
}

impl Truth {
    /// Reads the labels of clips.
    ///
    /// # Errors
    /// When there are fewer than two.
    pub fn of(clips: Clips, collection: &str, span: Span) -> Result<Truth, Error> {
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
        Ok(Truth { clips: Clips { loaded: clips.loaded, rows }, classes, class, unlabelled, stored: None })
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

    /// The clips' labels.
    pub fn labels(&self) -> Vec<String> {
        self.class.iter().map(|&class| self.classes[class].clone()).collect()
    }

    /// Says how many clips had no label.
    pub fn note_unlabelled(&self, notes: &mut Vec<String>) {
        if self.unlabelled > 0 {
            notes.push(format!("{} clips without a label were left out", self.unlabelled));
        }
    }

    /// The value of `field` for each clip, numbered.
    ///
    /// # Errors
    /// When a clip lacks it.
    pub fn groups(&self, field: &Spanned<String>) -> Result<Vec<usize>, Error> {
        let values: Vec<Value> = self.clips.items().iter().map(|i| crate::workspace::builtin_field(i, &field.node)).collect();
        if let Some(at) = values.iter().position(Value::is_null) {
            let item = self.clips.items()[at].id.clone();
            let fault = Diagnostic::new(format!("the clip `{item}` has no field `{}`", field.node)).at(field.span);
            let mut known: Vec<&str> = self.clips.items().iter().flat_map(|i| i.metadata.keys().map(String::as_str)).collect();
            known.sort_unstable();
            known.dedup();
            return Err(fault.expected("a field that every clip has").suggest(&field.node, known).into());
        }
        let values: Vec<String> = values.iter().map(Value::to_string).collect();
        let mut distinct = values.clone();
        distinct.sort();
        distinct.dedup();
        Ok(values.iter().map(|v| distinct.partition_point(|d| d < v)).collect())
    }
}

/// A clip's label, if it has one.
pub fn label_of(item: &Item) -> Option<String> {
    match item.metadata.get("label") {
        None | Some(Value::Null) => None,
        Some(value) => Some(value.to_string()),
    }
}
