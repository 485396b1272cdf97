//! `classify`: zero-shot classification by texts, or by audio-only class means.
//!
//! Experiments 1 and 5 of the paper.

mod one;
mod set;
mod several;

use crate::diagnostic::Diagnostic;
use crate::embedding::Stage;
use crate::query::signature::{Clause, Kind, Parameter, shared};
use crate::query::{Argument, Bound, Example, Signature};
use crate::verb::labelled::Labelled;
use crate::verb::truth::{TRUTH, Task};
use crate::verb::{Error, Plan, Scope, Verb, against, parameters, spaces};

pub struct Classify;

static SIGNATURE: Signature = Signature {
    name: "classify",
    summary: "zero-shot classification of clips: by label texts, or by audio-only class means",
    usage: &[
        "classify clips [in C] [where prompt=\"A <> track\" and …] [top K] [by=class] [confusion]",
        "classify clip \"ID\" [where prompt=\"A <> track\"] [top K]",
        "classify clips where prompts=NAME",
        "classify clips using prototypes [by FIELD] [space=joint|pre-joint|all]",
        "classify clips using knn [k=5] [by FIELD] [space=joint|pre-joint|all]",
    ],
    about: "Puts each label of the collection into the prompt, embeds it, and gives each clip the labels with the greatest cosine. \
            Over a set: top-1 to top-K accuracy, weighted and macro F1, balanced accuracy, macro ROC-AUC and PR-AUC, each with a \
            bootstrap interval over clips (over groups with `by FIELD`), beside chance and the majority class. A tie at the border \
            counts against the model. `using prototypes` takes class means of the clips' own vectors in place of texts (the \
            paper's audio-only labels): each tested clip is left out of its own class's mean; `by FIELD` takes means from the other \
            folds; `protocol=resubstitution` is the paper's own. A clip whose own class has no mean without it counts as wrong, and \
            chance is over the classes that each clip could be given. `using knn` gives each class the votes of the k nearest other \
            clips, (1 + cosine) / 2 each; of equal cosines the clip that comes first is the neighbour. `space=all` measures before \
            and after the projection, side by side with the paired difference. \
            Of clips with several labels (the field `labels`): ROC-AUC and average precision of each class, pairs of unknown truth \
            left out, and their means over classes, of which pr_auc is the mAP; a clip is right at k when any label that it has is \
            among its k best, where labels that are unknown for it do not stand in the row. `using` needs one label a clip.",
    subjects: &["clip", "confusion"],
    clauses: &[Clause::In, Clause::Where, Clause::Top, Clause::By, Clause::Using],
    parameters: &[
        shared::PROMPT,
        shared::PROMPTS,
        shared::MODEL,
        spaces::SPACE,
        Parameter { name: "by", kind: Kind::Choice(&["class"]), default: "none", help: "`by=class` adds a row a class" },
        against::PROTOCOL,
        against::K,
        TRUTH,
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
            statement: "classify clips using prototypes space=all",
            gives: "audio-only labels before and after the projection, and the difference",
        },
        Example {
            statement: "classify clips using knn k=5 space=pre-joint",
            gives: "the classes of the five nearest other clips",
        },
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

    fn plan(&self, mut bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        refuse_misspelt(&bound, scope)?;
        bound.refuse_more_than(1, &SIGNATURE)?;
        let Some(id) = bound.argument(0) else {
            let leading = &["top1", "roc_auc"];
            return Labelled { signature: &SIGNATURE, measured: set::measured, leading, several: true }.plan(bound, scope);
        };
        if let Some(word) = &bound.using {
            let fault = Diagnostic::new(format!("{} classify a set, not the one clip `{}`", word.node, id.node)).at(id.span);
            return Err(fault.expected(format!("`classify clips using {}`", word.node)).into());
        }
        let of_sets =
            ["prompts", "by", "confusion", "where", "by FIELD", "protocol", "k", "truth", "resamples", "confidence", "seed"];
        bound.refuse(&of_sets, "one clip, which is no set")?;
        against::only_joint(&mut bound, against::AUDIO_ONLY)?;
        Ok(Box::new(one::One::new(Task::new(bound, Stage::Joint, scope)?, id)?))
    }
}

/// Refuses a word without quotes that is no id: any behind `clips`, and behind `clip` one that is nearly a word of the language
/// and names no clip.
fn refuse_misspelt(bound: &Bound, scope: &Scope<'_>) -> Result<(), Error> {
    let Some(Argument::Word(word)) = bound.arguments.first() else { return Ok(()) };
    if bound.has_singular("clip") {
        if !bound.is_slip(0, &SIGNATURE) {
            return Ok(());
        }
        let (collection, _, info) = parameters::clips_of(bound, Stage::Joint, scope)?;
        if scope.workspace.clip_vector(&collection, &info, word, scope.progress).is_ok() {
            return Ok(());
        }
    }
    Err(bound.unknown_argument(0, &SIGNATURE).into())
}
