//! A set of rows: what passed a filter.

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
    }
}
