//! What clips are held against: texts, class means of audio, or their nearest neighbours.
//!
//! ```text
//!   nothing, prompt=…    the label in the prompt, as the text tower reads it        joint space only
//!   using prototypes     the mean of the class's clips (the paper's audio-only label)
//!   using knn k=5        the classes of the nearest clips
//! ```
//!
//! A tested clip never helps itself: it is left out of its own class's mean and of its own neighbours, and with `by FIELD`
//! so are all clips of its fold, which intervals draw whole. `protocol=resubstitution` is the paper's own, which tests on what
//! it averaged.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::diagnostic::{Diagnostic, Spanned};
use crate::embedding::Stage;
use crate::metric::{Cosines, Neighbours, Product, Protocol, Prototypes};
use crate::query::Bound;
use crate::query::signature::{Kind, Parameter};
use crate::report::Report;
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Scope, Step, parameters, provenance, way_on};
use crate::workspace::Prompts;

/// `protocol=`
pub const PROTOCOL: Parameter = Parameter {
    name: "protocol",
    kind: Kind::Choice(&["leave-one-out", "resubstitution"]),
    default: "leave-one-out",
    help: "for prototypes: whether a tested clip may be part of its own class's mean",
};
/// `k=`
pub const K: Parameter = Parameter {
    name: "k",
    kind: Kind::Int { min: 1, max: 10_000 },
    default: "5",
    help: "for `using knn`: how many neighbours, at most what every clip has; of equal cosines the clip that comes first counts",
};

/// See the module.
#[derive(Debug, Clone)]
pub enum Against {
    Texts(Prompts),
    Means { folds: Option<Spanned<String>>, resubstitution: bool },
    Neighbours { k: usize, folds: Option<Spanned<String>> },
}

impl Against {
    /// Reads `using …`, `prompt=`, `protocol=`, `k=` and `by FIELD`.
    ///
    /// # Errors
    /// When they do not go together, or texts would meet clips before the projection.
    pub fn of(bound: &mut Bound) -> Result<Against, Error> {
        bound.gives_way("protocol", &["by FIELD"]);
        let resubstitution = bound.text_of("protocol").is_some_and(|p| p.node.eq_ignore_ascii_case("resubstitution"));
        let folds = bound.by.clone();
        let Some(word) = &bound.using else {
            only_joint(bound, AUDIO_ONLY)?;
            bound.refuse(&["protocol", "k"], "texts as labels")?;
            return Ok(Against::Texts(parameters::prompt(bound)?));
        };
        let against = match word.node.to_lowercase().as_str() {
            "prototypes" => Against::Means { folds, resubstitution },
            "knn" => Against::Neighbours { k: bound.int("k").and_then(|k| usize::try_from(k).ok()).unwrap_or(5), folds },
            _ => {
                let fault = Diagnostic::new(format!("`{}` can't use `{}` as labels", bound.verb.node, word.node)).at(word.span);
                return Err(fault
                    .expected("`using prototypes` or `using knn`")
                    .suggest(&word.node, ["prototypes", "knn"])
                    .into());
            }
        };
        if let Some(prompt) = bound.written("prompt").or(bound.written("prompts")) {
            let fault = Diagnostic::new(format!("{} are made of audio and take no prompt", word.node)).at(prompt);
            return Err(fault.expected(format!("`using {}` without a prompt", word.node)).into());
        }
        match (&against, bound.written("protocol").filter(|_| resubstitution)) {
            (Against::Neighbours { .. }, Some(protocol)) => {
                let fault = Diagnostic::new("a clip is always its own nearest neighbour").at(protocol);
                return Err(fault.expected("`using knn` without `protocol=resubstitution`").into());
            }
            (Against::Means { .. }, Some(_)) => {
                bound.refuse(&["k", "by FIELD"], "resubstitution, whose means are of all clips")?
            }
            (Against::Means { .. }, None) => bound.refuse(&["k"], "class means")?,
            _ => {}
        }
        Ok(against)
    }

    /// The same over these clips: no more neighbours than each of them can have.
    ///
    /// # Errors
    /// When more are asked for, or a clip lacks the fold's field.
    pub fn over(&self, task: &Task, truth: &Truth) -> Result<Against, Error> {
        let Against::Neighbours { k, folds } = self else { return Ok(self.clone()) };
        if truth.several.is_some() {
            return Ok(self.clone());
        }
        let n = truth.clips.len();
        let candidates = match folds {
            None => n.saturating_sub(1),
            Some(field) => n.saturating_sub(largest(&folds_by(task, truth, field)?)),
        };
        Ok(Against::Neighbours { k: parameters::neighbours(&task.bound, *k, candidates)?, folds: folds.clone() })
    }

    /// What `explain` says.
    pub fn steps(&self) -> Vec<Step> {
        match self {
            Against::Texts(prompts) => vec![
                Step::new("prompt", prompts.keys().join(", ")),
                Step::new("labels", "the distinct values of `label`, one text a label, cached in the store"),
                Step::new("search", "exact: every clip with every label"),
            ],
            Against::Means { .. } => vec![
                Step::new("labels", "class means of the clips' vectors, at unit length"),
                Step::new("protocol", self.protocol()),
                Step::new("search", "exact: every clip with every class mean"),
            ],
            Against::Neighbours { k, .. } => vec![
                Step::new("labels", format!("the classes of the {k} nearest clips")),
                Step::new("protocol", self.protocol()),
                Step::new("search", "exact: every clip with every clip"),
            ],
        }
    }

    /// What it would take: texts to read and cosines to compute.
    ///
    /// # Errors
    /// When a prompt has no text for a label.
    pub fn estimate(&self, task: &Task, truth: &Truth, scope: &Scope<'_>) -> Result<Vec<Step>, Error> {
        let (n, k) = (truth.clips.len(), truth.classes.len());
        let held = match self {
            Against::Texts(_) => (k, "labels"),
            Against::Means { .. } => (k, "class means"),
            Against::Neighbours { .. } => (n, "clips"),
        };
        let mut steps = vec![parameters::cosines((n, "clips"), held, task.info.dim)];
        if let Against::Texts(prompts) = self {
            let unread = scope.workspace.unread(&task.model, task.stage(), prompts, &truth.classes)?;
            steps.insert(0, parameters::reading(unread, k * prompts.0.len()));
        }
        Ok(steps)
    }

    fn protocol(&self) -> String {
        match self {
            Against::Texts(_) => "texts".into(),
            Against::Means { resubstitution: true, .. } => {
                "resubstitution: means of all clips, the tested one too (the paper's own)".into()
            }
            Against::Means { folds: Some(field), .. } => format!("folds: means of the clips with another `{}`", field.node),
            Against::Means { folds: None, .. } => "leave-one-out: means without the tested clip".into(),
            Against::Neighbours { folds: Some(field), .. } => {
                format!("folds: neighbours among the clips with another `{}`", field.node)
            }
            Against::Neighbours { folds: None, .. } => "leave-one-out: neighbours other than the tested clip".into(),
        }
    }

    /// The clips: in memory where each is held against each. They may have several labels each only where `several` says so.
    ///
    /// # Errors
    /// As [`Task::truth`].
    pub fn truth(&self, task: &Task, several: bool, scope: &Scope<'_>) -> Result<Truth, Error> {
        match (self, several) {
            (Against::Neighbours { .. }, false) => task.truth(scope),
            (Against::Neighbours { .. }, true) => task.any_truth(scope),
            (Against::Texts(_) | Against::Means { .. }, false) => task.truth_in_blocks(scope),
            (Against::Texts(_) | Against::Means { .. }, true) => task.any_truth_in_blocks(scope),
        }
    }

    /// The score of each clip with each class, and how many clips have none with their own.
    ///
    /// # Errors
    /// When texts can't be read, a clip lacks the fold's field, or vectors do not compare.
    pub fn scores(&self, task: &Task, truth: &Truth, scope: &Scope<'_>) -> Result<(Arc<dyn Cosines>, usize), Error> {
        if truth.several.is_some() && !matches!(self, Against::Texts(_)) {
            let span = task.bound.using.as_ref().map_or(task.bound.verb.span, |word| word.span);
            let fault = Diagnostic::new("audio-only labels need one label a clip, and these clips have several").at(span);
            return Err(fault.expected("texts, as in `prompt=\"A <> track\"`").into());
        }
        let folds = match self {
            Against::Means { folds: Some(field), resubstitution: false } | Against::Neighbours { folds: Some(field), .. } => {
                Some(folds_by(task, truth, field)?)
            }
            _ => None,
        };
        let protocol = match (&folds, self) {
            (_, Against::Means { resubstitution: true, .. }) => Protocol::Resubstitution,
            (Some(folds), _) => Protocol::Folds(folds),
            (None, _) => Protocol::LeaveOneOut,
        };
        let (labels, progress) = (&truth.classes, scope.progress);
        match self {
            Against::Texts(prompts) => {
                let texts = scope.workspace.label_vectors(&task.model, task.stage(), prompts, labels, progress);
                let texts = texts.map_err(|fault| {
                    way_on::without_sentence(fault, (&task.model, task.stage()), &prompts.0, truth.labels_of_clips(), scope)
                })?;
                Ok((Arc::new(Product::new(truth.rows(), &task.info.key.space, Arc::new(texts))?), 0))
            }
            Against::Means { .. } => {
                let prototypes = Prototypes::new(truth.rows(), &truth.class, labels.len(), protocol, progress)?;
                let masked = prototypes.without_own();
                Ok((Arc::new(prototypes), masked))
            }
            Against::Neighbours { k, .. } => {
                let neighbours = Neighbours::new(truth.clips.embeddings(), &truth.class, labels.len(), *k, protocol, progress)?;
                let lacking = neighbours.without_own();
                Ok((Arc::new(neighbours), lacking))
            }
        }
    }

    /// Says in the report what clips were held against; `masked` clips had no score with their own class.
    pub fn tell(&self, report: &mut Report, masked: usize) {
        let lacking = match self {
            Against::Texts(prompts) => return provenance::prompted(&mut report.context, prompts),
            Against::Means { .. } => {
                report.context.fact("labels", "prototypes");
                "have no other clips of their class whose mean has a direction"
            }
            Against::Neighbours { k, folds } => {
                report.context.fact("labels", "neighbours");
                report.context.fact("k", *k);
                report.notes.push("the scores are shares of votes, not cosines".to_owned());
                if folds.is_some() {
                    "have no clip of their class in the other folds"
                } else {
                    "have no other clip of their class"
                }
            }
        };
        report.context.fact("protocol", self.protocol());
        if masked > 0 {
            report.notes.push(format!("{masked} clips {lacking}, and count as wrong"));
        }
    }
}

/// The fold of each clip, of which there are two at least.
///
/// # Errors
/// When a clip lacks the field, or all are in one fold.
fn folds_by(task: &Task, truth: &Truth, field: &Spanned<String>) -> Result<Vec<usize>, Error> {
    let folds = task.groups(truth, field)?;
    if folds.iter().any(|fold| Some(fold) != folds.first()) {
        return Ok(folds);
    }
    let fault = Diagnostic::new(format!("all clips are in one fold, since they have the same `{}`", field.node)).at(field.span);
    Err(fault.expected("a field of which these clips have at least two values").into())
}

/// How many clips the largest fold has.
fn largest(folds: &[usize]) -> usize {
    let mut sizes: BTreeMap<usize, usize> = BTreeMap::new();
    folds.iter().for_each(|&fold| *sizes.entry(fold).or_default() += 1);
    sizes.into_values().max().unwrap_or(0)
}

/// What takes the place of texts as labels.
pub const AUDIO_ONLY: &str = "`using prototypes`";

/// Texts and clips meet only in the joint space; `instead` is what compares before it. A setting of another gives way.
///
/// # Errors
/// Points at `space=`.
pub fn only_joint(bound: &mut Bound, instead: &str) -> Result<(), Error> {
    bound.defaults.remove("space");
    match bound.text_of("space").filter(|space| Stage::parse(space.node) != Some(Stage::Joint)) {
        Some(space) => {
            let fault = Diagnostic::new("texts and clips do not compare before the projection").at(space.span);
            Err(fault.expected(format!("`space=joint`, or {instead}")).into())
        }
        None => Ok(()),
    }
}
