//! `as csv`, `as tsv`: the first table for a spreadsheet; the metrics where there is no table; prose as it is.
//!
//! ```text
//!   metric,value,low,high
//!   top1,0.4712,0.453,0.489
//! ```
//!
//! Numbers in full precision (as in json), null and NaN as an empty cell, a list as a JSON array in its cell, quoting as in
//! RFC 4180 but with `\n` line ends.

use std::io;

use super::Renderer;
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
