//! The numbers of results that are no metric by themselves: `text_audio_skewness`, `top1_pre_joint`, `chance`.
//!
//! ```text
//!   text_audio_skewness_centred     skewness, label texts asking for clips, each side less its own mean
//! ```

use crate::metric::{self, Metric};
use crate::report::Table;
use crate::value::Value;

use super::facts;

/// What stands before a metric's name, and means.
const BEFORE: [(&str, &str); 3] = [
    ("text_audio_", "label texts ask for clips"),
    ("audio_audio_", "clips ask for other clips"),
    ("audio_text_", "clips ask for labels, at k=1"),
];

/// What stands behind a metric's name, and means; of two that fit the first.
const BEHIND: [(&str, &str); 15] = [
    (".low", "the lower end of the interval"),
    (".high", "the upper end of the interval"),
    ("_centring_difference", "centred less as it is"),
    ("_centred", "after each side's own mean was taken away"),
    ("_csls", "with CSLS: a candidate's cosine less half its mean cosine with its k nearest queries"),
    ("_pre_joint", "before the projection"),
    ("_joint", "after the projection"),
    ("_difference", "first less second of `compare`, joint less pre-joint of `space=all`"),
    ("_p", "p of the test of `compare`, two-sided"),
    ("_best", "the best over the prompts of a sweep"),
    ("_worst", "the worst over the prompts of a sweep"),
    ("_greatest", "the greatest over the prompts of a sweep"),
    ("_least", "the least over the prompts of a sweep"),
    ("_mean", "the mean over the prompts of a sweep"),
    ("_spread", "the best less the worst over the prompts of a sweep"),
];

/// What `expect` knows beside metrics.
pub const FACTS: [(&str, &str); 21] = [
    ("n", "how many items there are after the condition; of `triplets`, how many triplets"),
    ("rows", "how many rows the result's first table has"),
    ("recall", "the share of the ten nearest that a search by the graph finds, measured; none where every row is compared"),
    ("chance", "what guessing gives: top1 of a class drawn evenly, or 0.5 of triplets"),
    ("majority", "top1 of giving every clip the most frequent class"),
    ("ties", "how many clips, queries or triplets only an equal cosine made wrong; a tie counts against the model"),
    ("classes", "how many labels the clips could be given"),
    ("captions", "how many distinct captions there are"),
    ("labels_per_clip", "how many labels a clip has, mean"),
    ("unknown", "how many pairs of a clip and a label have no known truth; they are left out"),
    ("queries", "how many queries have a relevant candidate"),
    ("candidates", "how many candidates each query has"),
    ("inverted", "how many triplets are the wrong way round by their own definition (`convention=released`)"),
    ("sample_of", "how many triplets there are, of which `sample=N` were drawn"),
    ("paraphrases", "how many prompts of `sensitivity` ask the same in other words"),
    ("controls", "how many prompts of `sensitivity` are spoilt on purpose"),
    ("k", "how many neighbours were looked for"),
    ("resamples", "how many resamples the intervals rest on"),
    ("confidence", "the level of the intervals"),
    ("windows_compared", "how many windows a search compared"),
    ("faults", "how many checks of `check model` did not pass"),
];

/// What a name in a result says, where it is no metric's own; none where no result has it.
pub fn described(name: &str) -> Option<Table> {
    if let Some((name, about)) = FACTS.iter().find(|(fact, _)| *fact == name) {
        return Some(facts([("number", (*name).into()), ("definition", (*about).into())]));
    }
    let (metric, here) = made_of(name)?;
    let mut rows: Vec<(&str, Value)> = vec![
        ("number", name.into()),
        ("metric", metric.name.into()),
        ("definition", metric.about.into()),
        ("source", metric.source.into()),
    ];
    if !here.is_empty() {
        rows.insert(2, ("here", here.join("; ").into()));
    }
    Some(facts(rows))
}

/// The metric, and what the parts around its name say, from the outside.
fn made_of(name: &str) -> Option<(&'static Metric, Vec<&'static str>)> {
    let (mut rest, mut here) = (name, Vec::new());
    loop {
        if let Some(metric) = metric::named(rest).or_else(|| of_top(rest)) {
            return Some((metric, here));
        }
        let before = BEFORE.iter().find_map(|(part, says)| Some((rest.strip_prefix(*part)?, *says)));
        let behind = BEHIND.iter().find_map(|(part, says)| Some((rest.strip_suffix(*part)?, *says)));
        let (inner, says) = before.or(behind)?;
        rest = inner;
        here.push(says);
    }
}

/// The record of `top7`, which `top 7` gives.
fn of_top(name: &str) -> Option<&'static Metric> {
    let best: usize = name.strip_prefix("top")?.parse().ok()?;
    metric::named("top1").filter(|_| best > 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_taken_apart() {
        let told = |name: &str| made_of(name).map(|(metric, here)| (metric.name, here.len()));
        assert_eq!(told("text_audio_skewness_centred"), Some(("skewness", 2)));
        assert_eq!(told("top1_pre_joint.low"), Some(("top1", 2)));
        assert_eq!(told("top1_mean"), Some(("top1_mean", 0)));
        assert_eq!((told("roc_auc_joint"), told("top7")), (Some(("roc_auc", 1)), Some(("top1", 0))));
        for name in ["skewnes", "top0", "top", "_p", "text_audio_", "audio_audio_x"] {
            assert_eq!(told(name), None, "{name}");
        }
        assert_eq!(made_of("top1_pre_joint").unwrap().1, ["before the projection"]);
    }

    #[test]
    fn facts_are_no_metrics() {
        for (name, _) in FACTS {
            assert!(made_of(name).is_none() && described(name).is_some(), "{name}");
        }
        assert_eq!(described("hubness"), None);
    }
}
