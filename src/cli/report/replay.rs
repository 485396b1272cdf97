//! `dyad replay RESULT.json`: runs a saved result again and says whether it still holds.

use std::path::Path;

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
    let saved: serde_json::Value = serde_json::from_str(&text).map_err(|e| fault(e.to_string()))?;
    let statement = saved["statement"].as_str().filter(|s| !s.is_empty()).ok_or_else(|| fault("it names no statement".into()))?;
    let metrics = saved["metrics"].as_object().ok_or_else(|| fault("it holds no metrics".into()))?;
    let executed = app.session()?.execute(Piece { text: statement, offset: 0 }, &app.bars)?;
    let now = executed.report;

    let mut table = Table::new(["number", "saved", "now", "holds"]);
    let mut holds = true;
    for (name, value) in metrics {
        for end in ["value", "low", "high"] {
            let before = value[end].as_f64();
            let after = now.metric(name).and_then(|m| match end {
                "value" => Some(m.value).filter(|v| v.is_finite()),
                "low" => m.low,
                _ => m.high,
            });
            let same = match (before, after) {
                (Some(a), Some(b)) => (a - b).abs() <= TOLERANCE,
                (None, None) => continue,
                _ => false,
            };
            holds &= same;
            let label = if end == "value" { name.clone() } else { format!("{name}.{end}") };
            table.push(vec![label.into(), before.into(), after.into(), same.into()]);
        }
    }
    let mut report = Report::new("replay");
    report.context = now.context.clone();
    for (name, after) in [("model_hash", &now.context.model_hash), ("space", &now.context.space)] {
        let before = saved["context"][name].as_str();
        if before != after.as_deref() {
            let shown = |v: Option<&str>| v.unwrap_or("none").to_owned();
            report.notes.push(format!("`{name}` was {}, is {}", shown(before), shown(after.as_deref())));
        }
    }
    let verdict = if holds { "the result holds" } else { "the result does not hold" };
    report.notes.push(format!("{verdict}: {statement}"));
    if table.rows.is_empty() {
        table.push(vec!["(no metrics)".into(), Value::Null, Value::Null, true.into()]);
    }
    report.tables.push(table);
    app.print(&report)?;
    Ok(u8::from(!holds))
}
