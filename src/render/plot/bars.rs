//! One bar a label, from zero to its value, with its interval where there is one.
//!
//! ```text
//!   violin  ██████████████████├──●──┤            0.4712
//!   viola   ███████████▌                         0.2903
//! ```

use super::drawing_width;
use crate::render::Style;
use crate::render::cell;
use crate::report::Estimate;

/// Eighths of a cell, from the left.
const EIGHTHS: [char; 9] = [' ', '▏', '▎', '▍', '▌', '▋', '▊', '▉', '█'];

/// The bars; empty where no value is finite.
pub fn lines(bars: &[(String, Estimate)], style: &Style) -> Vec<String> {
    let finite = || bars.iter().flat_map(|(_, e)| [Some(e.value), e.low, e.high]).flatten().filter(|v| v.is_finite());
    if finite().next().is_none() {
        return Vec::new();
    }
    let low = finite().fold(0.0_f64, f64::min);
    let high = finite().fold(0.0_f64, f64::max);
    // Shares are drawn against the whole, so that two plots can be compared.
    let high = if high > 0.0 && high <= 1.0 { 1.0 } else { high };
    let low = if (-1.0..0.0).contains(&low) && high <= 1.0 { -1.0 } else { low };

    let width = drawing_width(style);
    let labels: Vec<String> = bars.iter().map(|(label, _)| cell::escape(label).into_owned()).collect();
    let values: Vec<String> = bars.iter().map(|(_, e)| cell::estimate(e)).collect();
    let value_width = values.iter().map(|v| v.len()).max().unwrap_or(0);
    let longest = labels.iter().map(|l| cell::width(l)).max().unwrap_or(0);
    let label_width = longest.min(width / 3).min(width.saturating_sub(value_width + 8));
    let area = width.saturating_sub(label_width + value_width + 4).max(4);
    let scale = Scale { low, high, area };
    bars.iter()
        .zip(labels.iter().zip(&values))
        .map(|((_, estimate), (label, value))| {
            let label = cell::fit(label, label_width, style.ellipsis());
            let bar: String = scale.bar(estimate, style.unicode).into_iter().collect();
            format!("{label}  {}  {value:>value_width$}", style.paint(&bar, "34"))
        })
        .collect()
}

/// `area` cells that stand for `low..=high`.
struct Scale {
    low: f64,
    high: f64,
    area: usize,
}

impl Scale {
    /// Where `value` falls, in cells from the left, 0–area.
    fn place(&self, value: f64) -> f64 {
        let span = self.high - self.low;
        let share = if span > 0.0 { (value - self.low) / span } else { 0.0 };
        share.clamp(0.0, 1.0) * self.area as f64
    }

    fn cell(&self, value: f64) -> usize {
        (self.place(value) as usize).min(self.area - 1)
    }

    fn bar(&self, estimate: &Estimate, unicode: bool) -> Vec<char> {
        let mut cells = vec![' '; self.area];
        if !estimate.value.is_finite() {
            return cells;
        }
        // Whole cells on both sides of zero.
        let (zero, end) = (self.place(0.0).round(), self.place(estimate.value));
        let (from, to) = (zero.min(end), zero.max(end));
        for (i, cell) in cells.iter_mut().enumerate() {
            let covered = (to.min(i as f64 + 1.0) - from.max(i as f64)).clamp(0.0, 1.0);
            // A bar to the left of zero has no eighths of its own: half a cell counts as full.
            let eighths = if end >= zero { (covered * 8.0).round() } else { covered.round() * 8.0 };
            *cell = match unicode {
                true => EIGHTHS.get(eighths as usize).copied().unwrap_or(' '),
                false if covered >= 0.5 => '=',
                false => ' ',
            };
        }
        if let (Some(low), Some(high)) = (estimate.low.filter(|v| v.is_finite()), estimate.high.filter(|v| v.is_finite())) {
            let point = self.cell(estimate.value);
            let side = |bound: f64, beside: usize| if bound == estimate.value { point } else { beside };
            // An interval within one cell is drawn around it, or it would look like none.
            let first = self.cell(low.min(high)).min(side(low, point.saturating_sub(1)));
            let last = self.cell(high.max(low)).max(side(high, (point + 1).min(self.area - 1)));
            let [left, line, right, dot] = if unicode { ['├', '─', '┤', '●'] } else { ['|', '-', '|', 'o'] };
            cells.iter_mut().take(last + 1).skip(first).for_each(|cell| *cell = line);
            for (at, mark) in [(first, left), (last, right), (point, dot)] {
                if let Some(cell) = cells.get_mut(at) {
                    *cell = mark;
                }
            }
        }
        cells
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bar(scale: &Scale, estimate: &Estimate) -> String {
        scale.bar(estimate, false).into_iter().collect()
    }

    #[test]
    fn bars_start_at_zero_on_either_side() {
        let scale = Scale { low: -1.0, high: 1.0, area: 10 };
        assert_eq!(bar(&scale, &Estimate::point("m", 0.4)), "     ==   ");
        assert_eq!(bar(&scale, &Estimate::point("m", -0.6)), "  ===     ");
        assert_eq!(bar(&scale, &Estimate::point("m", f64::NAN)), "          ");
    }

    #[test]
    fn the_interval_stands_around_the_value() {
        let scale = Scale { low: 0.0, high: 1.0, area: 10 };
        assert_eq!(bar(&scale, &Estimate::interval("m", 0.55, 0.35, 0.75)), "===|-o-|  ");
        assert_eq!(bar(&scale, &Estimate::interval("m", 1.0, 0.9, 1.0)), "========|o");
    }
}
