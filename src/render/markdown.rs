//! `as markdown`: pipe tables for a paper or an issue.
//!
//! ```text
//!   tinysol, music-clap 9f2c51aa03de, joint, "A \<> track", n 2913
//!
//!   | metric | value | 95 % interval |
//!   | :--- | ---: | ---: |
//!   | top1 | 0.4712 | 0.453 – 0.489 |
//! ```
//!
//! Whatever Markdown would read as markup is escaped; numbers are rounded as at a terminal.

use std::io;

use super::cell;
use super::table::Grid;
use super::terminal::{closing, interval_heading, metric_grid, opening, prose, write_blocks};
use super::{Renderer, Style};
use crate::report::Report;

/// The `markdown` format.
pub struct Markdown;

impl Renderer for Markdown {
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let paragraph = |lines: Vec<String>| lines.iter().map(|line| escape(line)).collect::<Vec<_>>();
        let mut blocks = vec![paragraph(opening(&report.context, &Style::default())), fenced(&report.text)];
        blocks.extend(metric_grid(report, true).map(|grid| pipes(&grid)));
        for table in &report.tables {
            blocks.push(table.title.iter().map(|title| format!("**{}**", escape(&cell::escape(title)))).collect());
            blocks.push(pipes(&Grid::of(table, usize::MAX, &interval_heading(&report.context), true)));
        }
        blocks.push(report.notes.iter().map(|note| format!("- {}", escape(&cell::escape(note)))).collect());
        blocks.push(paragraph(closing(report, &Style::default())));
        write_blocks(&blocks, out)
    }
}

/// Prose as it is, where Markdown must not reflow it.
fn fenced(text: &str) -> Vec<String> {
    if text.is_empty() {
        return Vec::new();
    }
    std::iter::once("```text".to_owned()).chain(prose(text, &Style::default())).chain(["```".to_owned()]).collect()
}

fn pipes(grid: &Grid) -> Vec<String> {
    if grid.head.is_empty() {
        return Vec::new();
    }
    let line = |cells: &[String]| format!("| {} |", cells.iter().map(|c| escape(c)).collect::<Vec<_>>().join(" | "));
    let rule: Vec<&str> = grid.right.iter().map(|right| if *right { "---:" } else { ":---" }).collect();
    let mut lines = vec![line(&grid.head), format!("| {} |", rule.join(" | "))];
    lines.extend(grid.rows.iter().map(|row| line(row)));
    lines
}

/// Markdown's own characters behind a backslash; an underscore within a word is no markup.
fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut before = ' ';
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let inner = before.is_alphanumeric() && rest.peek().is_some_and(|next| next.is_alphanumeric());
        if matches!(c, '\\' | '|' | '<' | '*' | '`' | '[' | ']' | '~') || (c == '_' && !inner) {
            out.push('\\');
        }
        out.push(c);
        before = c;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::report::Table;

    #[test]
    fn markup_is_escaped() {
        assert_eq!(escape("A <> track"), "A \\<> track");
        assert_eq!(escape("french_horn | _x_ *y*"), "french_horn \\| \\_x\\_ \\*y\\*");
    }

    #[test]
    fn a_cell_stays_on_its_line() {
        let mut table = Table::new(["a|b"]);
        table.push(vec!["x\ny|z".into()]);
        assert_eq!(pipes(&Grid::of(&table, 9, "", true)), ["| a\\|b |", "| :--- |", "| x\\\\ny\\|z |"]);
    }
}
