//! Every metric as a record: what `describe top1` prints and what a measure computes.
//!
//! A metric is added by one record here. Its function reads the tally that its input gives at some weights.

use self::Direction::{Greater, Neutral, Smaller};
use self::Function::{Classification, Gap, Hubs, Margins, Pairs, Retrieval, Sensitivity, Triplets};
use super::sensitivity::{greatest, least};
use super::{ClassificationTally, GapTally, HubsTally, MarginTally, PairsTally, RetrievalTally, SensitivityTally, TripletTally};

/// Which way a metric is better.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    Greater,
    Smaller,
    /// It describes and does not judge.
    Neutral,
}

/// What a metric reads, and how.
#[derive(Debug, Clone, Copy)]
pub enum Function {
    Classification(fn(&ClassificationTally) -> f64),
    Retrieval(fn(&RetrievalTally) -> f64),
    Pairs(fn(&PairsTally) -> f64),
    Margins(fn(&MarginTally) -> f64),
    Triplets(fn(&TripletTally) -> f64),
    Gap(fn(&GapTally) -> f64),
    Hubs(fn(&HubsTally) -> f64),
    Sensitivity(fn(&SensitivityTally) -> f64),
}

/// One metric.
#[derive(Debug, Clone, Copy)]
pub struct Metric {
    /// As scripts know it.
    pub name: &'static str,
    /// Smallest and largest value.
    pub range: (f64, f64),
    pub direction: Direction,
    /// One sentence that defines it.
    pub about: &'static str,
    /// Whose definition it is.
    pub source: &'static str,
    /// Why a bootstrap says nothing of it, which then gives it no interval.
    pub no_interval: Option<&'static str>,
    pub function: Function,
}

impl Metric {
    /// What it is computed from.
    pub fn input(&self) -> &'static str {
        match self.function {
            Function::Classification(_) => "items × classes cosines and the class of each item",
            Function::Retrieval(_) => "queries × candidates cosines and which candidates are relevant to each query",
            Function::Pairs(_) => {
                "items × classes cosines; an item with its own class is a positive pair, with another a negative one"
            }
            Function::Margins(_) => "items × classes cosines",
            Function::Triplets(_) => "terms × terms cosines and triplets of an anchor, a positive and a negative term",
            Function::Gap(_) => "unit vectors of clips and of texts in one joint space",
            Function::Sensitivity(_) => "items × classes cosines once a paraphrase and the class of each item",
            Function::Hubs(_) => "queries × candidates cosines and a number k of neighbours",
        }
    }
}

/// The metric called `name`.
pub fn named(name: &str) -> Option<&'static Metric> {
    METRICS.iter().find(|metric| metric.name == name)
}

/// The metrics of one family, by name, with what they read of its tally.
pub(super) fn family<F>(pick: impl Fn(Function) -> Option<F>) -> impl Iterator<Item = (&'static str, F)> {
    METRICS.iter().filter_map(move |metric| Some((metric.name, pick(metric.function)?)))
}

const PAPER: &str = "Vasilakis, Bittner, Pauwels, ISMIR 2024";
const GAP: &str = "Liang, Zhang, Kwon, Yeung, Zou, NeurIPS 2022";
const HUBS: &str = "Radovanović, Nanopoulos, Ivanović, JMLR 2010; scipy.stats.skew";
const TOP: &str =
    "the share of items whose class has fewer than m other classes at or above its cosine (m = the number in the name)";
const HIT: &str = "the share of queries with a relevant candidate among the first m (m = the number in the name); of equal cosines the irrelevant come first";

const WORDINGS: &str = "Sclar, Choi, Tsvetkov, Suhr, ICLR 2024; Vasilakis, Bittner, Pauwels, ISMIR 2024, figure 2";

const fn wording(name: &'static str, direction: Direction, about: &'static str, function: Function) -> Metric {
    Metric { name, range: (0.0, 1.0), direction, about, source: WORDINGS, no_interval: None, function }
}

const fn share(name: &'static str, about: &'static str, source: &'static str, function: Function) -> Metric {
    Metric { name, range: (0.0, 1.0), direction: Greater, about, source, no_interval: None, function }
}

/// Every metric, by input.
pub const METRICS: &[Metric] = &[
    share("top1", TOP, PAPER, Classification(|t| t.top(1))),
    share("top2", TOP, PAPER, Classification(|t| t.top(2))),
    share("top3", TOP, PAPER, Classification(|t| t.top(3))),
    share("top4", TOP, PAPER, Classification(|t| t.top(4))),
    share("top5", TOP, PAPER, Classification(|t| t.top(5))),
    share(
        "f1_weighted",
        "F1 of each class by its best guess, mean weighted by the class's items",
        "sklearn.metrics.f1_score(average='weighted', zero_division=0)",
        Classification(|t| t.f1_weighted()),
    ),
    share(
        "f1_macro",
        "F1 of each class by its best guess, plain mean over the classes that occur or are guessed",
        "sklearn.metrics.f1_score(average='macro', zero_division=0)",
        Classification(|t| t.f1_macro()),
    ),
    share(
        "balanced_accuracy",
        "recall of each class, mean over the classes that occur",
        "sklearn.metrics.balanced_accuracy_score",
        Classification(|t| t.balanced_accuracy()),
    ),
    share(
        "roc_auc",
        "Mann–Whitney area of each class against the rest, ties one half, mean over the classes with both kinds of item",
        "sklearn.metrics.roc_auc_score",
        Classification(|t| t.roc_auc()),
    ),
    share(
        "pr_auc",
        "average precision of each class against the rest, ties grouped, mean over the classes with both kinds of item",
        "sklearn.metrics.average_precision_score",
        Classification(|t| t.pr_auc()),
    ),
    share("r_at_1", HIT, "Hodosh, Young, Hockenmaier, JAIR 2013", Retrieval(|t| t.hits[0])),
    share("r_at_5", HIT, "Hodosh, Young, Hockenmaier, JAIR 2013", Retrieval(|t| t.hits[1])),
    share("r_at_10", HIT, "Hodosh, Young, Hockenmaier, JAIR 2013", Retrieval(|t| t.hits[2])),
    share(
        "map",
        "precision at the rank of each relevant candidate, mean over these and then over queries; of equal cosines the irrelevant come first",
        "Manning, Raghavan, Schütze, Introduction to Information Retrieval, 8.4",
        Retrieval(|t| t.average_precision),
    ),
    share(
        "mrr",
        "one over the rank of the first relevant candidate, mean over queries; of equal cosines the irrelevant come first",
        "TREC-8 question answering",
        Retrieval(|t| t.reciprocal_rank),
    ),
    Metric {
        name: "median_rank",
        range: (1.0, f64::INFINITY),
        direction: Smaller,
        about: "the rank of the first relevant candidate, from 1, median over queries; of equal cosines the irrelevant come first",
        source: "Hodosh, Young, Hockenmaier, JAIR 2013",
        no_interval: None,
        function: Retrieval(|t| t.median_rank),
    },
    share(
        "ndcg_at_10",
        "gain 1 of each relevant candidate among the first ten over log₂(rank + 1), divided by the best possible sum; of equal cosines the irrelevant come first",
        "sklearn.metrics.ndcg_score(k=10), which shares the gain among equal scores instead",
        Retrieval(|t| t.ndcg),
    ),
    Metric {
        name: "positive_mean",
        range: (-1.0, 1.0),
        direction: Neutral,
        about: "mean cosine of the positive pairs",
        source: PAPER,
        no_interval: None,
        function: Pairs(|t| t.positive_mean),
    },
    Metric {
        name: "negative_mean",
        range: (-1.0, 1.0),
        direction: Neutral,
        about: "mean cosine of the negative pairs",
        source: PAPER,
        no_interval: None,
        function: Pairs(|t| t.negative_mean),
    },
    Metric {
        name: "overlap",
        range: (0.0, 1.0),
        direction: Smaller,
        about: "the area that the histograms of positive and negative cosines share, each of area 1, bins 0.01 wide from −1; it has no interval, since a resample leaves more bins empty",
        source: "Weitzman 1970, on the histogram",
        no_interval: Some("a resample leaves more bins empty, and so lies below it"),
        function: Pairs(|t| t.overlap),
    },
    share(
        "pair_roc_auc",
        "chance that a positive pair has the greater cosine of a positive and a negative pair, ties one half",
        "sklearn.metrics.roc_auc_score over all pairs",
        Pairs(|t| t.roc_auc),
    ),
    Metric {
        name: "margin_mean",
        range: (0.0, 2.0),
        direction: Neutral,
        about: "best minus second-best cosine of each item, mean",
        source: PAPER,
        no_interval: None,
        function: Margins(|t| t.mean),
    },
    Metric {
        name: "margin_median",
        range: (0.0, 2.0),
        direction: Neutral,
        about: "best minus second-best cosine of each item, median",
        source: PAPER,
        no_interval: None,
        function: Margins(|t| t.median),
    },
    share(
        "margin_roc_auc",
        "chance that of an item that is right and one that is wrong the right one has the greater margin, ties one half",
        "sklearn.metrics.roc_auc_score of being right, scored by the margin",
        Margins(|t| t.roc_auc),
    ),
    share(
        "accuracy",
        "the share of triplets whose anchor has a greater cosine with the positive than with the negative",
        PAPER,
        Triplets(|t| t.accuracy),
    ),
    Metric {
        name: "gap",
        range: (0.0, 2.0),
        direction: Neutral,
        about: "distance of the mean of the clips' unit vectors from the mean of the texts'",
        source: GAP,
        no_interval: None,
        function: Gap(|t| t.gap),
    },
    Metric {
        name: "audio_cone",
        range: (-1.0, 1.0),
        direction: Neutral,
        about: "mean cosine of two different clips: 1 is a point, 0 uses all directions",
        source: GAP,
        no_interval: None,
        function: Gap(|t| t.audio_cone),
    },
    Metric {
        name: "text_cone",
        range: (-1.0, 1.0),
        direction: Neutral,
        about: "mean cosine of two different texts: 1 is a point, 0 uses all directions",
        source: GAP,
        no_interval: None,
        function: Gap(|t| t.text_cone),
    },
    Metric {
        name: "cross_cosine",
        range: (-1.0, 1.0),
        direction: Neutral,
        about: "mean cosine of a clip with a text",
        source: GAP,
        no_interval: None,
        function: Gap(|t| t.cross),
    },
    Metric {
        name: "skewness",
        range: (f64::NEG_INFINITY, f64::INFINITY),
        direction: Smaller,
        about: "third central moment over the second to 3/2 of how many queries have a candidate among their k nearest",
        source: HUBS,
        no_interval: None,
        function: Hubs(|t| t.skewness),
    },
    Metric {
        name: "orphans",
        range: (0.0, 1.0),
        direction: Smaller,
        about: "share of candidates that are among the k nearest of no query",
        source: HUBS,
        no_interval: None,
        function: Hubs(|t| t.orphans),
    },
    wording("top1_mean", Greater, "top1, mean over the paraphrases", Sensitivity(|t| SensitivityTally::mean(&t.top1))),
    wording("top1_best", Greater, "top1, greatest over the paraphrases", Sensitivity(|t| greatest(&t.top1))),
    wording("top1_worst", Greater, "top1, least over the paraphrases", Sensitivity(|t| least(&t.top1))),
    wording("top1_spread", Smaller, "top1_best less top1_worst", Sensitivity(|t| SensitivityTally::spread(&t.top1))),
    wording("top1_sd", Smaller, "top1, standard deviation over the paraphrases", Sensitivity(|t| SensitivityTally::sd(&t.top1))),
    wording(
        "f1_macro_mean",
        Greater,
        "f1_macro, mean over the paraphrases",
        Sensitivity(|t| SensitivityTally::mean(&t.f1_macro)),
    ),
    wording(
        "f1_macro_spread",
        Smaller,
        "f1_macro, greatest less least over the paraphrases",
        Sensitivity(|t| SensitivityTally::spread(&t.f1_macro)),
    ),
    wording("roc_auc_mean", Greater, "roc_auc, mean over the paraphrases", Sensitivity(|t| SensitivityTally::mean(&t.roc_auc))),
    wording(
        "roc_auc_spread",
        Smaller,
        "roc_auc, greatest less least over the paraphrases",
        Sensitivity(|t| SensitivityTally::spread(&t.roc_auc)),
    ),
    wording(
        "agreement",
        Greater,
        "chance that two different paraphrases give an item the same class, mean over items",
        Sensitivity(|t| t.agreement),
    ),
    wording("unanimous", Greater, "share of items that all paraphrases give the same class", Sensitivity(|t| t.unanimous)),
    wording(
        "undecided",
        Smaller,
        "share of items that some paraphrases have right and others wrong",
        Sensitivity(|t| t.undecided),
    ),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_unique_words() {
        for (i, metric) in METRICS.iter().enumerate() {
            assert!(metric.name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_'), "{}", metric.name);
            assert!(METRICS.iter().skip(i + 1).all(|other| other.name != metric.name), "{}", metric.name);
            assert!(metric.range.0 < metric.range.1 && !metric.about.is_empty() && !metric.input().is_empty());
            assert_eq!(metric.no_interval.is_some(), metric.about.contains("no interval"), "{}", metric.name);
        }
        for metric in METRICS.iter().filter(|metric| matches!(metric.function, Retrieval(_))) {
            assert!(metric.about.ends_with("of equal cosines the irrelevant come first"), "{}", metric.name);
        }
        assert!(named("roc_auc").is_some() && named("top6").is_none());
    }
}
