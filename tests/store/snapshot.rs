//! Snapshots: all of a store in a file and back, and nothing from a file that is not a whole one.

use std::fs;
use std::io;
use std::path::Path;
use std::sync::Arc;

use dyad::progress::{Progress, Silent};
use dyad::store::{Error, FORMAT, Faulty, KeyValue, Memory, Refused, Store, restore_into};

use super::check::{contents, filled};
use super::clip;

const NAME: &str = "a.snap";

fn bytes(store: &Store) -> Vec<u8> {
    let mut out = Vec::new();
    store.snapshot_to(&mut out, &Silent).unwrap();
    out
}

/// A snapshot of these chunks, each with its right checksum.
fn made(chunks: &[&[u8]]) -> Vec<u8> {
    let mut out = [&b"dyadsnap"[..], &1u32.to_le_bytes(), &FORMAT.to_le_bytes()].concat();
    for (number, chunk) in (0u64..).zip(chunks) {
        out.extend((chunk.len() as u32).to_le_bytes());
        out.extend(&blake3::Hasher::new().update(&number.to_le_bytes()).update(chunk).finalize().as_bytes()[..16]);
        out.extend(*chunk);
    }
    out
}

fn names(dir: &Path) -> Vec<String> {
    let mut names: Vec<String> =
        fs::read_dir(dir).unwrap().map(|e| e.unwrap().file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

#[test]
fn a_store_comes_back_as_it_was() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("store"), place.path().join(NAME));
    let store = Store::open(&dir).unwrap();
    let collection = store.create("c").unwrap();
    collection.commit((0..900).map(|i| clip(&format!("{i}"), [i as f32, 1.0])).collect()).unwrap();
    for (name, text) in [("prompts/own.toml", "a"), ("models/m/model.toml", ""), ("index/x.hnsw", "cache")] {
        fs::create_dir_all(dir.join(name).parent().unwrap()).unwrap();
        fs::write(dir.join(name), text).unwrap();
    }
    #[cfg(unix)]
    std::os::unix::fs::symlink("/etc/passwd", dir.join("link")).unwrap();
    let written = store.snapshot(&file, &Silent).unwrap();
    assert_eq!((written.files, written.bytes), (2, fs::metadata(&file).unwrap().len()));
    assert_eq!(written.skipped.len(), usize::from(cfg!(unix)));
    let again = store.snapshot(&file, &Silent).unwrap_err();
    assert!(matches!(again, Error::Refused(Refused::Taken { .. })), "{again}");
    let within = store.snapshot(&dir.join("own.snap"), &Silent).unwrap_err();
    assert!(matches!(within, Error::Refused(Refused::Within { .. })), "{within}");
    let new = place.path().join("deep/new");
    let restored = Store::restore(&file, &new, &Silent).unwrap();
    assert_eq!((restored.entries, restored.files), (written.entries, 2));
    let copy = Store::open(&new).unwrap();
    assert_eq!(contents(&copy), contents(&store));
    assert!(copy.check(None, &Silent).unwrap().is_whole());
    assert_eq!(fs::read_to_string(new.join("prompts/own.toml")).unwrap(), "a");
    assert_eq!(names(&new), ["changes", "db", "dyad-store", "models", "prompts"]);
    // The same entries give the same bytes.
    assert_eq!(bytes(&copy).len(), bytes(&store).len());
    for taken in [&new, &dir, &file] {
        assert!(matches!(Store::restore(&file, taken, &Silent), Err(Error::Refused(Refused::Taken { .. }))));
    }
    let empty = place.path().join("empty");
    fs::create_dir(&empty).unwrap();
    // What a restore that was killed left is no hindrance.
    fs::create_dir_all(place.path().join(".empty.restoring/db")).unwrap();
    fs::write(place.path().join(".empty.restoring/db/db"), "half").unwrap();
    Store::restore(&file, &empty, &Silent).unwrap();
    assert_eq!(contents(&Store::open(&empty).unwrap()), contents(&store));
    assert_eq!(names(place.path()), [NAME, "deep", "empty", "store"]);
}

#[test]
fn each_cut_and_each_flipped_bit_is_refused() {
    let (_, store) = filled(7);
    let good = bytes(&store);
    let read = |bytes: &[u8]| restore_into(&mut &bytes[..], Path::new(NAME), &Memory::default(), None, &Silent);
    read(&good).unwrap();
    for cut in (0..good.len()).step_by(61).chain(good.len() - 70..good.len()) {
        assert!(matches!(read(&good[..cut]), Err(Error::Snapshot { .. })), "cut {cut}");
    }
    for at in (0..good.len()).step_by(53).chain(0..60) {
        let mut bad = good.clone();
        bad[at] ^= 1 << (at % 8);
        assert!(matches!(read(&bad), Err(Error::Snapshot { .. } | Error::Format { .. })), "byte {at}");
    }
    assert!(matches!(read(&[&good[..], &[0]].concat()), Err(Error::Snapshot { .. })), "more after the end");
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join(NAME);
    fs::write(&file, &good[..good.len() / 2]).unwrap();
    let error = Store::restore(&file, &place.path().join("s"), &Silent).unwrap_err();
    assert!(error.to_string().contains("is no whole snapshot of a store: it is cut in chunk"), "{error}");
    assert_eq!(names(place.path()), [NAME]);
}

#[test]
fn made_up_snapshots_are_refused() {
    let place = tempfile::tempdir().unwrap();
    let end = |files: u64| [&b"E"[..], &0u64.to_le_bytes(), &files.to_le_bytes()].concat();
    for path in ["../x", "/tmp/x", "a/../../x", "", ".", "db/db", "changes", "DYAD-STORE", "a\0b", "index/x", "db.whole/x"] {
        let file = place.path().join(NAME);
        let chunk = [b"F", path.as_bytes()].concat();
        fs::write(&file, made(&[&chunk, b"Dtext", &end(1)])).unwrap();
        let error = Store::restore(&file, &place.path().join("s"), &Silent).unwrap_err();
        assert!(error.to_string().contains("which is no place in a store"), "{path:?}: {error}");
        assert_eq!(names(place.path()), [NAME], "{path:?}");
    }
    let read = |bytes: Vec<u8>| restore_into(&mut &bytes[..], Path::new(NAME), &Memory::default(), None, &Silent);
    let huge = [&made(&[])[..], &[0xff; 20]].concat();
    assert!(read(huge).unwrap_err().to_string().contains("chunk 0 has an impossible length"));
    assert!(read(made(&[b"Z"])).unwrap_err().to_string().contains("a chunk of kind 90"));
    assert!(read(made(&[&[b'K', 9, 0, 0, 0, 9, 0, 0, 0, 1]])).unwrap_err().to_string().contains("an entry is cut"));
    assert!(read(made(&[&end(1)])).unwrap_err().to_string().contains("another number of entries"));
    assert!(read(made(&[&end(0)])).unwrap_err().to_string().contains("does not say the format"));
    assert!(read(b"PK\x03\x04 something else".to_vec()).unwrap_err().to_string().contains("does not begin as one"));
    let mut newer = bytes(&filled(1).1);
    newer[12] = 9;
    assert_eq!(read(newer).unwrap_err().to_string(), format!("`{NAME}` has store format 9, expected format {FORMAT} or older"));
}

/// Says after so many questions that the user has had enough.
struct Patience(std::sync::atomic::AtomicI32);

impl Progress for Patience {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, std::sync::atomic::Ordering::SeqCst) <= 0
    }
}

#[test]
fn an_interrupted_job_leaves_nothing() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("store"), place.path().join(NAME));
    let store = Store::open(&dir).unwrap();
    store.create("c").unwrap().commit((0..500).map(|i| clip(&format!("{i}"), [i as f32, 1.0])).collect()).unwrap();
    for patience in 0..2 {
        assert!(matches!(store.snapshot(&file, &Patience(patience.into())), Err(Error::Cancelled)));
        assert_eq!(names(place.path()), ["store"]);
    }
    store.snapshot(&file, &Silent).unwrap();
    for patience in 0..3 {
        assert!(matches!(Store::restore(&file, &place.path().join("new"), &Patience(patience.into())), Err(Error::Cancelled)));
        assert_eq!(names(place.path()), [NAME, "store"]);
    }
}

#[test]
fn a_byte_store_that_fails_at_any_call_fails_the_job() {
    let (kv, store) = filled(8);
    let good = bytes(&store);
    let count = kv.scan_prefix(b"").count() as u64;
    for fails_from in 1..=count {
        // The opening takes some calls of its own.
        let faulty = Arc::new(Faulty::new(kv.clone(), fails_from));
        let written = Store::on(faulty).and_then(|store| store.snapshot_to(&mut io::sink(), &Silent));
        assert!(written.is_err(), "call {fails_from}");
    }
    for fails_from in 1.. {
        let target = Arc::new(Memory::default());
        let faulty = Faulty::new(target.clone(), fails_from);
        if restore_into(&mut &good[..], Path::new(NAME), &faulty, None, &Silent).is_ok() {
            assert!(fails_from > 3);
            assert!(target.scan_prefix(b"").map(Result::unwrap).eq(kv.scan_prefix(b"").map(Result::unwrap)));
            break;
        }
    }
}

#[test]
fn a_file_that_could_not_be_restored_is_not_taken_in() {
    let place = tempfile::tempdir().unwrap();
    let (dir, file) = (place.path().join("store"), place.path().join(NAME));
    let store = Store::open(&dir).unwrap();
    for name in ["Index", "DB.old", "notes"] {
        fs::write(dir.join(name), "x").unwrap();
    }
    assert_eq!(store.snapshot(&file, &Silent).unwrap().files, 1);
    let new = place.path().join("new");
    Store::restore(&file, &new, &Silent).unwrap();
    assert!(new.join("notes").exists());
}

#[test]
fn a_snapshot_that_is_being_written_is_left_alone() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(&place.path().join("store")).unwrap();
    let (file, partial) = (place.path().join(NAME), place.path().join("a.snap.partial"));
    fs::write(&partial, "of another process").unwrap();
    let other = fs::File::open(&partial).unwrap();
    other.lock().unwrap();
    let error = store.snapshot(&file, &Silent).unwrap_err();
    assert!(matches!(error, Error::Refused(Refused::Taken { .. })), "{error}");
    assert_eq!(fs::read_to_string(&partial).unwrap(), "of another process");
    // What a kill left is nobody's.
    drop(other);
    store.snapshot(&file, &Silent).unwrap();
    assert!(file.exists() && !partial.exists());
}
