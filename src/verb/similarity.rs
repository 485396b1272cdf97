//! `similarity`: the cosines of clips with their own label and with the others (Figure 3 of the paper).

use std::sync::Arc;

use crate::metric::{Bins, Cosines, Distribution, Pairs, QUANTILES};
use crate::query::{Bound, Example, Signature};
use crate::report::Table;
use crate::value::Value;
use crate::verb::labelled::{self, Labelled};
use crate::verb::truth::{Task, Truth};
use crate::verb::{Error, Outcome, Plan, Scope, Verb, histogram, parameters};

pub struct Similarity;

static SIGNATURE: Signature = Signature {
    name: "similarity",
    summary: "cosines of clips with their own label against those with other labels",
    usage: &[
        "similarity clips [in C] [where prompt=\"A <> track\" and …]",
        "similarity clips where prompts=NAME",
        "similarity clips using prototypes [by FIELD] [space=joint|pre-joint|all]",
    ],
    about: "A positive pair is a clip with its own label, a negative pair the clip with any other label of the collection: n clips \
            and k labels give n positive and n (k − 1) negative pairs; with `where` the labels are those of the clips that pass. Of \
            each kind: count, mean, standard deviation (over n − 1) and quantiles; of both: the overlap of their histograms (bins of \
            0.01 from −1, each of area 1), and the chance that a positive pair has the greater cosine (`pair_roc_auc`, ties one half). \
            Intervals resample clips (groups with `by FIELD`), each with all its pairs; `overlap` has none, since a resample leaves \
            more bins empty and so lies below it. `as plot` draws the two histograms. `using knn` gives shares of votes in place of \
            cosines (see `classify`). For `compare`, a clip's `separation` is its own label's cosine less the mean of the others. \
            Needs one label a clip.",
    examples: &[
        Example {
            statement: "similarity clips where prompt=\"A <> track\"",
            gives: "both distributions, their overlap, and the pair ROC-AUC with its interval",
        },
        Example { statement: "similarity clips where prompt=\"A <> track\" as plot", gives: "the two histograms" },
        Example {
            statement: "similarity clips using prototypes space=pre-joint",
            gives: "the same for audio-only labels before the projection",
        },
        Example { statement: "similarity clips where prompts=ismir2024", gives: "a row for each of the paper's prompts" },
    ],
    ..labelled::SHAPE
};

impl Verb for Similarity {
    fn signature(&self) -> &'static Signature {
        &SIGNATURE
    }

    fn plan(&self, bound: Bound, scope: &Scope<'_>) -> Result<Box<dyn Plan>, Error> {
        Labelled { signature: &SIGNATURE, measured, leading: &["pair_roc_auc", "overlap"], several: false }.plan(bound, scope)
    }
}

fn measured(task: &Task, truth: &Truth, scores: &Arc<dyn Cosines>, scope: &Scope<'_>) -> Result<Outcome, Error> {
    let pairs = Pairs::over(Arc::clone(scores), &truth.class, scope.progress)?;
    let groups = task.resampled_by(truth)?;
    let sampled = parameters::bootstrap(&task.bound).estimate(&pairs, groups.as_deref(), scope.progress)?;
    let mut report = task.report("similarity", truth, scope);
    task.note_groups(&mut report.context);
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates;
    report.tables.push(distributions("pair", [("positive", pairs.positive()), ("negative", pairs.negative())]));
    let (positive, negative) = pairs.histograms();
    report.figures.push(histogram::figure(
        "cosines of clips with labels",
        Bins::COSINE,
        vec![("negative", negative), ("positive", positive)],
    ));
    let value = ("separation", pairs.separations().to_vec());
    let trial = labelled::trial(truth, groups, value, pairs);
    Ok(Outcome { trial: Some(Arc::new(trial)), ..report.into() })
}

/// A row for each distribution; the first column is called `what`.
pub fn distributions<const N: usize>(what: &str, of: [(&str, Distribution); N]) -> Table {
    let quantiles: Vec<String> = QUANTILES.iter().map(|q| format!("q{:02.0}", q * 100.0)).collect();
    let columns = [what, "n", "mean", "sd", "min"].into_iter().chain(quantiles.iter().map(String::as_str)).chain(["max"]);
    let mut table = Table::new(columns);
    for (name, d) in of {
        let mut row: Vec<Value> = vec![name.into(), d.count.into(), d.mean.into(), d.sd.into(), d.min.into()];
        row.extend(d.quantiles.map(Value::from));
        row.push(d.max.into());
        table.push(row);
    }
    table
}
