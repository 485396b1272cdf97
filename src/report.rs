//! The result of a statement: what was asked of what, the numbers with their intervals, and tables.
//!
//! Verbs make reports, `render` writes them, and neither knows the other. The JSON form is a contract for scripts:
//! see [`Report::to_json`].

use serde_json::{Map, json};

use crate::value::Value;

/// The result of one statement.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Report {
    /// The verb that made it ("classify").
    pub kind: String,
    /// The statement as it was written.
    pub statement: String,
    /// The statements whose settings and named results it hangs on, in order: `dyad replay` runs them first.
    pub before: Vec<String>,
    /// Prose that is the result itself (`help`, a drawn tree); most reports have none.
    pub text: String,
    pub context: Context,
    pub metrics: Vec<Estimate>,
    /// The first table is the result proper; others are details with titles.
    pub tables: Vec<Table>,
    /// Drawn by `as plot` and by the report page.
    pub figures: Vec<Figure>,
    /// Sentences that the reader of the numbers should know (absent classes, ties, an approximate search).
    pub notes: Vec<String>,
}

/// Everything needed to judge a number and to make it again.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Context {
    pub store: Option<String>,
    pub collection: Option<String>,
    pub model: Option<String>,
    pub model_hash: Option<String>,
    /// "joint", "audio pre-joint", "text pre-joint".
    pub space: Option<String>,
    pub prompts: Vec<String>,
    /// How nearness was measured and in which direction it grows ("cosine, greater is nearer").
    pub similarity: Option<String>,
    /// True for an exhaustive search, false for HNSW.
    pub exact: Option<bool>,
    /// Measured recall@k of an approximate search against the exact one, 0–1.
    pub recall: Option<f64>,
    pub seed: Option<u64>,
    /// Items after the filter.
    pub n: Option<usize>,
    /// What was read under those of `prompts` that are names.
    pub wording: Vec<Wording>,
    /// What only some statements have: `ties`, `chance`, `convention`, `protocol`, `backend`, …
    pub extra: Vec<(String, Value)>,
}

/// The sentences behind the name of a prompt that is no template: what was read for each label.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wording {
    /// As in [`Context::prompts`]: `ismir2024/definition`.
    pub prompt: String,
    /// Label, sentence.
    pub sentences: Vec<(String, String)>,
}

impl Context {
    /// Adds a fact that only some statements have.
    pub fn fact(&mut self, name: &str, value: impl Into<Value>) {
        self.extra.push((name.to_owned(), value.into()));
    }

    /// The fields in their fixed order, absent ones as null, then the wording of prompts where it is needed, and the extra facts.
    pub fn to_json(&self) -> serde_json::Value {
        let mut map = Map::new();
        let mut put = |name: &str, value: serde_json::Value| {
            map.insert(name.to_owned(), value);
        };
        put("store", json!(self.store));
        put("collection", json!(self.collection));
        put("model", json!(self.model));
        put("model_hash", json!(self.model_hash));
        put("space", json!(self.space));
        put("prompts", json!(self.prompts));
        put("similarity", json!(self.similarity));
        put("exact", json!(self.exact));
        put("recall", json!(self.recall));
        put("seed", json!(self.seed));
        put("n", json!(self.n));
        if !self.wording.is_empty() {
            put("wording", wording_json(&self.wording));
        }
        for (name, value) in &self.extra {
            put(name, value.to_json());
        }
        serde_json::Value::Object(map)
    }
}

/// A number, with its interval where it was sampled.
#[derive(Debug, Clone, PartialEq)]
pub struct Estimate {
    /// A metric's name as scripts know it (`top1`, `roc_auc`).
    pub name: String,
    /// NaN where the metric is undefined on these items; written as null.
    pub value: f64,
    pub low: Option<f64>,
    pub high: Option<f64>,
    /// Whether the value counts things and is shown without decimals.
    pub counts: bool,
}

impl Estimate {
    /// A number without an interval.
    pub fn point(name: &str, value: f64) -> Self {
        Estimate { name: name.to_owned(), value, low: None, high: None, counts: false }
    }

    /// A number with its interval.
    pub fn interval(name: &str, value: f64, low: f64, high: f64) -> Self {
        Estimate { name: name.to_owned(), value, low: Some(low), high: Some(high), counts: false }
    }

    /// A number of things.
    pub fn count(name: &str, n: usize) -> Self {
        Estimate { name: name.to_owned(), value: n as f64, low: None, high: None, counts: true }
    }
}

/// A named column, with the unit of its numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Column {
    pub name: String,
    /// "s", "Hz", "bytes"; none for text, counts and pure numbers.
    pub unit: Option<String>,
}

impl Column {
    /// A column without a unit.
    pub fn new(name: impl Into<String>) -> Self {
        Column { name: name.into(), unit: None }
    }

    /// The name as a heading: `length (s)`.
    pub fn heading(&self) -> String {
        match &self.unit {
            Some(unit) => format!("{} ({unit})", self.name),
            None => self.name.clone(),
        }
    }
}

/// Rows of cells under named columns.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Table {
    pub title: Option<String>,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Value>>,
    /// How many rows come after these: they were counted and not made, since the statement keeps no more.
    pub more: usize,
}

impl Table {
    /// An empty table with these columns.
    pub fn new<'a>(columns: impl IntoIterator<Item = &'a str>) -> Self {
        Table { columns: columns.into_iter().map(Column::new).collect(), ..Table::default() }
    }

    /// The same table under a heading.
    #[must_use]
    pub fn titled(mut self, title: impl Into<String>) -> Self {
        self.title = Some(title.into());
        self
    }

    /// Gives the column `name` a unit.
    #[must_use]
    pub fn unit(mut self, name: &str, unit: &str) -> Self {
        for column in self.columns.iter_mut().filter(|c| c.name == name) {
            column.unit = Some(unit.to_owned());
        }
        self
    }

    /// Adds a row; it must have a cell for every column.
    pub fn push(&mut self, row: Vec<Value>) {
        debug_assert_eq!(row.len(), self.columns.len());
        self.rows.push(row);
    }

    /// The position of a column.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|c| c.name == name)
    }
}

/// A picture as data.
#[derive(Debug, Clone, PartialEq)]
pub enum Figure {
    /// Counts per bin: `edges` has one more entry than each series' counts.
    Histogram { title: String, unit: String, edges: Vec<f64>, series: Vec<(String, Vec<f64>)> },
    /// One bar a label, with an interval where there is one.
    Bars { title: String, unit: String, bars: Vec<(String, Estimate)> },
    /// A matrix of numbers, rows × columns; `counts` where they count things, else they are shares or the like.
    Heat { title: String, rows: Vec<String>, columns: Vec<String>, values: Vec<Vec<f64>>, counts: bool },
}

impl Report {
    /// An empty report of this kind.
    pub fn new(kind: &str) -> Self {
        Report { kind: kind.to_owned(), ..Default::default() }
    }

    /// The metric `name`.
    pub fn metric(&self, name: &str) -> Option<&Estimate> {
        self.metrics.iter().find(|m| m.name == name)
    }

    /// The object that `--format json` prints:
    /// `{"dyad", "statement", "before", "kind", "context", "metrics": {name: {"value", "low", "high"}}, "columns", "rows", "tables", "notes"}`,
    /// with "text" where the result is prose.
    ///
    /// `columns` and `rows` are the first table; `tables` holds the others, each with its title.
    pub fn to_json(&self) -> serde_json::Value {
        let metrics: Map<String, serde_json::Value> = self
            .metrics
            .iter()
            .map(|m| {
                (
                    m.name.clone(),
                    json!({"value": finite(m.value), "low": m.low.and_then(finite), "high": m.high.and_then(finite)}),
                )
            })
            .collect();
        let (columns, rows) = self.tables.first().map_or((json!([]), json!([])), table_json);
        let details: Vec<serde_json::Value> = self
            .tables
            .iter()
            .skip(1)
            .map(|table| {
                let (columns, rows) = table_json(table);
                json!({"title": table.title, "columns": columns, "rows": rows})
            })
            .collect();
        let mut object = json!({
            "dyad": env!("CARGO_PKG_VERSION"),
            "statement": self.statement,
            "before": self.before,
            "kind": self.kind,
            "context": self.context.to_json(),
            "metrics": metrics,
            "columns": columns,
            "rows": rows,
            "tables": details,
            "notes": self.notes,
        });
        if !self.text.is_empty() {
            object["text"] = json!(self.text);
        }
        object
    }
}

/// Prompt → label → sentence; what several tell of one prompt is put together.
fn wording_json(wording: &[Wording]) -> serde_json::Value {
    let mut prompts: Map<String, serde_json::Value> = Map::new();
    for of in wording {
        let labels = prompts.entry(of.prompt.as_str()).or_insert_with(|| json!({}));
        for (label, sentence) in &of.sentences {
            labels[label.as_str()] = json!(sentence);
        }
    }
    serde_json::Value::Object(prompts)
}

fn finite(value: f64) -> Option<f64> {
    value.is_finite().then_some(value)
}

fn table_json(table: &Table) -> (serde_json::Value, serde_json::Value) {
    let columns = table.columns.iter().map(|c| c.name.as_str()).collect::<Vec<_>>();
    let rows = table.rows.iter().map(|row| row.iter().map(Value::to_json).collect::<Vec<_>>()).collect::<Vec<_>>();
    (json!(columns), json!(rows))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_wording_of_a_prompt_is_put_together_and_not_there_without_need() {
        let of = |prompt: &str, label: &str, sentence: &str| Wording {
            prompt: prompt.to_owned(),
            sentences: vec![(label.to_owned(), sentence.to_owned())],
        };
        let told = vec![of("s/x", "violin", "a fiddle"), of("s/y", "violin", "no"), of("s/x", "tuba", "low brass")];
        let context = Context { wording: told, n: Some(2), ..Context::default() };
        let json = context.to_json();
        assert_eq!(json["wording"], json!({"s/x": {"violin": "a fiddle", "tuba": "low brass"}, "s/y": {"violin": "no"}}));
        assert!(Context::default().to_json().get("wording").is_none());
    }
}
