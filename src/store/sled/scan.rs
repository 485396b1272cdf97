//! Entries of sled in the order of their keys, between whose steps nothing of it is held.

use std::collections::VecDeque;
use std::ops::Bound;

use super::Sled;
use crate::store::error::Error;
use crate::store::key_value::Entry;

/// What a scan reads ahead at most: entries, and bytes of them.
const AHEAD: usize = 64;
const AHEAD_BYTES: usize = 128 << 10;

/// Entries in order of keys, some read ahead; nothing of sled is held between its steps.
pub(super) struct Scan<'a> {
    sled: &'a Sled,
    from: Bound<Vec<u8>>,
    to: Bound<Vec<u8>>,
    ahead: VecDeque<Result<Entry, Error>>,
    /// Entries that the next step reads: one at first, who asks for one reads no more.
    most: usize,
    ended: bool,
}

impl<'a> Scan<'a> {
    /// The entries whose keys start with `prefix`.
    pub fn new(sled: &'a Sled, prefix: &[u8]) -> Self {
        let (from, to) = (Bound::Included(prefix.to_vec()), behind(prefix));
        Scan { sled, from, to, ahead: VecDeque::new(), most: 1, ended: false }
    }

    fn step(&mut self) -> Result<(), Error> {
        let (sled, mut bytes) = (self.sled, 0);
        sled.with(|db| {
            let mut entries = db.range::<Vec<u8>, _>((self.from.clone(), self.to.clone()));
            while self.ahead.len() < self.most && bytes < AHEAD_BYTES {
                let Some((key, value)) = sled.read(db, "read from", || entries.next().transpose())? else {
                    self.ended = true;
                    break;
                };
                bytes += key.len() + value.len();
                self.ahead.push_back(Ok((key.to_vec(), value.to_vec())));
                self.from = Bound::Excluded(key.to_vec());
            }
            Ok(())
        })?;
        sled.moves(bytes);
        self.most = AHEAD.min(2 * self.most);
        Ok(())
    }
}

impl Iterator for Scan<'_> {
    type Item = Result<Entry, Error>;

    fn next(&mut self) -> Option<Self::Item> {
        if self.ahead.is_empty()
            && !self.ended
            && let Err(error) = self.step()
        {
            // Behind what was read before it.
            self.ahead.push_back(Err(error));
            self.ended = true;
        }
        self.ahead.pop_front()
    }
}

/// The first key behind all that start with `prefix`.
fn behind(prefix: &[u8]) -> Bound<Vec<u8>> {
    let mut key = prefix.to_vec();
    while let Some(last) = key.pop() {
        if let Some(next) = last.checked_add(1) {
            key.push(next);
            return Bound::Excluded(key);
        }
    }
    Bound::Unbounded
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_that_starts_with_a_prefix_is_before_what_is_behind_it() {
        assert_eq!(behind(b"ab"), Bound::Excluded(b"ac".to_vec()));
        assert_eq!(behind(&[7, 255, 255]), Bound::Excluded(vec![8]));
        assert_eq!((behind(b""), behind(&[255])), (Bound::Unbounded, Bound::Unbounded));
    }
}
