//! Hits with their place in a track: windows are searched, and grouped by track unless each is asked for.

use std::collections::HashSet;

use crate::report::Report;
use crate::store::Item;
use crate::value::Value;
use crate::verb::hits::{self, How};
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
        let mut found = scope.workspace.search(windows, &sought, scope.progress)?;
        let mut seen = HashSet::new();
        let mut hits = std::mem::take(&mut found.hits);
        hits.retain(|(item, _)| each || seen.insert(track(item).to_owned()));
        hits.truncate(how.top);
        if hits.len() >= how.top || k >= windows.len() {
            break (found, hits);
        }
        k = k.saturating_mul(A_TRACK);
    };
    let candidates = if each { windows.len() } else { scope.workspace.tracks(windows, scope.progress)? };
    hits::tell(report, &found, candidates);
    report.context.fact("windows", if each { "all" } else { "best" });
    report.context.fact("windows_compared", windows.len());
    report.notes.extend(how.unused_ef(&windows.info));
    report.notes.extend(how.shortfall(hits.len(), candidates, if each { "windows" } else { "clips" }));
    let table = hits::table(&hits, &SPAN, |item| if each { &item.id } else { track(item) });
    report.tables.push(SPAN.into_iter().fold(table, |table, field| table.unit(field, "s")));
    Ok(())
}
