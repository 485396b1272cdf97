//! Hits with their place in a track: windows are searched, and grouped by track unless each is asked for.

use std::collections::HashSet;

use crate::report::{Report, Table};
use crate::store::Item;
use crate::value::Value;
use crate::verb::hits::{How, SHOWN};
use crate::verb::{Error, Scope};
use crate::workspace::{Among, ModelRef, SPAN, Sought, TRACK};

/// What `windows=` takes.
pub const CHOICES: [&str; 3] = ["best", "all", "pooled"];
/// Windows looked at for each track that is wanted; more when too few tracks were among them.
const A_TRACK: usize = 4;

/// The track that a window is of; a window without one stands for itself.
fn track(item: &Item) -> &str {
    item.metadata.get(TRACK).and_then(Value::as_text).unwrap_or(&item.id)
}

/// Searches windows by a text of `model` and puts the hits into `report`: the best window of each track, or with `each` every
/// window.
pub fn find(
    report: &mut Report,
    windows: &Among,
    query: &[f32],
    each: bool,
    model: &ModelRef,
    how: &How,
    scope: &Scope<'_>,
) -> Result<(), Error> {
    let exact = how.is_exact(windows.info.rows as usize);
    let mut k = if each { how.top } else { how.top.saturating_mul(A_TRACK) };
    let (found, hits) = loop {
        let sought = Sought { query, except: None, k, exact, ef: how.ef, texts_of: Some(model) };
        let found = scope.workspace.search(windows, &sought, scope.progress)?;
        let mut seen = HashSet::new();
        let mut hits = found.hits.clone();
        hits.retain(|(item, _)| each || seen.insert(track(item).to_owned()));
        hits.truncate(how.top);
        if hits.len() >= how.top || k >= windows.len() {
            break (found, hits);
        }
        k = k.saturating_mul(A_TRACK);
    };
    let fields: Vec<&str> = SHOWN.into_iter().filter(|f| hits.iter().any(|(item, _)| item.metadata.contains_key(*f))).collect();
    let mut table = Table::new(["rank", "id", "similarity"].into_iter().chain(SPAN).chain(fields.iter().copied()));
    for field in SPAN {
        table = table.unit(field, "s");
    }
    for (rank, (item, similarity)) in hits.iter().enumerate() {
        let id = if each { item.id.as_str() } else { track(item) };
        let mut row: Vec<Value> = vec![(rank + 1).into(), id.into(), f64::from(similarity.0).into()];
        row.extend(SPAN.iter().chain(&fields).map(|field| item.metadata.get(*field).cloned().unwrap_or(Value::Null)));
        table.push(row);
    }
    let candidates = if each { windows.len() } else { scope.workspace.tracks(windows, scope.progress)? };
    report.context.n = Some(candidates);
    report.context.exact = Some(found.exact);
    if let Some((recall, queries)) = &found.recall {
        report.context.recall = Some(*recall);
        report.context.fact("recall_by", queries.as_str());
    }
    report.context.fact("windows", if each { "all" } else { "best" });
    report.context.fact("windows_compared", windows.len());
    report.notes.extend(how.shortfall(table.rows.len(), candidates, if each { "windows" } else { "clips" }));
    report.tables.push(table);
    Ok(())
}
