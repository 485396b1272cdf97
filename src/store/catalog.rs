//! A store: its collections, and small records that other modules keep in it.
//!
//! ```
//! # fn main() -> Result<(), dyad::store::Error> {
//! let store = dyad::store::Store::in_memory()?;
//! store.create("tinysol")?;
//! store.put_record("prompts", "track", &vec!["A <> track"])?;
//! assert_eq!(store.record("prompts", "track")?, Some(vec!["A <> track".to_owned()]));
//! # Ok(()) }
//! ```

use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};
use std::time::SystemTime;

use super::collection::Collection;
use super::error::{Error, Refused};
use super::folder::{self, Witness};
use super::key_value::{Batch, KeyValue};
use super::layout::{self, CollectionRecord, SpaceRecord, key};
use super::memory::Memory;
use super::sieve::Sieve;
use super::sled::{MOST_WAITS, Sled, WAIT};
use super::snapshot::{self, Beside};
use super::space::SpaceInfo;
use super::storage::Storage;
use super::{migrate, renew};

const LONGEST_NAME: usize = 64;

/// An open store. Clones are handles to the same one.
#[derive(Clone)]
pub struct Store {
    pub(super) inner: Arc<Inner>,
}

pub(super) struct Inner {
    // Before the witness: the byte store is closed first, then the lock is given up.
    pub kv: Arc<dyn KeyValue>,
    /// Held for writing by whoever changes the store, for reading by what must see several keys of one state. The number is
    /// that of the changes so far.
    lock: RwLock<u64>,
    dir: Option<PathBuf>,
    witness: Option<Witness>,
    /// The snapshot file that is read in place of a folder, and what is beside it.
    snapshot: Option<(PathBuf, Option<Beside>)>,
    /// Asked and told by commits, which hold the lock for writing.
    pub sieve: Sieve,
}

/// A collection as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CollectionInfo {
    pub name: String,
    /// Clips and labels together.
    pub items: u64,
    pub audio: u64,
    pub text: u64,
    /// What its vectors' numbers are kept as.
    pub storage: Storage,
    /// In the order in which they came.
    pub spaces: Vec<SpaceInfo>,
    /// Seconds since 1970.
    pub created: u64,
}

impl Store {
    /// Opens the store in folder `dir`, makes it when there is none. A snapshot file in place of a folder is opened as by
    /// [`Store::open_snapshot`].
    ///
    /// # Errors
    /// [`Error::Locked`] at once when it is in use, [`Error::Format`] when a newer dyad wrote it, [`Error::Foreign`] when
    /// the folder holds something else, [`Error::Damaged`], [`Error::Io`].
    pub fn open(dir: &Path) -> Result<Store, Error> {
        if dir.is_file() {
            return Store::open_snapshot(dir, None);
        }
        let (witness, kv) = open_parts(dir)?;
        Store::over(Arc::new(kv), Some(dir.to_owned()), Some(witness))
    }

    /// Opens a snapshot file to be read, by any number of processes. What a store has beside it goes to a folder in `cache`, by
    /// default the user's.
    ///
    /// # Errors
    /// [`Error::NoSnapshot`] for another file, [`Error::BadSnapshot`], [`Error::Format`], [`Refused::OldSnapshot`], [`Error::Io`].
    pub fn open_snapshot(file: &Path, cache: Option<&Path>) -> Result<Store, Error> {
        if !snapshot::is_snapshot(file) {
            return Err(Error::NoSnapshot { path: file.to_owned() });
        }
        let view = snapshot::View::open(file)?;
        let beside = snapshot::beside(file, &view, cache)?;
        let dir = beside.as_ref().map(|beside| beside.dir.clone());
        // What the snapshot says of itself is in it once more.
        let format =
            view.get(key::FORMAT)?.ok_or_else(|| Error::damaged(format!("`{}` does not say its format", file.display())))?;
        folder::check_format(file, layout::decode(&format, || "the format".into())?)?;
        let snapshot = Some((file.to_owned(), beside));
        let (kv, lock, sieve) = (Arc::new(view), RwLock::new(0), Sieve::default());
        Ok(Store { inner: Arc::new(Inner { kv, lock, dir, witness: None, snapshot, sieve }) })
    }

    /// Whether it can be written to: fit to ask before long work.
    ///
    /// # Errors
    /// [`Refused::ReadOnly`] for a snapshot file.
    pub fn writable(&self) -> Result<(), Error> {
        self.inner.writable()
    }

    /// What was opened: its folder, or a snapshot file; none for one in memory.
    pub fn place(&self) -> Option<&Path> {
        self.inner.snapshot.as_ref().map(|(file, _)| file.as_path()).or(self.dir())
    }

    /// An empty store that is gone with the process.
    ///
    /// # Errors
    /// None in practice; the signature is that of [`Store::open`].
    pub fn in_memory() -> Result<Store, Error> {
        Store::on(Arc::new(Memory::default()))
    }

    /// A store over any byte store.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn on(kv: Arc<dyn KeyValue>) -> Result<Store, Error> {
        Store::over(kv, None, None)
    }

    pub(super) fn over(kv: Arc<dyn KeyValue>, dir: Option<PathBuf>, witness: Option<Witness>) -> Result<Store, Error> {
        let place = dir.clone().unwrap_or_else(|| "memory".into());
        let changes = match kv.get(key::CHANGES)? {
            Some(bytes) => layout::decode(&bytes, || "the number of changes".into())?,
            None => 0,
        };
        if let Some(witness) = &witness {
            witness.check(changes)?;
        }
        let format = kv.get(key::FORMAT)?;
        if format.is_none() && kv.scan_prefix(b"").next().transpose()?.is_some() {
            return Err(Error::damaged(format!("`{}` does not say its format", place.display())));
        }
        let (lock, sieve) = (RwLock::new(changes), Sieve::default());
        let store = Store { inner: Arc::new(Inner { kv, lock, dir, witness, snapshot: None, sieve }) };
        match format {
            Some(bytes) => {
                let found = layout::decode(&bytes, || "the format".into())?;
                folder::check_format(&place, found)?;
                if found != layout::FORMAT {
                    migrate::migrate(&*store.inner.kv, found, layout::FORMAT, migrate::STEPS)?;
                    // An older dyad then hears of it before it opens anything.
                    store.inner.dir.as_deref().map_or(Ok(()), folder::write_marker)?;
                }
            }
            None => {
                let mut batch = Batch::default();
                batch.put(key::FORMAT.to_vec(), layout::encode(&layout::FORMAT, "the format")?);
                store.inner.apply(&mut store.inner.write(), batch)?;
            }
        }
        store.inner.sweep()?;
        Ok(store)
    }

    /// The store's folder, none for one in memory; for a snapshot file one in the user's cache. Files beside the store (search
    /// indices) go to folders of their own there.
    pub fn dir(&self) -> Option<&Path> {
        self.inner.dir.as_deref()
    }

    /// All collections, by name.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn collections(&self) -> Result<Vec<CollectionInfo>, Error> {
        let _reading = self.inner.read();
        let mut all = Vec::new();
        for entry in self.inner.kv.scan_prefix(key::COLLECTIONS) {
            let (key, value) = entry?;
            let name = String::from_utf8_lossy(&key[1..]).into_owned();
            let record: CollectionRecord = layout::decode(&value, || format!("collection `{name}`"))?;
            let spaces = self.inner.spaces(record.cid)?.iter().map(info).collect();
            let (audio, text, created) = (record.audio, record.text, record.created);
            let storage = self.inner.storage(record.cid)?;
            all.push(CollectionInfo { name, items: audio + text, audio, text, storage, spaces, created });
        }
        Ok(all)
    }

    /// Makes an empty collection that keeps vectors as they are given.
    ///
    /// # Errors
    /// [`Refused::Name`], [`Refused::Exists`]; [`Error::Damaged`], [`Error::Io`].
    pub fn create(&self, name: &str) -> Result<Collection, Error> {
        self.create_as(name, Storage::default())
    }

    /// Makes an empty collection that keeps the numbers of its vectors as `storage`.
    ///
    /// # Errors
    /// As [`Store::create`].
    pub fn create_as(&self, name: &str, storage: Storage) -> Result<Collection, Error> {
        check_name("collection name", name)?;
        self.writable()?;
        let mut writing = self.inner.write();
        let kv = &self.inner.kv;
        if kv.get(&key::collection(name))?.is_some() {
            return Err(Refused::Exists { name: name.to_owned() }.into());
        }
        let cid: u32 = match kv.get(key::NEXT_COLLECTION)? {
            Some(bytes) => layout::decode(&bytes, || "the next collection's id".into())?,
            None => 0,
        };
        let created = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).map_or(0, |d| d.as_secs());
        let record = CollectionRecord { cid, created, next_seq: 0, next_space: 0, audio: 0, text: 0 };
        let mut batch = Batch::default();
        batch.put(key::NEXT_COLLECTION.to_vec(), layout::encode(&(cid + 1), name)?);
        batch.put(key::collection(name), layout::encode(&record, name)?);
        if storage != Storage::default() {
            batch.put(key::all(b'T', cid), layout::encode(&storage, name)?);
        }
        self.inner.apply(&mut writing, batch)?;
        Ok(Collection { inner: Arc::clone(&self.inner), name: name.to_owned(), cid })
    }

    /// The collection `name`, if there is one.
    ///
    /// # Errors
    /// [`Error::Damaged`], [`Error::Io`].
    pub fn collection(&self, name: &str) -> Result<Option<Collection>, Error> {
        let Some(bytes) = self.inner.kv.get(&key::collection(name))? else {
            return Ok(None);
        };
        let record: CollectionRecord = layout::decode(&bytes, || format!("collection `{name}`"))?;
        Ok(Some(Collection { inner: Arc::clone(&self.inner), name: name.to_owned(), cid: record.cid }))
    }

    /// The collection `name`, made if there is none; safe when several threads ask at once.
    ///
    /// # Errors
    /// [`Refused::Name`]; [`Error::Damaged`], [`Error::Io`].
    pub fn open_or_create(&self, name: &str) -> Result<Collection, Error> {
        self.open_or_create_as(name, None)
    }

    /// As [`Store::open_or_create`]; where a storage is asked for, one that is there must have it.
    ///
    /// # Errors
    /// [`Refused::Storage`], and as [`Store::open_or_create`].
    pub fn open_or_create_as(&self, name: &str, storage: Option<Storage>) -> Result<Collection, Error> {
        match self.create_as(name, storage.unwrap_or_default()) {
            Err(Error::Refused(Refused::Exists { .. })) => {
                self.storage_for(name, storage)?;
                self.collection(name)?.ok_or_else(|| Refused::NoCollection { name: name.to_owned() }.into())
            }
            made => made,
        }
    }

    /// What the collection `name` keeps its numbers as, or will when it is made with what is asked for.
    ///
    /// # Errors
    /// [`Refused::Storage`] when it is there and has another storage; [`Error::Damaged`], [`Error::Io`].
    pub fn storage_for(&self, name: &str, asked: Option<Storage>) -> Result<Storage, Error> {
        let Some(collection) = self.collection(name)? else { return Ok(asked.unwrap_or_default()) };
        match (collection.storage()?, asked) {
            (stored, Some(given)) if stored != given => Err(Refused::Storage { name: name.to_owned(), stored, given }.into()),
            (stored, _) => Ok(stored),
        }
    }

    /// Removes the collection and all that is in it. Handles to it find nothing any more.
    ///
    /// # Errors
    /// [`Refused::NoCollection`]; [`Error::Damaged`], [`Error::Io`].
    pub fn drop_collection(&self, name: &str) -> Result<(), Error> {
        let mut writing = self.inner.write();
        let record = self.inner.collection(name)?;
        let mut batch = Batch::default();
        batch.delete(key::collection(name));
        batch.put(key::sweep(record.cid, None), Vec::new());
        self.inner.apply(&mut writing, batch)?;
        self.inner.sweep()
    }
}

impl Inner {
    // The number is set after all that can fail, so a poisoned lock guards a right one.
    pub fn read(&self) -> RwLockReadGuard<'_, u64> {
        self.lock.read().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn write(&self) -> RwLockWriteGuard<'_, u64> {
        self.lock.write().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn writable(&self) -> Result<(), Error> {
        match &self.snapshot {
            Some((path, _)) => Err(Refused::ReadOnly { path: path.clone() }.into()),
            None => Ok(()),
        }
    }

    /// Does the writes, all or none, and returns when they are safe.
    pub fn apply(&self, changes: &mut u64, mut batch: Batch) -> Result<(), Error> {
        let next = changes.saturating_add(1);
        batch.put(key::CHANGES.to_vec(), layout::encode(&next, "the number of changes")?);
        self.kv.put_batch(batch)?;
        self.kv.flush()?;
        *changes = next;
        if let Some(witness) = &self.witness {
            witness.saw(next);
        }
        Ok(())
    }

    pub fn collection(&self, name: &str) -> Result<CollectionRecord, Error> {
        let bytes = self.kv.get(&key::collection(name))?.ok_or_else(|| Refused::NoCollection { name: name.to_owned() })?;
        layout::decode(&bytes, || format!("collection `{name}`"))
    }

    /// What the vectors of a collection are kept as.
    pub fn storage(&self, cid: u32) -> Result<Storage, Error> {
        let bytes = self.kv.get(&key::all(b'T', cid))?;
        bytes.map_or(Ok(Storage::default()), |bytes| layout::decode(&bytes, || "the storage of a collection".into()))
    }

    /// The spaces of a collection in the order in which they came.
    pub fn spaces(&self, cid: u32) -> Result<Vec<SpaceRecord>, Error> {
        let read = |entry: Result<(Vec<u8>, Vec<u8>), Error>| layout::decode(&entry?.1, || "a space".into());
        let mut spaces: Vec<SpaceRecord> = self.kv.scan_prefix(&key::all(b'S', cid)).map(read).collect::<Result<_, _>>()?;
        spaces.sort_by_key(|space| space.number);
        Ok(spaces)
    }
}

/// Takes the lock of the folder, made if there is none, and opens its byte store.
pub(super) fn open_parts(dir: &Path) -> Result<(Witness, Sled), Error> {
    folder::prepare(dir)?;
    let witness = Witness::open(dir)?;
    renew::settle(dir)?;
    let kv = open_waiting(dir)?;
    Ok((witness, kv))
}

/// Opens the byte store in a folder whose lock is held. Nobody else has it then, so a refusal is what is left of one that was
/// just closed.
pub(super) fn open_waiting(dir: &Path) -> Result<Sled, Error> {
    let mut waits = 0;
    loop {
        match Sled::open(&renew::db(dir)) {
            Err(Error::Locked { .. }) if waits < MOST_WAITS => waits += 1,
            Err(Error::Locked { .. }) => return Err(Error::Locked { path: dir.to_owned(), holder: None }),
            other => return other,
        }
        std::thread::sleep(WAIT);
    }
}

/// What is told of a space.
pub(super) fn info(record: &SpaceRecord) -> SpaceInfo {
    SpaceInfo { key: record.key.clone(), dim: record.dim as usize, rows: record.rows, fingerprint: record.fingerprint }
}

pub(super) fn check_name(what: &'static str, name: &str) -> Result<(), Refused> {
    let right = |c: char| c.is_alphanumeric() || matches!(c, '-' | '_' | '.');
    if name.len() <= LONGEST_NAME && name.starts_with(char::is_alphanumeric) && name.chars().all(right) {
        return Ok(());
    }
    Err(Refused::Name { what, name: name.chars().take(LONGEST_NAME).collect(), longest: LONGEST_NAME })
}
