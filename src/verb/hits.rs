//! The ranked clips that `search` and `similar` answer with.

use crate::query::Bound;
use crate::report::{Report, Table};
use crate::store::SpaceInfo;
use crate::value::Value;
use crate::verb::{Error, Scope, Step, parameters};
use crate::workspace::{Clips, EXACT_BELOW};

/// Metadata fields that are shown beside a hit, where the clips have them.
pub const SHOWN: [&str; 3] = ["label", "labels", "duration_s"];

/// How many hits, and how they are searched for.
pub struct How {
    pub top: usize,
    /// As asked; by the number of rows when it was not.
    pub exact: Option<bool>,
    pub ef: usize,
}

impl How {
    pub fn of(bound: &Bound) -> How {
        How { top: bound.top.unwrap_or(10), exact: bound.flag("exact"), ef: parameters::ef(bound) }
    }

    /// Whether a space of so many rows is scanned whole.
    pub fn is_exact(&self, rows: usize) -> bool {
        self.exact.unwrap_or(rows < EXACT_BELOW)
    }

    pub fn step(&self, info: &SpaceInfo) -> Step {
        let rows = usize::try_from(info.rows).unwrap_or(usize::MAX);
        let why = match self.exact {
            Some(_) => "as asked".to_owned(),
            None if rows < EXACT_BELOW => format!("{rows} rows are fewer than {EXACT_BELOW}"),
            None => format!("{rows} rows are {EXACT_BELOW} or more"),
        };
        let what = if self.is_exact(rows) { "exact scan".to_owned() } else { format!("HNSW, ef {}", self.ef) };
        Step::new("search", format!("{what}, {why}; the best {}", self.top))
    }
}

impl How {
    /// How many rows of the space the query is compared with, at most.
    pub fn work(&self, info: &SpaceInfo) -> Step {
        let rows = usize::try_from(info.rows).unwrap_or(usize::MAX);
        let cosines = match self.is_exact(rows) {
            true => format!("{} cosines of {} numbers", parameters::whole(rows), info.dim),
            false => format!(
                "a walk of the graph that keeps the best {} of {} rows, then their cosines",
                self.ef,
                parameters::whole(rows)
            ),
        };
        Step::new("work", cosines)
    }
}

/// Searches, and puts the hits and what there is to say about them into `report`. `except` is a row that is no hit.
pub fn find(
    report: &mut Report,
    clips: &Clips,
    query: &[f32],
    except: Option<usize>,
    how: &How,
    scope: &Scope<'_>,
) -> Result<(), Error> {
    let exact = how.is_exact(clips.loaded.items.len());
    let wanted = how.top + usize::from(except.is_some());
    let found = scope.workspace.search(clips, query, wanted, exact, how.ef, scope.progress)?;
    let items = &clips.loaded.items;
    let hits: Vec<_> = found.hits.iter().filter(|h| Some(h.row) != except).take(how.top).collect();
    let fields: Vec<&str> = SHOWN.into_iter().filter(|f| hits.iter().any(|h| items[h.row].metadata.contains_key(*f))).collect();
    let mut table = Table::new(["rank", "id", "similarity"].into_iter().chain(fields.iter().copied()));
    for (rank, hit) in hits.iter().enumerate() {
        let item = &items[hit.row];
        let mut row: Vec<Value> = vec![(rank + 1).into(), item.id.as_str().into(), f64::from(hit.similarity.0).into()];
        row.extend(fields.iter().map(|f| item.metadata.get(*f).cloned().unwrap_or(Value::Null)));
        table.push(row);
    }
    let candidates = clips.len() - usize::from(except.is_some_and(|row| clips.rows.as_ref().is_none_or(|r| r.contains(&row))));
    report.context.n = Some(candidates);
    report.context.exact = Some(found.exact);
    report.context.recall = found.recall;
    if hits.len() < how.top.min(candidates) {
        report.notes.push(format!(
            "{} of {} hits found: the graph search ended early; `exact=true` finds all",
            hits.len(),
            how.top
        ));
    }
    report.tables.push(table);
    Ok(())
}
