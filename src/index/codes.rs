//! Rows as bytes: a quarter of the memory, and whole numbers to multiply.
//!
//! ```text
//!   row  x  ──  scale s = max |x| / 127  ──  code c = round(x / s) + 128      x ≈ s (c − 128)
//!   q · x ≈ s_q s ( Σ q c − 128 Σ q )                                        q: codes of the query, as i8
//! ```
//! What rounding can change is known: with q′ and x′ the rounded vectors, q · x − q′ · x′ = (q − q′) · x + q′ · (x − x′), so it
//! is at most |q − q′| |x| + |q′| |x − x′| (Cauchy and Schwarz). The lengths of the differences are kept with the rows: a scan of
//! codes can tell which rows it must look at again to be exact. Where products take codes of 16 bits ([`kernel::Codes`]), a row
//! of length r is rounded to steps of r / 45,000: the products of two such rows, and of their beginnings, are below 2³¹.

use crate::kernel::{self, Codes, GROUP, Reach};

/// What sums of f32 may be off, far above what they are.
const SLACK: f32 = 1e-5;
/// No sum of products of codes leaves an `i32` up to here: 127 · 255 · 2¹⁶ < 2³¹.
pub(super) const MOST_NUMBERS: usize = 1 << 16;

/// How a row was rounded.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Rounding {
    pub scale: f32,
    /// The length of what rounding took away, not less.
    pub error: f32,
}

/// Rounds a row to steps of `scale`: `code` makes of each whole number, from `-most` to `most`, what is kept in `codes`.
fn round<T>(row: &[f32], scale: f32, most: i32, codes: &mut [T], code: impl Fn(i32) -> T) -> Rounding {
    let scale = if scale > 1e-32 { scale } else { 1.0 };
    Rounding { scale, error: kernel::round(row, scale, most, codes, code).sqrt() * 1.001 + 1e-7 }
}

/// The codes of a row.
pub(super) fn encode(row: &[f32], codes: &mut [u8]) -> Rounding {
    round(row, kernel::largest(row) / 127.0, 127, codes, |code| (code + 128) as u8)
}

/// Codes of 16 bits.
fn encode_words(row: &[f32], codes: &mut [i16]) -> Rounding {
    let length = kernel::dot(row, row).sqrt();
    let scale = (length / 45_000.0).max(kernel::largest(row) / f32::from(i16::MAX));
    round(row, scale, i32::from(i16::MAX), codes, |code| code as i16)
}

/// The codes of a row in place of what `codes` held; their bytes are what [`kernel::place`] takes.
pub(super) fn encode_for_panel(row: &[f32], codes: &mut Vec<i16>) -> Rounding {
    codes.clear();
    match kernel::panel_codes() {
        Codes::Bytes => {
            codes.resize(row.len().next_multiple_of(GROUP) / 2, 0);
            encode(row, &mut bytemuck::cast_slice_mut(codes)[..row.len()])
        }
        Codes::Words => {
            codes.resize(row.len().next_multiple_of(GROUP / 2), 0);
            encode_words(row, &mut codes[..row.len()])
        }
    }
}

/// The codes of a query as [`kernel::panel`] takes them, behind those that are there, and what its products are held against.
pub(super) fn add_to_panel(query: &[f32], codes: &mut Vec<u8>) -> Reach {
    let reach = match kernel::panel_codes() {
        Codes::Bytes => {
            let rounded = Query::of(query);
            codes.extend(rounded.codes.iter().map(|code| code.cast_unsigned()));
            rounded.reach()
        }
        Codes::Words => {
            let mut words = vec![0; query.len()];
            let Rounding { scale, error } = encode_words(query, &mut words);
            codes.extend(words.iter().flat_map(|code| code.to_ne_bytes()));
            reach(0, scale, error, kernel::dot(query, query).sqrt() + error)
        }
    };
    codes.resize(codes.len().next_multiple_of(GROUP), 0);
    reach
}

/// What products with a query are held against, whose own rounding took away `error`; no bar yet.
fn reach(offset: i32, scale: f32, error: f32, length: f32) -> Reach {
    Reach { offset, scale, slack: error * 1.001 + SLACK, length, bar: f32::NEG_INFINITY }
}

/// A query's codes.
#[derive(Debug, Clone, Default)]
pub(super) struct Query {
    pub codes: Vec<i8>,
    pub scale: f32,
    /// What the 128 of the rows' codes add to a sum.
    pub offset: i32,
    /// |q − q′| and a bound of |q′|.
    error: f32,
    length: f32,
}

impl Query {
    /// A query of any length.
    pub fn of(query: &[f32]) -> Query {
        let mut rounded = Query::default();
        rounded.set(query);
        rounded
    }

    /// Rounds a query of any length.
    pub fn set(&mut self, query: &[f32]) {
        self.codes.clear();
        self.codes.resize(query.len(), 0);
        let rounding = round(query, kernel::largest(query) / 127.0, 127, &mut self.codes, |code| code as i8);
        self.offset = 128 * self.codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        self.scale = rounding.scale;
        self.error = rounding.error;
        self.length = kernel::dot(query, query).sqrt() + rounding.error;
    }

    /// A query that is a stored row.
    pub fn set_row(&mut self, codes: &[u8], scale: f32) {
        self.codes.clear();
        self.codes.extend(codes.iter().map(|&code| (i32::from(code) - 128) as i8));
        self.offset = 128 * self.codes.iter().map(|&code| i32::from(code)).sum::<i32>();
        (self.scale, self.error, self.length) = (scale, 0.0, 1.0);
    }

    /// The product that a sum of codes stands for.
    #[inline]
    pub fn estimate(&self, sum: i32, scale: f32) -> f32 {
        (sum - self.offset) as f32 * (self.scale * scale)
    }

    /// What its products are held against; no bar yet.
    pub fn reach(&self) -> Reach {
        reach(self.offset, self.scale, self.error, self.length)
    }
}

/// Rows as a search reads them. The slices have `dim` numbers a row, or one.
#[derive(Debug, Clone, Copy)]
pub(super) struct Coded<'a> {
    pub dim: usize,
    pub codes: &'a [u8],
    pub scales: &'a [f32],
    pub errors: &'a [f32],
}

impl<'a> Coded<'a> {
    /// The codes of a row; none where there is no such row.
    #[inline]
    pub fn row(&self, row: usize) -> &'a [u8] {
        self.codes.get(row * self.dim..(row + 1) * self.dim).unwrap_or_default()
    }

    /// The estimated product of two rows.
    #[inline]
    pub fn between(&self, a: u32, b: u32) -> f32 {
        let scale = |row: u32| self.scales.get(row as usize).copied().unwrap_or_default();
        kernel::dot_rows(self.row(a as usize), self.row(b as usize)) as f32 * (scale(a) * scale(b))
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;

    #[test]
    fn the_bound_holds() {
        let mut rng = ChaCha8Rng::seed_from_u64(1);
        for dim in [1, 2, 7, 64, 300] {
            for _ in 0..200 {
                let mut unit = |peak: f32| {
                    let mut row: Vec<f32> = (0..dim).map(|_| rng.random_range(-1.0f32..1.0)).collect();
                    row[0] *= peak;
                    let length = row.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
                    row.iter().map(|x| (f64::from(*x) / length) as f32).collect::<Vec<f32>>()
                };
                let (a, b) = (unit(30.0), unit(1.0));
                let mut codes = vec![0; dim];
                let rounding = encode(&b, &mut codes);
                let mut query = Query::default();
                query.set(&a);
                let found = query.estimate(kernel::dot_codes(&query.codes, &codes), rounding.scale);
                let off = (found - kernel::dot(&a, &b)).abs();
                assert!(off <= query.reach().bound(rounding.error), "{dim} numbers: off by {off}");
                let coded = Coded { dim, codes: &codes, scales: &[rounding.scale], errors: &[rounding.error] };
                assert!((coded.between(0, 0) - 1.0).abs() < 0.05 && coded.row(1).is_empty());
                let (mut words, mut asked) = (vec![0; dim], vec![0; dim]);
                let (row, query_of) = (encode_words(&b, &mut words), encode_words(&a, &mut asked));
                let sum: i64 = words.iter().zip(&asked).map(|(&x, &y)| i64::from(x) * i64::from(y)).sum();
                let found = reach(0, query_of.scale, query_of.error, 1.0 + query_of.error);
                let (off, bound) = (found.estimate(sum as i32, row.scale) - kernel::dot(&a, &b), found.bound(row.error));
                assert!(
                    i32::try_from(sum).is_ok() && off.abs() <= bound && bound < 0.001,
                    "{dim} words: off by {off} of {bound}"
                );
                query.set_row(&codes, rounding.scale);
                assert_eq!(query.estimate(kernel::dot_codes(&query.codes, &codes), rounding.scale), coded.between(0, 0));
            }
        }
    }

    #[test]
    fn a_row_of_zeros_is_a_row() {
        let mut codes = [0; 3];
        assert_eq!(encode(&[0.0; 3], &mut codes).scale, 1.0);
        assert_eq!(codes, [128; 3]);
    }
}
