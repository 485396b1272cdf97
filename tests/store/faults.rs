//! A byte store that fails at call number N, for every N; and bytes that changed on the way.

use std::sync::Arc;

use dyad::embedding::Stage;
use dyad::store::{Batch, Error, Faulty, KeyValue, Memory, NewItem, Store};
use rand::SeedableRng;
use rand_chacha::ChaCha8Rng;

use super::model::Model;
use super::{clip, random_item, space};

/// Three batches that insert, replace and add.
fn batches() -> Vec<Vec<NewItem>> {
    let mut rng = ChaCha8Rng::seed_from_u64(11);
    (0..3).map(|_| (0..25).map(|_| random_item(&mut rng, 30)).collect()).collect()
}

#[test]
fn what_a_commit_reported_is_there_and_nothing_is_doubled() {
    let mut completed = false;
    for fails_from in 1.. {
        let kv = Arc::new(Memory::default());
        let faulty = Arc::new(Faulty::new(kv.clone(), fails_from));
        let mut reported = 0;
        let mut run = || -> Result<(), Error> {
            let store = Store::on(faulty.clone())?;
            let collection = store.create("c")?;
            for batch in batches() {
                collection.commit(batch)?;
                reported += 1;
            }
            Ok(())
        };
        completed = run().is_ok();
        // The disk comes back: first what is there, then the whole job again.
        let store = Store::on(kv).unwrap();
        let collection = match store.collection("c").unwrap() {
            Some(collection) => collection,
            None => store.create("c").unwrap(),
        };
        // The store holds the batches that were reported, or one more whose flush failed after it was written.
        let states = [reported, reported + 1].map(|n| {
            let mut model = Model::default();
            batches().iter().take(n).for_each(|batch| model.commit(batch));
            model
        });
        let written = usize::from(collection.items().count() > 0 && !states[0].matches(&collection));
        let mut model = states[written].clone();
        model.check(&collection);
        for batch in batches().into_iter().skip(reported + written) {
            collection.commit(batch.clone()).unwrap();
            model.commit(&batch);
        }
        model.check(&collection);
        if completed {
            break;
        }
    }
    assert!(completed);
}

#[test]
fn a_drop_that_failed_half_way_is_finished_later() {
    for fails_from in 1.. {
        let kv = Arc::new(Memory::default());
        let collection = Store::on(kv.clone()).unwrap().create("c").unwrap();
        collection.commit(vec![clip("a", [1.0, 2.0]), clip("b", [2.0, 1.0])]).unwrap();
        let faulty = Faulty::new(kv.clone(), fails_from);
        let outcome = Store::on(Arc::new(faulty)).and_then(|store| store.drop_collection("c"));
        let store = Store::on(kv.clone()).unwrap();
        let there = store.collection("c").unwrap().is_some();
        assert!(outcome.is_err() || !there);
        // Only the format, the number of changes and the next id are left where it is gone.
        assert_eq!(kv.scan_prefix(b"").count() == 3, !there, "call {fails_from}");
        if outcome.is_ok() {
            return;
        }
    }
}

#[test]
fn changed_bytes_are_damage_and_never_a_panic() {
    let kv = Arc::new(Memory::default());
    let store = Store::on(kv.clone()).unwrap();
    let collection = store.create("c").unwrap();
    collection.commit(vec![clip("a", [1.0, 2.0]), clip("b", [2.0, 1.0])]).unwrap();
    collection.commit(vec![clip("b", [2.0, 3.0])]).unwrap();
    let key = space(Stage::Joint, None);
    let entries: Vec<_> = kv.scan_prefix(b"").map(Result::unwrap).collect();
    let blocks = entries.iter().filter(|(key, _)| key[0] == b'V').count();
    assert_eq!(blocks, 2);
    let put = |key: &[u8], value: Vec<u8>| {
        let mut batch = Batch::default();
        batch.put(key.to_vec(), value);
        kv.put_batch(batch).unwrap();
    };
    for (name, value) in &entries {
        for bit in 0..value.len() * 8 {
            let mut bad = value.clone();
            bad[bit / 8] ^= 1 << (bit % 8);
            put(name, bad);
            let vectors = collection.vectors(&key);
            if name[0] == b'V' {
                let error = vectors.unwrap_err();
                assert!(matches!(error, Error::Damaged { .. }) && error.is_fatal(), "{error}");
                assert!(error.to_string().contains("block") && error.to_string().contains("m joint (audio)"), "{error}");
            }
            // Whatever else it is, it is no panic.
            let _ = Store::on(kv.clone()).map(|store| store.collections().is_ok());
            let _ = (collection.items().count(), collection.item_by_id(key.space.modality, "a"), collection.has("b", None, &key));
            for seq in 0..3 {
                let _ = collection.vector_of(seq, &key);
            }
            put(name, value.clone());
        }
    }
    for (name, value) in entries.iter().filter(|(key, _)| key[0] == b'V') {
        let mut batch = Batch::default();
        batch.delete(name.clone());
        kv.put_batch(batch).unwrap();
        assert!(matches!(collection.vectors(&key), Err(Error::Damaged { .. })), "a block that is gone");
        put(name, value.clone());
    }
    assert_eq!(collection.vectors(&key).unwrap().0.len(), 2);
}
