//! A set of rows: what passed a filter.

use std::ops::Range;

/// Rows of `0..len`, one bit each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RowSet {
    words: Vec<u64>,
    len: usize,
    count: usize,
}

impl RowSet {
    /// The rows of `0..len` for which `accept` says yes.
    pub fn new(len: usize, accept: impl FnMut(usize) -> bool) -> Self {
        let mut set = RowSet { words: vec![0; len.div_ceil(64)], len, count: 0 };
        for row in (0..len).filter({
            let mut accept = accept;
            move |&row| accept(row)
        }) {
            set.words[row / 64] |= 1 << (row % 64);
            set.count += 1;
        }
        set
    }

    /// True for a row that is in it.
    #[inline]
    pub fn contains(&self, row: usize) -> bool {
        self.words.get(row / 64).is_some_and(|word| word >> (row % 64) & 1 == 1)
    }

    /// Which of the 16 rows from `first` on are in it: bit i for row `first + i`. `first` is a multiple of 16.
    #[inline]
    pub(super) fn sixteen(&self, first: usize) -> u16 {
        self.words.get(first / 64).map_or(0, |word| (word >> (first % 64)) as u16)
    }

    /// Those of `range` that are in it, ascending.
    pub(super) fn of(&self, range: Range<usize>) -> impl Iterator<Item = usize> + '_ {
        let words = self.words.get(range.start / 64..range.end.div_ceil(64).min(self.words.len())).unwrap_or_default();
        let rows = words.iter().zip((range.start / 64 * 64..).step_by(64)).flat_map(|(&word, first)| {
            std::iter::successors(Some(word), |word| Some(word & (word - 1)))
                .take_while(|&word| word != 0)
                .map(move |word| first + word.trailing_zeros() as usize)
        });
        rows.filter(move |row| range.contains(row))
    }

    /// Number of rows in it.
    pub fn count(&self) -> usize {
        self.count
    }

    /// Number of rows that it was chosen from.
    pub fn len(&self) -> usize {
        self.len
    }

    /// True when it was chosen from no rows.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_in_it_as_chosen() {
        let set = RowSet::new(130, |row| row % 3 == 0);
        assert_eq!(set.count(), 44);
        assert!((0..130).all(|row| set.contains(row) == (row % 3 == 0)));
        assert!(!set.contains(132) && !set.contains(usize::MAX));
        for range in [0..130, 0..64, 3..9, 60..70, 63..64, 64..128, 99..99, 126..500, 500..900] {
            let expected: Vec<usize> = range.clone().filter(|&row| set.contains(row)).collect();
            assert_eq!(set.of(range).collect::<Vec<_>>(), expected);
        }
        for first in (0..160).step_by(16) {
            let expected = (0..16).fold(0, |bits, i| bits | u16::from(set.contains(first + i)) << i);
            assert_eq!(set.sixteen(first), expected);
        }
    }
}
