//! The ranked clips that `search` and `similar` answer with.

use crate::embedding::Similarity;
use crate::query::Bound;
use crate::report::{Report, Table};
use crate::store::{Item, SpaceInfo};
use crate::value::Value;
use crate::verb::{Error, Scope, Step, parameters};
use crate::workspace::{Among, EXACT_BELOW, ModelRef, Search, Sought};

/// Metadata fields that are shown beside a hit, where the clips have them.
const SHOWN: [&str; 3] = ["label", "labels", "duration_s"];

/// How many hits, and how they are searched for.
pub struct How {
    pub top: usize,
    /// Whether so many were asked for in so many words.
    asked: bool,
    /// As asked; by the number of rows when it was not.
    pub exact: Option<bool>,
    /// Whether an index is kept for the next search: for one alone none is built.
    kept: bool,
    pub ef: usize,
    /// Whether the statement itself says it.
    ef_asked: bool,
}

impl How {
    pub fn of(bound: &Bound, scope: &Scope<'_>) -> How {
        How {
            top: bound.top.unwrap_or(10),
            asked: bound.top.is_some(),
            exact: bound.flag("exact"),
            kept: scope.workspace.keeps_indices(),
            ef: parameters::ef(bound),
            ef_asked: bound.written("ef").is_some(),
        }
    }

    /// Whether a space of so many rows is scanned whole.
    pub fn is_exact(&self, rows: usize) -> bool {
        self.exact.unwrap_or(!self.kept || rows < EXACT_BELOW)
    }

    /// Why so many rows are scanned whole, or not.
    fn why(&self, rows: usize) -> String {
        match self.exact {
            Some(_) => "as asked".to_owned(),
            None if !self.kept => "as no index is kept".to_owned(),
            None if rows < EXACT_BELOW => format!("{rows} rows are fewer than {EXACT_BELOW}"),
            None => format!("{rows} rows are {EXACT_BELOW} or more"),
        }
    }

    pub fn step(&self, info: &SpaceInfo) -> Step {
        let rows = usize::try_from(info.rows).unwrap_or(usize::MAX);
        let what = if self.is_exact(rows) { "exact scan".to_owned() } else { format!("HNSW, ef {}", self.ef) };
        Step::new("search", format!("{what}, {}; the best {}", self.why(rows), self.top))
    }
}

impl How {
    /// A sentence where the statement says `ef=` and a scan of all rows of the space has no use for it.
    pub fn unused_ef(&self, info: &SpaceInfo) -> Option<String> {
        let rows = usize::try_from(info.rows).unwrap_or(usize::MAX);
        if !self.ef_asked || !self.is_exact(rows) {
            return None;
        }
        let unused = format!("`ef={}` was not used, since every row was compared ({})", self.ef, self.why(rows));
        Some(format!("{unused}; `exact=false` searches the graph, which uses it"))
    }

    /// Why there are fewer hits than were asked for, where there are.
    pub fn shortfall(&self, hits: usize, candidates: usize, what: &str) -> Option<String> {
        if hits < self.top.min(candidates) {
            let top = self.top;
            return Some(format!("{hits} of {top} hits found: the graph search ended early; `exact=true` finds all"));
        }
        let short = self.asked && candidates < self.top;
        short.then(|| format!("{hits} hits, not {}: these are all {what} that there are to find", self.top))
    }

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

/// Searches, and puts the hits and what there is to say about them into `report`. `except` is an item that is no hit, `texts_of`
/// the model whose text asks.
pub fn find(
    report: &mut Report,
    among: &Among,
    query: &[f32],
    except: Option<u64>,
    texts_of: Option<&ModelRef>,
    how: &How,
    scope: &Scope<'_>,
) -> Result<(), Error> {
    let exact = how.is_exact(among.info.rows as usize);
    let sought = Sought { query, except, k: how.top, exact, ef: how.ef, texts_of };
    let found = scope.workspace.search(among, &sought, scope.progress)?;
    let candidates = among.len() - usize::from(except.is_some_and(|seq| among.has(seq)));
    tell(report, &found, candidates);
    report.notes.extend(how.unused_ef(&among.info));
    report.notes.extend(how.shortfall(found.hits.len(), candidates, "clips"));
    report.tables.push(table(&found.hits, &[], |item| &item.id));
    Ok(())
}

/// How the hits were found, and among how many.
pub fn tell(report: &mut Report, found: &Search, candidates: usize) {
    report.context.n = Some(candidates);
    report.context.exact = Some(found.exact);
    if let Some((recall, queries)) = &found.recall {
        report.context.recall = *recall;
        report.context.fact("recall_by", queries.as_str());
    }
    if found.mended {
        report.notes.push("the index file was damaged, and was left out or made again".into());
    }
}

/// The hits, best first, with these fields and those that are [`SHOWN`].
pub fn table(hits: &[(Item, Similarity)], always: &[&'static str], id: impl Fn(&Item) -> &str) -> Table {
    let shown = SHOWN.into_iter().filter(|field| hits.iter().any(|(item, _)| item.metadata.contains_key(*field)));
    let fields: Vec<&str> = always.iter().copied().chain(shown).collect();
    let mut table = Table::new(["rank", "id", "similarity"].into_iter().chain(fields.iter().copied()));
    for (rank, (item, similarity)) in hits.iter().enumerate() {
        let mut row: Vec<Value> = vec![(rank + 1).into(), id(item).into(), f64::from(similarity.0).into()];
        row.extend(fields.iter().map(|field| item.metadata.get(*field).cloned().unwrap_or(Value::Null)));
        table.push(row);
    }
    table
}
