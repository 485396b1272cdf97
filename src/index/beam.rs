//! The walk through a graph: greedily down the layers, then with a beam of the best rows seen so far.
//!
//! Source: Malkov and Yashunin, "Efficient and robust approximate nearest neighbor search using Hierarchical Navigable Small
//! World graphs" (2016), algorithms 2 and 5. With a filter the walk goes through rows that do not pass, but only those that
//! do count for the beam: it widens until the beam is full of them.

use std::collections::BinaryHeap;
use std::sync::{Mutex, PoisonError};

use super::RowSet;
use super::graph::Graph;
use super::kernel::{dot, prefetch};
use super::select::{Best, pack, unpack};
use crate::embedding::Embeddings;

/// The memory of one walk, used again by the next.
#[derive(Debug, Default)]
pub(super) struct Walk {
    /// A row was seen in this walk where its number is the walk's.
    seen: Vec<u32>,
    number: u32,
    /// Rows whose neighbours were not looked at yet, best first.
    open: BinaryHeap<u64>,
    fresh: Vec<u32>,
    /// What was found.
    pub best: Best,
}

impl Walk {
    /// Fills `best` with about the `beam` nearest rows to `query`. The graph is one of `rows`.
    pub fn run(&mut self, graph: &Graph, rows: &Embeddings, query: &[f32], beam: usize, accept: Option<&RowSet>) {
        self.best.reset(beam);
        if rows.is_empty() {
            return;
        }
        self.next_number(rows.len());
        self.open.clear();
        let start = descend(graph, rows, query);
        self.meet(start, accept);
        if let Some(seen) = self.seen.get_mut(unpack(start).1 as usize) {
            *seen = self.number;
        }
        while let Some(word) = self.open.pop() {
            if word < self.best.bar() {
                break;
            }
            let mut fresh = std::mem::take(&mut self.fresh);
            fresh.clear();
            for &row in graph.base.line(unpack(word).1 as usize) {
                if let Some(seen) = self.seen.get_mut(row as usize)
                    && *seen != self.number
                {
                    *seen = self.number;
                    prefetch(rows.row(row as usize));
                    fresh.push(row);
                }
            }
            for &row in &fresh {
                let word = pack(dot(query, rows.row(row as usize)), row);
                if word > self.best.bar() {
                    self.meet(word, accept);
                }
            }
            self.fresh = fresh;
        }
    }

    fn meet(&mut self, word: u64, accept: Option<&RowSet>) {
        self.open.push(word);
        if accept.is_none_or(|set| set.contains(unpack(word).1 as usize)) {
            self.best.offer(word);
        }
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

/// The row that no neighbour in the upper layers is nearer than. Each step is to a better row, so it ends.
fn descend(graph: &Graph, rows: &Embeddings, query: &[f32]) -> u64 {
    let score = |row: u32| pack(dot(query, rows.row(row as usize)), row);
    let mut here = score(graph.entry);
    for layer in graph.upper.iter().rev() {
        while let Some(next) = layer.neighbours(unpack(here).1).iter().map(|&row| score(row)).max()
            && next > here
        {
            here = next;
        }
    }
    here
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
