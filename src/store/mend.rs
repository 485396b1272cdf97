//! Checking a store from its folder down, and mending it.
//!
//! ```text
//!   folder ─ marker ─ files of sled ─ number of changes ─ entries (`check`)
//!                                                            ├ all pages can be read: the fixes are written
//!                                                            └ some cannot: what can be read goes to a new byte store
//! ```
//! sled changes its files when it opens them: it cuts its log at the first wrong byte. What a check names as gone after that
//! is gone already; `snapshot` is what guards against it.

use std::fs;
use std::path::{Path, PathBuf};

use crate::progress::Progress;

use super::catalog::{self, Store};
use super::check::{self, Checkup, Remedy, tolerant};
use super::error::Error;
use super::folder::{self, Marker, Witness};
use super::items;
use super::key_value::{self, Batch, KeyValue};
use super::layout::{self, CollectionRecord, FORMAT, SpaceRecord, key};
use super::migrate;
use super::renew::{self, Filling};
use super::sled::Sled;
use super::snapshot::View;

/// Fixes in one batch.
const BATCH: usize = 1_000;

impl Store {
    /// Checks the store in folder `dir`, all of it or the collection `only`. With `repair` it is mended: what can be is made
    /// again, and what is left of what is lost is taken out.
    ///
    /// # Errors
    /// [`Error::Locked`], [`Error::Format`], [`Error::NoStore`], [`Error::Cancelled`]; [`Error::Damaged`] when the byte store
    /// cannot be opened at all; [`Error::Io`].
    pub fn check_folder(dir: &Path, only: Option<&str>, repair: bool, progress: &dyn Progress) -> Result<Checkup, Error> {
        if dir.is_file() {
            return check_snapshot(dir, only, repair, progress);
        }
        let mut begun = Checkup::default();
        let marker = folder::marker(dir)?;
        // Whatever else has a folder `db` is somebody else's, and nothing is written to it.
        let ours = || Witness::speaks(dir) && Sled::is_at(&renew::db(dir));
        if marker == Marker::Missing && !ours() {
            return Err(Error::NoStore { path: dir.to_owned() });
        }
        let witness = Witness::open(dir)?;
        if marker != Marker::Missing || repair {
            renew::settle(dir)?;
        }
        match marker {
            Marker::Format(found) => folder::check_format(dir, found)?,
            Marker::Missing => begun.find(Remedy::Rebuilt, None, None, "the file `dyad-store` is missing or empty"),
            Marker::Damaged => begun.find(Remedy::Rebuilt, None, None, "the file `dyad-store` does not say a format"),
        }
        let kv = open(dir, repair, &mut begun)?;
        let format = tolerant::get(&kv, key::FORMAT)?.and_then(Result::ok);
        if let Some(found) = format.and_then(|bytes| layout::decode(&bytes, String::new).ok()) {
            folder::check_format(dir, found)?;
            migrate::migrate(&kv, found, FORMAT, migrate::STEPS)?;
            // What cannot be removed is found below.
            let _ = key::RETIRED.iter().try_for_each(|table| key_value::empty(&kv, &[*table]));
        }
        if !witness.spoke() {
            begun.find(Remedy::Rebuilt, None, None, "the file `changes` is missing or says no number");
        }
        let changes = tolerant::get(&kv, key::CHANGES)?.and_then(Result::ok);
        let changes: u64 = changes.and_then(|bytes| layout::decode(&bytes, String::new).ok()).unwrap_or(0);
        if changes < witness.seen() {
            let (lost, all) = (witness.seen() - changes, witness.seen());
            begun.find(
                Remedy::Lost,
                None,
                None,
                format!("the last {lost} of {all} changes are gone: what they stored must be stored again"),
            );
        }
        let found = check::examine(&kv, if repair { None } else { only }, progress)?;
        begun.findings.extend(found.findings);
        (begun.items, begun.vectors) = (found.items, found.vectors);
        if !repair || begun.is_whole() {
            return Ok(begun);
        }
        folder::write_marker(dir)?;
        let next = changes.max(witness.seen()).saturating_add(1);
        if found.unreadable {
            rebuild(dir, &kv, next, progress)?;
            drop(kv);
            Sled::wait_until_closed(&renew::db(dir));
            if begun.kept.is_none() {
                begun.kept = Some(renew::keep(dir)?);
            }
            renew::finish(dir)?;
        } else {
            write(&kv, found.fixes, next)?;
            drop(kv);
            Sled::wait_until_closed(&renew::db(dir));
        }
        witness.saw(next);
        drop(witness);
        // What was mended must be whole: asked of the store as anybody would open it.
        let left = Store::open(dir)?.check(None, progress)?;
        match left.findings.first() {
            None => Ok(begun),
            Some(finding) => Err(Error::damaged(format!("the repair left {} faults: {}", left.findings.len(), finding.fault))),
        }
    }
}

impl Store {
    /// Mends what a check of the open store finds, and tells what that was.
    ///
    /// # Errors
    /// As [`Store::check`]; [`Error::Damaged`] when some pages cannot be read: then [`Store::check_folder`] is the way.
    pub fn mend(&self, progress: &dyn Progress) -> Result<Checkup, Error> {
        let mut writing = self.inner.write();
        let mut found = check::examine(&*self.inner.kv, None, progress)?;
        if found.unreadable {
            return Err(Error::damaged("some of its pages cannot be read"));
        }
        if !found.is_whole() {
            self.inner.sieve.forget();
            write(&*self.inner.kv, std::mem::take(&mut found.fixes), *writing)?;
            self.inner.apply(&mut writing, Batch::default())?;
            self.inner.sweep()?;
        }
        Ok(found)
    }
}

/// Reads all of a snapshot file, and what is in it.
fn check_snapshot(file: &Path, only: Option<&str>, repair: bool, progress: &dyn Progress) -> Result<Checkup, Error> {
    let store = Store::open(file)?;
    if repair {
        store.writable()?;
    }
    View::open(file)?.verify(progress)?;
    store.check(only, progress)
}

/// Opens the byte store. When it does not open and may be mended, without those of its files that follow from its log.
fn open(dir: &Path, repair: bool, out: &mut Checkup) -> Result<Sled, Error> {
    let db = renew::db(dir);
    let first = match catalog::open_waiting(dir) {
        Err(Error::Damaged { what }) => what,
        other => return other,
    };
    let pages = Sled::damaged_pages(&db);
    if repair && !pages.is_empty() {
        return open_without(dir, &pages, out);
    }
    let wrong = wrong_files(&db);
    let named = wrong.iter().map(|name| format!("`db/{name}`")).collect::<Vec<_>>().join(" and ");
    if wrong.is_empty() {
        return if repair { open_by_log(dir, first, out) } else { Err(Error::damaged(first)) };
    }
    if !repair {
        let advice = "it follows from the log, and `dyad check --repair` makes it again";
        return Err(Error::damaged(format!("{named} has a wrong checksum; {advice}")));
    }
    // sled takes every file whose name begins with `snap.` for one of its own.
    let places: Vec<_> = wrong.iter().map(|name| (db.join(name), db.join(format!("damaged.{name}")))).collect();
    for (place, aside) in &places {
        fs::rename(place, aside).map_err(|e| Error::io("rename", place, e))?;
    }
    let opened = catalog::open_waiting(dir);
    for (place, aside) in places {
        let _ = if opened.is_ok() { fs::remove_file(aside) } else { fs::rename(aside, place) };
    }
    let kv = opened.map_err(|_| Error::damaged(first))?;
    out.find(Remedy::Rebuilt, None, None, format!("{named} has a wrong checksum"));
    Ok(kv)
}

/// Opens a byte store without the files of some pages: what was in these is then found to be lost, and no more.
fn open_without(dir: &Path, pages: &[PathBuf], out: &mut Checkup) -> Result<Sled, Error> {
    out.kept = Some(renew::keep(dir)?);
    for page in pages {
        fs::remove_file(page).map_err(|e| Error::io("remove", page, e))?;
        out.find(Remedy::Lost, None, None, format!("`{}` is not what was written", page.display()));
    }
    catalog::open_waiting(dir)
}

/// Opens a byte store whose files are what was written, but do not fit each other: by its log alone, up to the first wrong byte.
fn open_by_log(dir: &Path, first: String, out: &mut Checkup) -> Result<Sled, Error> {
    let db = renew::db(dir);
    let snapshots: Vec<_> = Sled::snapshots(&db);
    if snapshots.is_empty() || !db.join("db").is_file() {
        return Err(Error::damaged(format!("{first}, and without its log nothing can be read or mended")));
    }
    let kept = renew::keep(dir)?;
    let removed = snapshots.iter().try_for_each(|file| fs::remove_file(file).map_err(|e| Error::io("remove", file, e)));
    match removed.and_then(|()| catalog::open_waiting(dir)) {
        Ok(kv) => {
            out.find(Remedy::Lost, None, None, format!("{first}: it was read up to the first wrong byte of its log"));
            out.kept = Some(kept);
            Ok(kv)
        }
        Err(_) => {
            renew::put_back(dir, &kept)?;
            Err(Error::damaged(format!("{first}, and nothing can be read of its log")))
        }
    }
}

/// The files of sled that follow from its log and are not what was written: the last four bytes are a crc32 of what is before
/// them, but for the eight bytes of the length that a `snap.*` has there.
fn wrong_files(db: &Path) -> Vec<String> {
    let entries = fs::read_dir(db).into_iter().flatten().filter_map(Result::ok);
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.retain(|name| {
        let snap = name.starts_with("snap.");
        let right = |bytes: Vec<u8>| {
            let (rest, sum) = bytes.split_last_chunk::<4>()?;
            let summed = rest.get(..rest.len().checked_sub(if snap { 8 } else { 0 })?)?;
            Some(crc32fast::hash(summed) == u32::from_le_bytes(*sum))
        };
        (snap || name == "conf") && fs::read(db.join(name)).ok().and_then(right) != Some(true)
    });
    names.sort();
    names
}

/// Writes the fixes. Each stands for itself, so a repair that was killed goes on when it is asked for again.
fn write(kv: &dyn KeyValue, fixes: Vec<check::Fix>, changes: u64) -> Result<(), Error> {
    let mut fixes = fixes.into_iter().peekable();
    while fixes.peek().is_some() {
        let mut batch = Batch::default();
        for (key, value) in fixes.by_ref().take(BATCH) {
            match value {
                Some(value) => batch.put(key, value),
                None => batch.delete(key),
            }
        }
        kv.put_batch(batch)?;
    }
    let mut batch = Batch::default();
    batch.put(key::CHANGES.to_vec(), layout::encode(&changes, "the number of changes")?);
    kv.put_batch(batch)?;
    kv.flush()
}

/// Copies what can be read to a new byte store, and mends it there.
fn rebuild(dir: &Path, from: &dyn KeyValue, changes: u64, progress: &dyn Progress) -> Result<(), Error> {
    let to = renew::begin(dir)?;
    let copy = || {
        let mut filling = Filling::new(&to, progress);
        readable(from, &mut |key, value| filling.put((key.to_vec(), value)))?;
        filling.end()?;
        let found = check::examine(&to, None, progress)?;
        write(&to, found.fixes, changes)
    };
    let done = copy();
    drop(to);
    if done.is_err() {
        renew::abandon(dir);
    }
    done
}

/// Takes a key and its value.
type Each<'a> = dyn FnMut(&[u8], Vec<u8>) -> Result<(), Error> + 'a;

/// Gives `each` all entries that can be read.
fn readable(kv: &dyn KeyValue, each: &mut Each<'_>) -> Result<(), Error> {
    let mut collections: Vec<CollectionRecord> = Vec::new();
    let mut spaces: Vec<(u32, SpaceRecord)> = Vec::new();
    for table in key::TABLES {
        match table {
            b'P' | b'M' => {
                let place = if table == b'P' { key::page } else { key::names };
                for c in &collections {
                    let probes = (0..c.next_seq.div_ceil(items::WIDTH)).map(|page| place(c.cid, page));
                    tolerant::visit(kv, &key::all(table, c.cid), probes, |key, read| {
                        read.map_or(Ok(()), |value| each(key, value))
                    })?;
                }
            }
            b'V' | b'D' => {
                for (cid, s) in &spaces {
                    let place = if table == b'V' { key::block } else { key::dead };
                    let probes = (0..s.next_block).map(|block| place(*cid, s.number, block));
                    let prefix = key::all_of_space(table, *cid, s.number);
                    tolerant::visit(kv, &prefix, probes, |key, read| read.map_or(Ok(()), |value| each(key, value)))?;
                }
            }
            _ => {
                tolerant::visit_unguessed(kv, &[table], |key, read| {
                    let Ok(value) = read else { return Ok(()) };
                    match table {
                        b'C' => collections.extend(layout::decode::<CollectionRecord>(&value, String::new)),
                        b'S' => {
                            let cid = key::number(key, 1).unwrap_or(u32::MAX);
                            spaces.extend(layout::decode::<SpaceRecord>(&value, String::new).map(|space| (cid, space)));
                        }
                        _ => {}
                    }
                    each(key, value)
                })?;
            }
        }
    }
    Ok(())
}
