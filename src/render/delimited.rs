//! `as csv`, `as tsv`: the first table for a spreadsheet; the metrics where there is no table; prose as it is. What else the
//! report has is named by [`left_out`].
//!
//! ```text
//!   metric,value,low,high
//!   top1,0.4712,0.453,0.489
//! ```
//!
//! Numbers in full precision (as in json), null and NaN as an empty cell, a list as a JSON array in its cell, quoting as in
//! RFC 4180 but with `\n` line ends.

use std::io;

use super::terminal::metric_grid;
use super::{Renderer, cell as text};
use crate::report::{Estimate, Report};
use crate::value::Value;

/// The `csv` and `tsv` formats.
pub struct Delimited {
    pub delimiter: u8,
    /// Write the line of column names.
    pub headers: bool,
}

impl Renderer for Delimited {
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        if report.tables.is_empty() && report.metrics.is_empty() && !report.text.is_empty() {
            return writeln!(out, "{}", report.text.trim_end());
        }
        let mut writer = csv::WriterBuilder::new().delimiter(self.delimiter).flexible(true).from_writer(out);
        if let Some(table) = report.tables.first() {
            if self.headers && !table.columns.is_empty() {
                writer.write_record(table.columns.iter().map(|c| &c.name))?;
            }
            for row in table.rows.iter().filter(|row| !row.is_empty()) {
                writer.write_record(row.iter().map(cell))?;
            }
        } else if !report.metrics.is_empty() {
            if self.headers {
                writer.write_record(["metric", "value", "low", "high"])?;
            }
            for Estimate { name, value, low, high, .. } in &report.metrics {
                writer.write_record([name.clone(), number(Some(*value)), number(*low), number(*high)])?;
            }
        }
        writer.flush()
    }
}

/// What stands in none of the rows of this `format`: a sentence that names it, then the report's notes.
pub fn left_out(report: &Report, format: &str) -> Vec<String> {
    let further: Vec<&str> =
        report.tables.iter().skip(1).map(|table| table.title.as_deref().unwrap_or("without a title")).collect();
    let mut parts: Vec<String> = match further.split_last() {
        None => Vec::new(),
        Some((only, [])) => vec![format!("the table `{only}`")],
        Some((last, rest)) => vec![format!("the tables `{}` and `{last}`", rest.join("`, `"))],
    };
    let lacks_metrics = !report.tables.is_empty() && metric_grid(report, false).is_some();
    if lacks_metrics {
        parts.push("the metrics".to_owned());
    }
    let something_else = !report.tables.is_empty() || !report.metrics.is_empty();
    if something_else && !report.text.is_empty() {
        parts.push("the text".to_owned());
    }
    let elsewhere = if lacks_metrics { "; `dyad report` writes such metrics as a csv of their own" } else { "" };
    let all = "`as json` or `into \"FILE.json\"` has all";
    let named = (!parts.is_empty()).then(|| format!("not in the {format}: {}; {all}{elsewhere}", parts.join(", ")));
    let shown = |note: String| note.lines().map(text::escape).collect::<Vec<_>>().join("\n      ");
    named.into_iter().chain(report.notes.iter().cloned()).map(shown).collect()
}

fn cell(value: &Value) -> String {
    match value {
        Value::Float(float) => number(Some(*float)),
        list @ Value::List(_) => list.to_json().to_string(),
        other => other.to_string(),
    }
}

fn number(value: Option<f64>) -> String {
    value.filter(|v| v.is_finite()).map(|v| format!("{v:?}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    #[test]
    fn what_is_not_in_the_one_table_is_named() {
        let mut report = Report::new("classify");
        report.metrics = vec![Estimate::point("top1", 0.5)];
        assert!(left_out(&report, "csv").is_empty());
        report.tables = vec![Table::new(["label", "f1"])];
        let all = "`as json` or `into \"FILE.json\"` has all";
        let metrics = "; `dyad report` writes such metrics as a csv of their own";
        assert_eq!(left_out(&report, "tsv"), [format!("not in the tsv: the metrics; {all}{metrics}")]);
        report.tables.push(Table::new(["label"]).titled("confusion"));
        report.notes.push("2 of 9 rows\x1b".into());
        let told = format!("not in the csv: the table `confusion`, the metrics; {all}{metrics}");
        assert_eq!(left_out(&report, "csv"), [told.as_str(), "2 of 9 rows\\u{1b}"]);
        // The first table says the metrics already.
        report.tables[0] = Table::new(["metric", "value"]);
        report.tables.push(Table::new(["label"]).titled("per class"));
        assert_eq!(left_out(&report, "csv")[0], format!("not in the csv: the tables `confusion` and `per class`; {all}"));
    }
}
