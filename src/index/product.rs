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
use super::kernel::{GROUP, PANEL, QUERIES, dot, panel};
use super::select::{Best, hits, pack, unpack};
use super::{Hit, RowSet};
use crate::embedding::Embeddings;

/// Rows that are taken together: their panels stay in the cache while all queries pass.
const BLOCK: usize = 512;
/// Queries of one task.
const TASK: usize = 64;
/// Candidates from which on those that fell below the bar are thrown out.
const MANY: usize = 4096;

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

/// One query on its way.
struct Sought<'a> {
    query: &'a [f32],
    rounded: Query,
    best: Best,
    /// The least that counts, as a number.
    bar: f32,
    maybe: Vec<u64>,
}

impl Sought<'_> {
    fn take(&mut self, sum: i32, row: u32, scale: f32, error: f32) {
        let (estimate, bound) = (self.rounded.estimate(sum, scale), self.rounded.bound(error));
        let most = pack(estimate + bound, row);
        if most >= self.best.bar() {
            self.best.offer(pack(estimate - bound, row));
            self.maybe.push(most);
            if self.best.bar() > 0 {
                self.bar = unpack(self.best.bar()).0;
            }
            if self.maybe.len() >= MANY.max(2 * self.best.len()) && self.maybe.len().is_power_of_two() {
                let bar = self.best.bar();
                self.maybe.retain(|&most| most >= bar);
            }
        }
    }
}

/// The `k` nearest of `rows` (`dim` numbers each, at unit length) to each query.
pub(super) fn search_all(rows: &[f32], dim: usize, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Vec<Vec<Hit>> {
    let (n, padded) = (rows.len() / dim.max(1), dim.next_multiple_of(GROUP));
    let k = k.min(n);
    let sought = |query| {
        let mut rounded = Query::default();
        rounded.set(query);
        rounded.codes.resize(padded, 0);
        Sought { query, rounded, best: Best::new(k), bar: f32::NEG_INFINITY, maybe: Vec::new() }
    };
    let mut tasks: Vec<(Vec<Sought<'_>>, Vec<i8>)> = queries
        .rows()
        .par_chunks(TASK * queries.dim().max(1))
        .map(|chunk| {
            let sought: Vec<_> = chunk.chunks_exact(queries.dim()).map(sought).collect();
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
    let finish = |sought: &Sought<'_>| {
        let bar = sought.best.bar();
        let score = |&most: &u64| {
            let row = unpack(most).1;
            pack(dot(sought.query, rows.get(row as usize * dim..(row as usize + 1) * dim).unwrap_or_default()), row)
        };
        hits(sought.maybe.iter().filter(|&&most| most >= bar).map(score), k)
    };
    let found: Vec<Vec<Vec<Hit>>> = tasks.par_iter().map(|(sought, _)| sought.iter().map(finish).collect()).collect();
    found.into_iter().flatten().collect()
}

/// All queries of a task past one block.
fn pass(sought: &mut [Sought<'_>], codes: &[i8], padded: usize, block: &Block, accept: Option<&RowSet>) {
    let mut sums = [[0; PANEL]; QUERIES];
    for (eight, codes) in sought.chunks_mut(QUERIES).zip(codes.chunks_exact(QUERIES * padded)) {
        for (number, rows) in block.panels.chunks_exact(PANEL * padded).enumerate() {
            panel(codes, rows, &mut sums);
            let first = number * PANEL;
            let (Some(scales), Some(errors)) = (block.scales.get(first..first + PANEL), block.errors.get(first..first + PANEL))
            else {
                continue;
            };
            for (sought, sums) in eight.iter_mut().zip(&sums) {
                // Nearly all fall below the bar: told for 16 at once.
                let (bar, mut any) = (sought.bar, false);
                for ((&sum, scale), error) in sums.iter().zip(scales).zip(errors) {
                    any |= sought.rounded.estimate(sum, *scale) + sought.rounded.bound(*error) >= bar;
                }
                if !any {
                    continue;
                }
                for (i, &sum) in sums.iter().enumerate().take(block.height - first) {
                    let row = block.first + first + i;
                    if accept.is_none_or(|set| set.contains(row)) {
                        sought.take(sum, row as u32, scales[i], errors[i]);
                    }
                }
            }
        }
    }
}
