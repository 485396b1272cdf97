//! Cosines of which some pairs are not there: the truth of such a pair is not known.

use std::ops::Range;

use super::Error;
use super::cosines::{Cosines, Visit};
use crate::progress::Progress;

/// Other cosines, with −∞ where a pair is hidden.
pub struct Masked<'a> {
    of: &'a dyn Cosines,
    hidden: &'a (dyn Fn(usize, usize) -> bool + Sync),
}

impl<'a> Masked<'a> {
    /// Hides the pairs of an item and a candidate for which `hidden` is true.
    pub fn new(of: &'a dyn Cosines, hidden: &'a (dyn Fn(usize, usize) -> bool + Sync)) -> Self {
        Masked { of, hidden }
    }
}

impl Cosines for Masked<'_> {
    fn items(&self) -> usize {
        self.of.items()
    }

    fn candidates(&self) -> usize {
        self.of.candidates()
    }

    fn blocks(&self, columns: Range<usize>, progress: &dyn Progress, each: &mut Visit<'_>) -> Result<(), Error> {
        let width = columns.len().max(1);
        let mut kept = Vec::new();
        self.of.blocks(columns.clone(), progress, &mut |first, values| {
            kept.clear();
            kept.extend_from_slice(values);
            for (at, value) in kept.iter_mut().enumerate() {
                if (self.hidden)(first + at / width, columns.start + at % width) {
                    *value = f32::NEG_INFINITY;
                }
            }
            each(first, &kept)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::Scores;
    use crate::progress::Silent;

    #[test]
    fn hidden_pairs_are_not_there() {
        let scores = Scores { n: 3, k: 2, values: vec![0.1, 0.2, 0.3, 0.4, 0.5, 0.6] };
        let masked = Masked::new(&scores, &|item, candidate| item == 1 && candidate == 1 || item == 2 && candidate == 0);
        let read = |columns: Range<usize>| {
            let mut found = Vec::new();
            let mut each = |_: usize, values: &[f32]| {
                found.extend_from_slice(values);
                Ok(())
            };
            masked.blocks(columns, &Silent, &mut each).unwrap();
            found
        };
        const HIDDEN: f32 = f32::NEG_INFINITY;
        assert_eq!(read(0..2), [0.1, 0.2, 0.3, HIDDEN, HIDDEN, 0.6]);
        assert_eq!(read(1..2), [0.2, HIDDEN, 0.6]);
        assert_eq!((masked.items(), masked.candidates()), (3, 2));
    }
}
