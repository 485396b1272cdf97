//! Rows under headings for a terminal, drawn by comfy-table in a light dress.
//!
//! ```text
//!   label     f1      n
//!   ───────────────────
//!   violin  0.81    284      text left and wrapped where it must be, numbers right and never cut
//! ```
//!
//! Where that does not fit, headings of numbers are broken at `_` and spaces, then a matrix numbers its columns (as its drawing
//! does), then texts are broken, between words as far as they can be. Where the numbers and eight columns of every text still do
//! not fit, each row becomes a block of `heading  cell` lines.

use comfy_table::{Cell, CellAlignment, ColumnConstraint, ContentArrangement, LineStyle, Row, TableStyle, Width};

use super::Style;
use super::cell::{self, ColumnFormat};
use crate::report::{Estimate, Table};
use crate::value::Value;

/// Columns between two cells.
const GAP: u16 = 2;
/// A text column is not narrowed below this.
const NARROWEST: usize = 8;
/// A longer word is broken where it must be, as a path is.
const LONGEST_WORD: usize = 20;
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
    pub fn lines(mut self, style: &Style) -> Vec<String> {
        let ellipsis = style.ellipsis();
        let width = style.width.unwrap_or(usize::MAX);
        let whole = self.head.clone();
        if self.needs(usize::MAX) > width {
            self.break_headings();
        }
        if self.needs(LONGEST_WORD) > width {
            self.number_matrix();
        }
        match self.needs(NARROWEST) > width && self.head.len() > 2 {
            true => Grid { head: whole, ..self }.records().draw(style, ellipsis),
            false => self.draw(style, ellipsis),
        }
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = &str> {
        self.rows.iter().filter_map(move |row| row.get(column)).map(String::as_str)
    }

    /// What a column needs when its texts are broken: its longest word, but no more than `most`. Numbers are never broken.
    fn least(&self, column: usize, most: usize) -> usize {
        let right = self.right.get(column).copied().unwrap_or(false);
        let head = self.head.get(column).map_or("", String::as_str);
        let all = self.cells(column).chain(head.split('\n'));
        if right {
            return all.map(cell::width).max().unwrap_or(0);
        }
        let (mut natural, mut word) = (0, 0);
        for text in all {
            natural = natural.max(cell::width(text));
            word = word.max(text.split(' ').map(cell::width).max().unwrap_or(0));
        }
        if most == usize::MAX { natural } else { natural.min(word.max(NARROWEST)).min(most) }
    }

    fn needs(&self, most: usize) -> usize {
        let columns = self.right.len();
        (0..columns).map(|i| self.least(i, most)).sum::<usize>() + usize::from(GAP) * columns.saturating_sub(1)
    }

    /// Breaks the headings of numbers behind `_` and at spaces, down to the width of the numbers.
    fn break_headings(&mut self) {
        for column in (0..self.right.len()).filter(|&i| self.right.get(i) == Some(&true)) {
            let width = self.cells(column).map(cell::width).max().unwrap_or(0);
            if let Some(head) = self.head.get_mut(column) {
                *head = broken(head, width);
            }
        }
    }

    /// Puts numbers in place of the columns of a matrix, whose rows have the same names, and before those names.
    fn number_matrix(&mut self) {
        let (Some(names), true) = (self.head.get(1..), self.rows.len() > 1) else { return };
        let plain: Vec<String> = names.iter().map(|name| name.replace('\n', "")).collect();
        let rows = self.rows.iter().map(|row| row.first());
        if plain.len() < self.rows.len()
            || !rows.zip(&plain).all(|(row, name)| row.is_some_and(|r| r.replace(' ', "") == name.replace(' ', "")))
        {
            return;
        }
        let digits = plain.len().to_string().len();
        self.head.iter_mut().skip(1).zip(1..).for_each(|(head, number)| *head = number.to_string());
        for (row, number) in self.rows.iter_mut().zip(1..) {
            if let Some(name) = row.first_mut() {
                *name = format!("{number:>digits$} {name}");
            }
        }
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
        let most = if self.needs(LONGEST_WORD) <= style.width.unwrap_or(usize::MAX) { LONGEST_WORD } else { NARROWEST };
        let least: Vec<usize> = (0..columns).map(|i| self.least(i, most)).collect();
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
            if self.right.get(i).copied().unwrap_or(false) {
                column.set_constraint(ColumnConstraint::ContentWidth);
            } else {
                column.set_constraint(ColumnConstraint::LowerBoundary(width(least.get(i).copied().unwrap_or(0))));
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

/// The heading in lines of at most `width` columns, as far as its parts allow.
fn broken(head: &str, width: usize) -> String {
    let parts: Vec<&str> = head.split_inclusive(['_', ' ']).collect();
    let width = parts.iter().map(|part| cell::width(part.trim_end())).max().unwrap_or(0).max(width);
    let mut lines = vec![String::new()];
    for part in parts {
        match lines.last_mut() {
            Some(line) if cell::width(line) + cell::width(part.trim_end()) <= width => line.push_str(part),
            _ => lines.push(part.to_owned()),
        }
    }
    lines.iter().map(|line| line.trim_end()).collect::<Vec<_>>().join("\n")
}

fn row(cells: Vec<String>, right: &[bool]) -> Row {
    let cell = |(text, right): (String, &bool)| {
        let cell = Cell::new(cell::clip(&text, WIDEST, "…"));
        if *right { cell.set_alignment(CellAlignment::Right) } else { cell }
    };
    Row::from(cells.into_iter().zip(right).map(cell).collect::<Vec<Cell>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn drawn(head: &[&str], rows: &[Vec<String>], width: usize) -> Vec<String> {
        let right = (0..head.len()).map(|i| i > 0).collect();
        let grid = Grid { head: head.iter().map(|h| (*h).to_owned()).collect(), rows: rows.to_vec(), right };
        grid.lines(&Style { width: Some(width), ..Style::default() })
    }

    #[test]
    fn headings_of_numbers_break_before_words_do() {
        let head = ["label", "reciprocal_rank_mean", "average precision", "recall_at_10", "n"];
        let row = |label: &str| [label, "0.5123", "0.4123", "0.9", "10"].map(str::to_owned).to_vec();
        let lines = drawn(&head, &[row("french_horn"), row("violin")], 50);
        assert!(lines.iter().any(|l| l.starts_with("french_horn ") && l.ends_with("10")), "{lines:#?}");
        assert!(lines.iter().any(|l| l.contains("reciprocal_")) && lines.iter().all(|l| cell::width(l) <= 50), "{lines:#?}");
    }

    #[test]
    fn a_wide_matrix_numbers_its_columns_and_stays_one_block() {
        let names: Vec<String> = (0..14).map(|i| format!("instrument {i}")).collect();
        let head: Vec<&str> = std::iter::once("label").chain(names.iter().map(String::as_str)).collect();
        let row = |name: &String| std::iter::once(name.clone()).chain((0..14).map(|i| i.to_string())).collect();
        let rows: Vec<Vec<String>> = names.iter().map(row).collect();
        let lines = drawn(&head, &rows, 80);
        assert_eq!(lines.len(), 16, "{lines:#?}");
        assert!(lines[0].ends_with("13  14") && lines[15].starts_with("14 instrument 13"), "{lines:#?}");
    }
}
