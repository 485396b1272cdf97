//! Random operations on a collection, and the same on a `BTreeMap`.

use std::collections::BTreeMap;
use std::sync::Arc;

use dyad::embedding::Modality;
use dyad::store::{Collection, Error, Item, KeyValue, Memory, NewItem, Sled, SpaceKey, Store};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{clip, random_item, spaces};

/// What a collection should hold.
#[derive(Default, Clone)]
pub struct Model {
    next_seq: u64,
    items: BTreeMap<u64, (Item, BTreeMap<SpaceKey, Vec<f32>>)>,
}

impl Model {
    pub fn commit(&mut self, batch: &[NewItem]) {
        for new in batch {
            let vectors: BTreeMap<SpaceKey, Vec<f32>> = new.vectors.iter().cloned().collect();
            let old =
                self.items.iter().find(|(_, (item, _))| item.id == new.id && item.modality == new.modality).map(|(seq, _)| *seq);
            if let Some(seq) = old {
                let (item, stored) = self.items.get_mut(&seq).unwrap();
                if item.content_hash.is_none() || new.content_hash.is_none() || item.content_hash == new.content_hash {
                    item.content_hash = item.content_hash.take().or(new.content_hash.clone());
                    item.metadata.extend(new.metadata.clone());
                    stored.extend(vectors);
                    continue;
                }
                self.items.remove(&seq);
            }
            let item = Item {
                seq: self.next_seq,
                id: new.id.clone(),
                modality: new.modality,
                content_hash: new.content_hash.clone(),
                metadata: new.metadata.clone(),
            };
            self.items.insert(self.next_seq, (item, vectors));
            self.next_seq += 1;
        }
    }

    /// True when the collection's items are those of this model.
    pub fn matches(&self, collection: &Collection) -> bool {
        collection.items().map(Result::unwrap).eq(self.items.values().map(|(item, _)| item.clone()))
    }

    pub fn check(&self, collection: &Collection) {
        let items: Vec<Item> = collection.items().map(Result::unwrap).collect();
        assert_eq!(items, self.items.values().map(|(item, _)| item.clone()).collect::<Vec<_>>());
        for modality in [Modality::Audio, Modality::Text] {
            let count = items.iter().filter(|item| item.modality == modality).count() as u64;
            assert_eq!(collection.len(modality).unwrap(), count);
        }
        for item in &items {
            assert_eq!(collection.item(item.seq).unwrap().as_ref(), Some(item));
            assert_eq!(collection.item_by_id(item.modality, &item.id).unwrap().as_ref(), Some(item));
        }
        for (key, _) in spaces() {
            self.check_space(collection, &key);
        }
    }

    fn check_space(&self, collection: &Collection, key: &SpaceKey) {
        let expected: Vec<(u64, &Vec<f32>)> =
            self.items.iter().filter_map(|(seq, (_, vectors))| Some((*seq, vectors.get(key)?))).collect();
        for (seq, (item, vectors)) in &self.items {
            assert_eq!(collection.vector_of(*seq, key).unwrap().as_ref(), vectors.get(key));
            if item.modality == key.space.modality {
                assert_eq!(collection.has(&item.id, item.content_hash.as_deref(), key).unwrap(), vectors.contains_key(key));
                assert!(!collection.has(&item.id, Some("other"), key).unwrap());
            }
        }
        let Some(info) = collection.space(key).unwrap() else {
            assert!(expected.is_empty());
            assert!(matches!(collection.vectors(key), Err(Error::Refused(_))));
            return;
        };
        let (seqs, rows) = collection.vectors(key).unwrap();
        assert_eq!(info.rows, expected.len() as u64);
        assert_eq!(seqs, expected.iter().map(|(seq, _)| *seq).collect::<Vec<_>>());
        for (row, (_, vector)) in expected.iter().enumerate() {
            for (unit, given) in rows.row(row).iter().zip(*vector) {
                assert!((unit * rows.norm(row) - given).abs() < 1e-5);
            }
        }
    }
}

/// `open` is called again and again, and must find what was there.
fn play(seed: u64, steps: usize, mut open: impl FnMut(Option<Store>) -> Store) {
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut store = open(None);
    let mut models: BTreeMap<String, Model> = BTreeMap::new();
    for _ in 0..steps {
        let name = format!("c{}", rng.random_range(0..2));
        let collection = match store.collection(&name).unwrap() {
            Some(collection) => collection,
            None => {
                models.insert(name.clone(), Model::default());
                store.create(&name).unwrap()
            }
        };
        let model = models.get_mut(&name).unwrap();
        match rng.random_range(0..100) {
            0..80 => {
                let size = if rng.random_range(0..8) == 0 { 200 } else { 12 };
                let batch: Vec<NewItem> = (0..rng.random_range(0..size)).map(|_| random_item(&mut rng, 150)).collect();
                collection.commit(batch.clone()).unwrap();
                model.commit(&batch);
            }
            80..85 => {
                let mut batch: Vec<NewItem> = (0..5).map(|_| random_item(&mut rng, 150)).collect();
                let (key, dim) = spaces().swap_remove(0);
                let mut bad = NewItem::new("bad", Modality::Audio);
                bad.vectors.push((key, vec![0.0; dim]));
                batch.push(bad);
                assert!(matches!(collection.commit(batch), Err(Error::Refused(_))));
            }
            85..90 => {
                let (key, _) = spaces().swap_remove(rng.random_range(0..5));
                if collection.space(&key).unwrap().is_some() {
                    collection.drop_space(&key).unwrap();
                    model.items.values_mut().for_each(|(_, vectors)| drop(vectors.remove(&key)));
                }
            }
            90..92 => {
                store.drop_collection(&name).unwrap();
                models.remove(&name);
                assert!(collection.commit(vec![NewItem::new("x", Modality::Text)]).is_err());
            }
            _ => {
                drop(collection);
                store = open(Some(store));
            }
        }
        let names: Vec<String> = store.collections().unwrap().into_iter().map(|info| info.name).collect();
        assert_eq!(names, models.keys().cloned().collect::<Vec<_>>());
        if let Some(model) = models.get(&name) {
            let collection = store.collection(&name).unwrap().unwrap();
            assert!(model.matches(&collection));
            // Asks for each item by itself a dozen times, and each opens pages.
            if rng.random_range(0..12) == 0 {
                model.check(&collection);
            }
        }
    }
    store = open(Some(store));
    for (name, model) in &models {
        model.check(&store.collection(name).unwrap().unwrap());
    }
}

#[test]
fn memory_behaves_as_the_model() {
    for seed in 0..20 {
        let kv = Arc::new(Memory::default());
        play(seed, 120, |_| Store::on(kv.clone()).unwrap());
    }
}

#[test]
fn sled_behaves_as_the_model() {
    for seed in 0..3 {
        let dir = tempfile::tempdir().unwrap();
        play(seed, 120, |old| {
            drop(old);
            Store::open(dir.path()).unwrap()
        });
    }
}

#[test]
fn sled_that_is_opened_again_and_again_behaves_as_the_model() {
    let dir = tempfile::tempdir().unwrap();
    play(7, 120, |old| {
        drop(old);
        Store::on(Arc::new(reopening(dir.path()))).unwrap()
    });
}

/// Without the lock of the store's folder, so what was just closed is waited for here.
fn reopening(dir: &std::path::Path) -> Sled {
    loop {
        match Sled::open(dir) {
            Err(Error::Locked { .. }) => std::thread::sleep(std::time::Duration::from_millis(5)),
            opened => return opened.unwrap().reopening_after(100_000),
        }
    }
}

#[test]
fn what_is_replaced_leaves_nothing_behind() {
    let kv = Arc::new(Memory::default());
    let collection = Store::on(kv.clone()).unwrap().create("c").unwrap();
    let keys = |table: u8| kv.scan_prefix(&[table]).count();
    for round in 1..5 {
        let clips = (0..600).map(|i| clip(&format!("{i}"), [round as f32, 1.0])).collect();
        collection.commit(clips).unwrap();
        assert_eq!((keys(b'P'), keys(b'M'), keys(b'L'), keys(b'H'), keys(b'V'), keys(b'D')), (5, 5, 0, 2, 1, 0), "round {round}");
    }
}

#[test]
fn a_fingerprint_changes_with_the_rows_and_only_then() {
    let store = Store::in_memory().unwrap();
    let collection = store.create("c").unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(4);
    let mut before = BTreeMap::new();
    for _ in 0..200 {
        let batch: Vec<NewItem> = (0..3).map(|_| random_item(&mut rng, 20)).collect();
        collection.commit(batch).unwrap();
        for info in collection.spaces().unwrap() {
            let (seqs, rows) = collection.vectors(&info.key).unwrap();
            let now = (info.fingerprint, seqs, rows);
            if let Some(old) = before.insert(info.key, now.clone()) {
                assert_eq!(old.0 == now.0, old == now);
            }
        }
    }
    assert!(!before.is_empty());
}
