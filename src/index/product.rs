//! Many queries with many rows: a blocked product of codes whose scores are never all there at once.
//!
//! ```text
//!   block of rows ─ codes ─ panels of 16 rows ─┐
//!                                              ├─ 8 × 16 sums ─ those above the query's bar ─ candidates
//!   queries ─ codes, eight at a time ──────────┘
//!   candidates ─ their numbers ─ hits
//! ```
//! What a candidate is: [`super::sought`]. The hits are those of a scan of all numbers, to the bit, whatever the codes are: bytes
//! where one instruction multiplies 64 of them (VNNI), else 16 bits, which round so little that hardly a row is looked at in vain.

use rayon::prelude::*;

use super::codes::{add_to_panel, encode_for_panel};
use super::select::{hits, pack, unpack};
use super::sought::Sought;
use super::{Hit, RowSet};
use crate::embedding::Embeddings;
use crate::kernel::{PANEL, QUERIES, dot, dot_four, panel, place, prefetch};

/// Rows that are taken together: their panels stay in the cache while all queries pass.
const BLOCK: usize = 128;
/// Queries of one task.
const TASK: usize = 64;
/// Numbers of the rows that queries take turns over: 128 KiB.
const CACHED: usize = 1 << 15;

/// The rows of a block as panels, with what was rounded. Rows beyond the end are zeros.
struct Block {
    first: usize,
    height: usize,
    panels: Vec<u8>,
    scales: Vec<f32>,
    errors: Vec<f32>,
}

fn block(rows: &[f32], dim: usize, first: usize) -> Block {
    let height = (rows.len() / dim - first).min(BLOCK);
    let places = height.next_multiple_of(PANEL);
    let (mut panels, mut codes) = (Vec::new(), Vec::new());
    let (mut scales, mut errors) = (vec![0.0; places], vec![0.0; places]);
    for (i, row) in rows.chunks_exact(dim).skip(first).take(height).enumerate() {
        let rounding = encode_for_panel(row, &mut codes);
        (scales[i], errors[i]) = (rounding.scale, rounding.error);
        let codes: &[u8] = bytemuck::cast_slice(&codes);
        let length = PANEL * codes.len();
        panels.resize(places / PANEL * length, 0);
        place(codes, i % PANEL, &mut panels[i / PANEL * length..][..length]);
    }
    Block { first, height, panels, scales, errors }
}

/// The `k` nearest of `rows` (`dim` numbers each, at unit length) to each query.
pub(super) fn search_all(rows: &[f32], dim: usize, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Vec<Vec<Hit>> {
    let n = rows.len() / dim.max(1);
    let k = k.min(n);
    let mut tasks: Vec<(Vec<Sought<'_>>, Vec<u8>)> = queries
        .rows()
        .par_chunks(TASK * queries.dim().max(1))
        .map(|chunk| {
            let mut codes = Vec::new();
            let one = |query| Sought::new(query, k, add_to_panel(query, &mut codes));
            let sought: Vec<_> = chunk.chunks_exact(queries.dim()).map(one).collect();
            let length = codes.len() / sought.len().max(1);
            codes.resize(sought.len().next_multiple_of(QUERIES) * length, 0);
            (sought, codes)
        })
        .collect();
    // A few blocks at a time: coded once by all threads, then passed by all queries.
    let together = 8 * BLOCK;
    for start in (0..if k == 0 { 0 } else { n }).step_by(together) {
        let firsts: Vec<usize> = (start..n.min(start + together)).step_by(BLOCK).collect();
        let blocks: Vec<Block> = firsts.into_par_iter().map(|first| block(rows, dim, first)).collect();
        tasks.par_iter_mut().for_each(|(sought, codes)| blocks.iter().for_each(|block| pass(sought, codes, block, accept)));
    }
    let finish = |(sought, _): (Vec<Sought<'_>>, _)| -> Vec<Vec<Hit>> {
        score(sought, rows, dim).into_iter().map(|words| hits(words.into_iter(), k)).collect()
    };
    tasks.into_par_iter().flat_map_iter(finish).collect()
}

/// The words of the candidates by their numbers. Queries take turns over some rows at a time, which then stay in the cache.
fn score(mut task: Vec<Sought<'_>>, rows: &[f32], dim: usize) -> Vec<Vec<u64>> {
    task.iter_mut().for_each(Sought::settle);
    let row_at = |row: u32| rows.get(row as usize * dim..(row as usize + 1) * dim).unwrap_or_default();
    let together = (CACHED / dim.max(1)).max(1);
    let mut words: Vec<Vec<u64>> = task.iter().map(|sought| Vec::with_capacity(sought.candidates().len())).collect();
    for end in (together..rows.len() / dim.max(1) + together).step_by(together) {
        for (sought, words) in task.iter().zip(&mut words) {
            let rest = sought.candidates().get(words.len()..).unwrap_or_default();
            let here = rest.partition_point(|&most| (unpack(most).1 as usize) < end);
            let mut fours = rest.get(..here).unwrap_or_default().chunks(4).peekable();
            while let Some(four) = fours.next() {
                let next = fours.peek().copied().unwrap_or_default();
                next.iter().for_each(|&most| prefetch(row_at(unpack(most).1)));
                match *four {
                    [a, b, c, d] => {
                        let four = [a, b, c, d].map(|most| unpack(most).1);
                        words.extend(dot_four(sought.query, four.map(row_at)).into_iter().zip(four).map(|(x, row)| pack(x, row)));
                    }
                    _ => words.extend(four.iter().map(|&most| {
                        let (_, row) = unpack(most);
                        pack(dot(sought.query, row_at(row)), row)
                    })),
                }
            }
        }
    }
    words
}

/// All queries of a task past one block.
fn pass(sought: &mut [Sought<'_>], codes: &[u8], block: &Block, accept: Option<&RowSet>) {
    let mut sums = [[0; PANEL]; QUERIES];
    let row = (codes.len() / sought.len().next_multiple_of(QUERIES)).max(1);
    for (eight, codes) in sought.chunks_mut(QUERIES).zip(codes.chunks_exact(QUERIES * row)) {
        for (number, rows) in block.panels.chunks_exact(PANEL * row).enumerate() {
            panel(codes, rows, &mut sums);
            let first = number * PANEL;
            let (Some(scales), Some(errors)) = (sixteen(&block.scales, first), sixteen(&block.errors, first)) else { continue };
            let there = u16::MAX >> (first + PANEL).saturating_sub(block.height);
            let there = accept.map_or(there, |set| there & set.sixteen(block.first + first));
            for (sought, sums) in eight.iter_mut().zip(&sums) {
                sought.look(sums, scales, errors, there, |i| (block.first + first + i) as u32);
            }
        }
    }
}

fn sixteen(values: &[f32], first: usize) -> Option<&[f32; PANEL]> {
    values.get(first..)?.first_chunk()
}
