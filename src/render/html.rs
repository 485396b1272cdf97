//! A report as a fragment of HTML: context line, tables with intervals, notes; figures are the page's own business.
//!
//! Everything that comes from data is escaped. Tables stand in a box that scrolls sideways, so that a phone can show them.

use super::Style;
use super::cell;
use super::table::Grid;
use super::terminal::{closing, has_metric_table, interval_heading, opening};
use crate::report::{Report, Table};

/// The fragment of one report.
pub fn fragment(report: &Report) -> String {
    let mut out = String::new();
    let heading = interval_heading(&report.context);
    paragraph(&mut out, "context", &opening(&report.context, &Style::default()));
    if !report.text.is_empty() {
        out.push_str(&format!("<pre>{}</pre>\n", escape(&report.text)));
    }
    if !report.metrics.is_empty() && !has_metric_table(report) {
        let sampled = report.metrics.iter().any(|m| m.low.is_some());
        let columns: &[&str] = if sampled { &["metric", "value", "low", "high"] } else { &["metric", "value"] };
        let mut table = Table::new(columns.iter().copied());
        for m in &report.metrics {
            let cells = [m.name.as_str().into(), m.value.into(), m.low.into(), m.high.into()];
            table.push(cells.into_iter().take(columns.len()).collect());
        }
        out.push_str(&table_html(&table, &heading));
    }
    for table in &report.tables {
        out.push_str(&table_html(table, &heading));
    }
    for note in &report.notes {
        out.push_str(&format!("<p class=\"note\">{}</p>\n", marked(note)));
    }
    paragraph(&mut out, "provenance", &closing(report, &Style::default()));
    out
}

fn paragraph(out: &mut String, class: &str, lines: &[String]) {
    if !lines.is_empty() {
        out.push_str(&format!("<p class=\"{class}\">{}</p>\n", escape(&lines.join(" "))));
    }
}

fn table_html(table: &Table, interval: &str) -> String {
    if table.columns.is_empty() {
        return String::new();
    }
    let grid = Grid::of(table, usize::MAX, interval, true);
    let mut out = String::from("<div class=\"scroll\" tabindex=\"0\"><table>\n");
    if let Some(title) = &table.title {
        out.push_str(&format!("<caption>{}</caption>\n", marked(title)));
    }
    let class = |right: bool| if right { " class=\"n\"" } else { "" };
    out.push_str("<thead><tr>");
    for (name, &right) in grid.head.iter().zip(&grid.right) {
        out.push_str(&format!("<th scope=\"col\"{}>{}</th>", class(right), escape(name)));
    }
    out.push_str("</tr></thead>\n<tbody>\n");
    for row in &grid.rows {
        out.push_str("<tr>");
        for (text, &right) in row.iter().zip(&grid.right) {
            out.push_str(&format!("<td{}>{}</td>", class(right), escape(text)));
        }
        out.push_str("</tr>\n");
    }
    out.push_str("</tbody></table></div>\n");
    out
}

/// A sentence for HTML: what stands in backticks is code.
pub fn marked(text: &str) -> String {
    let parts: Vec<&str> = text.split('`').collect();
    if parts.len().is_multiple_of(2) {
        return escape(text);
    }
    let part = |(i, part): (usize, &&str)| if i % 2 == 1 { format!("<code>{}</code>", escape(part)) } else { escape(part) };
    parts.iter().enumerate().map(part).collect()
}

/// Text for HTML, in an element or an attribute; control characters are shown, not sent.
pub fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '"' => out.push_str("&quot;"),
            '\'' => out.push_str("&#39;"),
            '\n' | '\t' => out.push(c),
            c if c.is_control() => out.push_str(&cell::escape(&c.to_string())),
            c => out.push(c),
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn data_cannot_write_markup() {
        let mut report = Report::new("x");
        let mut table = Table::new(["<b>", "low", "high"]).titled("\"t\" & co");
        table.push(vec!["<script>alert('x')</script>\u{1b}[2J".into(), 0.25.into(), 0.5.into()]);
        report.tables.push(table);
        report.notes.push("a < b".into());
        report.notes.push("`x<y>` is one, ` is none".into());
        report.notes.push("`x<y>` is code".into());
        let html = fragment(&report);
        assert!(!html.contains("<script>") && !html.contains("<b>") && !html.contains('\u{1b}'), "{html}");
        assert!(html.contains("<code>x&lt;y&gt;</code> is code") && html.contains("`x&lt;y&gt;` is one, ` is none"), "{html}");
        assert!(html.contains("&lt;script&gt;") && html.contains("0.250 – 0.500") && html.contains("a &lt; b"), "{html}");
    }
}
