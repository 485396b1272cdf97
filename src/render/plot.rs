//! `as plot`: the report's figures in characters; bars of its metrics where it has none.

mod bars;
mod heat;
mod histogram;

use std::io;

use super::terminal::{closing, notes, opening, write_blocks};
use super::{Renderer, Style};
use crate::report::{Figure, Report};

/// Columns of a figure where the medium has no width.
const WIDTH: usize = 80;

/// The `plot` format.
pub struct Plot {
    pub style: Style,
}

impl Renderer for Plot {
    fn report(&self, report: &Report, out: &mut dyn io::Write) -> io::Result<()> {
        let style = &self.style;
        let mut blocks = vec![opening(&report.context, style)];
        if report.figures.is_empty() {
            blocks.push(instead(report, style));
        }
        blocks.extend(report.figures.iter().map(|figure| draw(figure, style)));
        blocks.push(notes(&report.notes, style));
        blocks.push(closing(report, style));
        write_blocks(&blocks, out)
    }
}

fn draw(figure: &Figure, style: &Style) -> Vec<String> {
    let (title, unit, mut body) = match figure {
        Figure::Histogram { title, unit, edges, series } => (title, unit.as_str(), histogram::lines(edges, series, style)),
        Figure::Bars { title, unit, bars } => (title, unit.as_str(), bars::lines(bars, style)),
        Figure::Heat { title, rows, columns, values, counts } => (title, "", heat::lines(rows, columns, values, *counts, style)),
    };
    let heading = if unit.is_empty() { title.clone() } else { format!("{title} ({unit})") };
    let mut lines = vec![style.title(&heading)];
    if body.is_empty() {
        body.push(style.remark("(nothing to draw)"));
    }
    lines.append(&mut body);
    lines
}

/// Metrics that are shares, as bars; a note where there are none.
fn instead(report: &Report, style: &Style) -> Vec<String> {
    let shares = report.metrics.iter().filter(|m| !m.counts && m.value.abs() <= 1.0);
    let bars: Vec<_> = shares.map(|m| (m.name.clone(), m.clone())).collect();
    if bars.is_empty() {
        return notes(&[format!("nothing to plot in a `{}` result", report.kind)], style);
    }
    bars::lines(&bars, style)
}

fn drawing_width(style: &Style) -> usize {
    style.width.unwrap_or(WIDTH).max(16)
}
