//! New rows in a graph that is there: no build is needed when a collection grows a little.
//!
//! ```text
//!   Flat of earlier rows ─┬─ rows that are gone: struck out, a walk still passes through them
//!                         └─ rows that are new: each looks for its neighbours by a walk, and they take it in turn
//! ```
//! A new row comes into layer 0 only, so the upper layers grow sparse in time: after [`Flat::worn`] the graph is to be built
//! again by hnsw_rs. Neighbours are chosen as in algorithm 4 of Malkov and Yashunin: one that is nearer to a chosen neighbour
//! than to the row itself is passed over, and fills up what is left.

use std::path::Path;

use rayon::prelude::*;

use super::beam::{Ground, Walks};
use super::build::audit;
use super::codes::Coded;
use super::draft::Draft;
use super::graph::{Graph, Layer, Lines, Table};
use super::select::unpack;
use super::{Error, Flat};
use crate::progress::Progress;

/// The share of rows that came or went since the build, from which on a graph is built again.
const WORN: f64 = 0.25;
/// A batch is at most that part of the rows that are there, and at most so many rows.
const SHARE: usize = 64;
const LARGEST: usize = 1024;

impl Flat {
    /// Whether a graph with `new` more rows and `gone` fewer is better built again.
    pub fn worn(&self, new: usize, gone: usize) -> bool {
        let changed = self.head.added as usize + self.head.dead as usize + new + gone;
        self.is_empty() || changed as f64 > WORN * self.stored() as f64
    }
}

impl Draft {
    /// The rows of `old`, of which those that `gone` names no longer count, and room for `new` more: [`Draft::push`] them, then
    /// [`Draft::grow`].
    ///
    /// # Errors
    /// As [`Draft::new`]; [`Error::Damaged`] when `old` is.
    pub fn from(old: &Flat, path: Option<&Path>, identity: [u8; 32], gone: &[usize], new: usize) -> Result<Draft, Error> {
        let (links, build_beam) = old.parameters();
        let mut draft = Draft::new(path, old.stored() + new, old.dim(), identity, links)?;
        draft.head.build_beam = build_beam as u32;
        draft.head.added = old.head.added + new as u64;
        let (seqs, rows) = (old.seqs(), old.rows()?);
        const PART: usize = 1024;
        for (seqs, rows) in seqs.chunks(PART).zip(rows.chunks(PART * old.dim().max(1))) {
            draft.push(seqs, rows)?;
        }
        draft.head.dead = old.head.dead;
        gone.iter().for_each(|&row| draft.strike(row));
        Ok(draft)
    }

    /// Puts the rows that came in after those of `old` into its graph, and finishes the index.
    ///
    /// # Errors
    /// [`Error::Cancelled`] within some milliseconds of the request; [`Error::Io`].
    pub fn grow(mut self, old: &Flat, progress: &dyn Progress) -> Result<Flat, Error> {
        let (first, n) = (old.stored(), self.seqs.len());
        let (upper, entry) = (old.upper.clone(), old.head.entry);
        let mut base = Table { stride: old.lines().stride, cells: old.lines().cells.to_vec() };
        base.cells.resize(n * base.stride, 0);
        let rows = self.coded();
        let fresh: Vec<u32> = (first as u32..n as u32).collect();
        let growth = Growth { rows, upper: &upper, entry, links: self.head.links as usize, beam: self.head.build_beam as usize };
        progress.begin("adding to the search graph", Some(fresh.len() as u64));
        let grown = growth.add(&mut base, first, &fresh, progress);
        progress.end();
        grown?;
        let lost = audit(rows, &mut base, &upper, entry, first, progress)?;
        self.head.lost = old.head.lost + lost;
        self.finish(&base, upper, entry)
    }
}

/// A graph to which rows are added.
pub(super) struct Growth<'a> {
    pub rows: Coded<'a>,
    pub upper: &'a [Layer],
    pub entry: u32,
    pub links: usize,
    pub beam: usize,
}

impl Growth<'_> {
    /// Adds `fresh` to layer 0, which holds `there` rows. Rows of one batch do not see each other, so a batch is small beside
    /// what is there; and any number of threads makes the same graph.
    pub fn add(&self, base: &mut Table, there: usize, fresh: &[u32], progress: &dyn Progress) -> Result<(), Error> {
        let walks = Walks::default();
        let mut done = 0;
        while done < fresh.len() {
            let size = ((there + done) / SHARE).clamp(1, LARGEST).min(fresh.len() - done);
            let batch = &fresh[done..done + size];
            let graph = Graph { entry: self.entry, base: base.lines(), upper: self.upper };
            let ground = Ground { graph, rows: self.rows, sound: |_| true };
            let near = |&row: &u32| {
                if progress.cancelled() {
                    return (row, Vec::new());
                }
                progress.advance(1);
                walks.with(|walk| {
                    walk.query.set_row(self.rows.row(row as usize), self.rows.scales.get(row as usize).copied().unwrap_or(1.0));
                    let _ = walk.run(&ground, self.beam, None);
                    let mut near: Vec<u64> = walk.best.words().filter(|&word| unpack(word).1 != row).collect();
                    near.sort_unstable_by(|a, b| b.cmp(a));
                    (row, choose(self.rows, near.into_iter().map(unpack), self.links, self.links))
                })
            };
            let chosen: Vec<(u32, Vec<u32>)> = batch.par_iter().map(near).collect();
            if progress.cancelled() {
                return Err(Error::Cancelled);
            }
            let mut back: Vec<(u32, u32)> = Vec::with_capacity(size * self.links);
            for (row, chosen) in &chosen {
                base.set(*row as usize, chosen);
                back.extend(chosen.iter().map(|&other| (other, *row)));
            }
            back.sort_unstable();
            let lines: Vec<(u32, Vec<u32>)> =
                back.par_chunk_by(|a, b| a.0 == b.0).filter_map(|new| self.line_with(base.lines(), new)).collect();
            lines.iter().for_each(|(row, line)| base.set(*row as usize, line));
            done += size;
        }
        Ok(())
    }

    /// The line of a row with its new neighbours; of more than fit, the nearest that are best spread.
    fn line_with(&self, base: Lines<'_>, new: &[(u32, u32)]) -> Option<(u32, Vec<u32>)> {
        let row = new.first()?.0;
        let mut line = base.line(row as usize).to_vec();
        for &(_, other) in new {
            if !line.contains(&other) {
                line.push(other);
            }
        }
        if line.len() > 2 * self.links {
            let mut near: Vec<(f32, u32)> = line.iter().map(|&other| (self.rows.between(row, other), other)).collect();
            near.sort_unstable_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
            line = choose(self.rows, near.into_iter(), 2 * self.links, self.links);
        }
        Some((row, line))
    }
}

/// At most `most` of `near` (nearest first), spread around; those that were passed over fill up to `least`.
fn choose(rows: Coded<'_>, near: impl Iterator<Item = (f32, u32)>, most: usize, least: usize) -> Vec<u32> {
    let (mut chosen, mut passed_over): (Vec<u32>, Vec<u32>) = Default::default();
    for (similarity, row) in near {
        if chosen.len() >= most {
            break;
        }
        match chosen.iter().any(|&other| rows.between(row, other) >= similarity) {
            true if passed_over.len() < least => passed_over.push(row),
            true => {}
            false => chosen.push(row),
        }
    }
    let left = least.saturating_sub(chosen.len());
    chosen.extend(passed_over.into_iter().take(left));
    chosen
}
