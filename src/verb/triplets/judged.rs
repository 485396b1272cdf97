//! Triplets judged by cosine: accuracy with its interval, by family, hardest anchors.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::Vocabulary;
use crate::embedding::Embeddings;
use crate::metric::{Anchor, Bootstrap, Triplets as Judged};
use crate::report::{Estimate, Figure, Report, Table};
use crate::verb::trial::Trial;
use crate::verb::{Error, Outcome, Scope, provenance};

/// Anchors listed as the hardest.
const HARDEST: usize = 10;
/// Up to so many vectors, every cosine is computed once; above, the two of each triplet.
const MATRIX: usize = 4_000;

/// Judges the triplets and completes the report.
pub fn outcome(
    vectors: &Embeddings,
    vocabulary: Vocabulary,
    mut report: Report,
    bootstrap: &Bootstrap,
    scope: &Scope<'_>,
) -> Result<Outcome, Error> {
    let judged = if vectors.len() <= MATRIX {
        let cosines = vectors.cosines(vectors)?;
        Judged::new(vectors.len(), |a, b| f64::from(cosines.row(a as usize)[b as usize]), &vocabulary.triplets)?
    } else {
        let dot =
            |a: u32, b: u32| vectors.row(a as usize).iter().zip(vectors.row(b as usize)).map(|(x, y)| f64::from(x * y)).sum();
        Judged::new(vectors.len(), dot, &vocabulary.triplets)?
    };
    let sampled = bootstrap.estimate(&judged, None, scope.progress)?;
    provenance::sampled(&mut report.context, bootstrap);
    report.context.n = usize::try_from(judged.count()).ok();
    report.context.fact("labels", vocabulary.names.len());
    report.context.fact("ties", usize::try_from(judged.ties()).unwrap_or(usize::MAX));
    report.context.fact("chance", Judged::CHANCE);
    report.context.fact("resampled_by", "anchor");
    report.notes.extend(sampled.notes());
    report.metrics = sampled.estimates;
    let mut bars = Vec::new();
    if vocabulary.families.iter().any(Option::is_some) {
        let table = families(&vocabulary, &judged, bootstrap, scope, &mut bars)?;
        if bootstrap.resamples > 0 && table.rows.iter().any(|row| row.last() == Some(&1usize.into())) {
            report.notes.push("a family of one anchor has no interval".to_owned());
        }
        report.tables.push(table);
    }
    report.tables.push(hardest(&vocabulary, &judged));
    report.figures.push(Figure::Bars { title: "triplet accuracy by family of the anchor".into(), unit: String::new(), bars });
    Ok(Outcome { trial: Some(Arc::new(trial(&vocabulary, judged))), ..report.into() })
}

fn families(
    vocabulary: &Vocabulary,
    judged: &Judged,
    bootstrap: &Bootstrap,
    scope: &Scope<'_>,
    bars: &mut Vec<(String, Estimate)>,
) -> Result<Table, Error> {
    let mut families: BTreeMap<&str, Vec<Anchor>> = BTreeMap::new();
    for anchor in judged.anchors() {
        let family = vocabulary.families.get(anchor.term as usize).and_then(Option::as_deref);
        families.entry(family.unwrap_or("(root)")).or_default().push(*anchor);
    }
    let mut table = Table::new(["family", "accuracy", "low", "high", "triplets", "anchors"]);
    for (name, anchors) in families {
        let count = anchors.len();
        let family = Judged::of(anchors)?;
        let triplets = usize::try_from(family.count()).unwrap_or(usize::MAX);
        for e in bootstrap.estimate(&family, None, scope.progress)?.estimates {
            table.push(vec![name.into(), e.value.into(), e.low.into(), e.high.into(), triplets.into(), count.into()]);
            bars.push((name.to_owned(), e));
        }
    }
    Ok(table)
}

fn hardest(vocabulary: &Vocabulary, judged: &Judged) -> Table {
    let mut anchors: Vec<_> = judged.anchors().to_vec();
    anchors.sort_by(|a, b| a.accuracy().total_cmp(&b.accuracy()).then(a.term.cmp(&b.term)));
    let mut table = Table::new(["anchor", "accuracy", "triplets"]).titled("hardest anchors");
    for anchor in anchors.iter().take(HARDEST) {
        let name = vocabulary.names.get(anchor.term as usize).map_or("", String::as_str);
        table.push(vec![name.into(), anchor.accuracy().into(), usize::try_from(anchor.count).unwrap_or(usize::MAX).into()]);
    }
    table
}

/// The anchors, for `compare`. A name that stands for several terms gets a number.
fn trial(vocabulary: &Vocabulary, judged: Judged) -> Trial {
    let mut seen: BTreeMap<&str, usize> = BTreeMap::new();
    let mut names = Vec::with_capacity(vocabulary.names.len());
    for name in &vocabulary.names {
        let count = seen.entry(name).or_default();
        *count += 1;
        names.push(if *count == 1 { name.clone() } else { format!("{name} ({count})") });
    }
    let (anchors, all) = (judged.anchors(), judged.count() as f64);
    // Accuracy is over triplets, so that is what an anchor moves it by; around chance, anchors of more triplets on one side
    // than on the other weigh little by that alone.
    let share = |a: &Anchor| (a.right as f64 - Judged::CHANCE * a.count as f64) / all;
    Trial {
        unit: "anchors",
        items: anchors.iter().filter_map(|a| names.get(a.term as usize).cloned()).collect(),
        truth: Vec::new(),
        values: vec![("accuracy", anchors.iter().map(share).collect())],
        vocabulary: names,
        groups: None,
        right: None,
        measure: Box::new(judged),
    }
}
