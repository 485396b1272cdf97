//! From ids to items: a tree of hashes that takes a thousand new ids in one or two values, wherever they belong.
//!
//! ```text
//!   node (depth, first 3·depth bits of the hash): pages of up to 400 entries, in the order in which they came
//!     hash:4 item:5  hash:4 item:5 …
//!   new entries ─ the root; a node of more than 5 to 8 pages ─ its entries to its 8 children, each by the next 3 bits
//!
//!   page 0 of a node: 1 if it was split, else 0; then entries.  Other pages: 0; then entries
//! ```
//! The hash is blake3's first four bytes of the modality and the id. An entry says where to look: who finds several, or the one
//! of another id, sees by the items' records. Entries only move down, so whoever reads from the root misses none; each is there
//! once. Nodes are split at different sizes, so that their splits do not come all at once.

use std::collections::{BTreeMap, BTreeSet};

use crate::embedding::Modality;

use super::error::Error;
use super::key_value::{Batch, KeyValue};
use super::layout::key;
use super::page;

/// An id's hash, and the number of an item.
pub(super) type Entry = (u32, u64);

/// Entries of a page.
const FULL: usize = 400;
const ENTRY: usize = 9;
/// Bits of the hash that tell the children of a node apart.
const BITS: u32 = 3;
/// Nodes of this depth are not split.
const DEEPEST: u8 = 10;
/// Numbers of items that an entry has room for.
const MOST_ITEMS: u64 = 1 << 40;

/// The hash of an id.
pub(super) fn hash(of: Modality, id: &str) -> u32 {
    let hash = blake3::Hasher::new().update(&[key::modality(of)]).update(id.as_bytes()).finalize();
    hash.as_bytes().iter().take(4).fold(0, |n, &byte| n << 8 | u32::from(byte))
}

/// Where a hash belongs at a depth.
fn slot(depth: u8, hash: u32) -> u32 {
    u32::try_from(u64::from(hash) >> (32 - BITS * u32::from(depth))).unwrap_or(0)
}

/// So many pages a node may have.
fn most_pages(depth: u8, slot: u32) -> usize {
    if depth == DEEPEST { usize::from(u16::MAX) } else { 5 + (slot.wrapping_mul(5).wrapping_add(u32::from(depth)) % 4) as usize }
}

/// A page as it is stored.
pub(super) struct Leaf {
    pub split: bool,
    pub entries: Vec<Entry>,
}

/// Whether a page's node was split, and its entries.
fn parts(content: &[u8]) -> Result<(bool, impl Iterator<Item = Entry>), Error> {
    match content.split_first() {
        Some((&split @ 0..=1, entries)) if entries.len() % ENTRY == 0 => {
            let entries = entries.as_chunks::<ENTRY>().0.iter();
            let read = |&[a, b, c, d, e, f, g, h, i]: &[u8; ENTRY]| {
                (u32::from_be_bytes([a, b, c, d]), u64::from_be_bytes([0, 0, 0, e, f, g, h, i]))
            };
            Ok((split == 1, entries.map(read)))
        }
        _ => Err(Error::damaged("some bytes of the table of ids are no entries")),
    }
}

impl Leaf {
    /// Reads what was stored under `key`.
    ///
    /// # Errors
    /// [`Error::Damaged`].
    pub fn decode(key: &[u8], bytes: &[u8]) -> Result<Self, Error> {
        let content = page::open(key, bytes, || "some bytes of the table of ids".into())?;
        let (split, entries) = parts(&content)?;
        Ok(Leaf { split, entries: entries.collect() })
    }

    fn encode(&self, key: &[u8]) -> Vec<u8> {
        let mut content = Vec::with_capacity(1 + ENTRY * self.entries.len());
        content.push(u8::from(self.split));
        for (hash, seq) in &self.entries {
            content.extend_from_slice(&hash.to_be_bytes());
            content.extend_from_slice(&seq.to_be_bytes()[3..]);
        }
        page::seal(key, &content)
    }
}

/// The depth, the slot and the number of the page that a key names.
pub(super) fn place(key: &[u8]) -> Option<(u8, u32, u16)> {
    let page = u16::from_be_bytes(key.get(10..12)?.try_into().ok()?);
    (key.len() == 12).then_some((*key.get(5)?, key::number(key, 6)?, page))
}

/// True when an entry of this hash may stand in the node, all nodes above which are in `split`.
pub(super) fn belongs(hash: u32, depth: u8, at: u32, split: &BTreeSet<(u8, u32)>) -> bool {
    depth <= DEEPEST && slot(depth, hash) == at && (0..depth).all(|above| split.contains(&(above, slot(above, hash))))
}

/// The items that ids of these hashes may have. `hashes` are in order.
///
/// # Errors
/// [`Error::Damaged`]; those of the byte store.
pub(super) fn find(kv: &dyn KeyValue, cid: u32, hashes: &[u32]) -> Result<Vec<Entry>, Error> {
    let mut found = Vec::new();
    if !hashes.is_empty() {
        walk(kv, cid, (0, 0), hashes, &mut found)?;
    }
    Ok(found)
}

fn walk(kv: &dyn KeyValue, cid: u32, (depth, at): (u8, u32), hashes: &[u32], found: &mut Vec<Entry>) -> Result<(), Error> {
    let (mut split, mut any) = (false, false);
    for entry in kv.scan_prefix(&key::id_node(cid, depth, at)) {
        let (key, bytes) = entry?;
        let content = page::open(&key, &bytes, || "some bytes of the table of ids".into())?;
        let (was_split, entries) = parts(&content)?;
        split |= was_split;
        any = true;
        found.extend(entries.filter(|(hash, _)| hashes.binary_search(hash).is_ok()));
    }
    // It can have been split after its first page was read.
    if !split && any {
        let key = key::id_page(cid, depth, at, 0);
        split = kv.get(&key)?.map(|bytes| Leaf::decode(&key, &bytes)).transpose()?.is_some_and(|leaf| leaf.split);
    }
    if split && depth < DEEPEST {
        for below in hashes.chunk_by(|a, b| slot(depth + 1, *a) == slot(depth + 1, *b)) {
            if let Some(first) = below.first() {
                walk(kv, cid, (depth + 1, slot(depth + 1, *first)), below, found)?;
            }
        }
    }
    Ok(())
}

struct Node {
    pages: BTreeMap<u16, Leaf>,
    changed: BTreeSet<u16>,
}

/// Changes to the table, before they are written.
pub(super) struct Edit<'a> {
    kv: &'a dyn KeyValue,
    cid: u32,
    nodes: BTreeMap<(u8, u32), Node>,
}

impl<'a> Edit<'a> {
    pub fn new(kv: &'a dyn KeyValue, cid: u32) -> Self {
        Edit { kv, cid, nodes: BTreeMap::new() }
    }

    fn node(&mut self, depth: u8, at: u32) -> Result<&mut Node, Error> {
        use std::collections::btree_map::Entry;
        match self.nodes.entry((depth, at)) {
            Entry::Occupied(there) => Ok(there.into_mut()),
            Entry::Vacant(free) => {
                let mut pages = BTreeMap::new();
                for entry in self.kv.scan_prefix(&key::id_node(self.cid, depth, at)) {
                    let (key, bytes) = entry?;
                    let (.., number) = place(&key).ok_or_else(|| Error::damaged("a key of the table of ids is too long"))?;
                    pages.insert(number, Leaf::decode(&key, &bytes)?);
                }
                Ok(free.insert(Node { pages, changed: BTreeSet::new() }))
            }
        }
    }

    /// Adds entries, which must not be there yet.
    ///
    /// # Errors
    /// [`Error::Damaged`]; those of the byte store.
    pub fn add(&mut self, entries: Vec<Entry>) -> Result<(), Error> {
        if let Some((_, seq)) = entries.iter().find(|(_, seq)| *seq >= MOST_ITEMS) {
            return Err(Error::damaged(format!("an item has number {seq}, expected less than {MOST_ITEMS}")));
        }
        if entries.is_empty() { Ok(()) } else { self.add_to(0, 0, entries) }
    }

    fn add_to(&mut self, depth: u8, at: u32, entries: Vec<Entry>) -> Result<(), Error> {
        let node = self.node(depth, at)?;
        let mut rest = entries.as_slice();
        let mut last = node.pages.last_key_value().map_or(0, |(number, _)| *number);
        while !rest.is_empty() {
            let leaf = node.pages.entry(last).or_insert(Leaf { split: false, entries: Vec::new() });
            let (now, later) = rest.split_at(FULL.saturating_sub(leaf.entries.len()).min(rest.len()));
            if !now.is_empty() {
                leaf.entries.extend_from_slice(now);
                node.changed.insert(last);
            }
            rest = later;
            if !rest.is_empty() {
                last = last.checked_add(1).ok_or_else(|| Error::damaged("the table of ids holds too many of one hash"))?;
            }
        }
        if node.pages.len() <= most_pages(depth, at) {
            return Ok(());
        }
        let mut below: BTreeMap<u32, Vec<Entry>> = BTreeMap::new();
        for (number, leaf) in std::mem::take(&mut node.pages) {
            node.changed.insert(number);
            for entry in leaf.entries {
                below.entry(slot(depth + 1, entry.0)).or_default().push(entry);
            }
        }
        node.pages.insert(0, Leaf { split: true, entries: Vec::new() });
        node.changed.insert(0);
        below.into_iter().try_for_each(|(at, entries)| self.add_to(depth + 1, at, entries))
    }

    /// Takes out the entry of item `seq`, whose id has this hash.
    ///
    /// # Errors
    /// As [`Edit::add`].
    pub fn remove(&mut self, (hash, seq): Entry) -> Result<(), Error> {
        for depth in 0..=DEEPEST {
            let node = self.node(depth, slot(depth, hash))?;
            let mut split = false;
            for (number, leaf) in &mut node.pages {
                split |= leaf.split;
                if let Some(at) = leaf.entries.iter().position(|entry| *entry == (hash, seq)) {
                    leaf.entries.remove(at);
                    node.changed.insert(*number);
                    return Ok(());
                }
            }
            if !split {
                break;
            }
        }
        Ok(())
    }

    /// Writes what changed.
    pub fn finish(self, batch: &mut Batch) {
        for ((depth, at), node) in self.nodes {
            for number in node.changed {
                let key = key::id_page(self.cid, depth, at, number);
                // The first page says whether there are children.
                match node.pages.get(&number).filter(|leaf| leaf.split || !leaf.entries.is_empty()) {
                    Some(leaf) => {
                        let bytes = leaf.encode(&key);
                        batch.put(key, bytes);
                    }
                    None => batch.delete(key),
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::memory::Memory;
    use super::*;

    #[test]
    fn what_was_added_is_found_and_what_was_removed_is_not() {
        let kv = Memory::default();
        let id = |seq: u64| hash(Modality::Audio, &format!("clip-{seq}"));
        let mut most = 0;
        for commit in 0..60u64 {
            let mut edit = Edit::new(&kv, 3);
            edit.add((commit * 1000..commit * 1000 + 1000).map(|seq| (id(seq), seq)).collect()).unwrap();
            if commit > 0 {
                (0..50).map(|i| commit * 1000 - 1 - 20 * i).for_each(|seq| edit.remove((id(seq), seq)).unwrap());
            }
            let mut batch = Batch::default();
            edit.finish(&mut batch);
            most = most.max(batch.len());
            kv.put_batch(batch).unwrap();
        }
        let there = |seq: u64| seq >= 59_000 || seq % 20 != 19;
        let mut hashes: Vec<u32> = (0..60_000).map(id).collect();
        hashes.sort_unstable();
        let mut all: Vec<u64> = find(&kv, 3, &hashes).unwrap().into_iter().map(|(_, seq)| seq).collect();
        all.sort_unstable();
        assert_eq!(all, (0..60_000).filter(|seq| there(*seq)).collect::<Vec<_>>());
        for seq in [0, 19, 777, 58_999, 59_999] {
            assert_eq!(find(&kv, 3, &[id(seq)]).unwrap().contains(&(id(seq), seq)), there(seq), "{seq}");
        }
        assert_eq!(find(&kv, 4, &hashes).unwrap(), []);
        assert!(most < 200, "{most} writes in one commit");
        let pages = kv.scan_prefix(b"H").count();
        assert!(pages < 400, "{pages} pages");
    }
}
