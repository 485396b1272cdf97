//! Rows under headings for a terminal, drawn by comfy-table in a light dress.
//!
//! ```text
//!   label     f1      n
//!   ───────────────────
//!   violin  0.81    284      text left and wrapped where it must be, numbers right and never cut
//! ```
//!
//! Where the numbers and eight columns of every text do not fit, each row becomes a block of `heading  cell` lines.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, TableStyle, Width};

use super::Style;
use super::cell::{self, ColumnFormat};
use crate::report::{Estimate, Table};
use crate::value::Value;

/// Columns between two cells.
const GAP: u16 = 2;
/// A text column is not narrowed below this.
const NARROWEST: usize = 8;
/// Lines of a wrapped cell before it is cut.
const TALLEST: usize = 6;
/// comfy-table counts in 16 bits: no cell is drawn wider than this, on any medium.
const WIDEST: usize = 8000;

/// Text in rows, ready to be drawn.
pub struct Grid {
    /// Empty for no headings.
    pub head: Vec<String>,
    pub rows: Vec<Vec<String>>,
    /// For each column: numbers stand to the right.
    pub right: Vec<bool>,
}

/// One column as it is drawn.
enum Part {
    Plain(usize, ColumnFormat),
    /// The column of the lower ends; the upper ends stand behind it.
    Interval(usize),
}

impl Part {
    fn of(table: &Table) -> Vec<Part> {
        let named = |i: usize, name: &str| table.columns.get(i).is_some_and(|c| c.name == name);
        let mut parts = Vec::new();
        let mut i = 0;
        while i < table.columns.len() {
            if named(i, "low") && named(i + 1, "high") {
                // Without resamples there is no interval to show.
                if table.rows.iter().any(|row| row.get(i).is_some_and(|low| !low.is_null())) {
                    parts.push(Part::Interval(i));
                }
                i += 1;
            } else {
                parts.push(Part::Plain(i, ColumnFormat::of(table, i)));
            }
            i += 1;
        }
        parts
    }

    fn heading(&self, table: &Table, interval: &str) -> String {
        match self {
            Part::Plain(i, _) => table.columns.get(*i).map(|c| cell::escape(&c.heading()).into_owned()).unwrap_or_default(),
            Part::Interval(_) => interval.to_owned(),
        }
    }

    fn text(&self, row: &[Value], unicode: bool) -> String {
        match self {
            Part::Plain(i, format) => format.text(row.get(*i)),
            Part::Interval(i) => {
                let end = |at: usize| row.get(at).and_then(Value::as_f64);
                cell::interval(
                    &Estimate { name: String::new(), value: f64::NAN, low: end(*i), high: end(i + 1), counts: false },
                    unicode,
                )
            }
        }
    }

    fn is_right(&self) -> bool {
        match self {
            Part::Plain(_, format) => format.numeric,
            Part::Interval(_) => true,
        }
    }
}

impl Grid {
    /// The first `rows` rows of a table. A column `low` and the column `high` behind it become one, under `interval`.
    pub fn of(table: &Table, rows: usize, interval: &str, unicode: bool) -> Grid {
        let parts = Part::of(table);
        Grid {
            head: parts.iter().map(|part| part.heading(table, interval)).collect(),
            rows: table.rows.iter().take(rows).map(|row| parts.iter().map(|part| part.text(row, unicode)).collect()).collect(),
            right: parts.iter().map(Part::is_right).collect(),
        }
    }

    /// The lines, none wider than the terminal; headings are bold where there is colour.
    pub fn lines(self, style: &Style) -> Vec<String> {
        let ellipsis = style.ellipsis();
        let natural: Vec<usize> = (0..self.right.len()).map(|i| self.natural(i)).collect();
        match style.width {
            Some(width) if self.needs(&natural) > width && self.head.len() > 2 => self.records().draw(style, ellipsis),
            _ => self.draw(style, ellipsis),
        }
    }

    fn natural(&self, column: usize) -> usize {
        let cells = self.rows.iter().chain(std::iter::once(&self.head)).filter_map(|row| row.get(column));
        cells.map(|text| cell::width(text)).max().unwrap_or(0)
    }

    fn needs(&self, natural: &[usize]) -> usize {
        let least = |(width, right): (&usize, &bool)| if *right { *width } else { (*width).min(NARROWEST) };
        natural.iter().zip(&self.right).map(least).sum::<usize>() + usize::from(GAP) * natural.len().saturating_sub(1)
    }

    /// Each row as a block of two columns: heading, cell.
    fn records(self) -> Grid {
        let Grid { head, rows, .. } = self;
        let mut lines = Vec::new();
        for (i, row) in rows.into_iter().enumerate() {
            if i > 0 {
                lines.push(vec![String::new(), String::new()]);
            }
            lines.extend(head.iter().cloned().zip(row).map(|(name, text)| vec![name, text]));
        }
        Grid { head: Vec::new(), rows: lines, right: vec![false, false] }
    }

    fn draw(self, style: &Style, ellipsis: &str) -> Vec<String> {
        let columns = self.right.len();
        let rule = if style.unicode { '─' } else { '-' };
        let mut table = comfy_table::Table::new();
        table.load_style(TableStyle::new().header_separator(LineStyle::none().fill(rule)));
        table.set_truncation_indicator(ellipsis);
        if let Some(width) = style.width {
            table.set_width(u16::try_from(width).unwrap_or(u16::MAX));
            table.set_content_arrangement(ContentArrangement::Dynamic);
        } else {
            table.set_content_arrangement(ContentArrangement::Disabled);
        }
        let headed = style.headers && !self.head.is_empty();
        let natural: Vec<usize> = (0..columns).map(|i| self.natural(i)).collect();
        if headed {
            table.set_header(row(self.head, &self.right));
        }
        let tallest = style.width.map(|_| TALLEST);
        for cells in self.rows {
            let mut row = row(cells, &self.right);
            if let Some(tallest) = tallest {
                row.max_height(tallest);
            }
            table.add_row(row);
        }
        for (i, column) in table.column_iter_mut().enumerate() {
            let gap = if i + 1 == columns { 0 } else { GAP };
            column.set_padding((0, gap));
            let width = |w: usize| Width::Fixed(u16::try_from(w).unwrap_or(u16::MAX).saturating_add(gap));
            let natural = natural.get(i).copied().unwrap_or(0);
            if self.right.get(i).copied().unwrap_or(false) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else {
                column.set_constraint(ColumnConstraint::LowerBoundary(width(natural.min(NARROWEST))));
            }
        }
        let mut lines: Vec<String> = table.lines().map(|line| line.trim_end().to_owned()).collect();
        if let Some(width) = style.width {
            for line in &mut lines {
                if cell::width(line) > width {
                    *line = cell::clip(line, width, ellipsis);
                }
            }
        }
        if headed && style.color {
            let heading = lines.iter().position(|line| line.starts_with(rule)).unwrap_or(0);
            lines.iter_mut().take(heading).for_each(|line| *line = style.bold(line));
        }
        lines
    }
}

fn row(cells: Vec<String>, right: &[bool]) -> Row {
    let cell = |(text, right): (String, &bool)| {
        let cell = Cell::new(cell::clip(&text, WIDEST, "…"));
        if *right { cell.set_alignment(CellAlignment::Right) } else { cell }
    };
    Row::from(cells.into_iter().zip(right).map(cell).collect::<Vec<Cell>>())
}
