//! Which ids a collection may have, for who stores many new ones: these need not be looked for.
//!
//! ```text
//!   hash ─ its first 25 bits ─ one of 2²⁵ bits (4 MiB) ─ clear: no id of such a hash is there ─ set: look
//! ```
//! A thousand new ids belong all over the table of ids, so looking for them reads most of it: a million new ids, a thousand at
//! a time, read it a thousand times. The bits of one collection are kept, from its second large commit on, or its first when
//! it has no items. They are of the state in which the next item gets a given number: whoever else stores items gives numbers,
//! and the bits are then made anew. A bit too many only costs a look.

use std::sync::{Mutex, MutexGuard, PoisonError};

use super::error::Error;
use super::ids::Leaf;
use super::key_value::KeyValue;
use super::layout::key;

/// Ids of a commit that is worth it.
const MANY: usize = 256;
/// Bits of a hash that are looked at.
const WIDTH: u32 = 25;

/// See the module.
#[derive(Default)]
pub(super) struct Sieve(Mutex<Option<Known>>);

/// What is known of one collection.
struct Known {
    cid: u32,
    /// The number that its next item gets.
    next_seq: u64,
    /// None as long as it had one large commit only.
    bits: Option<Bits>,
}

impl Sieve {
    /// Those of `hashes` that ids of the collection may have. From then on it may have all of them.
    pub fn sift(&self, kv: &dyn KeyValue, (cid, next_seq): (u32, u64), hashes: Vec<u32>) -> Vec<u32> {
        let mut slot = self.lock();
        let fits = slot.as_ref().is_some_and(|known| known.cid == cid && known.next_seq == next_seq && known.bits.is_some());
        if !fits {
            if hashes.len() < MANY {
                return hashes;
            }
            let again = slot.as_ref().is_some_and(|known| known.cid == cid);
            // What cannot be read is told by who looks there.
            let bits = if again || next_seq == 0 { Bits::read(kv, cid).ok() } else { None };
            *slot = Some(Known { cid, next_seq, bits });
        }
        match slot.as_mut().and_then(|known| known.bits.as_mut()) {
            Some(bits) => {
                let there = hashes.iter().copied().filter(|hash| bits.has(*hash)).collect();
                hashes.iter().for_each(|hash| bits.set(*hash));
                there
            }
            None => hashes,
        }
    }

    /// Items whose hashes were sifted are there now, and the next one no longer gets the number `from` but `to`.
    pub fn passed(&self, cid: u32, from: u64, to: u64) {
        if let Some(known) = self.lock().as_mut().filter(|known| known.cid == cid && known.next_seq == from) {
            known.next_seq = to;
        }
    }

    /// Forgets all: the table was changed by other means than a commit.
    pub fn forget(&self) {
        *self.lock() = None;
    }

    // The bits are set before what they stand for is stored, so a poisoned lock guards enough of them.
    fn lock(&self) -> MutexGuard<'_, Option<Known>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

struct Bits(Vec<u64>);

impl Bits {
    /// The bits of a collection's table of ids.
    fn read(kv: &dyn KeyValue, cid: u32) -> Result<Bits, Error> {
        let mut bits = Bits(vec![0; 1 << (WIDTH - u64::BITS.ilog2())]);
        for entry in kv.scan_prefix(&key::all(b'H', cid)) {
            let (key, bytes) = entry?;
            Leaf::decode(&key, &bytes)?.entries.iter().for_each(|(hash, _)| bits.set(*hash));
        }
        Ok(bits)
    }

    /// The word that holds a hash's bit, and the bit.
    fn place(hash: u32) -> (usize, u64) {
        let bit = hash >> (u32::BITS - WIDTH);
        ((bit / u64::BITS) as usize, 1 << (bit % u64::BITS))
    }

    fn has(&self, hash: u32) -> bool {
        let (word, bit) = Bits::place(hash);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    fn set(&mut self, hash: u32) {
        let (word, bit) = Bits::place(hash);
        if let Some(word) = self.0.get_mut(word) {
            *word |= bit;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::embedding::Modality;
    use crate::progress::Silent;
    use crate::store::{Collection, Memory, NewItem, Store};

    fn clips(numbers: std::ops::Range<u32>) -> Vec<NewItem> {
        numbers.map(|i| NewItem::new(format!("clip-{i}"), Modality::Audio)).collect()
    }

    /// How many clips there are, after holding that the store is whole.
    fn count(store: &Store, collection: &Collection) -> u64 {
        assert!(store.check(None, &Silent).unwrap().is_whole());
        assert_eq!(collection.items().count() as u64, collection.len(Modality::Audio).unwrap());
        collection.len(Modality::Audio).unwrap()
    }

    #[test]
    fn an_id_is_one_item_however_it_came() {
        let kv: Arc<dyn KeyValue> = Arc::new(Memory::default());
        let (store, other) = (Store::on(kv.clone()).unwrap(), Store::on(kv).unwrap());
        let here = store.create("c").unwrap();
        let there = other.collection("c").unwrap().unwrap();
        here.commit(clips(0..400)).unwrap();
        here.commit(clips(300..700)).unwrap();
        assert_eq!(count(&store, &here), 700);
        // Somebody else's items, few at a time; then those of another collection between.
        for from in [700, 710] {
            there.commit(clips(from..from + 10)).unwrap();
        }
        here.commit(clips(400..800)).unwrap();
        assert_eq!(count(&store, &here), 800);
        store.create("d").unwrap().commit(clips(0..300)).unwrap();
        here.commit(clips(790..805)).unwrap();
        for from in [500, 600] {
            here.commit(clips(from..from + 300)).unwrap();
        }
        assert_eq!(count(&store, &here), 900);
        // What was removed may come again, and what was refused too.
        here.remove(Modality::Audio, &["clip-7".to_owned()]).unwrap();
        let mut refused = clips(900..1_200);
        refused.push(NewItem::new("", Modality::Audio));
        here.commit(refused).unwrap_err();
        for _ in 0..2 {
            here.commit(clips(0..1_200)).unwrap();
            assert_eq!(count(&store, &here), 1_200);
        }
        assert_eq!(count(&store, &store.collection("d").unwrap().unwrap()), 300);
    }

    #[test]
    fn new_ids_are_not_looked_for() {
        let (kv, sieve) = (Memory::default(), Sieve::default());
        let hashes = |from: u32| (from..from + 300).map(|i| i << 12).collect::<Vec<u32>>();
        let sift = |at: u64, hashes: Vec<u32>| sieve.sift(&kv, (3, at), hashes);
        assert!(sift(0, hashes(0)).is_empty());
        sieve.passed(3, 0, 300);
        assert_eq!(sift(300, hashes(100)), hashes(100)[..200]);
        assert_eq!(sift(300, vec![9 << 12, 900 << 12]), [9 << 12]);
        // Of another state nothing is known, until the second large commit.
        assert_eq!(sift(301, vec![900 << 12, 901 << 12]), [900 << 12, 901 << 12]);
        assert_eq!(sieve.sift(&kv, (4, 7), hashes(0)), hashes(0));
        assert!(sieve.sift(&kv, (4, 7), hashes(0)).is_empty());
        sieve.forget();
        assert_eq!(sieve.sift(&kv, (4, 7), hashes(600)), hashes(600));
    }
}
