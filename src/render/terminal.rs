//! `as table`: what a researcher reads.
//!
//! ```text
//!   tinysol · music-clap 9f2c51aa03de · joint · "A <> track" · n 2913 · chance 0.0714
//!
//!   metric   value  95 % interval
//!   ─────────────────────────────
//!   top1    0.4712  0.453 – 0.489
//!
//!   note:  class `oboe` has no clip
//!
//!   cosine, greater is nearer · exact · seed 0 · dyad 0.1.0
//! ```

use std::io;

use super::cell;
use super::table::Grid;
use super::{Renderer, Style};
use crate::report::{Context, Estimate, Figure, Report, Table};
use crate::value::Value;

/// Facts of the context that say how a number was made rather than what it is about: they stand in the closing line.
const PROVENANCE: [&str; 3] = ["backend", "resamples", "recall_by"];

/// The `table` format.
pub struct Terminal {
    pub style: Style,
}

impl Renderer for Terminal {
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let style = &self.style;
        let mut blocks = vec![opening(&report.context, style), prose(&report.text, style), metrics(report, style)];
        let interval = interval_heading(&report.context);
        blocks.extend(report.tables.iter().map(|table| titled(table, &interval, style)));
        blocks.push(figure_hint(&report.figures, style));
        blocks.push(notes(&report.notes, style));
        blocks.push(closing(report, style));
        write_blocks(&blocks, out)
    }
}

/// Writes what is not empty, a blank line between two blocks.
pub fn write_blocks(blocks: &[Vec<String>], out: &mut dyn io::Write) -> io::Result<()> {
    for (i, block) in blocks.iter().filter(|b| !b.is_empty()).enumerate() {
        if i > 0 {
            writeln!(out)?;
        }
        for line in block {
            writeln!(out, "{line}")?;
        }
    }
    Ok(())
}

impl Style {
    pub(super) fn bold(&self, text: &str) -> String {
        self.paint(text, "1")
    }

    /// A line beside the numbers: dim, cut where the terminal ends.
    pub(super) fn remark(&self, text: &str) -> String {
        self.paint(&cell::clip(text, self.width.unwrap_or(usize::MAX), self.ellipsis()), "2")
    }

    /// `text` in an SGR colour, where there is colour.
    pub(super) fn paint(&self, text: &str, code: &str) -> String {
        if self.color && !text.is_empty() { format!("\x1b[{code}m{text}\x1b[0m") } else { text.to_owned() }
    }

    /// What marks a cut.
    pub(super) fn ellipsis(&self) -> &'static str {
        if self.unicode { "…" } else { "..." }
    }

    /// A heading: bold, on one line.
    pub(super) fn title(&self, text: &str) -> String {
        self.bold(&cell::clip(&cell::escape(text), self.width.unwrap_or(usize::MAX), self.ellipsis()))
    }

    /// `parts` in a row, broken between parts where the line ends.
    fn joined(&self, parts: &[String]) -> Vec<String> {
        let separator = if self.unicode { " · " } else { " | " };
        let width = self.width.unwrap_or(usize::MAX);
        let mut lines: Vec<String> = Vec::new();
        for part in parts {
            match lines.last_mut() {
                Some(line) if cell::width(line) + 3 + cell::width(part) <= width => {
                    line.push_str(separator);
                    line.push_str(part);
                }
                _ => lines.push(part.clone()),
            }
        }
        lines.iter().map(|line| self.remark(line)).collect()
    }
}

/// What the numbers are about: collection, model, space, prompt, n, and the verb's own facts.
pub fn opening(context: &Context, style: &Style) -> Vec<String> {
    let mut parts: Vec<String> = context.collection.iter().map(|c| cell::escape(c).into_owned()).collect();
    if let Some(model) = &context.model {
        let hash: String = context.model_hash.iter().flat_map(|h| h.chars()).take(12).collect();
        parts.push(cell::escape(format!("{model} {hash}").trim_end()).into_owned());
    }
    parts.extend(context.space.clone());
    match context.prompts.as_slice() {
        [] => {}
        [prompt] => parts.push(format!("\"{}\"", cell::escape(prompt))),
        prompts => parts.push(format!("{} prompts", prompts.len())),
    }
    parts.extend(context.n.map(|n| format!("n {n}")));
    parts.extend(facts(context, |name| !PROVENANCE.contains(&name)));
    style.joined(&parts)
}

fn facts(context: &Context, wanted: impl Fn(&str) -> bool) -> impl Iterator<Item = String> {
    let shown = move |(name, value): &&(String, Value)| wanted(name) && name != "confidence" && !value.is_null();
    context.extra.iter().filter(shown).map(|(name, value)| format!("{} {}", cell::escape(name), cell::fact(value)))
}

/// Columns of prose where the medium has no width.
const PROSE: usize = 100;

/// Text that is the result itself, its long lines broken between words.
pub fn prose(text: &str, style: &Style) -> Vec<String> {
    let width = style.width.unwrap_or(PROSE);
    text.lines().flat_map(|line| wrapped(&cell::escape(line), width)).collect()
}

/// The line in lines of at most `width` columns, as far as its words allow. What goes on stands under the line's second column,
/// which two spaces set apart, or else under its first word.
fn wrapped(line: &str, width: usize) -> Vec<String> {
    let first = line.len() - line.trim_start().len();
    let second = line[first..].find("  ").map(|gap| line.len() - line[first + gap..].trim_start().len());
    let column = |at: usize| line.get(..at).map_or(0, cell::width);
    let hang = second.map(column).filter(|&column| column < width / 2).unwrap_or(column(first));
    let kept = second.unwrap_or(first);
    let mut lines = vec![line[..kept].to_owned()];
    let mut fresh = true;
    for word in line[kept..].split(' ') {
        let last = lines.last().map_or(0, |line| cell::width(line));
        match lines.last_mut() {
            Some(line) if fresh || last + 1 + cell::width(word) <= width => {
                line.push_str(if fresh { "" } else { " " });
                line.push_str(word);
            }
            _ => lines.push(format!("{}{word}", " ".repeat(hang))),
        }
        fresh = false;
    }
    lines
}

/// The table of metrics.
fn metrics(report: &Report, style: &Style) -> Vec<String> {
    metric_grid(report, style.unicode).map(|grid| grid.lines(style)).unwrap_or_default()
}

/// The metrics in rows, as every medium shows them; none where the first table says more about them.
pub fn metric_grid(report: &Report, unicode: bool) -> Option<Grid> {
    if report.metrics.is_empty() || report.tables.first().is_some_and(|table| table.column("metric").is_some()) {
        return None;
    }
    let sampled = report.metrics.iter().any(|m| m.low.is_some() && m.high.is_some());
    let row = |m: &Estimate| {
        let mut row = vec![cell::escape(&m.name).into_owned(), cell::estimate(m)];
        if sampled {
            row.push(cell::interval(m, unicode));
        }
        row
    };
    let mut head = vec!["metric".to_owned(), "value".to_owned()];
    let mut right = vec![false, true];
    if sampled {
        head.push(interval_heading(&report.context));
        right.push(true);
    }
    Some(Grid { head, rows: report.metrics.iter().map(row).collect(), right })
}

/// "95 % interval" when the confidence is known.
pub fn interval_heading(context: &Context) -> String {
    let confidence = context.extra.iter().find(|(name, _)| name == "confidence").and_then(|(_, value)| value.as_f64());
    match confidence {
        Some(level) if level > 0.0 && level < 1.0 => format!("{} % interval", (level * 1e4).round() / 100.0),
        _ => "interval".to_owned(),
    }
}

/// A table under its title, with the number of rows left out.
fn titled(table: &Table, interval: &str, style: &Style) -> Vec<String> {
    let shown = style.max_rows.unwrap_or(usize::MAX).min(table.rows.len());
    let mut lines: Vec<String> = table.title.iter().map(|title| style.title(title)).collect();
    if !table.columns.is_empty() {
        lines.extend(Grid::of(table, shown, interval, style.unicode).lines(style));
    }
    if table.rows.is_empty() {
        lines.push(style.remark("(no rows)"));
    } else if shown < table.rows.len() {
        lines.push(style.remark(&format!("({shown} of {} rows shown)", table.rows.len())));
    }
    lines
}

fn figure_hint(figures: &[Figure], style: &Style) -> Vec<String> {
    match figures.len() {
        0 => Vec::new(),
        1 => vec![style.remark("`as plot` draws the figure")],
        n => vec![style.remark(&format!("`as plot` draws {n} figures"))],
    }
}

/// One `note:` a sentence; a newline within a note is kept.
pub fn notes(notes: &[String], style: &Style) -> Vec<String> {
    let rows = notes.iter().flat_map(|note| {
        let word = |i| if i == 0 { "note:" } else { "" };
        note.lines().enumerate().map(move |(i, line)| vec![word(i).to_owned(), cell::escape(line).into_owned()])
    });
    let lines = Grid { head: Vec::new(), rows: rows.collect(), right: vec![true, false] }.lines(style);
    lines.into_iter().map(|line| line.replacen("note:", &style.paint("note:", "33"), 1)).collect()
}

/// How the numbers were made; nothing for a report without any.
pub fn closing(report: &Report, style: &Style) -> Vec<String> {
    let context = &report.context;
    if report.metrics.is_empty() && context.similarity.is_none() && context.exact.is_none() {
        return Vec::new();
    }
    let mut parts: Vec<String> = context.similarity.clone().into_iter().collect();
    parts.extend(context.exact.map(|exact| match (exact, context.recall) {
        (true, _) => "exact".to_owned(),
        (false, Some(recall)) => format!("approximate, recall {}", cell::metric(recall)),
        (false, None) => "approximate".to_owned(),
    }));
    parts.extend(facts(context, |name| PROVENANCE.contains(&name)));
    parts.extend(context.seed.map(|seed| format!("seed {seed}")));
    parts.extend(context.store.iter().map(|store| format!("store {}", cell::escape(store))));
    parts.push(format!("dyad {}", env!("CARGO_PKG_VERSION")));
    style.joined(&parts)
}
