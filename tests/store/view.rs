//! Snapshot files that are read as they are: the same answers as the store's, never other ones, and nothing written.

use std::fs;
use std::path::{Path, PathBuf};

use dyad::embedding::{Modality, Stage};
use dyad::progress::Silent;
use dyad::store::{Collection, Error, FORMAT, NewItem, Refused, Store};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::check::{contents, filled};
use super::{clip, space};

const DIM: usize = 300;
const ITEMS: usize = 3_000;

struct Snapshot {
    dir: tempfile::TempDir,
}

impl Snapshot {
    fn of(store: &Store) -> Snapshot {
        let snapshot = Snapshot { dir: tempfile::tempdir().unwrap() };
        store.snapshot(&snapshot.file(), &Silent).unwrap();
        snapshot
    }

    fn file(&self) -> PathBuf {
        self.dir.path().join("a.snap")
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cache")
    }

    fn open(&self) -> Result<Store, Error> {
        Store::open_snapshot(&self.file(), Some(&self.cache()))
    }
}

fn vector(i: usize) -> Vec<f32> {
    (0..DIM).map(|j| ((i * 31 + j * 7) as f32 * 0.37).sin()).collect()
}

/// Several chunks of items, ids and vectors.
fn large() -> Store {
    let store = Store::in_memory().unwrap();
    let collection = store.create("c").unwrap();
    let item = |i| NewItem {
        vectors: vec![(space(Stage::Joint, None), vector(i))],
        metadata: [("note".to_owned(), "x".repeat(300).into())].into(),
        ..NewItem::new(format!("c{i}"), Modality::Audio)
    };
    (0..ITEMS).collect::<Vec<_>>().chunks(500).for_each(|part| {
        collection.commit(part.iter().map(|&i| item(i)).collect()).unwrap();
    });
    store
}

fn collection(store: &Store) -> Collection {
    store.collection("c").unwrap().unwrap()
}

#[test]
fn a_view_answers_as_the_store_does() {
    for (store, name) in [(filled(3).1, "one"), (large(), "c")] {
        let snapshot = Snapshot::of(&store);
        let view = snapshot.open().unwrap();
        assert_eq!(view.collections().unwrap(), store.collections().unwrap());
        assert_eq!(contents(&view), contents(&store));
        assert_eq!(view.records::<String>("prompts").unwrap(), store.records::<String>("prompts").unwrap());
        assert!(view.check(None, &Silent).unwrap().is_whole());
        let one = view.collection(name).unwrap().unwrap();
        for absent in ["", "a", "c", "c0x", "zzz", "item/"] {
            assert_eq!(one.item_by_id(Modality::Audio, absent).unwrap(), None);
        }
        assert!(view.collection("nothing").unwrap().is_none() && one.item(u64::MAX).unwrap().is_none());
        assert_eq!(view.place(), Some(snapshot.file().as_path()));
    }
    // One of an empty store.
    let empty = Snapshot::of(&Store::in_memory().unwrap());
    assert!(empty.open().unwrap().collections().unwrap().is_empty());
}

#[test]
fn nothing_is_written_to_a_view() {
    let snapshot = Snapshot::of(&filled(4).1);
    let before = fs::read(snapshot.file()).unwrap();
    let view = snapshot.open().unwrap();
    let one = view.collection("one").unwrap().unwrap();
    let refused = [
        view.create("new").err(),
        view.open_or_create("one").err(),
        view.drop_collection("one").err(),
        view.put_record("prompts", "x", "y").err(),
        view.writable().err(),
        one.commit(vec![clip("new", [1.0, 2.0])]).err(),
        one.drop_space(&space(Stage::Joint, None)).err(),
        view.repack(&Silent).err(),
    ];
    for error in refused {
        let error = error.unwrap();
        assert!(matches!(error, Error::Refused(Refused::ReadOnly { .. })) && !error.is_fatal(), "{error}");
        assert_eq!(
            error.to_string(),
            format!(
                "`{0}` is a snapshot, which is only read: expected the folder of a store; `dyad --store NEW restore {0}` makes one of it",
                snapshot.file().display()
            )
        );
    }
    assert_eq!(fs::read(snapshot.file()).unwrap(), before);
}

/// Holds that each answer is the right one or an error; true when all were right.
fn right_or_error(view: &Store) -> bool {
    let Ok(one) = view.collection("c") else { return false };
    let one = one.expect("a collection does not vanish");
    let mut right = true;
    for i in (0..ITEMS).step_by(101) {
        match one.item_by_id(Modality::Audio, &format!("c{i}")) {
            Ok(item) => assert_eq!(item.expect("an item does not vanish").seq, i as u64),
            Err(_) => right = false,
        }
        match one.vector_of(i as u64, &space(Stage::Joint, None)) {
            Ok(found) => assert_eq!(found, Some(vector(i))),
            Err(_) => right = false,
        }
    }
    let items: Vec<_> = one.items().collect();
    match items.iter().all(Result::is_ok) {
        true => assert_eq!(items.len(), ITEMS),
        false => right = false,
    }
    right
}

#[test]
fn wrong_bytes_are_never_taken_for_data() {
    let snapshot = Snapshot::of(&large());
    let good = fs::read(snapshot.file()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(7);
    // The heads of the chunks with their first keys, where opening looks, and anywhere else.
    let mut places: Vec<usize> = (0..40).map(|_| rng.random_range(0..good.len())).collect();
    let mut at = 16;
    while at < good.len() {
        places.extend((0..48).step_by(5).map(|byte| at + byte).filter(|&place| place < good.len()));
        at += 20 + u32::from_le_bytes(good[at..at + 4].try_into().unwrap()) as usize;
    }
    assert!(places.len() > 80, "several chunks");
    for place in places {
        let mut bad = good.clone();
        bad[place] ^= 1 << rng.random_range(0..8);
        fs::write(snapshot.file(), bad).unwrap();
        match snapshot.open() {
            Ok(view) => {
                right_or_error(&view);
                let found = Store::check_folder(&snapshot.file(), None, false, &Silent);
                assert!(matches!(found, Err(Error::BadSnapshot { .. })), "byte {place}: {found:?}");
            }
            Err(error) => assert!(error.is_fatal() || matches!(error, Error::Refused(Refused::OldSnapshot { .. })), "{error}"),
        }
    }
    fs::write(snapshot.file(), &good).unwrap();
    assert!(right_or_error(&snapshot.open().unwrap()));
}

#[test]
fn files_that_are_cut_or_something_else_are_refused() {
    let snapshot = Snapshot::of(&large());
    let good = fs::read(snapshot.file()).unwrap();
    let mut cuts: Vec<usize> = (8..40).chain([good.len() / 3, good.len() / 2]).collect();
    cuts.extend(good.len() - 60..good.len());
    for cut in cuts {
        fs::write(snapshot.file(), &good[..cut]).unwrap();
        let error = snapshot.open().err().unwrap();
        assert!(matches!(error, Error::BadSnapshot { .. }) && error.is_fatal(), "{cut}: {error}");
    }
    fs::write(snapshot.file(), [&good[..], b"more"].concat()).unwrap();
    assert!(matches!(snapshot.open(), Err(Error::BadSnapshot { .. })));
    fs::write(snapshot.file(), "# notes\n").unwrap();
    assert!(matches!(snapshot.open(), Err(Error::NoSnapshot { .. })));
    for (format, newer) in [(FORMAT + 1, true), (FORMAT - 1, false)] {
        let mut other = good.clone();
        other[12..16].copy_from_slice(&format.to_le_bytes());
        fs::write(snapshot.file(), other).unwrap();
        match snapshot.open() {
            Err(Error::Format { found, .. }) => assert!(newer && found == format),
            Err(Error::Refused(Refused::OldSnapshot { found, .. })) => assert!(!newer && found == format),
            other => panic!("{:?}", other.err()),
        }
    }
}

#[test]
fn one_that_is_replaced_stays_for_who_reads_it() {
    let (old, new) = (Snapshot::of(&large()), Snapshot::of(&filled(5).1));
    let before = old.open().unwrap();
    fs::rename(new.file(), old.file()).unwrap();
    assert!(right_or_error(&before), "nothing of it was in memory");
    assert_eq!(collection(&before).len(Modality::Audio).unwrap(), ITEMS as u64);
    let after = old.open().unwrap();
    assert_eq!(contents(&after), contents(&filled(5).1));
    fs::remove_file(old.file()).unwrap();
    assert!(right_or_error(&before) && after.collection("two").unwrap().is_some());
}

fn folders(dir: &Path) -> Vec<PathBuf> {
    fs::read_dir(dir).into_iter().flatten().map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect()
}

#[test]
fn what_is_beside_a_snapshot_is_kept_for_its_content_and_cleared_away() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(&place.path().join("store")).unwrap();
    store.create("c").unwrap().commit(vec![clip("a", [1.0, 2.0])]).unwrap();
    fs::create_dir_all(place.path().join("store/prompts")).unwrap();
    fs::write(place.path().join("store/prompts/own.toml"), "# own\n").unwrap();
    let snapshot = Snapshot::of(&store);
    let view = snapshot.open().unwrap();
    let dir = view.dir().unwrap().to_owned();
    assert_eq!(fs::read_to_string(dir.join("prompts/own.toml")).unwrap(), "# own\n");
    fs::create_dir(dir.join("index")).unwrap();
    fs::write(dir.join("index/x.flat"), "").unwrap();
    assert_eq!(snapshot.open().unwrap().dir(), Some(dir.as_path()), "two readers share it");

    // Another content at the same place, while the first one is still read.
    store.create("d").unwrap();
    let replace = || {
        fs::remove_file(snapshot.file()).unwrap();
        store.snapshot(&snapshot.file(), &Silent).unwrap();
    };
    replace();
    let second = snapshot.open().unwrap();
    let other = second.dir().unwrap().to_owned();
    assert!(other != dir && dir.join("prompts/own.toml").exists());
    drop((view, second));
    // Nobody reads them any more: their search files are taken over, and the rest goes.
    store.create("e").unwrap();
    replace();
    let third = snapshot.open().unwrap();
    assert!(!dir.exists() && !other.exists() && third.dir().unwrap().join("index/x.flat").exists());
    drop(third);
    // A snapshot that is gone leaves nothing behind for long.
    let elsewhere = snapshot.dir.path().join("b.snap");
    fs::rename(snapshot.file(), &elsewhere).unwrap();
    let moved = Store::open_snapshot(&elsewhere, Some(&snapshot.cache())).unwrap();
    assert_eq!(folders(&snapshot.cache()), [moved.dir().unwrap().parent().unwrap()]);
    // Without a place that lasts, one for the process does.
    fs::write(snapshot.dir.path().join("no-folder"), "").unwrap();
    let passing = Store::open_snapshot(&elsewhere, Some(&snapshot.dir.path().join("no-folder"))).unwrap();
    let dir = passing.dir().unwrap().to_owned();
    assert!(dir.join("prompts/own.toml").exists());
    drop(passing);
    assert!(!dir.exists());
}
