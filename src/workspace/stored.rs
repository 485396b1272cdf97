//! Vectors of a large space, read from the store whenever they are gone through, and never all in memory.

use std::sync::Arc;

use super::clips::{few, items};
use super::patience::{Waiter, patiently};
use super::{Clips, Error, Loaded, Workspace};
use crate::diagnostic::Diagnostic;
use crate::embedding::Embeddings;
use crate::metric::{self, Block, Rows};
use crate::progress::Progress;
use crate::query::Predicate;
use crate::store::{self, Collection, Item, SpaceInfo};

/// Spaces with fewer bytes of vectors are read whole, and kept for the next statement.
const WHOLE_BELOW: u64 = 128 << 20;

/// See the module.
pub struct Stored {
    collection: Collection,
    info: SpaceInfo,
    /// The items whose vectors are wanted, ascending.
    seqs: Vec<u64>,
}

impl Workspace {
    /// The clips of a space that pass `filter`, and their vectors: in memory where they are few, else block by block from
    /// the store. In the second case [`Clips::embeddings`] has no rows.
    ///
    /// # Errors
    /// As [`Workspace::clips`].
    pub fn clips_in_blocks(
        &self,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        progress: &dyn Progress,
    ) -> Result<(Clips, Option<Arc<Stored>>), Error> {
        self.whole_below(WHOLE_BELOW, collection, info, filter, progress)
    }

    fn whole_below(
        &self,
        bytes: u64,
        collection: &Collection,
        info: &SpaceInfo,
        filter: Option<&Predicate>,
        progress: &dyn Progress,
    ) -> Result<(Clips, Option<Arc<Stored>>), Error> {
        if info.rows.saturating_mul(4 * info.dim as u64) < bytes {
            return Ok((self.clips(collection, info, filter, progress)?, None));
        }
        if let Some(filter) = filter
            && let Some(clips) = few(collection, info, filter)?
        {
            self.note_lacking(collection, info, Some(filter), clips.len(), progress)?;
            return Ok((clips, None));
        }
        progress.begin("reading items", Some(info.rows));
        let (from, space) = (collection.clone(), info.clone());
        let loaded = patiently(progress, move |waiter| items_of(&from, space, waiter))??;
        progress.end();
        // Vectors that were renewed stand out of order, and are put in order in memory.
        let Some(loaded) = loaded else { return Ok((self.clips(collection, info, filter, progress)?, None)) };
        let clips = self.passing(collection, Arc::new(loaded), filter)?;
        self.note_lacking(collection, info, filter, clips.len(), progress)?;
        let seqs = clips.items().iter().map(|item| item.seq).collect();
        let stored = Stored { collection: collection.clone(), info: info.clone(), seqs };
        Ok((clips, Some(Arc::new(stored))))
    }
}

impl Stored {
    /// The same vectors, but only those of `items`, which are ascending.
    pub fn only<'a>(&self, items: impl Iterator<Item = &'a Item>) -> Stored {
        Stored { collection: self.collection.clone(), info: self.info.clone(), seqs: items.map(|item| item.seq).collect() }
    }
}

/// The items of a space without their vectors; none where the vectors do not stand in the order of the items.
fn items_of(collection: &Collection, info: SpaceInfo, waiter: &Waiter) -> Result<Option<Loaded>, Error> {
    let (mut seqs, mut sorted): (Vec<u64>, bool) = (Vec::new(), true);
    collection.each_block(&info.key, |_, block, _| {
        sorted &= block.is_sorted() && seqs.last() < block.first();
        seqs.extend_from_slice(block);
        sorted && !waiter.is_gone()
    })?;
    if waiter.is_gone() {
        return Err(Error::Cancelled);
    }
    if !sorted {
        return Ok(None);
    }
    let embeddings = Arc::new(Embeddings::empty(info.key.space.clone(), info.dim));
    let items = items(collection, &info, &seqs, waiter)?;
    Ok(Some(Loaded { collection: collection.name().to_owned(), info, items, embeddings }))
}

impl Rows for Stored {
    fn count(&self) -> usize {
        self.seqs.len()
    }

    fn dim(&self) -> usize {
        self.info.dim
    }

    fn blocks(&self, at_most: usize, each: &mut dyn FnMut(Block<'_>) -> Result<(), metric::Error>) -> Result<(), metric::Error> {
        let dim = self.info.dim.max(1);
        let mut wanted = self.seqs.iter().copied().peekable();
        let (mut first, mut rows) = (0, Vec::new());
        let mut fault = None;
        let read = self.collection.each_block(&self.info.key, |_, seqs, block| {
            for (&seq, row) in seqs.iter().zip(block.chunks_exact(dim)) {
                if wanted.next_if_eq(&seq).is_some() {
                    rows.extend_from_slice(row);
                }
            }
            while fault.is_none() && rows.len() >= at_most.max(1).saturating_mul(dim) {
                let rest = rows.split_off(at_most.max(1) * dim);
                fault = self.give(&mut first, std::mem::replace(&mut rows, rest), each).err();
            }
            fault.is_none()
        });
        match (fault, read) {
            (Some(fault), _) => Err(fault),
            (None, Err(error)) => Err(unreadable(error)),
            (None, Ok(info)) if info.fingerprint != self.info.fingerprint => {
                let what = format!("`{}` of `{}` changed while its vectors were read", info.key, self.collection.name());
                Err(metric::Error::Unreadable(metric::Fault(Arc::new(Diagnostic::new(what)))))
            }
            (None, Ok(_)) if rows.is_empty() => Ok(()),
            (None, Ok(_)) => self.give(&mut first, rows, each),
        }
    }
}

impl Stored {
    fn give(
        &self,
        first: &mut usize,
        rows: Vec<f32>,
        each: &mut dyn FnMut(Block<'_>) -> Result<(), metric::Error>,
    ) -> Result<(), metric::Error> {
        let vectors = Embeddings::from_rows(self.info.key.space.clone(), self.info.dim, rows).map_err(|fault| {
            let what = format!("`{}` of collection `{}`: {fault}", self.info.key, self.collection.name());
            unreadable(store::Error::Damaged { what })
        })?;
        each(Block { first: *first, unit: vectors.rows(), norms: vectors.norms() })?;
        *first += vectors.len();
        Ok(())
    }
}

fn unreadable(error: store::Error) -> metric::Error {
    metric::Error::Unreadable(metric::Fault(Arc::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::embedding::{Modality, Space, Stage};
    use crate::progress::Silent;
    use crate::store::{NewItem, SpaceKey, Store};

    fn key() -> SpaceKey {
        SpaceKey::new(Space::new("m", Modality::Audio, Stage::Joint), "hash")
    }

    fn commit(collection: &Collection, items: std::ops::Range<u16>) {
        let vector = |i: u16| vec![f32::from(i), 1.0, f32::from(i % 7) - 3.5];
        let item = |i| NewItem { vectors: vec![(key(), vector(i))], ..NewItem::new(format!("c{i}"), Modality::Audio) };
        collection.commit(items.map(item).collect()).unwrap();
    }

    #[test]
    fn rows_from_the_store_are_those_in_memory() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let collection = workspace.store().create("many").unwrap();
        [0..300, 300..301, 301..900].into_iter().for_each(|part| commit(&collection, part));
        let info = collection.space(&key()).unwrap().unwrap();
        let (clips, stored) = workspace.whole_below(0, &collection, &info, None, &Silent).unwrap();
        let whole = workspace.clips(&collection, &info, None, &Silent).unwrap().embeddings();
        let stored = stored.unwrap();
        let some: Vec<usize> = (0..900).filter(|i| i % 3 == 1).collect();
        let few = stored.only(some.iter().map(|&i| &clips.loaded.items[i]));
        for (rows, expected) in [(&*stored, (*whole).clone()), (&few, whole.select(&some))] {
            for at_most in [1, 7, 256, 10_000] {
                let (mut unit, mut norms) = (Vec::new(), Vec::new());
                let mut each = |block: Block<'_>| {
                    assert!(block.first == norms.len() && block.norms.len() <= at_most);
                    unit.extend_from_slice(block.unit);
                    norms.extend_from_slice(block.norms);
                    Ok(())
                };
                rows.blocks(at_most, &mut each).unwrap();
                assert_eq!((unit.as_slice(), norms.as_slice()), (expected.rows(), expected.norms()));
            }
        }
        // One that fails in the middle ends the walk with its own error.
        let mut seen = 0;
        let failed = stored.blocks(10, &mut |_| {
            seen += 1;
            if seen == 3 { Err(metric::Error::Cancelled) } else { Ok(()) }
        });
        assert_eq!((failed, seen), (Err(metric::Error::Cancelled), 3));
        // Rows that change between two walks are no rows of this evaluation.
        commit(&collection, 900..901);
        assert!(matches!(stored.blocks(100, &mut |_| Ok(())), Err(metric::Error::Unreadable(_))));
    }

    #[test]
    fn vectors_out_of_order_are_read_whole() {
        let workspace = Workspace::over(Store::in_memory().unwrap(), &[]);
        let collection = workspace.store().create("few").unwrap();
        commit(&collection, 0..5);
        let other = SpaceKey::new(Space::new("m", Modality::Audio, Stage::PreJoint), "hash");
        let late = |i| NewItem { vectors: vec![(other.clone(), vec![1.0])], ..NewItem::new(format!("c{i}"), Modality::Audio) };
        for i in [3, 1] {
            collection.commit(vec![late(i)]).unwrap();
        }
        let info = collection.space(&other).unwrap().unwrap();
        let (clips, stored) = workspace.whole_below(0, &collection, &info, None, &Silent).unwrap();
        assert_eq!((stored.is_none(), clips.embeddings().len()), (true, 2));
    }
}
