//! Many queries with many rows: a blocked product of codes whose scores are never all there at once.
//!
//! ```text
//!   block of rows ─ codes ─ panels of 16 rows ─┐
//!                                              ├─ 8 × 16 sums ─ those above the query's bar ─ candidates
//!   queries ─ codes, eight at a time ──────────┘
//!   candidates ─ their numbers ─ hits
//! ```
//! A row is a candidate while the most that its product can be is not below the least of the best k so far: the hits are
//! those of a scan of all numbers, to the bit. The work is whole-number products of bytes, a quarter of the memory and four
//! times the numbers an instruction.

use rayon::prelude::*;

use super::codes::{Query, encode};
use super::kernel::{GROUP, PANEL, QUERIES, Reach, dot, panel, prefetch, reach};
use super::select::{hits, keep_best, pack, unpack};
use super::{Hit, RowSet};
use crate::embedding::Embeddings;

/// Rows that are taken together: their panels stay in the cache while all queries pass.
const BLOCK: usize = 512;
/// Queries of one task.
const TASK: usize = 64;
/// Candidates from which on those that fell below the bar are thrown out.
const MANY: usize = 4096;
/// Rows above the bar, besides half of k, after which it is raised.
const LATE: usize = 16;
/// Numbers of the rows that queries take turns over: 128 KiB.
const CACHED: usize = 1 << 15;
/// Candidates that lie between asking for a row and its product.
const AHEAD: usize = 2;

/// The rows of a block as panels, with what was rounded. Rows beyond the end are zeros.
struct Block {
    first: usize,
    height: usize,
    panels: Vec<u8>,
    scales: Vec<f32>,
    errors: Vec<f32>,
}

fn block(rows: &[f32], dim: usize, first: usize) -> Block {
    let padded = dim.next_multiple_of(GROUP);
    let height = (rows.len() / dim - first).min(BLOCK);
    let places = height.next_multiple_of(PANEL);
    let mut panels = vec![128; places * padded];
    let mut codes = vec![128; padded];
    let (mut scales, mut errors) = (vec![0.0; places], vec![0.0; places]);
    for (i, row) in rows.chunks_exact(dim).skip(first).take(height).enumerate() {
        let rounding = encode(row, &mut codes);
        (scales[i], errors[i]) = (rounding.scale, rounding.error);
        let start = i / PANEL * PANEL * padded + i % PANEL * GROUP;
        for (g, group) in codes.chunks_exact(GROUP).enumerate() {
            let at = start + g * PANEL * GROUP;
            panels[at..at + GROUP].copy_from_slice(group);
        }
    }
    Block { first, height, panels, scales, errors }
}

/// One query on its way. A bar that lags behind lets a few more pass and is far cheaper than a heap.
struct Sought<'a> {
    query: &'a [f32],
    rounded: Query,
    k: usize,
    reach: Reach,
    /// The bar as a word; 0 before `k` rows were seen.
    bar: u64,
    /// Words of the least that products can be: the best `k`, and more that came since.
    least: Vec<u64>,
    /// Words of the most that they can be, by row.
    maybe: Vec<u64>,
    /// Length of `maybe` from which on it is looked through.
    full: usize,
}

impl<'a> Sought<'a> {
    fn new(query: &'a [f32], padded: usize, k: usize) -> Self {
        let mut rounded = Query::default();
        rounded.set(query);
        rounded.codes.resize(padded, 0);
        let reach = rounded.reach();
        Sought { query, rounded, k, reach, bar: 0, least: Vec::new(), maybe: Vec::new(), full: MANY }
    }

    #[inline]
    fn take(&mut self, sum: i32, row: u32, scale: f32, error: f32) {
        let most = pack(self.reach.most(sum, scale, error), row);
        if most < self.bar {
            return;
        }
        self.maybe.push(most);
        let least = pack(self.rounded.estimate(sum, scale) - self.rounded.bound(error), row);
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
}

/// The `k` nearest of `rows` (`dim` numbers each, at unit length) to each query.
pub(super) fn search_all(rows: &[f32], dim: usize, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Vec<Vec<Hit>> {
    let (n, padded) = (rows.len() / dim.max(1), dim.next_multiple_of(GROUP));
    let k = k.min(n);
    let mut tasks: Vec<(Vec<Sought<'_>>, Vec<i8>)> = queries
        .rows()
        .par_chunks(TASK * queries.dim().max(1))
        .map(|chunk| {
            let sought: Vec<_> = chunk.chunks_exact(queries.dim()).map(|query| Sought::new(query, padded, k)).collect();
            let mut codes: Vec<i8> = sought.iter().flat_map(|sought| sought.rounded.codes.iter().copied()).collect();
            codes.resize(sought.len().next_multiple_of(QUERIES) * padded, 0);
            (sought, codes)
        })
        .collect();
    // A few blocks at a time: coded once by all threads, then passed by all queries.
    let together = 8 * BLOCK;
    for start in (0..if k == 0 { 0 } else { n }).step_by(together) {
        let firsts: Vec<usize> = (start..n.min(start + together)).step_by(BLOCK).collect();
        let blocks: Vec<Block> = firsts.into_par_iter().map(|first| block(rows, dim, first)).collect();
        tasks
            .par_iter_mut()
            .for_each(|(sought, codes)| blocks.iter().for_each(|block| pass(sought, codes, padded, block, accept)));
    }
    let finish = |(sought, _): (Vec<Sought<'_>>, _)| -> Vec<Vec<Hit>> {
        score(sought, rows, dim).into_iter().map(|words| hits(words.into_iter(), k)).collect()
    };
    tasks.into_par_iter().flat_map_iter(finish).collect()
}

/// The words of the candidates by their numbers. Queries take turns over some rows at a time, which then stay in the cache.
fn score(mut task: Vec<Sought<'_>>, rows: &[f32], dim: usize) -> Vec<Vec<u64>> {
    for sought in &mut task {
        sought.raise();
        sought.sift();
    }
    let row_at = |row: u32| rows.get(row as usize * dim..(row as usize + 1) * dim).unwrap_or_default();
    let together = (CACHED / dim.max(1)).max(1);
    let mut words: Vec<Vec<u64>> = task.iter().map(|sought| Vec::with_capacity(sought.maybe.len())).collect();
    let mut pairs: Vec<(u32, u32)> = Vec::new();
    for end in (together..rows.len() / dim.max(1) + together).step_by(together) {
        pairs.clear();
        for (number, (sought, words)) in task.iter().zip(&words).enumerate() {
            let rest = sought.maybe.iter().skip(words.len()).map(|&most| unpack(most).1);
            pairs.extend(rest.take_while(|&row| (row as usize) < end).map(|row| (number as u32, row)));
        }
        for (i, &(number, row)) in pairs.iter().enumerate() {
            if let Some(&(_, next)) = pairs.get(i + AHEAD) {
                prefetch(row_at(next));
            }
            if let (Some(sought), Some(words)) = (task.get(number as usize), words.get_mut(number as usize)) {
                words.push(pack(dot(sought.query, row_at(row)), row));
            }
        }
    }
    words
}

/// All queries of a task past one block.
fn pass(sought: &mut [Sought<'_>], codes: &[i8], padded: usize, block: &Block, accept: Option<&RowSet>) {
    let mut sums = [[0; PANEL]; QUERIES];
    for (eight, codes) in sought.chunks_mut(QUERIES).zip(codes.chunks_exact(QUERIES * padded)) {
        for (number, rows) in block.panels.chunks_exact(PANEL * padded).enumerate() {
            panel(codes, rows, &mut sums);
            let first = number * PANEL;
            let (Some(scales), Some(errors)) = (sixteen(&block.scales, first), sixteen(&block.errors, first)) else { continue };
            let there = u16::MAX >> (first + PANEL).saturating_sub(block.height);
            for (sought, sums) in eight.iter_mut().zip(&sums) {
                let mut above = reach(sums, scales, errors, &sought.reach) & there;
                while above != 0 {
                    let i = above.trailing_zeros() as usize;
                    above &= above - 1;
                    let row = block.first + first + i;
                    if accept.is_none_or(|set| set.contains(row)) {
                        sought.take(sums[i], row as u32, scales[i], errors[i]);
                    }
                }
            }
        }
    }
}

fn sixteen(values: &[f32], first: usize) -> Option<&[f32; PANEL]> {
    values.get(first..)?.first_chunk()
}
