//! One query on its way through rows of codes: which rows may be among its best.
//!
//! ```text
//!   16 sums ─ those that may reach the bar ─┬─ the most that each can be ─ maybe
//!                                           └─ the least ─ the best k of them are the bar
//! ```
//! A row is a candidate while the most that its product can be is not below the least of the best k so far, so none of the
//! best is missed. A bar that lags behind lets a few more pass and is far cheaper than a heap.

use super::select::{keep_best, pack, unpack};
use crate::kernel::{self, PANEL, Reach};

/// Candidates from which on those that fell below the bar are thrown out.
const MANY: usize = 4096;
/// Rows above the bar, besides half of k, after which it is raised.
const LATE: usize = 16;

/// One query, and what may be near it.
pub(super) struct Sought<'a> {
    pub query: &'a [f32],
    k: usize,
    reach: Reach,
    /// The bar as a word; 0 before `k` rows were seen.
    bar: u64,
    /// Words of the least that products can be: the best `k`, and more that came since.
    least: Vec<u64>,
    /// Words of the most that they can be, in the order in which they came.
    maybe: Vec<u64>,
    /// Length of `maybe` from which on it is looked through.
    full: usize,
    /// Where the bar was set before any row was seen.
    guess: f32,
}

impl<'a> Sought<'a> {
    /// Nothing seen yet.
    pub fn new(query: &'a [f32], k: usize, reach: Reach) -> Self {
        Sought { query, k, reach, bar: 0, least: Vec::new(), maybe: Vec::new(), full: MANY, guess: f32::NEG_INFINITY }
    }

    /// Notes the least that 16 rows of a sample can be, for [`guess`](Sought::guess).
    pub fn sample(&mut self, sums: &[i32; PANEL], scales: &[f32; PANEL], errors: &[f32; PANEL]) {
        let least = |((&sum, &scale), &error)| pack(self.reach.estimate(sum, scale) - self.reach.bound(error), 0);
        self.least.extend(sums.iter().zip(scales).zip(errors).map(least));
    }

    /// Sets the bar to the `place`-th of the sample. Far fewer rows then have to be taken; whether it was too high, and rows
    /// were missed, [`holds`](Sought::holds) tells in the end.
    pub fn guess(&mut self, place: usize) {
        keep_best(&mut self.least, place);
        if let Some(&word) = self.least.last() {
            (self.guess, self.reach.bar) = (unpack(word).0, unpack(word).0);
        }
        self.least.clear();
    }

    /// Looks at 16 rows, of those whose bits are set in `there`; `row_of` gives the number of each.
    #[inline]
    pub fn look(
        &mut self,
        sums: &[i32; PANEL],
        scales: &[f32; PANEL],
        errors: &[f32; PANEL],
        there: u16,
        row_of: impl Fn(usize) -> u32,
    ) {
        let [above] = kernel::reach(std::array::from_ref(sums), scales, errors, &[self.reach]);
        self.take(sums, scales, errors, above & there, row_of);
    }

    /// What products with the query are held against by now.
    #[inline]
    pub fn reach(&self) -> Reach {
        self.reach
    }

    /// Takes those of 16 rows whose bits are set in `above`: they may reach the bar.
    #[inline]
    pub fn take(
        &mut self,
        sums: &[i32; PANEL],
        scales: &[f32; PANEL],
        errors: &[f32; PANEL],
        mut above: u16,
        row_of: impl Fn(usize) -> u32,
    ) {
        while above != 0 {
            let i = above.trailing_zeros() as usize;
            above &= above - 1;
            if let (Some(&sum), Some(&scale), Some(&error)) = (sums.get(i), scales.get(i), errors.get(i)) {
                self.take_one(sum, row_of(i), scale, error);
            }
        }
    }

    #[inline]
    fn take_one(&mut self, sum: i32, row: u32, scale: f32, error: f32) {
        let most = pack(self.reach.most(sum, scale, error), row);
        if most < self.bar {
            return;
        }
        self.maybe.push(most);
        let least = pack(self.reach.estimate(sum, scale) - self.reach.bound(error), row);
        if least > self.bar {
            self.least.push(least);
            if self.least.len() >= self.k + self.k / 2 + LATE {
                self.raise();
            }
        }
    }

    /// Brings the bar up to the `k`-th.
    fn raise(&mut self) {
        keep_best(&mut self.least, self.k);
        if let Some(&bar) = self.least.last().filter(|_| self.least.len() == self.k) {
            (self.bar, self.reach.bar) = (bar, unpack(bar).0);
        }
        if self.maybe.len() >= self.full {
            self.sift();
            self.full = MANY.max(2 * self.maybe.len());
        }
    }

    /// Throws out what fell below the bar.
    fn sift(&mut self) {
        let bar = self.bar;
        self.maybe.retain(|&most| most >= bar);
    }

    /// What this and another search of the same query found, in other rows.
    pub fn join(mut self, other: Self) -> Self {
        self.least.extend(other.least);
        self.maybe.extend(other.maybe);
        self
    }

    /// Settles which rows may be among the best, by all that was seen.
    pub fn settle(&mut self) {
        self.raise();
        self.sift();
    }

    /// False when rows may be missing: the bar was guessed, and the least of the best `k` are below it.
    pub fn holds(&self) -> bool {
        self.guess == f32::NEG_INFINITY || self.bar != 0 && self.guess <= unpack(self.bar).0
    }

    /// The words of the rows that may be among the best, in the order in which they came; without
    /// [`settle`](Sought::settle) of some more.
    pub fn candidates(&self) -> &[u64] {
        &self.maybe
    }
}
