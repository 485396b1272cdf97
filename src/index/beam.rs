//! The walk through a graph: greedily down the layers, then with a beam of the best rows seen so far, all by the rows' codes.
//!
//! Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
//! World graphs" (2016), algorithms 2 and 5. With a filter the walk goes through rows that do not pass, but only those that
//! do count for the beam: it widens until the beam is full of them.

use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use super::RowSet;
use super::codes::{Coded, Query};
use super::graph::Graph;
use super::select::{Best, pack, unpack};
use crate::kernel::{gather, prefetch, rows_ahead};

/// The memory of one walk, used again by the next.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// A row was seen in this walk where its number is the walk's.
    seen: Vec<u16>,
    number: u16,
    /// Rows whose neighbours were not looked at yet, best first.
    open: BinaryHeap<u64>,
    fresh: Vec<u32>,
    sums: Vec<i32>,
    /// What is looked for.
    pub query: Query,
    /// What was found.
    pub best: Best,
}

/// What a walk goes through, and what it must ask of a row before it reads it.
pub(super) struct Ground<'a, F: Fn(u32) -> bool> {
    pub graph: Graph<'a>,
    pub rows: Coded<'a>,
    /// False for a row whose bytes are not those that were written.
    pub sound: F,
}

/// A row that is not what was written.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Unsound;

impl Walk {
    /// Fills `best` with about the `beam` rows nearest to `query`, by their codes.
    pub fn run<F: Fn(u32) -> bool>(
        &mut self,
        ground: &Ground<'_, F>,
        beam: usize,
        accept: Option<&RowSet>,
    ) -> Result<(), Unsound> {
        self.best.reset(beam);
        self.open.clear();
        if ground.rows.scales.is_empty() {
            return Ok(());
        }
        self.next_number(ground.rows.scales.len());
        let start = self.descend(ground)?;
        self.meet(start, accept);
        if let Some(seen) = self.seen.get_mut(unpack(start).1 as usize) {
            *seen = self.number;
        }
        while let Some(word) = self.open.pop() {
            if word < self.best.bar() {
                break;
            }
            self.fresh.clear();
            for &row in ground.graph.base.line(unpack(word).1 as usize) {
                if let Some(seen) = self.seen.get_mut(row as usize)
                    && *seen != self.number
                {
                    *seen = self.number;
                    self.fresh.push(row);
                }
            }
            self.measure(ground)?;
            let mut bar = self.best.bar();
            for i in 0..self.fresh.len() {
                let word = self.word(ground, i);
                if word > bar {
                    self.meet(word, accept);
                    bar = self.best.bar();
                }
            }
            if let Some(&next) = self.open.peek() {
                prefetch(ground.graph.base.line(unpack(next).1 as usize));
            }
        }
        Ok(())
    }

    /// The sums of the fresh rows.
    fn measure<F: Fn(u32) -> bool>(&mut self, ground: &Ground<'_, F>) -> Result<(), Unsound> {
        for &row in self.fresh.iter().take(rows_ahead(ground.rows.dim)) {
            prefetch(ground.rows.row(row as usize));
        }
        if !self.fresh.iter().all(|&row| (ground.sound)(row)) {
            return Err(Unsound);
        }
        gather(&self.query.codes, ground.rows.codes, &self.fresh, &mut self.sums);
        Ok(())
    }

    /// The word of a fresh row that was measured.
    #[inline]
    fn word<F: Fn(u32) -> bool>(&self, ground: &Ground<'_, F>, i: usize) -> u64 {
        let (Some(&row), Some(&sum)) = (self.fresh.get(i), self.sums.get(i)) else { return 0 };
        let scale = ground.rows.scales.get(row as usize).copied().unwrap_or_default();
        pack(self.query.estimate(sum, scale), row)
    }

    #[inline]
    fn meet(&mut self, word: u64, accept: Option<&RowSet>) {
        self.open.push(word);
        if accept.is_none_or(|set| set.contains(unpack(word).1 as usize)) {
            self.best.offer(word);
        }
    }

    /// The row that no neighbour in the upper layers is nearer than. Each step is to a better row, so it ends.
    fn descend<F: Fn(u32) -> bool>(&mut self, ground: &Ground<'_, F>) -> Result<u64, Unsound> {
        let n = ground.rows.scales.len() as u32;
        self.fresh.clear();
        self.fresh.push(if ground.graph.entry < n { ground.graph.entry } else { 0 });
        self.measure(ground)?;
        let mut here = self.word(ground, 0);
        for layer in ground.graph.upper.iter().rev() {
            loop {
                self.fresh.clear();
                self.fresh.extend(layer.neighbours(unpack(here).1).iter().filter(|&&row| row < n));
                self.measure(ground)?;
                match (0..self.fresh.len()).map(|i| self.word(ground, i)).max() {
                    Some(next) if next > here => here = next,
                    _ => break,
                }
            }
        }
        Ok(here)
    }

    fn next_number(&mut self, n: usize) {
        self.seen.resize(n, 0);
        self.number = self.number.wrapping_add(1);
        if self.number == 0 {
            self.seen.fill(0);
            self.number = 1;
        }
    }
}

/// Walks that wait to be used again, one for each thread that searched at once.
#[derive(Debug, Default)]
pub(super) struct Walks {
    idle: Mutex<Vec<Walk>>,
}

impl Walks {
    /// Lends a walk to `job`.
    pub fn with<T>(&self, job: impl FnOnce(&mut Walk) -> T) -> T {
        let lock = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut walk = lock().pop().unwrap_or_default();
        let result = job(&mut walk);
        lock().push(walk);
        result
    }
}
