//! A matrix in shades, its columns numbered as they are in the legend (or as the rows, when they are the same).
//!
//! ```text
//!               1  2  3
//!    1 violin   ██ ▒▒
//!    2 viola    ▒▒ ▓▓ ░░
//!    3 flute          ██      0 to 0.93
//! ```

use super::drawing_width;
use crate::render::Style;
use crate::render::cell;

/// The drawing, with whole numbers in its key where the values are counts; empty where no value is finite.
pub fn lines(rows: &[String], columns: &[String], values: &[Vec<f64>], counts: bool, style: &Style) -> Vec<String> {
    let finite = || values.iter().flatten().copied().filter(|v| v.is_finite());
    if finite().next().is_none() {
        return Vec::new();
    }
    let low = finite().fold(f64::INFINITY, f64::min);
    let high = finite().fold(f64::NEG_INFINITY, f64::max);
    let low = low.min(0.0);

    let width = drawing_width(style);
    let labels: Vec<String> = rows.iter().map(|label| cell::escape(label).into_owned()).collect();
    let digits = rows.len().max(columns.len()).to_string().len();
    let longest = labels.iter().map(|l| cell::width(l)).max().unwrap_or(0);
    let label_width = longest.min((width / 3).saturating_sub(digits + 1));
    let gutter = digits + label_width + 3;
    let step = digits.max(2) + 1;
    let room = width.saturating_sub(gutter);
    let shown = columns.len().min((room / step).max(1));

    let number = |i: usize| format!("{:<step$}", i + 1);
    let mut lines = vec![format!("{:gutter$}{}", "", (0..shown).map(number).collect::<String>()).trim_end().to_owned()];
    for (i, label) in labels.iter().enumerate() {
        let row = values.get(i).map(Vec::as_slice).unwrap_or(&[]);
        let cells: String = (0..shown)
            .map(|j| {
                let shade = shade(row.get(j).copied().unwrap_or(f64::NAN), low, high, style.unicode);
                format!("{} ", shade.to_string().repeat(step - 1))
            })
            .collect();
        let label = cell::fit(label, label_width, style.ellipsis());
        lines.push(format!("{:>digits$} {label}  {cells}", i + 1).trim_end().to_owned());
    }
    let scale = scale(style.unicode);
    let key: String = scale.iter().collect();
    let number = |value: f64| if counts { format!("{value:.0}") } else { cell::metric(value) };
    let key = format!("{} {key} {}", number(low), number(high));
    let indent = gutter.min(width.saturating_sub(cell::width(&key)));
    lines.push(style.remark(&format!("{:indent$}{key}", "")));
    if rows != columns {
        lines.extend(legend(columns.get(..shown).unwrap_or(columns), width, style));
    }
    if shown < columns.len() {
        lines.push(style.remark(&format!("({shown} of {} columns shown)", columns.len())));
    }
    lines
}

fn scale(unicode: bool) -> [char; 5] {
    if unicode { [' ', '░', '▒', '▓', '█'] } else { [' ', '.', ':', '+', '#'] }
}

fn shade(value: f64, low: f64, high: f64, unicode: bool) -> char {
    if !value.is_finite() {
        return '?';
    }
    let share = if high > low { (value - low) / (high - low) } else { 0.0 };
    // The blank is for the lowest fifth only, so that little is still told from nothing.
    let level = (share.clamp(0.0, 1.0) * 5.0) as usize;
    scale(unicode).get(level.min(4)).copied().unwrap_or('?')
}

fn legend(columns: &[String], width: usize, style: &Style) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for (i, column) in columns.iter().enumerate() {
        let text = cell::clip(&format!("{} {}", i + 1, cell::escape(column)), width, style.ellipsis());
        match lines.last_mut() {
            Some(line) if cell::width(line) + 2 + cell::width(&text) <= width => {
                line.push_str("  ");
                line.push_str(&text);
            }
            _ => lines.push(text),
        }
    }
    lines.iter().map(|line| style.remark(line)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_key_is_of_whole_numbers_for_counts_alone() {
        let style = Style { unicode: false, ..Style::default() };
        let names = ["a".to_owned(), "b".to_owned()];
        let key = |values: [[f64; 2]; 2], counts: bool| {
            let lines = lines(&names, &names, &values.map(Vec::from), counts, &style);
            lines.last().unwrap().trim().to_owned()
        };
        // Recalls that happen to be whole are none the less no counts.
        assert_eq!(key([[1.0, 0.0], [0.0, 1.0]], false), "0.0000  .:+# 1.0000");
        assert_eq!(key([[1.0, 0.0], [0.0, 1.0]], true), "0  .:+# 1");
        assert_eq!(key([[12.0, f64::NAN], [0.0, 3.0]], true), "0  .:+# 12");
    }
}
