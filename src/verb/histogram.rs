//! Counts in fixed bins, cut to those that hold anything.

use crate::metric::Bins;
use crate::report::Figure;

/// A histogram without its empty ends.
pub fn figure(title: &str, bins: Bins, series: Vec<(&str, Vec<f64>)>) -> Figure {
    let full = |i: &usize| series.iter().any(|(_, counts)| counts.get(*i).is_some_and(|&c| c > 0.0));
    let first = (0..bins.count).find(full).unwrap_or(0);
    let last = (0..bins.count).rev().find(full).unwrap_or(0);
    let cut = |values: Vec<f64>, n: usize| values.into_iter().skip(first).take(n).collect::<Vec<f64>>();
    Figure::Histogram {
        title: title.to_owned(),
        unit: "cosine".to_owned(),
        edges: cut(bins.edges(), last - first + 2),
        series: series.into_iter().map(|(name, counts)| (name.to_owned(), cut(counts, last - first + 1))).collect(),
    }
}
