//! `dyad replay RESULT.json`: runs a saved result again and says whether it still holds.
//!
//! What is compared: every metric, the number of items, and every cell of the tables; of prose the text.

use std::path::Path;

use serde_json::Value as Json;

use super::super::App;
use crate::diagnostic::Diagnostic;
use crate::query::Piece;
use crate::report::{Report, Table};
use crate::session::Failure;
use crate::value::Value;

/// Numbers further apart than this are another result.
const TOLERANCE: f64 = 1e-9;

/// `dyad replay FILE`
pub(in crate::cli) fn replay(app: &App, file: &Path) -> Result<u8, Failure> {
    let fault = |reason: String| Failure::from(Diagnostic::new(format!("`{}` is no result: {reason}", file.display())));
    let text = std::fs::read_to_string(file).map_err(|e| fault(e.to_string()))?;
    let saved: Json = serde_json::from_str(&text).map_err(|e| fault(e.to_string()))?;
    let statement = saved["statement"].as_str().filter(|s| !s.is_empty()).ok_or_else(|| fault("it names no statement".into()))?;
    let mut session = app.session()?;
    for before in saved["before"].as_array().into_iter().flatten().filter_map(Json::as_str) {
        session.execute(Piece { text: before, offset: 0 }, &app.bars)?;
    }
    let now = session.execute(Piece { text: statement, offset: 0 }, &app.bars)?.report;

    let table = compared(&saved, &now.to_json());
    let holds = table.rows.iter().all(|row| row.last() == Some(&Value::Bool(true)));
    let mut report = Report::new("replay");
    report.context = now.context.clone();
    for (name, after) in [("model_hash", &now.context.model_hash), ("space", &now.context.space)] {
        let before = saved["context"][name].as_str();
        if before != after.as_deref() {
            let shown = |v: Option<&str>| v.unwrap_or("none").to_owned();
            report.notes.push(format!("`{name}` was {}, is {}", shown(before), shown(after.as_deref())));
        }
    }
    let verdict = match (table.rows.is_empty(), holds) {
        (true, _) => "the result has nothing that could be compared",
        (_, true) => "the result holds",
        (_, false) => "the result does not hold",
    };
    report.notes.push(format!("{verdict}: {statement}"));
    let code = u8::from(!holds || table.rows.is_empty());
    report.tables.push(table);
    app.print(&report)?;
    Ok(code)
}

/// A line for each number, and one for each table. How far apart two numbers are has a column of its own: rounded they may look
/// alike.
fn compared(saved: &Json, now: &Json) -> Table {
    let mut table = Table::new(["number", "saved", "now", "difference", "holds"]);
    let mut number = |name: String, before: &Json, after: &Json| {
        if !(before.is_null() && after.is_null()) {
            let holds = same(before, after);
            let (before, after) = (before.as_f64(), after.as_f64());
            let difference = before.zip(after).filter(|_| !holds).map(|(before, after)| after - before);
            table.push(vec![name.into(), before.into(), after.into(), difference.into(), holds.into()]);
        }
    };
    for name in names(&saved["metrics"], &now["metrics"]) {
        for end in ["value", "low", "high"] {
            let label = if end == "value" { name.clone() } else { format!("{name}.{end}") };
            number(label, &saved["metrics"][&name][end], &now["metrics"][&name][end]);
        }
    }
    number("n".into(), &saved["context"]["n"], &now["context"]["n"]);
    let tables = |result: &Json| -> Vec<Json> {
        let further = result["tables"].as_array().cloned().unwrap_or_default();
        std::iter::once(result.clone()).chain(further).collect()
    };
    let (before, after) = (tables(saved), tables(now));
    for i in 0..before.len().max(after.len()) {
        let (before, after) = (before.get(i).unwrap_or(&Json::Null), after.get(i).unwrap_or(&Json::Null));
        let length = |table: &Json| table["rows"].as_array().map_or(0, Vec::len);
        if length(before) + length(after) > 0 {
            let name = before["title"].as_str().map_or_else(|| "rows".to_owned(), |title| format!("rows of `{title}`"));
            let alike = same(&before["columns"], &after["columns"]) && same(&before["rows"], &after["rows"]);
            table.push(vec![name.into(), length(before).into(), length(after).into(), Value::Null, alike.into()]);
        }
    }
    let text = |result: &Json| result["text"].as_str().unwrap_or_default().lines().count();
    if text(saved) + text(now) > 0 {
        let alike = same(&saved["text"], &now["text"]);
        table.push(vec!["lines of text".into(), text(saved).into(), text(now).into(), Value::Null, alike.into()]);
    }
    table
}

/// The names of both, each once.
fn names(saved: &Json, now: &Json) -> Vec<String> {
    let keys = |object: &Json| object.as_object().map(|o| o.keys().cloned().collect::<Vec<_>>()).unwrap_or_default();
    let mut all = keys(saved);
    all.extend(keys(now).into_iter().filter(|name| saved.get(name).is_none()));
    all
}

/// Numbers alike within [`TOLERANCE`], all else to the letter.
fn same(a: &Json, b: &Json) -> bool {
    match (a, b) {
        (Json::Array(a), Json::Array(b)) => a.len() == b.len() && a.iter().zip(b).all(|(a, b)| same(a, b)),
        _ => match (a.as_f64(), b.as_f64()) {
            (Some(x), Some(y)) => (x - y).abs() <= TOLERANCE,
            _ => a == b,
        },
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::render::{Format, Style, renderer};

    #[test]
    fn a_difference_is_seen_however_small_and_beside_whatever() {
        let result = |top1: f64| json!({"metrics": {"top1": {"value": top1}, "map": {"value": 0.5}}, "context": {"n": 210}});
        let mut report = Report::new("replay");
        report.tables.push(compared(&result(0.471_428_571_428), &result(0.471_438_571_428)));
        let mut text = Vec::new();
        renderer(Format::Table, &Style::default()).report(&report, &mut text).unwrap();
        let text = String::from_utf8(text).unwrap();
        let cells: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert!(cells.contains(&vec!["top1", "0.4714", "0.4714", "1.0e-5", "false"]), "{text}");
        assert!(cells.contains(&vec!["map", "0.5", "0.5", "true"]) && cells.contains(&vec!["n", "210", "210", "true"]), "{text}");
    }
}
