//! A report as text: for a reader at a terminal, for a paper, for a spreadsheet, for a script.
//!
//! ```text
//!   Report ─┬─ table     context line, metrics, tables, notes, provenance
//!           ├─ plot      the same, figures in place of tables
//!           ├─ markdown  pipe tables
//!           ├─ csv tsv   the first table, or the metrics when there is none
//!           └─ json jsonl  Report::to_json, one object a statement
//! ```
//!
//! Every renderer writes whole lines and ends with a newline; the caller puts blank lines between statements.
//! The terminal formats escape control characters (a label taken from a file name must not drive the terminal);
//! csv and json carry every cell as it is.

mod cell;
mod delimited;
pub mod html;
mod json;
mod markdown;
mod plot;
pub mod svg;
pub mod table;
mod terminal;

pub use terminal::{metric_grid, prose};

use std::io;

use crate::diagnostic::{Diagnostic, Span, one_of};
use crate::report::Report;

/// Writes reports in one format.
pub trait Renderer {
    /// Writes one report, ending with a newline.
    ///
    /// # Errors
    /// Only those of `out`.
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()>;
}

/// How a report is written (`as NAME`, `--format NAME`).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Format {
    #[default]
    Table,
    Csv,
    Tsv,
    Json,
    Jsonl,
    Markdown,
    Plot,
}

impl Format {
    /// The names, as they are written in a statement.
    pub const NAMES: [&str; 7] = ["table", "csv", "tsv", "json", "jsonl", "markdown", "plot"];

    const ALL: [Format; 7] =
        [Format::Table, Format::Csv, Format::Tsv, Format::Json, Format::Jsonl, Format::Markdown, Format::Plot];

    /// The format called `name`, without regard to case.
    pub fn parse(name: &str) -> Option<Format> {
        Format::ALL.into_iter().find(|format| format.name().eq_ignore_ascii_case(name))
    }

    /// The format called `name`, which stands at `span`.
    ///
    /// # Errors
    /// When there is none: with the nearest.
    pub fn named(name: &str, span: Span) -> Result<Format, Diagnostic> {
        Format::parse(name).ok_or_else(|| {
            let fault = Diagnostic::new(format!("unknown format `{name}`")).at(span);
            fault.expected(one_of(Format::NAMES)).suggest(name, Format::NAMES)
        })
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Format::Table => "table",
            Format::Csv => "csv",
            Format::Tsv => "tsv",
            Format::Json => "json",
            Format::Jsonl => "jsonl",
            Format::Markdown => "markdown",
            Format::Plot => "plot",
        }
    }
}

/// What the place that is written to can show.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Style {
    /// Write ANSI colours.
    pub color: bool,
    /// Columns of the terminal; none where lines may be of any length (a pipe, a file).
    pub width: Option<usize>,
    /// Lines and blocks in Unicode; else in ASCII. Labels are written as they are.
    pub unicode: bool,
    /// Rows of a table to show at a terminal; none for all.
    pub max_rows: Option<usize>,
    /// Write the line of column names (table, csv, tsv).
    pub headers: bool,
}

impl Default for Style {
    /// A file: no colour, no limits.
    fn default() -> Self {
        Style { color: false, width: None, unicode: true, max_rows: None, headers: true }
    }
}

/// The renderer of a format.
pub fn renderer(format: Format, style: &Style) -> Box<dyn Renderer> {
    match format {
        Format::Table => Box::new(terminal::Terminal { style: style.clone() }),
        Format::Plot => Box::new(plot::Plot { style: style.clone() }),
        Format::Csv => Box::new(delimited::Delimited { delimiter: b',', headers: style.headers }),
        Format::Tsv => Box::new(delimited::Delimited { delimiter: b'\t', headers: style.headers }),
        Format::Json => Box::new(json::Json { pretty: true }),
        Format::Jsonl => Box::new(json::Json { pretty: false }),
        Format::Markdown => Box::new(markdown::Markdown),
    }
}

/// What the format has no place for, and a reader of what it writes should hear of: one sentence each.
pub fn left_out(format: Format, report: &Report) -> Vec<String> {
    match format {
        Format::Csv | Format::Tsv => delimited::left_out(report, format.name()),
        Format::Table | Format::Json | Format::Jsonl | Format::Markdown | Format::Plot => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_formats_agree() {
        for (name, format) in Format::NAMES.into_iter().zip(Format::ALL) {
            assert_eq!(format.name(), name);
            assert_eq!(Format::parse(&name.to_uppercase()), Some(format));
        }
        assert_eq!(Format::parse("tabel"), None);
    }
}
