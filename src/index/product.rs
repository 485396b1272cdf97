//! Many queries with many rows: a blocked product of codes whose scores are never all there at once.
//!
//! ```text
//!   block of rows ─ codes ─ panels of 16 rows ─┐
//!                                              ├─ 8 × 16 sums ─ those above the query's bar ─ candidates
//!   queries ─ codes, eight at a time ──────────┘
//!   candidates ─ their numbers ─ hits
//! ```
//! What a candidate is: [`super::sought`]. Of some thousand rows and many sought, a sample first tells each query where its bar will
//! come to be; whoever was told wrong is asked again without it. The hits are those of a scan of all numbers, to the bit, whatever the codes are: bytes
//! where one instruction multiplies 64 of them (VNNI), else 16 bits, which round so little that hardly a row is looked at in vain.

use rayon::prelude::*;

use super::codes::{add_to_panel, encode_for_panel};
use super::select::{hits, pack, unpack};
use super::sought::Sought;
use super::{Hit, RowSet};
use crate::embedding::Embeddings;
use crate::kernel::{PANEL, QUERIES, Reach, dot, dot_four, panel, place, prefetch, reach};

/// Rows that are taken together: their panels stay in the cache while all queries pass.
const BLOCK: usize = 128;
/// Queries of one task.
const TASK: usize = 64;
/// Numbers of the rows that queries take turns over: 128 KiB.
const CACHED: usize = 1 << 15;
/// Rows that are looked at first where a guess of the bar pays, and of how many at least.
const SAMPLE: usize = 512;
const SAMPLED_FROM: usize = 16 * SAMPLE;

/// The rows of a block as panels, with what was rounded. Rows beyond the end are zeros.
struct Block {
    first: usize,
    height: usize,
    panels: Vec<u8>,
    scales: Vec<f32>,
    errors: Vec<f32>,
}

fn block<'a>(first: usize, height: usize, rows: impl Iterator<Item = &'a [f32]>) -> Block {
    let places = height.next_multiple_of(PANEL);
    let (mut panels, mut codes) = (Vec::new(), Vec::new());
    let (mut scales, mut errors) = (vec![0.0; places], vec![0.0; places]);
    for (i, row) in rows.take(height).enumerate() {
        let rounding = encode_for_panel(row, &mut codes);
        (scales[i], errors[i]) = (rounding.scale, rounding.error);
        let codes: &[u8] = bytemuck::cast_slice(&codes);
        let length = PANEL * codes.len();
        panels.resize(places / PANEL * length, 0);
        place(codes, i % PANEL, &mut panels[i / PANEL * length..][..length]);
    }
    Block { first, height, panels, scales, errors }
}

/// Some of the rows that count, evenly spread, and the place of the one among them below which the `k`-th of all hardly lies:
/// the expected number of the best `k` there and three standard deviations more. None where no guess spares a third of
/// the k (1 + ln n/k) rows that rise above the bar in their time when rows come in no order.
fn sample(rows: &[f32], dim: usize, k: usize, accept: Option<&RowSet>) -> Option<(Block, usize)> {
    let n = rows.len() / dim;
    let among = accept.map_or(n, RowSet::count);
    let share = (k * SAMPLE) as f64 / among as f64;
    let place = (share + 3.0 * share.sqrt()).ceil() + 1.0;
    let (passing, rising) = (place * among as f64 / SAMPLE as f64, k as f64 * (1.0 + (among as f64 / k as f64).ln()));
    if among < SAMPLED_FROM || passing > rising * 2.0 / 3.0 {
        return None;
    }
    let counts = |&(row, _): &(usize, &[f32])| accept.is_none_or(|set| set.contains(row));
    let spread = rows.chunks_exact(dim).enumerate().filter(counts).step_by(among / SAMPLE);
    Some((block(0, SAMPLE, spread.map(|(_, row)| row)), place as usize))
}

/// The `k` nearest of `rows` (`dim` numbers each, at unit length) to each query.
pub(super) fn search_all(rows: &[f32], dim: usize, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Vec<Vec<Hit>> {
    let k = k.min(rows.len() / dim.max(1));
    if k == 0 {
        return vec![Vec::new(); queries.len()];
    }
    let all: Vec<&[f32]> = queries.rows().chunks_exact(dim).collect();
    let guess = sample(rows, dim, k, accept);
    let mut found = search(rows, dim, &all, k, accept, guess.as_ref());
    // Whose bar was guessed too high is asked again, without a guess.
    let missed: Vec<usize> = (0..found.len()).filter(|&i| found[i].is_none()).collect();
    let asked: Vec<&[f32]> = missed.iter().map(|&i| all[i]).collect();
    for (i, hits) in missed.into_iter().zip(search(rows, dim, &asked, k, accept, None)) {
        found[i] = hits;
    }
    found.into_iter().map(Option::unwrap_or_default).collect()
}

/// The hits of each query; none where the guess of its bar was too high.
fn search(
    rows: &[f32],
    dim: usize,
    queries: &[&[f32]],
    k: usize,
    accept: Option<&RowSet>,
    guess: Option<&(Block, usize)>,
) -> Vec<Option<Vec<Hit>>> {
    let n = if queries.is_empty() { 0 } else { rows.len() / dim };
    let mut tasks: Vec<(Vec<Sought<'_>>, Vec<u8>)> = queries
        .par_chunks(TASK)
        .map(|chunk| {
            let mut codes = Vec::new();
            let mut sought: Vec<_> = chunk.iter().map(|query| Sought::new(query, k, add_to_panel(query, &mut codes))).collect();
            let length = codes.len() / sought.len();
            codes.resize(sought.len().next_multiple_of(QUERIES) * length, 0);
            if let Some((sample, place)) = guess {
                each_panel(&mut sought, &codes, sample, |eight, sums, scales, errors, _| {
                    eight.iter_mut().zip(sums).for_each(|(sought, sums)| sought.sample(sums, scales, errors));
                });
                sought.iter_mut().for_each(|sought| sought.guess(*place));
            }
            (sought, codes)
        })
        .collect();
    // A few blocks at a time: coded once by all threads, then passed by all queries.
    let together = 8 * BLOCK;
    for start in (0..n).step_by(together) {
        let firsts: Vec<usize> = (start..n.min(start + together)).step_by(BLOCK).collect();
        let blocks: Vec<Block> = firsts
            .into_par_iter()
            .map(|first| block(first, (n - first).min(BLOCK), rows[first * dim..].chunks_exact(dim)))
            .collect();
        tasks.par_iter_mut().for_each(|(sought, codes)| blocks.iter().for_each(|block| pass(sought, codes, block, accept)));
    }
    let finish = |(mut sought, _): (Vec<Sought<'_>>, _)| -> Vec<Option<Vec<Hit>>> {
        sought.iter_mut().for_each(Sought::settle);
        let words = score(&sought, rows, dim).into_iter();
        sought.iter().zip(words).map(|(sought, words)| sought.holds().then(|| hits(words.into_iter(), k))).collect()
    };
    tasks.into_par_iter().flat_map_iter(finish).collect()
}

/// The words of the candidates by their numbers. Queries take turns over some rows at a time, which then stay in the cache.
fn score(task: &[Sought<'_>], rows: &[f32], dim: usize) -> Vec<Vec<u64>> {
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
    each_panel(sought, codes, block, |eight, sums, scales, errors, first| {
        let there = u16::MAX >> (first + PANEL).saturating_sub(block.height);
        let there = accept.map_or(there, |set| there & set.sixteen(block.first + first));
        let bars = std::array::from_fn(|i| eight.get(i).map_or(Reach::default(), Sought::reach));
        let above = reach(sums, scales, errors, &bars);
        for ((sought, sums), above) in eight.iter_mut().zip(sums).zip(above) {
            sought.take(sums, scales, errors, above & there, |i| (block.first + first + i) as u32);
        }
    });
}

/// Has eight queries after the other look at their sums with 16 rows after the other of a block, whose scales and errors are
/// those, and where they begin in it.
#[inline(always)]
fn each_panel<'a>(
    sought: &mut [Sought<'a>],
    codes: &[u8],
    block: &Block,
    mut look: impl FnMut(&mut [Sought<'a>], &[[i32; PANEL]; QUERIES], &[f32; PANEL], &[f32; PANEL], usize),
) {
    let mut sums = [[0; PANEL]; QUERIES];
    let row = (codes.len() / sought.len().next_multiple_of(QUERIES)).max(1);
    for (eight, codes) in sought.chunks_mut(QUERIES).zip(codes.chunks_exact(QUERIES * row)) {
        for (rows, first) in block.panels.chunks_exact(PANEL * row).zip((0..).step_by(PANEL)) {
            panel(codes, rows, &mut sums);
            if let (Some(scales), Some(errors)) = (sixteen(&block.scales, first), sixteen(&block.errors, first)) {
                look(eight, &sums, scales, errors, first);
            }
        }
    }
}

fn sixteen(values: &[f32], first: usize) -> Option<&[f32; PANEL]> {
    values.get(first..)?.first_chunk()
}
