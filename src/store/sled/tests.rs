//! sled closed and opened again under those who read and write.

use std::collections::{BTreeMap, BTreeSet};

use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::*;

fn key(number: u32) -> Vec<u8> {
    [b"k".as_slice(), &number.to_be_bytes()].concat()
}

fn put(kv: &Sled, entries: impl IntoIterator<Item = (Vec<u8>, Option<Vec<u8>>)>) {
    let mut batch = Batch::default();
    for (key, value) in entries {
        match value {
            Some(value) => batch.put(key, value),
            None => batch.delete(key),
        }
    }
    kv.put_batch(batch).unwrap();
}

/// The name of the snapshot, which a new opening changes when something was written.
fn snapshots(kv: &Sled) -> BTreeMap<String, u64> {
    let files = std::fs::read_dir(&kv.path).unwrap().map(Result::unwrap);
    let snaps = files.filter(|file| file.file_name().to_string_lossy().starts_with("snap."));
    snaps.map(|file| (file.file_name().to_string_lossy().into_owned(), file.metadata().unwrap().len())).collect()
}

#[test]
fn a_scan_goes_on_over_openings() {
    let dir = tempfile::tempdir().unwrap();
    let kv = Sled::open(dir.path()).unwrap().reopening_after(20_000);
    let before = snapshots(&kv);
    put(&kv, (0..500).map(|i| (key(i), Some(vec![i as u8; 300]))));
    put(&kv, [(b"j".to_vec(), Some(vec![1])), (b"l".to_vec(), Some(vec![2]))]);
    // One inside of the other, and writes between: none holds sled open.
    let mut inner = kv.scan_prefix(b"k");
    let mut seen = 0;
    for (at, entry) in kv.scan_prefix(b"k").enumerate() {
        let (found, value) = entry.unwrap();
        assert_eq!((found, value), (key(at as u32), vec![at as u8; 300]));
        assert_eq!(inner.next().unwrap().unwrap().0, key(at as u32));
        put(&kv, [(b"l".to_vec(), Some(vec![at as u8; 50]))]);
        seen += 1;
    }
    assert_eq!((seen, inner.next().is_none()), (500, true));
    assert_eq!(kv.scan_prefix(b"").count(), 502);
    assert_ne!(snapshots(&kv), before, "it was opened again");
}

#[test]
fn random_operations_are_those_of_a_map() {
    for seed in 0..3 {
        let mut rng = ChaCha8Rng::seed_from_u64(seed);
        let dir = tempfile::tempdir().unwrap();
        let kv = Sled::open(dir.path()).unwrap().reopening_after(30_000);
        let mut map = BTreeMap::new();
        for _ in 0..150 {
            let entries: Vec<_> = (0..rng.random_range(1..20))
                .map(|_| {
                    // Some as large as those that sled keeps in files of their own.
                    let most = if rng.random_range(0..50) == 0 { 200_000 } else { 400 };
                    let value = vec![rng.random(); rng.random_range(0..most)];
                    (key(rng.random_range(0..300)), rng.random_bool(0.7).then_some(value))
                })
                .collect();
            put(&kv, entries.clone());
            for (key, value) in entries {
                match value {
                    Some(value) => drop(map.insert(key, value)),
                    None => drop(map.remove(&key)),
                }
            }
            let asked = key(rng.random_range(0..300));
            assert_eq!(kv.get(&asked).unwrap(), map.get(&asked).cloned());
            if rng.random_range(0..5) == 0 {
                assert!(kv.scan_prefix(b"k").map(Result::unwrap).eq(map.clone()));
            }
        }
        drop(kv);
        Sled::wait_until_closed(dir.path());
        let kv = Sled::open(dir.path()).unwrap();
        assert!(kv.scan_prefix(b"").map(Result::unwrap).eq(map));
    }
}

#[test]
fn threads_read_and_write_over_openings() {
    let dir = tempfile::tempdir().unwrap();
    let kv = Sled::open(dir.path()).unwrap().reopening_after(10_000);
    std::thread::scope(|scope| {
        for thread in 0..4u32 {
            let kv = &kv;
            scope.spawn(move || {
                for i in 0..50 {
                    put(kv, [(key((thread << 16) + i), Some(vec![thread as u8; 200]))]);
                    kv.flush().unwrap();
                    let prefix = &key(thread << 16)[..4];
                    let own = kv.scan_prefix(prefix).map(|entry| entry.unwrap().1).filter(|value| value[0] == thread as u8);
                    assert_eq!(own.count(), i as usize + 1);
                }
            });
        }
    });
    assert_eq!(kv.scan_prefix(b"k").count(), 200);
}

#[test]
fn what_cannot_be_opened_again_says_so_at_each_call() {
    let dir = tempfile::tempdir().unwrap();
    let (db, away) = (dir.path().join("db"), dir.path().join("away"));
    let kv = Sled::open(&db).unwrap().reopening_after(1_000);
    put(&kv, [(key(1), Some(vec![1; 2_000]))]);
    std::fs::rename(&db, &away).unwrap();
    std::fs::write(&db, b"not a folder").unwrap();
    kv.get(&key(1)).unwrap_err();
    let message = "it could not be opened again";
    assert!(kv.get(&key(1)).unwrap_err().to_string().contains(message));
    assert!(kv.scan_prefix(b"").next().unwrap().unwrap_err().to_string().contains(message));
    assert!(kv.put_batch(Batch::default()).is_err() && kv.flush().is_err() && kv.clear().is_err());
    drop(kv);
    Sled::wait_until_closed(&away);
    assert_eq!(Sled::open(&away).unwrap().get(&key(1)).unwrap(), Some(vec![1; 2_000]));
}

/// A kill while sled writes its snapshot leaves some of it, and sled refuses to open for that.
#[test]
fn a_snapshot_half_written_is_none() {
    let dir = tempfile::tempdir().unwrap();
    let whole: Vec<_> = (0..200).map(|i| (key(i), Some(vec![i as u8; 300]))).collect();
    put(&Sled::open(dir.path()).unwrap(), whole.clone());
    for (name, bytes) in [("snap.00000000000FFFFF.generating", vec![]), ("snap.0000000000FFFFFF.generating", vec![7; 99])] {
        Sled::wait_until_closed(dir.path());
        std::fs::write(dir.path().join(name), bytes).unwrap();
        let kv = Sled::open(dir.path()).unwrap();
        let found: Vec<_> = kv.scan_prefix(b"k").map(|entry| entry.unwrap()).map(|(key, value)| (key, Some(value))).collect();
        assert_eq!(found, whole);
        assert!(!dir.path().join(name).exists());
        // Who has it open keeps what is being written.
        std::fs::write(dir.path().join(name), "busy").unwrap();
        assert!(matches!(Sled::open(dir.path()), Err(Error::Locked { .. })));
        assert!(dir.path().join(name).exists());
    }
}

/// `conf` is written before the log is there.
#[test]
fn a_first_start_that_was_killed_is_begun_again() {
    for bytes in [&b""[..], b"seg"] {
        let dir = tempfile::tempdir().unwrap();
        std::fs::create_dir(dir.path().join("blobs")).unwrap();
        std::fs::write(dir.path().join("conf"), bytes).unwrap();
        let kv = Sled::open(dir.path()).unwrap();
        put(&kv, [(key(1), Some(vec![1]))]);
        assert_eq!(kv.get(&key(1)).unwrap(), Some(vec![1]));
    }
}

#[test]
fn what_sled_wrapped_is_told_as_the_system_tells_it() {
    let full = || io::Error::from_raw_os_error(28);
    let wrapped = (0..2).fold(full(), |error, _| io::Error::new(error.kind(), format!("{error:?}")));
    let told = fault("open", Path::new("db"), ::sled::Error::Io(wrapped));
    assert_eq!(told.to_string(), format!("cannot open `db`: {}", full()));
    let other = fault("open", Path::new("db"), ::sled::Error::Io(io::Error::other("odd")));
    assert_eq!(other.to_string(), "cannot open `db`: odd");
}

/// The numbers of the files in `blobs/`, and their bytes.
fn files(dir: &Path) -> (BTreeSet<i64>, u64) {
    let files = std::fs::read_dir(dir.join("blobs")).unwrap().map(Result::unwrap);
    let of = |file: std::fs::DirEntry| (file.file_name().to_string_lossy().parse().ok(), file.metadata().unwrap().len());
    let (names, sizes): (Vec<Option<i64>>, Vec<u64>) = files.map(of).unzip();
    (names.into_iter().flatten().collect(), sizes.into_iter().sum())
}

/// 40 values of 200 KB, all written three times.
fn rewritten(dir: &Path) -> Vec<Entry> {
    let kv = Sled::open(dir).unwrap();
    for round in 0..3 {
        (0..40).for_each(|i| put(&kv, [(key(i), Some(vec![i as u8 + round; 200_000]))]));
    }
    let all = kv.scan_prefix(b"").map(Result::unwrap).collect();
    drop(kv);
    Sled::wait_until_closed(dir);
    all
}

#[test]
fn files_that_no_page_names_are_removed_and_no_other() {
    let dir = tempfile::tempdir().unwrap();
    let all = rewritten(dir.path());
    let (kept, bytes) = files(dir.path());
    assert!(bytes < 2 * 40 * 200_000, "{bytes} in {} files", kept.len());
    // Opened again it is all there, and goes on so.
    for round in 0..3u8 {
        let kv = Sled::open(dir.path()).unwrap();
        assert!(kv.scan_prefix(b"").map(Result::unwrap).eq(all.clone()), "{round}");
        put(&kv, [(key(7), Some(vec![round; 300_000]))]);
        put(&kv, [(key(7), Some(all[7].1.clone()))]);
        drop(kv);
        Sled::wait_until_closed(dir.path());
    }
    std::fs::write(dir.path().join("blobs/notes"), "not sled's").unwrap();
    drop(Sled::open(dir.path()).unwrap());
    assert!(dir.path().join("blobs/notes").exists());
}

/// Where a snapshot is not what is expected of one, nothing is removed.
#[test]
fn no_file_is_removed_on_a_doubt() {
    let dir = tempfile::tempdir().unwrap();
    rewritten(dir.path());
    let (live, _) = files(dir.path());
    let forgotten = dir.path().join("blobs").join("17");
    assert!(!live.contains(&17));
    let snapshot = std::fs::read_dir(dir.path()).unwrap().map(|file| file.unwrap().path());
    let snapshot = snapshot.filter(|path| path.to_string_lossy().contains("snap.")).max().unwrap();
    let whole = std::fs::read(&snapshot).unwrap();
    let summed = |pages: &[u8]| {
        let length = (pages.len() as u64).to_le_bytes();
        [pages, &length[..], &crc32fast::hash(pages).to_le_bytes()[..]].concat()
    };
    let pages = &whole[..whole.len() - 12];
    let swept = |bytes: &[u8]| {
        std::fs::write(&forgotten, "forgotten").unwrap();
        std::fs::write(&snapshot, bytes).unwrap();
        if let Some(blobs) = Blobs::of(dir.path()) {
            blobs.sweep();
        }
        !forgotten.exists()
    };
    assert_eq!(summed(pages), whole, "a snapshot is what it is said to be");
    assert!(swept(&whole));
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    for _ in 0..200 {
        let mut bytes = whole.clone();
        let at = rng.random_range(0..bytes.len());
        bytes[at] ^= 1 << rng.random_range(0..8);
        assert!(!swept(&bytes), "a wrong bit in byte {at}");
        assert!(!swept(&whole[..at]), "cut to {at}");
    }
    (0..9).for_each(|end| assert!(!swept(&summed(&pages[..end])), "pages cut to {end}"));
    assert!(live.is_subset(&files(dir.path()).0));
    std::fs::remove_file(dir.path().join("blobs").join(live.first().unwrap().to_string())).unwrap();
    assert!(!swept(&whole), "a file that a page names is not there");
}

/// sled would cut its log for it, and then nothing could be read any more.
#[test]
fn a_page_that_is_not_what_was_written_is_said_before_anything_is_touched() {
    let dir = tempfile::tempdir().unwrap();
    let all = rewritten(dir.path());
    let state = || {
        let named = |name: &str| std::fs::read(dir.path().join(name)).unwrap();
        (named("db"), files(dir.path()))
    };
    for file in files(dir.path()).0 {
        let place = dir.path().join("blobs").join(file.to_string());
        let whole = std::fs::read(&place).unwrap();
        for (at, bytes) in [(0, whole.len()), (77, whole.len()), (0, 3), (0, whole.len() - 1)] {
            let mut damaged = whole[..bytes].to_vec();
            damaged[at.min(bytes - 1)] ^= 4;
            std::fs::write(&place, damaged).unwrap();
            let before = state();
            let Err(Error::Damaged { what }) = Sled::open(dir.path()) else { panic!("{file}, {bytes} bytes") };
            assert_eq!(what, format!("`{}` is not what was written", place.display()));
            assert!(state() == before);
        }
        std::fs::write(&place, whole).unwrap();
    }
    assert!(Sled::open(dir.path()).unwrap().scan_prefix(b"").map(Result::unwrap).eq(all));
}
