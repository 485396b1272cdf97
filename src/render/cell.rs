//! One cell or word for a reader: numbers rounded to what they are worth, text that cannot drive the terminal.
//!
//! ```text
//!   0.56962 → 0.5696    12.345 → 12.35    1234.5 → 1235    1.2e-7 → 1.2e-7    "a\x1b[2J" → a\u{1b}[2J
//! ```
//!
//! Four significant digits, and never more than four decimals: the paper's own precision. In a table this holds for a column of
//! one kind and size, whose numbers share their decimals; else each number has its own:
//!
//! ```text
//!   0.4712  0.0650      0.0712  43  210      0.62  1520.4  -0.7  12.345
//!   one size            mixed sizes          as stored: rounding would take from what somebody wrote
//! ```

use std::borrow::Cow;

use unicode_width::{UnicodeWidthChar, UnicodeWidthStr};

use crate::report::{Estimate, Table};
use crate::value::Value;

/// The most decimals that numbers share.
const MOST: usize = 4;
/// The most digits that the largest number has when it takes decimals for the sake of a smaller one.
const LONGEST: usize = 5;
/// A number with no more decimals than these was written so, or measured; one with more was computed.
const STORED: usize = 6;
/// A number that there is none of.
const UNDEFINED: &str = "undefined";

/// Text as it may stand at a terminal: control characters and those that reverse the reading direction as `\u{…}`.
pub fn escape(text: &str) -> Cow<'_, str> {
    if !text.chars().any(moves_the_cursor) {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\n' => out.push_str("\\n"),
            '\r' => out.push_str("\\r"),
            '\t' => out.push_str("\\t"),
            c if moves_the_cursor(c) => out.extend(c.escape_unicode()),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

fn moves_the_cursor(c: char) -> bool {
    c.is_control() || matches!(c, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// Columns that `text` takes at a terminal.
pub fn width(text: &str) -> usize {
    text.width()
}

/// `text` cut to `columns`, the cut marked by `ellipsis`.
pub fn clip(text: &str, columns: usize, ellipsis: &str) -> String {
    if text.width() <= columns {
        return text.to_owned();
    }
    let ellipsis = if ellipsis.width() > columns { "" } else { ellipsis };
    let room = columns - ellipsis.width();
    let mut used = 0;
    let mut out = String::new();
    for c in text.chars() {
        used += c.width().unwrap_or(0);
        if used > room {
            break;
        }
        out.push(c);
    }
    out.push_str(ellipsis);
    out
}

/// `text` clipped and filled with spaces to exactly `columns`.
pub fn fit(text: &str, columns: usize, ellipsis: &str) -> String {
    let mut out = clip(text, columns, ellipsis);
    out.extend(std::iter::repeat_n(' ', columns.saturating_sub(out.width())));
    out
}

/// Decimals for numbers that stand under each other: four significant digits of the largest, less where none has more.
pub fn decimals(values: impl Iterator<Item = f64> + Clone) -> usize {
    let values = values.filter(|v| v.is_finite());
    let largest = values.clone().fold(0.0_f64, |m, v| m.max(v.abs()));
    let mut decimals = by_magnitude(largest);
    while decimals > 0 && values.clone().all(|v| is_whole(v * 10f64.powi(decimals as i32 - 1))) {
        decimals -= 1;
    }
    decimals
}

/// Decimals that a column shares; none where that would take digits that say something, so that each number has its own.
fn shared(values: impl Iterator<Item = f64> + Clone) -> Option<usize> {
    let values = values.filter(|v| v.is_finite());
    let decimals = decimals(values.clone());
    let scale = 10f64.powi(decimals as i32);
    let rounded = values.clone().filter(|v| !is_whole(v * scale));
    if rounded.clone().next().is_none() {
        return Some(decimals);
    }
    let stored = values.clone().all(is_stored);
    // Shares beside ranks or counts, which have no decimals.
    let kinds = rounded.clone().any(|v| v.abs() < 1.0) && values.clone().any(|v| v.abs() > 1.0 && is_whole(v));
    let needed = rounded.map(|v| three_digits(v).min(MOST)).fold(decimals, usize::max);
    let before_point = values.fold(1.0_f64, |m, v| m.max(v.abs())).log10() as usize + 1;
    let spread = needed > decimals && before_point + needed > LONGEST;
    (!stored && !kinds && !spread).then_some(needed)
}

/// Decimals that show three digits.
fn three_digits(value: f64) -> usize {
    (2.0 - value.abs().log10().floor()).max(0.0) as usize
}

/// A number by itself: as it is stored, or with at least three significant digits.
fn own(value: f64) -> String {
    if is_stored(value) {
        // −0 + 0 is 0, which has no sign to show.
        return (value + 0.0).to_string();
    }
    let size = value.abs();
    if value.is_finite() && !(1e-4..1e15).contains(&size) {
        return format!("{value:.2e}");
    }
    number(value, by_magnitude(value).max(three_digits(value)))
}

/// Whether its shortest form has few decimals.
fn is_stored(value: f64) -> bool {
    value.abs() < 1e15 && value.to_string().split_once('.').is_none_or(|(_, decimals)| decimals.len() <= STORED)
}

fn by_magnitude(value: f64) -> usize {
    match value.abs() {
        v if v <= 1.0 => MOST,
        v if v < 10.0 => 3,
        v if v < 100.0 => 2,
        v if v < 1000.0 => 1,
        _ => 0,
    }
}

fn is_whole(value: f64) -> bool {
    (value - value.round()).abs() <= (4.0 * f64::EPSILON * value.abs()).max(1e-9)
}

/// A number with this many decimals; what would read as zero, or take a line of digits, in powers of ten.
pub fn number(value: f64, decimals: usize) -> String {
    if !value.is_finite() {
        return if value.is_nan() {
            UNDEFINED.into()
        } else if value > 0.0 {
            "inf".into()
        } else {
            "-inf".into()
        };
    }
    let vanishes = value != 0.0 && value.abs() < 0.5 * 10f64.powi(-(decimals as i32));
    if vanishes || value.abs() >= 1e15 {
        return if vanishes && value.abs() >= 1e-4 { format!("{value:.4}") } else { format!("{value:.1e}") };
    }
    // −0 + 0 is 0, which has no sign to show.
    format!("{:.decimals$}", value + 0.0)
}

/// A metric's value: four decimals up to one, whole numbers above one as they are.
pub fn metric(value: f64) -> String {
    if value.is_nan() {
        return UNDEFINED.into();
    }
    let decimals = if value.abs() > 1.0 && is_whole(value) { 0 } else { by_magnitude(value) };
    number(value, decimals)
}

/// An estimate's value: a count without decimals, else as [`metric`].
pub fn estimate(estimate: &Estimate) -> String {
    if estimate.counts { number(estimate.value, 0) } else { metric(estimate.value) }
}

/// The interval, with one decimal less than its value ("0.712 – 0.798"); empty where there is none.
pub fn interval(estimate: &Estimate, unicode: bool) -> String {
    let (Some(low), Some(high)) = (estimate.low, estimate.high) else { return String::new() };
    let decimals = by_magnitude(low.abs().max(high.abs())).saturating_sub(1).max(1);
    let to = if unicode { "–" } else { "to" };
    format!("{} {to} {}", number(low, decimals), number(high, decimals))
}

/// How the cells of one column are written.
#[derive(Debug, Clone, Copy)]
pub struct ColumnFormat {
    /// All cells that are not empty are numbers: stand to the right, are never cut.
    pub numeric: bool,
    /// None: each number its own.
    decimals: Option<usize>,
}

impl ColumnFormat {
    /// Reads the format off the column's cells.
    pub fn of(table: &Table, column: usize) -> Self {
        let cells = || table.rows.iter().filter_map(move |row| row.get(column));
        let numeric = cells().any(|c| c.as_f64().is_some()) && cells().all(|c| c.is_null() || c.as_f64().is_some());
        let floats = table.rows.iter().filter_map(move |row| match row.get(column) {
            Some(Value::Float(value)) => Some(*value),
            _ => None,
        });
        ColumnFormat { numeric, decimals: shared(floats) }
    }

    /// The cell as text, without control characters.
    pub fn text(self, cell: Option<&Value>) -> String {
        match cell {
            None => String::new(),
            Some(Value::Float(value)) => self.decimals.map_or_else(|| own(*value), |decimals| number(*value, decimals)),
            Some(other) => escape(&other.to_string()).into_owned(),
        }
    }
}

/// A value outside a table (a fact of the context).
pub fn fact(value: &Value) -> String {
    match value {
        Value::Float(float) => metric(*float),
        other => escape(&other.to_string()).into_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_keep_four_digits() {
        for (value, text) in
            [(0.56962, "0.5696"), (1.0, "1.0000"), (0.0, "0.0000"), (12.345, "12.35"), (686.0, "686"), (1.5, "1.500")]
        {
            assert_eq!(metric(value), text);
        }
        assert_eq!(metric(f64::NAN), "undefined");
        assert_eq!(metric(-0.0), "0.0000");
        assert_eq!(metric(1.2e-7), "1.2e-7");
        assert_eq!(metric(-1e300), "-1.0e300");
    }

    #[test]
    fn a_column_shares_its_decimals() {
        assert_eq!(decimals([0.5, 0.25].into_iter()), 2);
        assert_eq!(decimals([0.5, 0.56962].into_iter()), 4);
        assert_eq!(decimals([44100.0, 16000.0].into_iter()), 0);
        assert_eq!(decimals([f64::NAN, f64::INFINITY].into_iter()), 0);
        assert_eq!(number(3e-9, 4), "3.0e-9");
        assert_eq!(number(0.25, 0), "0.2500");
    }

    fn column(values: &[f64]) -> Vec<String> {
        let mut table = Table::new(["x"]);
        values.iter().for_each(|&value| table.push(vec![value.into()]));
        let format = ColumnFormat::of(&table, 0);
        table.rows.iter().map(|row| format.text(row.first())).collect()
    }

    #[test]
    fn numbers_of_one_size_are_aligned() {
        let third = 1.0 / 3.0;
        assert_eq!(column(&[third, 0.5, 0.0, third / 100.0]), ["0.3333", "0.5000", "0.0000", "0.0033"]);
        assert_eq!(column(&[0.5, 0.25, -0.0]), ["0.50", "0.25", "0.00"]);
        assert_eq!(column(&[5.0 + third, 12.0 + third]), ["5.33", "12.33"]);
        assert_eq!(column(&[third, 12.0 + third]), ["0.333", "12.333"]);
        assert_eq!(column(&[third / 10.0, 1.0 + third]), ["0.0333", "1.3333"]);
        assert_eq!(column(&[2.5, 3.0, 12.0]), ["2.5", "3.0", "12.0"]);
        assert_eq!(column(&[0.97, f64::NAN, 1e-7]), ["0.9700", "undefined", "1.0e-7"]);
        assert_eq!(column(&[44100.0, 48000.0]), ["44100", "48000"]);
    }

    #[test]
    fn a_large_number_takes_no_digit_of_a_small_one() {
        let third = 1.0 / 3.0;
        assert_eq!(column(&[third / 10.0, 43.0, 210.0, 0.6]), ["0.0333", "43", "210", "0.6"]);
        assert_eq!(column(&[third, 2.0]), ["0.3333", "2"]);
        assert_eq!(column(&[1000.0 + third, 12.0 + third, third / 100.0]), ["1000", "12.33", "0.00333"]);
        assert_eq!(column(&[20.0 + third, -third * 1e-6, f64::INFINITY]), ["20.33", "-3.33e-7", "inf"]);
    }

    #[test]
    fn what_was_stored_with_few_decimals_is_not_rounded() {
        assert_eq!(column(&[0.62, 1520.4, -0.7, 12.345]), ["0.62", "1520.4", "-0.7", "12.345"]);
        assert_eq!(column(&[61.7354, 440.0, 1234.5678, 0.049]), ["61.7354", "440", "1234.5678", "0.049"]);
        assert_eq!(column(&[48.856613, -2.352222]), ["48.856613", "-2.352222"]);
        assert_eq!(column(&[1_700_000_000.5, 1.0]), ["1700000000.5", "1"]);
    }

    #[test]
    fn intervals_are_shorter_than_their_value() {
        assert_eq!(interval(&Estimate::interval("top1", 0.7544, 0.7121, 0.7983), true), "0.712 – 0.798");
        assert_eq!(interval(&Estimate::interval("rank", 3.0, 2.0, 12.5), false), "2.0 to 12.5");
        assert_eq!(interval(&Estimate::point("top1", 0.7), true), "");
    }

    #[test]
    fn labels_cannot_drive_the_terminal() {
        assert_eq!(escape("a\x1b[2Jb\nc\u{202e}"), "a\\u{1b}[2Jb\\nc\\u{202e}");
        assert!(matches!(escape("笛子 é"), Cow::Borrowed(_)));
    }

    #[test]
    fn clipping_counts_columns_not_letters() {
        assert_eq!(clip("笛子笛子", 5, "…"), "笛子…");
        assert_eq!(clip("笛子笛子", 4, "…"), "笛…");
        assert_eq!(width(&fit("笛子", 7, "…")), 7);
        assert_eq!(clip("violin", 2, "..."), "vi");
        assert_eq!(clip("violin", 0, "…"), "");
    }
}
