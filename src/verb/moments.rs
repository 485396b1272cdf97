//! Hits with their place in a track: windows are searched, and grouped by track unless each is asked for.

use std::collections::HashSet;

use crate::report::{Report, Table};
use crate::store::Item;
use crate::value::Value;
use crate::verb::hits::{How, SHOWN};
use crate::verb::{Error, Scope};
use crate::workspace::{Clips, SPAN, TRACK};

/// What `windows=` takes.
pub const CHOICES: [&str; 3] = ["best", "all", "pooled"];
/// Windows looked at for each track that is wanted; more when too few tracks were among them.
const A_TRACK: usize = 4;

/// The track that a window is of; a window without one stands for itself.
fn track(item: &Item) -> &str {
    item.metadata.get(TRACK).and_then(Value::as_text).unwrap_or(&item.id)
}

/// Searches windows and puts the hits into `report`: the best window of each track, or with `each` every window.
pub fn find(report: &mut Report, windows: &Clips, query: &[f32], each: bool, how: &How, scope: &Scope<'_>) -> Result<(), Error> {
    let items = &windows.loaded.items;
    let exact = how.is_exact(items.len());
    let mut wanted = if each { how.top } else { how.top.saturating_mul(A_TRACK) };
    let (found, hits) = loop {
        let found = scope.workspace.search(windows, query, wanted, exact, how.ef, scope.progress)?;
        let mut seen = HashSet::new();
        let first_of_track = |row: usize| items.get(row).is_some_and(|item| each || seen.insert(track(item)));
        let mut hits = found.hits.clone();
        hits.retain({
            let mut first = first_of_track;
            move |hit| first(hit.row)
        });
        hits.truncate(how.top);
        if hits.len() >= how.top || wanted >= windows.len() {
            break (found, hits);
        }
        wanted = wanted.saturating_mul(A_TRACK);
    };
    let item = |row: usize| items.get(row);
    let fields: Vec<&str> =
        SHOWN.into_iter().filter(|f| hits.iter().any(|h| item(h.row).is_some_and(|i| i.metadata.contains_key(*f)))).collect();
    let mut table = Table::new(["rank", "id", "similarity"].into_iter().chain(SPAN).chain(fields.iter().copied()));
    for field in SPAN {
        table = table.unit(field, "s");
    }
    for (rank, hit) in hits.iter().enumerate() {
        let Some(item) = item(hit.row) else { continue };
        let id = if each { item.id.as_str() } else { track(item) };
        let mut row: Vec<Value> = vec![(rank + 1).into(), id.into(), f64::from(hit.similarity.0).into()];
        row.extend(SPAN.iter().chain(&fields).map(|field| item.metadata.get(*field).cloned().unwrap_or(Value::Null)));
        table.push(row);
    }
    let tracks: HashSet<&str> = windows.items().into_iter().map(track).collect();
    report.context.n = Some(if each { windows.len() } else { tracks.len() });
    report.context.exact = Some(found.exact);
    report.context.recall = found.recall;
    report.context.fact("windows", if each { "all" } else { "best" });
    report.context.fact("windows_compared", windows.len());
    report.tables.push(table);
    Ok(())
}
