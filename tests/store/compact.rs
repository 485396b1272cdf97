//! Compacting: what is there stays, in fewer blocks, whenever it fails or is killed.

use std::fs;
use std::sync::Arc;

use dyad::embedding::Stage;
use dyad::progress::Silent;
use dyad::store::{Error, Faulty, KeyValue, Memory, Store};

use super::check::{contents, filled};
use super::{clip, space};

fn entries(kv: &Memory) -> Vec<(Vec<u8>, Vec<u8>)> {
    kv.scan_prefix(b"").map(Result::unwrap).collect()
}

#[test]
fn rows_stay_and_blocks_become_few() {
    let kv = Arc::new(Memory::default());
    let store = Store::on(kv.clone()).unwrap();
    let collection = store.create("c").unwrap();
    for i in 0..2_800 {
        collection.commit(vec![clip(&format!("{i}"), [i as f32, 1.0])]).unwrap();
    }
    collection.commit((0..2_800).step_by(3).map(|i| clip(&format!("{i}"), [i as f32, 2.0])).collect()).unwrap();
    let (whole, fingerprint) = (contents(&store), collection.spaces().unwrap()[0].fingerprint);
    let done = store.repack(&Silent).unwrap();
    // 1,024 rows of two numbers are a full block; a replaced row's block went with it.
    assert_eq!((done.blocks_before, done.blocks_after, done.rows_removed), (1_867, 3, 0));
    assert_eq!(kv.scan_prefix(b"V").count(), 3);
    assert_eq!((contents(&store), collection.spaces().unwrap()[0].fingerprint), (whole.clone(), fingerprint));
    assert!(store.check(None, &Silent).unwrap().is_whole());
    let again = store.repack(&Silent).unwrap();
    assert_eq!((again.blocks_before, again.blocks_after), (3, 3));
    collection.commit((0..100).map(|i| clip(&format!("{i}"), [i as f32, 3.0])).collect()).unwrap();
    let third = store.repack(&Silent).unwrap();
    assert_eq!((third.rows_removed, kv.scan_prefix(b"D").count(), kv.scan_prefix(b"V").count()), (100, 0, 3));
    collection.commit(vec![clip("new", [1.0, 1.0])]).unwrap();
    assert!(store.check(None, &Silent).unwrap().is_whole());
    assert_eq!(collection.vectors(&space(Stage::Joint, None)).unwrap().0.len(), 2_801);
}

#[test]
fn a_repack_that_fails_at_any_call_leaves_all_that_was_there() {
    let (kv, store) = filled(5);
    let whole = contents(&store);
    let before = entries(&kv);
    drop(store);
    for fails_from in 1.. {
        let faulty = Arc::new(Faulty::new(kv.clone(), fails_from));
        let outcome = Store::on(faulty).and_then(|store| store.repack(&Silent));
        let store = Store::on(kv.clone()).unwrap();
        assert_eq!(contents(&store), whole, "call {fails_from}");
        assert!(store.check(None, &Silent).unwrap().is_whole(), "call {fails_from}");
        if outcome.is_ok() {
            assert!(kv.scan_prefix(b"V").count() < before.iter().filter(|(key, _)| key[0] == b'V').count());
            return;
        }
        // Each trial begins with the same store.
        drop(store);
        kv.clear().unwrap();
        let mut batch = dyad::store::Batch::default();
        before.iter().for_each(|(key, value)| batch.put(key.clone(), value.clone()));
        kv.put_batch(batch).unwrap();
    }
}

#[test]
fn a_folder_is_compacted_and_what_a_kill_left_is_finished() {
    let dir = tempfile::tempdir().unwrap();
    let store = Store::open(dir.path()).unwrap();
    let collection = store.create("c").unwrap();
    for round in 0..6 {
        for part in 0..10 {
            let clips = (0..40).map(|i| clip(&format!("{part}-{i}"), [i as f32 + 1.0, round as f32]));
            collection.commit(clips.collect()).unwrap();
        }
    }
    let whole = contents(&store);
    assert!(matches!(Store::compact_folder(dir.path(), &Silent), Err(Error::Locked { .. })));
    drop((collection, store));
    let done = Store::compact_folder(dir.path(), &Silent).unwrap();
    assert!(done.bytes_after <= done.bytes_before && done.blocks_after < done.blocks_before, "{done:?}");
    let is = |what: &str| {
        let store = Store::open(dir.path()).unwrap();
        assert_eq!(contents(&store), whole, "{what}");
        let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        assert_eq!(names, ["changes", "db", "dyad-store"], "{what}");
    };
    is("compacted");
    let path = |name: &str| dir.path().join(name);
    let wait = || drop(Store::open(dir.path()).unwrap());
    wait();
    fs::create_dir(path("db.new")).unwrap();
    fs::write(path("db.new/db"), "half a copy").unwrap();
    is("killed while copying");
    wait();
    fs::rename(path("db"), path("db.whole")).unwrap();
    fs::create_dir(path("db")).unwrap();
    fs::write(path("db/db"), "the old one").unwrap();
    is("killed before the old one was set aside");
    wait();
    fs::rename(path("db"), path("db.whole")).unwrap();
    fs::create_dir(path("db.old")).unwrap();
    is("killed between the two");
    wait();
    fs::create_dir(path("db.old")).unwrap();
    is("killed before the old one was removed");
}
