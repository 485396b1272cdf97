//! Counts per bin, upright. Two series stand over each other, each as shares of its own total (Figure 3 of the paper).
//!
//! ```text
//!    12.4 % │          ▒▒▒
//!           │      ░░░██▒▒▒▒
//!     0.0 % └─────────────────
//!           -0.1     0.3     0.7
//!           ░ negative (n 37869)   ▒ positive (n 2913)   █ both
//! ```

use super::drawing_width;
use crate::render::Style;
use crate::render::cell;

/// Lines of the drawing.
const HEIGHT: usize = 10;
/// Columns left of the drawing: the label of the axis and the axis.
const GUTTER: usize = 10;
/// A bin is drawn at most this wide.
const WIDEST: usize = 4;
/// Eighths of a cell, from below.
const EIGHTHS: [char; 9] = [' ', '▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];

/// The drawing; empty where there are no counts.
pub fn lines(edges: &[f64], series: &[(String, Vec<f64>)], style: &Style) -> Vec<String> {
    let bins = series.iter().map(|(_, counts)| counts.len()).min().unwrap_or(0).min(edges.len().saturating_sub(1));
    let drawn: Vec<Series> = series.iter().map(|(name, counts)| Series::new(name, counts.get(..bins).unwrap_or(&[]))).collect();
    if drawn.iter().all(|s| s.total == 0.0) {
        return Vec::new();
    }
    let room = drawing_width(style).saturating_sub(GUTTER).max(4);
    let merged = bins.div_ceil(room);
    let columns = bins.div_ceil(merged);
    let plot =
        Plot { room, edges: edges.get(..=bins).unwrap_or(edges), merged, bin_width: (room / columns).clamp(1, WIDEST), style };
    match drawn.as_slice() {
        [a, b] => plot.overlay(a, b),
        // More than two would hide each other.
        many => many.iter().flat_map(|one| plot.single(one)).collect(),
    }
}

struct Series {
    name: String,
    counts: Vec<f64>,
    total: f64,
}

impl Series {
    fn new(name: &str, counts: &[f64]) -> Self {
        let counts: Vec<f64> = counts.iter().map(|c| if c.is_finite() { c.max(0.0) } else { 0.0 }).collect();
        Series { name: cell::escape(name).into_owned(), total: counts.iter().sum(), counts }
    }

    fn legend(&self) -> String {
        let n = if self.total.fract() == 0.0 { format!("{}", self.total) } else { cell::metric(self.total) };
        if self.name.is_empty() { format!("n {n}") } else { format!("{} (n {n})", self.name) }
    }
}

struct Plot<'a> {
    /// Columns right of the axis.
    room: usize,
    edges: &'a [f64],
    /// Bins of the data in one bin of the drawing.
    merged: usize,
    bin_width: usize,
    style: &'a Style,
}

impl Plot<'_> {
    fn heights(&self, counts: &[f64], per: f64) -> Vec<f64> {
        counts.chunks(self.merged).map(|bins| if per > 0.0 { bins.iter().sum::<f64>() / per } else { 0.0 }).collect()
    }

    fn single(&self, series: &Series) -> Vec<String> {
        let heights = self.heights(&series.counts, 1.0);
        let top = heights.iter().fold(0.0_f64, |m, h| m.max(*h));
        let rows = self.rows(&heights, top, |level, row| {
            let eighths = ((level - row as f64).clamp(0.0, 1.0) * 8.0).ceil() as usize;
            match self.style.unicode {
                true => (EIGHTHS.get(eighths).copied().unwrap_or(' '), Some("34")),
                false => (if eighths >= 4 || (row == 0 && eighths > 0) { '#' } else { ' ' }, Some("34")),
            }
        });
        let decimals = cell::decimals([top].into_iter());
        self.frame(rows, |share| cell::number(share * top, decimals), &[(String::new(), series.legend())])
    }

    fn overlay(&self, a: &Series, b: &Series) -> Vec<String> {
        let (first, second) = (self.heights(&a.counts, a.total), self.heights(&b.counts, b.total));
        let top = first.iter().chain(&second).fold(0.0_f64, |m, h| m.max(*h));
        let pairs: Vec<(f64, f64)> = first.into_iter().zip(second).collect();
        let [only_a, only_b, both] = if self.style.unicode { ['░', '▒', '█'] } else { ['o', 'x', '#'] };
        let rows = self.rows(&pairs, top, |(a, b), row| {
            // Half a cell counts, and so does anything in the lowest row: a rare value is still a value.
            let reaches = |level: f64| level - row as f64 >= 0.5 || (row == 0 && level > 0.0);
            match (reaches(a), reaches(b)) {
                (true, true) => (both, None),
                (true, false) => (only_a, Some("33")),
                (false, true) => (only_b, Some("34")),
                (false, false) => (' ', None),
            }
        });
        let legend = [
            (self.style.paint(&only_a.to_string(), "33"), a.legend()),
            (self.style.paint(&only_b.to_string(), "34"), b.legend()),
            (both.to_string(), "both".to_owned()),
        ];
        self.frame(rows, |share| format!("{:.1} %", share * top * 100.0), &legend)
    }

    /// The drawing from above: for each bin its heights in rows, as a character in a colour.
    fn rows<H: Level>(&self, heights: &[H], top: f64, glyph: impl Fn(H, usize) -> (char, Option<&'static str>)) -> Vec<String> {
        let scale = if top > 0.0 { HEIGHT as f64 / top } else { 0.0 };
        let line = |row: usize| {
            let mut line = String::new();
            let mut run = String::new();
            let mut color = None;
            for height in heights {
                let (c, paint) = glyph(height.times(scale), row);
                if paint != color && !run.is_empty() {
                    line.push_str(&self.painted(&std::mem::take(&mut run), color));
                }
                color = paint;
                run.extend(std::iter::repeat_n(c, self.bin_width));
            }
            line.push_str(&self.painted(run.trim_end(), color));
            line.trim_end().to_owned()
        };
        (0..HEIGHT).rev().map(line).collect()
    }

    fn painted(&self, run: &str, color: Option<&str>) -> String {
        match color {
            Some(code) if !run.trim().is_empty() => self.style.paint(run, code),
            _ => run.to_owned(),
        }
    }

    /// Axes, their labels and the legend around the rows. `label` names a share of the highest bin.
    fn frame(&self, rows: Vec<String>, label: impl Fn(f64) -> String, legend: &[(String, String)]) -> Vec<String> {
        let [side, corner, floor] = if self.style.unicode { ['│', '└', '─'] } else { ['|', '+', '-'] };
        let gutter = GUTTER - 2;
        let mut lines = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let text = if i == 0 || i == HEIGHT / 2 { label(1.0 - i as f64 / HEIGHT as f64) } else { String::new() };
            lines.push(format!("{text:>gutter$} {side}{row}"));
        }
        let columns = (self.edges.len() - 1).div_ceil(self.merged) * self.bin_width;
        lines.push(format!("{:>gutter$} {corner}{}", label(0.0), floor.to_string().repeat(columns)));
        lines.push(format!("{:gutter$}  {}", "", self.ticks(columns)));
        let mut line = String::new();
        let mut used = 0;
        for (glyph, text) in legend {
            let text = cell::clip(text, self.room.saturating_sub(2), self.style.ellipsis());
            let wide = cell::width(&text) + if glyph.is_empty() { 0 } else { 2 };
            if used > 0 && used + 3 + wide > self.room {
                lines.push(format!("{:gutter$}  {}", "", std::mem::take(&mut line)));
                used = 0;
            }
            let gap = if used > 0 { "   " } else { "" };
            let glyph = if glyph.is_empty() { String::new() } else { format!("{glyph} ") };
            line.push_str(&format!("{gap}{glyph}{text}"));
            used += gap.len() + wide;
        }
        lines.push(format!("{:gutter$}  {line}", ""));
        lines
    }

    /// The first, the middle and the last edge, where there is room.
    fn ticks(&self, columns: usize) -> String {
        let bins = self.edges.len() - 1;
        let at = [0, bins / 2, bins].map(|i| self.edges.get(i).copied().unwrap_or(f64::NAN));
        let decimals = cell::decimals(at.iter().copied()).min(2);
        let [first, middle, last] = at.map(|edge| cell::number(edge, decimals));
        let center = (bins / 2 / self.merged * self.bin_width).saturating_sub(middle.len() / 2);
        let mut line = first;
        let end = columns.saturating_sub(last.len());
        if center > line.len() + 1 && center + middle.len() < end {
            line = format!("{line:center$}{middle}");
        }
        let end = end.max(line.len() + 2);
        if end + last.len() > self.room { line } else { format!("{line:end$}{last}") }
    }
}

/// A height, or the two heights of an overlay.
trait Level: Copy {
    fn times(self, scale: f64) -> Self;
}

impl Level for f64 {
    fn times(self, scale: f64) -> Self {
        self * scale
    }
}

impl Level for (f64, f64) {
    fn times(self, scale: f64) -> Self {
        (self.0 * scale, self.1 * scale)
    }
}
