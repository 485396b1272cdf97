//! The best k of many, and the order between hits: greater similarity first, equal ones by row.
//!
//! A candidate is one `u64`, so that a comparison is one instruction: the similarity's bits, turned so that greater numbers
//! are greater words, above the row's complement.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Hit;
use crate::embedding::Similarity;

/// Greater is better. Any float has its place, NaN too.
pub(super) fn pack(similarity: f32, row: u32) -> u64 {
    let bits = similarity.to_bits();
    let ordered = if bits >> 31 == 1 { !bits } else { bits | 1 << 31 };
    u64::from(ordered) << 32 | u64::from(!row)
}

/// What [`pack`] took.
pub(super) fn unpack(word: u64) -> (f32, u32) {
    let ordered = (word >> 32) as u32;
    let bits = if ordered >> 31 == 1 { ordered & !(1 << 31) } else { !ordered };
    (f32::from_bits(bits), !(word as u32))
}

/// Keeps the best `k` of what is offered.
#[derive(Debug, Default)]
pub(super) struct Best {
    k: usize,
    heap: BinaryHeap<Reverse<u64>>,
}

impl Best {
    pub fn new(k: usize) -> Self {
        Best { k, heap: BinaryHeap::with_capacity(k.min(1 << 16)) }
    }

    /// Starts anew, with the memory that there is.
    pub fn reset(&mut self, k: usize) {
        self.k = k;
        self.heap.clear();
    }

    /// The least word that is kept once `k` are; 0 before.
    pub fn bar(&self) -> u64 {
        if self.heap.len() < self.k { 0 } else { self.heap.peek().map_or(u64::MAX, |least| least.0) }
    }

    pub fn offer(&mut self, word: u64) {
        if self.heap.len() < self.k {
            self.heap.push(Reverse(word));
        } else if let Some(mut least) = self.heap.peek_mut()
            && word > least.0
        {
            *least = Reverse(word);
        }
    }

    /// What is kept, in no order.
    pub fn words(&self) -> impl Iterator<Item = u64> + '_ {
        self.heap.iter().map(|word| word.0)
    }
}

/// Leaves the best `k`, in no order but that the least of them is last.
pub(super) fn keep_best(words: &mut Vec<u64>, k: usize) {
    if k > 0 && k <= words.len() {
        words.select_nth_unstable_by_key(k - 1, |&word| Reverse(word));
    }
    words.truncate(k);
}

/// The first `k` of these, best first.
pub(super) fn hits(words: impl Iterator<Item = u64>, k: usize) -> Vec<Hit> {
    let mut words: Vec<u64> = words.collect();
    keep_best(&mut words, k);
    words.sort_unstable_by_key(|&word| Reverse(word));
    let hit = |word| {
        let (similarity, row) = unpack(word);
        Hit { row: row as usize, similarity: Similarity(similarity.clamp(-1.0, 1.0)) }
    };
    words.into_iter().map(hit).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_ordered_as_hits_are() {
        let rising = [f32::NEG_INFINITY, -1.0, -0.5, -0.0, 0.0, 1e-30, 0.5, 1.0, f32::INFINITY];
        for pair in rising.windows(2) {
            assert!(pack(pair[0], 0) < pack(pair[1], u32::MAX));
        }
        assert!(pack(0.5, 1) > pack(0.5, 2), "of equal similarities the earlier row is better");
        for value in rising {
            let (back, row) = unpack(pack(value, 77));
            assert_eq!((back.to_bits(), row), (value.to_bits(), 77));
        }
    }

    #[test]
    fn the_best_are_kept() {
        let mut best = Best::new(3);
        for (row, value) in [0.1, 0.9, 0.5, 0.9, -1.0, 0.5].into_iter().enumerate() {
            best.offer(pack(value, row as u32));
        }
        assert_eq!(hits(best.words(), 9).iter().map(|hit| hit.row).collect::<Vec<_>>(), [1, 3, 2]);
        let mut none = Best::new(0);
        none.offer(pack(1.0, 0));
        assert_eq!(hits(none.words(), 9).len(), 0);
    }
}
