//! `check`: whatever is taken from a store or changed in it is found, and what is not named as lost is there after a repair.

use std::collections::BTreeMap;
use std::sync::Arc;

use dyad::embedding::{Modality, Stage};
use dyad::progress::Silent;
use dyad::store::{Batch, Collection, Error, Finding, Item, KeyValue, Memory, Refused, Remedy, SpaceKey, Storage, Store};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

use super::{clip, random_item, space};

pub fn filled(seed: u64) -> (Arc<Memory>, Store) {
    let kv = Arc::new(Memory::default());
    let store = Store::on(kv.clone()).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    for (name, storage) in [("one", Storage::F32), ("two", Storage::F16)] {
        let collection = store.create_as(name, storage).unwrap();
        for _ in 0..4 {
            collection.commit((0..12).map(|_| random_item(&mut rng, 30)).collect()).unwrap();
        }
    }
    store.create("dropped").unwrap();
    store.drop_collection("dropped").unwrap();
    store.collection("two").unwrap().unwrap().drop_space(&space(Stage::Joint, Some("<>"))).unwrap();
    store.put_record("prompts", "track", &"A <> track").unwrap();
    (kv, store)
}

fn put(kv: &Memory, key: &[u8], value: Option<&[u8]>) {
    let mut batch = Batch::default();
    match value {
        Some(value) => batch.put(key.to_vec(), value.to_vec()),
        None => batch.delete(key.to_vec()),
    }
    kv.put_batch(batch).unwrap();
}

pub type Contents = BTreeMap<(String, Modality, String), (Item, BTreeMap<SpaceKey, Vec<f32>>)>;

pub fn contents(store: &Store) -> Contents {
    let mut all = Contents::new();
    for info in store.collections().unwrap() {
        let collection: Collection = store.collection(&info.name).unwrap().unwrap();
        for space in &info.spaces {
            assert_eq!(collection.vectors(&space.key).unwrap().0.len() as u64, space.rows);
        }
        for item in collection.items().map(Result::unwrap) {
            assert_eq!(collection.item_by_id(item.modality, &item.id).unwrap().unwrap().seq, item.seq);
            let vectors =
                info.spaces.iter().filter_map(|s| Some((s.key.clone(), collection.vector_of(item.seq, &s.key).unwrap()?)));
            all.insert((info.name.clone(), item.modality, item.id.clone()), (item.clone(), vectors.collect()));
        }
        assert_eq!(collection.len(Modality::Audio).unwrap(), info.audio);
    }
    all
}

/// True when the finding names the item, or all of its collection.
fn names(finding: &Finding, key: &(String, Modality, String)) -> bool {
    finding.collection.as_ref().is_none_or(|name| *name == key.0) && finding.item.as_ref().is_none_or(|id| *id == key.2)
}

#[test]
fn a_whole_store_is_said_to_be_whole() {
    let (_, store) = filled(1);
    let checkup = store.check(None, &Silent).unwrap();
    assert_eq!(checkup.findings, []);
    let all = contents(&store);
    assert_eq!((checkup.items, checkup.vectors), (all.len() as u64, all.values().map(|(_, v)| v.len() as u64).sum()));
    let one = store.check(Some("one"), &Silent).unwrap();
    assert!(one.is_whole() && one.items < checkup.items);
    assert!(matches!(store.check(Some("three"), &Silent), Err(Error::Refused(Refused::NoCollection { .. }))));
    assert_eq!(store.mend(&Silent).unwrap(), checkup);
}

#[test]
fn each_entry_that_is_gone_or_cut_or_changed_is_found_and_the_rest_is_kept() {
    let (kv, store) = filled(2);
    let whole = contents(&store);
    let entries: Vec<(Vec<u8>, Vec<u8>)> = kv.scan_prefix(b"").map(Result::unwrap).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(3);
    let mut lost_somewhere = 0;
    for (key, value) in &entries {
        for trial in 0..4 {
            let damaged = match trial {
                0 => None,
                1 => Some(value[..value.len() / 2].to_vec()),
                2 => Some(vec![]),
                _ => {
                    let mut bad = value.clone();
                    bad[rng.random_range(0..value.len())] ^= 1 << rng.random_range(0..8);
                    Some(bad)
                }
            };
            put(&kv, key, damaged.as_deref());
            let table = char::from(key[0]);
            let what = format!("table {table}, trial {trial}, {key:x?}");
            let found = store.check(None, &Silent).unwrap();
            // A record of another module says only to it what it holds. Of a flipped bit in a record without a checksum,
            // sled's own sums tell.
            let unseen = (table == 'R' && trial < 2) || (trial == 3 && table != 'V');
            assert!(!found.is_whole() || unseen, "{what}");
            assert_eq!(store.mend(&Silent).unwrap().findings, found.findings, "{what}");
            assert_eq!(store.check(None, &Silent).unwrap().findings, [], "{what}");
            let now = contents(&store);
            if trial < 3 || table == 'V' {
                for (name, item) in &whole {
                    let named = found.findings.iter().any(|f| f.remedy == Remedy::Lost && names(f, name));
                    let renamed = now.iter().any(|(other, found)| other.0.starts_with("recovered") && found == item);
                    assert!(
                        now.get(name) == Some(item) || named || renamed,
                        "{what}: `{}` is not named in {:?}",
                        name.2,
                        found.findings
                    );
                    lost_somewhere += usize::from(named);
                }
            }
            // Back to the whole store.
            kv.clear().unwrap();
            entries.iter().for_each(|(key, value)| put(&kv, key, Some(value)));
        }
    }
    assert!(lost_somewhere > 50);
}

#[test]
fn what_is_lost_is_named_item_by_item() {
    let kv = Arc::new(Memory::default());
    let store = Store::on(kv.clone()).unwrap();
    let collection = store.create("c").unwrap();
    collection.commit(vec![clip("a", [1.0, 2.0]), clip("b", [2.0, 1.0])]).unwrap();
    collection.commit(vec![clip("d", [2.0, 3.0])]).unwrap();
    let find = |table: u8, nth: usize| kv.scan_prefix(&[table]).nth(nth).unwrap().unwrap();
    let (block, mut bytes) = find(b'V', 0);
    let last = bytes.len() - 1;
    bytes[last] ^= 1;
    put(&kv, &block, Some(&bytes));
    put(&kv, &find(b'I', 2).0, None);
    let told: Vec<(Option<String>, String, Remedy)> =
        store.mend(&Silent).unwrap().findings.into_iter().map(|f| (f.item, f.fault, f.remedy)).collect();
    let vector = |id: &str| {
        let fault = "its vector in `m joint (audio)`: block 0 has a wrong checksum";
        (Some(id.to_owned()), fault.to_owned(), Remedy::Lost)
    };
    assert_eq!(
        told,
        [
            vector("a"),
            vector("b"),
            (Some("d".to_owned()), "its record, number 2, is gone".to_owned(), Remedy::Lost),
            (None, "block 0 of `m joint (audio)` is damaged".to_owned(), Remedy::Lost),
        ]
    );
    // Stored again as the first time, all is there, and nothing twice.
    let before = collection.space(&space(Stage::Joint, None)).unwrap().unwrap().fingerprint;
    collection.commit(vec![clip("a", [1.0, 2.0]), clip("b", [2.0, 1.0]), clip("d", [2.0, 3.0])]).unwrap();
    assert!(store.check(None, &Silent).unwrap().is_whole());
    assert_eq!(collection.len(Modality::Audio).unwrap(), 3);
    let after = collection.space(&space(Stage::Joint, None)).unwrap().unwrap();
    assert_eq!((after.rows, after.fingerprint == before), (3, false));
}
