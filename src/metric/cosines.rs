//! Cosines of items with candidates, a block of rows at a time, so that no one holds them all.
//!
//! ```text
//!              candidates                       100,000 clips × 1,000 labels are 400 MB of cosines;
//!   items   ┌─────────────┐                     a block of them is at most 4
//!   block 1 │▒▒▒▒▒▒▒▒▒▒▒▒▒│ ─ each_row ─ one result an item
//!   block 2 │             │
//!      …    └─────────────┘
//! ```
//! Who needs an order over all items (areas under curves) asks again, for some of the columns. The numbers are the same
//! whichever the blocks are: each cosine is summed in one order.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::order::MOST_ITEMS;
use super::{Error, fair};
use crate::embedding::{Embeddings, Incomparable, Scores, product};
use crate::progress::Progress;

/// Most cosines in a block.
const MOST_VALUES: usize = 1 << 20;
/// Most multiplications in a block: some 20 ms of one core, so that a cancelled job ends soon.
const MOST_WORK: usize = 1 << 28;
/// Rows that a thread multiplies at once.
const ROWS_A_TASK: usize = 128;

/// A matrix of cosines, items × candidates, that need not be in memory.
pub trait Cosines: Send + Sync {
    /// Its rows.
    fn items(&self) -> usize;

    /// Its columns.
    fn candidates(&self) -> usize;

    /// Gives all rows in order, some at a time, and of each the candidates `columns`: the number of the first row, and whole
    /// rows of `columns.len()` numbers.
    ///
    /// # Errors
    /// What `each` fails with; when vectors can't be read or `progress` is cancelled.
    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error>;
}

/// Takes the number of the first row of a block, and its rows.
pub type Visit<'a> = dyn FnMut(usize, &[f32]) -> Result<(), Error> + 'a;

/// How many rows go into a block of `width` cosines each of `dim` numbers.
pub(super) fn rows_a_block(width: usize, dim: usize) -> usize {
    (MOST_VALUES / width.max(1)).min(MOST_WORK / width.saturating_mul(dim).max(1)).max(1)
}

/// `f` of each row with its number, in order.
///
/// # Errors
/// Without items or candidates, at a number that is no cosine, and as [`Cosines::blocks`].
pub(super) fn each_row<T: Send>(
    of: &dyn Cosines,
    what: &'static str,
    progress: &dyn Progress,
    f: impl Fn(usize, &[f32]) -> Result<T, Error> + Sync,
) -> Result<Vec<T>, Error> {
    let (n, k) = (of.items(), of.candidates());
    if n == 0 || k == 0 {
        return Err(Error::Empty { what });
    }
    if n.max(k) > MOST_ITEMS {
        return Err(Error::TooMany { found: n.max(k) });
    }
    let mut found = Vec::with_capacity(n);
    progress.begin("comparing", Some(n as u64));
    of.blocks(0..k, progress, &mut |first, values| {
        let row = |(i, row): (usize, &[f32])| {
            fair(first + i, row)?;
            f(first + i, row)
        };
        let of_block: Vec<T> = values.par_chunks_exact(k).enumerate().map(row).collect::<Result<_, _>>()?;
        progress.advance(of_block.len() as u64);
        found.extend(of_block);
        Ok(())
    })?;
    progress.end();
    Ok(found)
}

impl Cosines for Scores {
    fn items(&self) -> usize {
        self.n
    }

    fn candidates(&self) -> usize {
        self.k
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        if self.values.len() != self.n.saturating_mul(self.k) {
            return Err(Error::Shape { what: "scores", expected: self.n.saturating_mul(self.k), found: self.values.len() });
        }
        let rows = rows_a_block(self.k, 1);
        let mut part = Vec::new();
        for (block, values) in self.values.chunks(rows.saturating_mul(self.k).max(1)).enumerate() {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            if columns == (0..self.k) {
                each(block * rows, values)?;
                continue;
            }
            part.clear();
            part.extend(values.chunks_exact(self.k).flat_map(|row| row.get(columns.clone()).unwrap_or_default()));
            each(block * rows, &part)?;
        }
        Ok(())
    }
}

/// Rows of one space, each at unit length, a block at a time: a space in memory, or one that stays in the store.
pub trait Rows: Send + Sync {
    /// How many rows.
    fn count(&self) -> usize;

    /// Numbers in a row.
    fn dim(&self) -> usize;

    /// Gives all rows in order, at most `at_most` at a time.
    ///
    /// # Errors
    /// What `each` fails with; when vectors can't be read.
    fn blocks(&self, at_most: usize, each: &mut dyn FnMut(Block<'_>) -> Result<(), Error>) -> Result<(), Error>;
}

/// Consecutive rows.
#[derive(Debug, Clone, Copy)]
pub struct Block<'a> {
    /// The number of the first.
    pub first: usize,
    /// Row-major, each at unit length.
    pub unit: &'a [f32],
    /// The length that each had.
    pub norms: &'a [f32],
}

impl Rows for Embeddings {
    fn count(&self) -> usize {
        self.len()
    }

    fn dim(&self) -> usize {
        Embeddings::dim(self)
    }

    fn blocks(&self, at_most: usize, each: &mut dyn FnMut(Block<'_>) -> Result<(), Error>) -> Result<(), Error> {
        let (at_most, dim) = (at_most.max(1), Embeddings::dim(self));
        let parts = self.rows().chunks(at_most.saturating_mul(dim)).zip(self.norms().chunks(at_most));
        parts.enumerate().try_for_each(|(i, (unit, norms))| each(Block { first: i * at_most, unit, norms }))
    }
}

/// Rows against vectors that are at hand.
pub struct Product {
    rows: Arc<dyn Rows>,
    with: Arc<Embeddings>,
    /// No row meets itself: the vectors are the rows, and that pair is masked.
    apart: bool,
}

impl Product {
    /// The cosines of rows with `with`, whose space is one that theirs compares with.
    ///
    /// # Errors
    /// When the spaces do not compare.
    pub fn new(rows: Arc<dyn Rows>, space: &crate::embedding::Space, with: Arc<Embeddings>) -> Result<Self, Incomparable> {
        space.comparable(&with.space)?;
        Ok(Product { rows, with, apart: false })
    }

    /// The cosines of vectors with each other; with itself a vector is masked.
    pub fn among(rows: Arc<Embeddings>) -> Self {
        Product { rows: Arc::<Embeddings>::clone(&rows), with: rows, apart: true }
    }
}

impl Cosines for Product {
    fn items(&self) -> usize {
        self.rows.count()
    }

    fn candidates(&self) -> usize {
        self.with.len()
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        let (width, dim) = (columns.len(), self.with.dim());
        let Some(with) = self.with.rows().get(columns.start * dim..columns.end * dim).filter(|_| dim == self.rows.dim()) else {
            return Err(Error::Shape { what: "numbers in a vector", expected: dim, found: self.rows.dim() });
        };
        let mut values = Vec::new();
        self.rows.blocks(rows_a_block(width, dim), &mut |block| {
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            values.clear();
            values.resize(block.norms.len() * width, 0.0);
            let tasks = values.par_chunks_mut(ROWS_A_TASK * width).zip(block.unit.par_chunks(ROWS_A_TASK * dim));
            tasks.for_each(|(values, rows)| product(rows, with, dim, values));
            if self.apart {
                for (row, values) in values.chunks_exact_mut(width).enumerate() {
                    let own = (block.first + row).checked_sub(columns.start).and_then(|own| values.get_mut(own));
                    own.into_iter().for_each(|own| *own = f32::NEG_INFINITY);
                }
            }
            each(block.first, &values)
        })
    }
}

/// Vectors that are at hand against rows: the other way round, for texts that look for clips.
pub struct Turned {
    items: Arc<Embeddings>,
    rows: Arc<dyn Rows>,
}

impl Turned {
    /// The cosines of `items` with rows, whose space is one that theirs compares with.
    ///
    /// # Errors
    /// When the spaces do not compare.
    pub fn new(items: Arc<Embeddings>, space: &crate::embedding::Space, rows: Arc<dyn Rows>) -> Result<Self, Incomparable> {
        items.space.comparable(space)?;
        Ok(Turned { items, rows })
    }
}

impl Cosines for Turned {
    fn items(&self) -> usize {
        self.items.len()
    }

    fn candidates(&self) -> usize {
        self.rows.count()
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        let (n, dim) = (self.rows.count(), self.items.dim());
        if dim != self.rows.dim() || columns != (0..n) {
            return Err(Error::Shape { what: "numbers in a vector", expected: dim, found: self.rows.dim() });
        }
        // Each block of items goes once through all rows, so it is as large as memory should hold.
        let items_a_block = (8 * MOST_VALUES / n.max(1)).max(1);
        let mut values = Vec::new();
        for (block, items) in self.items.rows().chunks(items_a_block.saturating_mul(dim)).enumerate() {
            let count = items.len() / dim.max(1);
            values.clear();
            values.resize(count * n, 0.0f32);
            self.rows.blocks(rows_a_block(count, dim), &mut |rows| {
                if progress.cancelled() {
                    return Err(Error::Cancelled);
                }
                let width = rows.norms.len();
                let mut part = vec![0.0; count * width];
                product(items, rows.unit, dim, &mut part);
                for (to, from) in values.chunks_exact_mut(n).zip(part.chunks_exact(width)) {
                    if let Some(to) = to.get_mut(rows.first..rows.first + width) {
                        to.copy_from_slice(from);
                    }
                }
                Ok(())
            })?;
            each(block * items_a_block, &values)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};

    use super::*;
    use crate::embedding::{Modality, Space, Stage};
    use crate::progress::Silent;

    fn vectors(seed: u64, n: usize, dim: usize) -> Arc<Embeddings> {
        let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(seed);
        let values = (0..n * dim).map(|_| random.random_range(-1.0..1.0)).collect();
        Arc::new(Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), dim, values).unwrap())
    }

    #[test]
    fn blocks_and_columns_do_not_change_a_bit() {
        // 700 numbers a vector: more than the product sums at once; 300 rows: two whole tasks and one that is short.
        for (n, k, dim) in [(300, 33, 700), (65, 1, 16), (1, 9, 5)] {
            let (rows, with) = (vectors(1, n, dim), vectors(2, k, dim));
            let whole = rows.cosines(&with).unwrap();
            let streamed = Product::new(rows.clone(), &rows.space, with.clone()).unwrap();
            for columns in [0..k, 0..1, k / 2..k, k - 1..k] {
                let width = columns.len();
                let expected: Vec<f32> = (0..n).flat_map(|i| whole.row(i)[columns.clone()].to_vec()).collect();
                for of in [&streamed as &dyn Cosines, &whole] {
                    let mut found = Vec::new();
                    let mut each = |first: usize, values: &[f32]| {
                        assert_eq!(first * width, found.len());
                        found.extend_from_slice(values);
                        Ok(())
                    };
                    of.blocks(columns.clone(), &Silent, &mut each).unwrap();
                    assert_eq!(found, expected);
                }
            }
            let turned = Turned::new(with.clone(), &rows.space, rows.clone()).unwrap();
            let found = each_row(&turned, "texts", &Silent, |_, row| Ok(row.to_vec())).unwrap().concat();
            assert_eq!(found, with.cosines(&rows).unwrap().values);
        }
    }

    #[test]
    fn nothing_meets_itself() {
        let rows = vectors(3, 70, 8);
        let mut expected = rows.cosines(&rows).unwrap();
        expected.values.iter_mut().step_by(71).for_each(|own| *own = f32::NEG_INFINITY);
        let found = each_row(&Product::among(rows), "clips", &Silent, |_, row| Ok(row.to_vec())).unwrap();
        assert_eq!(found.concat(), expected.values);
    }
}
