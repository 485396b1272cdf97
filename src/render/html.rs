//! A report as a fragment of HTML: context line, tables with intervals, notes; figures are the page's own business.
//!
//! Everything that comes from data is escaped. Tables stand in a box that scrolls sideways, so that a phone can show them.

use super::Style;
use super::cell;
use super::table::Grid;
use super::terminal::{closing, interval_heading, metric_grid, opening};
use crate::report::{Figure, Report};

/// Columns of a table or matrix that are put into a page; what is wider is for other programs.
const MOST_COLUMNS: usize = 41;

/// Whether a figure is small enough to be looked at.
pub fn is_readable(figure: &Figure) -> bool {
    !matches!(figure, Figure::Heat { columns, .. } if columns.len() >= MOST_COLUMNS)
}

/// The fragment of one report.
pub fn fragment(report: &Report) -> String {
    let mut out = String::new();
    let heading = interval_heading(&report.context);
    paragraph(&mut out, "context", &opening(&report.context, &Style::default()));
    if !report.text.is_empty() {
        out.push_str(&format!("<pre>{}</pre>\n", escape(&report.text)));
    }
    if let Some(grid) = metric_grid(report, true) {
        out.push_str(&table_html(None, &grid));
    }
    for table in report.tables.iter().filter(|table| !table.columns.is_empty()) {
        if table.columns.len() > MOST_COLUMNS {
            let title = table.title.as_deref().unwrap_or("a table");
            let text = format!("{title}: {} columns, too many for a page; the files have them", table.columns.len());
            out.push_str(&format!("<p class=\"note\">{}</p>\n", marked(&text)));
            continue;
        }
        out.push_str(&table_html(table.title.as_deref(), &Grid::of(table, usize::MAX, &heading, true)));
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

fn table_html(title: Option<&str>, grid: &Grid) -> String {
    let mut out = String::from("<div class=\"scroll\" tabindex=\"0\"><table>\n");
    if let Some(title) = title {
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
    use crate::report::{Estimate, Table};

    #[test]
    fn a_matrix_of_many_classes_is_left_to_the_files() {
        let mut report = Report::new("x");
        let names: Vec<String> = (0..301).map(|i| format!("c{i}")).collect();
        report.tables.push(Table::new(names.iter().map(String::as_str)).titled("confusion"));
        let html = fragment(&report);
        assert!(html.contains("confusion: 301 columns") && !html.contains("<table>"), "{html}");
        let heat = |n: usize| Figure::Heat {
            title: "h".into(),
            rows: vec![],
            columns: vec!["c".into(); n],
            values: vec![],
            counts: true,
        };
        assert!(is_readable(&heat(40)) && !is_readable(&heat(300)));
    }

    #[test]
    fn metrics_are_rounded_as_at_a_terminal() {
        let mut report = Report::new("x");
        report.metrics = vec![Estimate::interval("top1", 0.471_18, 0.453_1, 0.488_9), Estimate::count("n", 2)];
        let html = fragment(&report);
        let cell = |text: &str| html.contains(&format!("<td class=\"n\">{text}</td>"));
        assert!(cell("0.4712") && cell("0.453 – 0.489") && cell("2"), "{html}");
    }

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
