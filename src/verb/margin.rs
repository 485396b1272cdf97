//! `margin`: by how much the best label leads, and whether that tells right from wrong (Figure 4 of the paper).

use std::sync::Arc;

use crate::metric::{Bins, Cosines, Margins};
use crate::query::{Bound, Example, Signature};
use crate::verb::labelled::{self, Labelled};
use crate::verb::similarity::distributions;
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Verb, histogram, parameters};

pub struct Margin;

static SIGNATURE: Signature = Signature {
    name: "margin",
    summary: "confidence: the best label's cosine less the second best, for clips that are right and wrong",
    usage: &[
        "margin clips [in C] [where prompt=\"A <> track\" and …]",
        "margin clips where prompts=NAME",
        "margin clips using prototypes [by FIELD] [space=joint|pre-joint|all]",
    ],
    about: "The margin of a clip is its greatest cosine with a label less the second greatest, from 0 to 2; tied best labels have \
            margin 0, and such a clip is wrong when its label is among them. Quantiles over all clips, over those that go to their own \
            label and over the others. `margin_roc_auc` is the chance that a clip that is right has the greater margin than one that is \
            wrong, ties one half: one half means that the margin says nothing, and it is undefined where all clips are right or all \
            wrong. Intervals resample clips (groups with `by FIELD`). `as plot` draws the histogram. `using knn` gives shares of votes in \
            place of cosines (see `classify`). Needs one label a clip.",
    examples: &[
        Example {
            statement: "margin clips where prompt=\"A <> track\"",
            gives: "quantiles by right and wrong, and how well the margin tells them apart",
        },
        Example { statement: "margin clips where prompt=\"A <> track\" as plot", gives: "the histogram of margins" },
        Example {
            statement: "margin clips using prototypes space=all",
            gives: "audio-only labels before and after the projection",
        },
    ],
    ..labelled::SHAPE
};

impl Verb for Margin {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        Labelled { signature: &SIGNATURE, measured, leading: &["margin_median", "margin_roc_auc"], several: false }
            .plan(bound, scope)
    }
}

fn measured(task: &Task, truth: &Truth, scores: &Arc<dyn Cosines>, scope: &Scope<'_>) -> Result<Outcome, Error> {
    let margins = Margins::over(&**scores, &truth.class, scope.progress)?;
    let groups = task.resampled_by(truth)?;
    let sampled = parameters::bootstrap(&task.bound).estimate(&margins, groups.as_deref(), scope.progress)?;
    let mut report = task.report("margin", truth, scope);
    task.note_groups(&mut report.context);
    report.context.fact("right", margins.of(true).count);
    if margins.without() > 0 {
        report.notes.push(format!("{} clips have no two labels to compare with, and were left out", margins.without()));
    }
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates;
    let rows = [("all", margins.all()), ("right", margins.of(true)), ("wrong", margins.of(false))];
    report.tables.push(distributions("clips", rows));
    let counts = |right: bool| {
        let of = margins.values().iter().zip(margins.right()).filter(move |&(v, &r)| !v.is_nan() && r == right);
        Bins::MARGIN.counts(of.map(|(&value, _)| value))
    };
    let series = vec![("wrong", counts(false)), ("right", counts(true))];
    report.figures.push(histogram::figure("best cosine less the second best", Bins::MARGIN, series));
    let value = ("margin", margins.values().to_vec());
    let trial = labelled::trial(truth, groups, value, margins);
    Ok(Outcome { trial: Some(Arc::new(trial)), ..report.into() })
}
