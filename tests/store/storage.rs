//! Collections that keep their numbers as f16: what is read is what was rounded, on every way, and what cannot be kept is refused.

use std::sync::Arc;

use dyad::embedding::{Embeddings, Modality, Stage};
use dyad::progress::Silent;
use dyad::store::{Batch, Collection, Error, KeyValue, Memory, NewItem, Refused, Remedy, Storage, Store};
use dyad::workspace::Workspace;
use half::f16;

use super::{clip, space};

const DIM: usize = 300;

fn vector(i: usize) -> Vec<f32> {
    (0..DIM).map(|j| ((i * 31 + j * 7) as f32 * 0.37).sin() * 3.0).collect()
}

fn rounded(vector: &[f32]) -> Vec<f32> {
    vector.iter().map(|&x| f16::from_f32(x).to_f32()).collect()
}

fn item(i: usize, vector: Vec<f32>) -> NewItem {
    NewItem { vectors: vec![(space(Stage::Joint, None), vector)], ..NewItem::new(format!("c{i}"), Modality::Audio) }
}

fn filled(kv: &Arc<Memory>, n: usize) -> (Store, Collection) {
    let store = Store::on(kv.clone()).unwrap();
    let collection = store.create_as("c", Storage::F16).unwrap();
    let items: Vec<NewItem> = (0..n).map(|i| item(i, vector(i))).collect();
    items.chunks(400).for_each(|chunk| collection.commit(chunk.to_vec()).unwrap());
    (store, collection)
}

/// Holds that each way of reading gives `expected`, in the order of items.
fn reads(collection: &Collection, expected: &[Vec<f32>]) {
    let key = space(Stage::Joint, None);
    let units = Embeddings::from_rows(key.space.clone(), DIM, expected.concat()).unwrap();
    let (seqs, vectors) = collection.vectors(&key).unwrap();
    assert_eq!((vectors.rows(), vectors.norms()), (units.rows(), units.norms()));
    let scanned: Vec<Vec<f32>> = collection.scan(&key).unwrap().map(|row| row.unwrap().1).collect();
    assert!(scanned == expected);
    let one: Vec<Vec<f32>> = seqs.iter().map(|&seq| collection.vector_of(seq, &key).unwrap().unwrap()).collect();
    assert!(one == expected);
    let mut blocks: Vec<(u64, Vec<f32>)> = Vec::new();
    let take = |seqs: &[u64], rows: &[f32]| blocks.extend(seqs.iter().copied().zip(rows.chunks(DIM).map(<[f32]>::to_vec)));
    let mut take = take;
    collection
        .each_block(&key, |_, seqs, rows| {
            take(seqs, rows);
            true
        })
        .unwrap();
    blocks.sort_by_key(|(seq, _)| *seq);
    assert!(blocks.into_iter().map(|(_, row)| row).eq(expected.iter().cloned()));
}

fn bytes(kv: &Memory) -> usize {
    kv.scan_prefix(b"V").map(|entry| entry.unwrap().1.len()).sum()
}

#[test]
fn every_way_reads_the_rounded_numbers() {
    let kv = Arc::new(Memory::default());
    let (store, collection) = filled(&kv, 900);
    let mut expected: Vec<Vec<f32>> = (0..900).map(|i| rounded(&vector(i))).collect();
    reads(&collection, &expected);
    let whole = Arc::new(Memory::default());
    let plain = Store::on(whole.clone()).unwrap().create("c").unwrap();
    plain.commit((0..900).map(|i| item(i, vector(i))).collect()).unwrap();
    assert!(bytes(&kv) < bytes(&whole) * 51 / 100, "{} {}", bytes(&kv), bytes(&whole));
    // Later writes follow, here and through another handle; replaced rows and packed blocks too.
    collection.commit(vec![item(3, vector(5000))]).unwrap();
    store.open_or_create("c").unwrap().commit(vec![item(900, vector(900))]).unwrap();
    expected[3] = rounded(&vector(5000));
    expected.push(rounded(&vector(900)));
    reads(&collection, &expected);
    store.repack(&Silent).unwrap();
    reads(&collection, &expected);
    assert!(store.check(None, &Silent).unwrap().is_whole());
    // A snapshot is of the same bytes.
    let mut file = Vec::new();
    store.snapshot_to(&mut file, &Silent).unwrap();
    let copy = Arc::new(Memory::default());
    dyad::store::restore_into(&mut file.as_slice(), "s".as_ref(), &*copy, None, &Silent).unwrap();
    let copied = Store::on(copy).unwrap().collection("c").unwrap().unwrap();
    assert_eq!(copied.storage().unwrap(), Storage::F16);
    reads(&copied, &expected);
    // What was rounded once is not rounded again.
    let again = Store::in_memory().unwrap().create_as("again", Storage::F16).unwrap();
    again.commit(expected.iter().enumerate().map(|(i, row)| item(i, row.clone())).collect()).unwrap();
    reads(&again, &expected);
}

#[test]
fn an_index_is_of_the_rounded_numbers() {
    let (store, collection) = filled(&Arc::new(Memory::default()), 600);
    let workspace = Workspace::over(store, &[]);
    let key = space(Stage::Joint, None);
    let info = collection.space(&key).unwrap().unwrap();
    let flat = workspace.index(&collection, &info, &Silent).unwrap();
    let (seqs, vectors) = collection.vectors(&key).unwrap();
    for (row, &seq) in seqs.iter().enumerate() {
        let at = flat.row_of(seq).unwrap();
        assert_eq!(flat.row(at).unwrap(), vectors.row(row));
    }
    assert_eq!(flat.len(), 600);
}

#[test]
fn what_f16_cannot_keep_is_refused_by_name() {
    let store = Store::in_memory().unwrap();
    let collection = store.create_as("c", Storage::F16).unwrap();
    collection.commit(vec![clip("a", [1.0, 65504.0])]).unwrap();
    let said = |vector| collection.commit(vec![clip("good", [1.0, 1.0]), clip("b", vector)]).unwrap_err().to_string();
    assert_eq!(
        said([1.0, -70000.0]),
        "the vector of `b` in `m joint (audio)` holds -70000, beyond the range of f16, ±65504: expected other numbers, or a collection with `--storage f32`"
    );
    assert_eq!(
        said([1e-9, 0.0]),
        "the vector of `b` in `m joint (audio)` is too short for f16: rounding would take 1.00 of its length, at most 0.001 may go: expected other numbers, or a collection with `--storage f32`"
    );
    assert_eq!(said([f32::INFINITY, 0.0]), "the vector of `b` in `m joint (audio)` holds NaN or an infinite number");
    assert_eq!(collection.len(Modality::Audio).unwrap(), 1, "nothing of a refused commit stays");
    // Where bad ones are left out, the others come in.
    let rejected = collection.commit_sound(vec![clip("b", [1e6, 0.0]), clip("d", [0.5, 0.25])]).unwrap();
    assert_eq!((rejected.len(), rejected[0].id.as_str(), collection.len(Modality::Audio).unwrap()), (1, "b", 2));
}

#[test]
fn another_storage_than_the_collection_has_is_refused() {
    let store = Store::in_memory().unwrap();
    store.create_as("c", Storage::F16).unwrap();
    store.create("plain").unwrap();
    let said = |name, asked| store.open_or_create_as(name, Some(asked)).err().unwrap().to_string();
    assert_eq!(
        said("c", Storage::F32),
        "the collection `c` keeps its vectors as f16, not as f32: expected `--storage f16`, none, or another collection"
    );
    assert_eq!(
        said("plain", Storage::F16),
        "the collection `plain` keeps its vectors as f32, not as f16: expected `--storage f32`, none, or another collection"
    );
    assert!(store.open_or_create_as("c", Some(Storage::F16)).is_ok() && store.open_or_create("c").is_ok());
    assert!(matches!(store.create_as("c", Storage::F16), Err(Error::Refused(Refused::Exists { .. }))));
    // What was dropped is forgotten, and what is made under its name is of its own kind.
    store.drop_collection("c").unwrap();
    assert_eq!(store.create("c").unwrap().storage().unwrap(), Storage::F32);
}

#[test]
fn damage_is_found_and_what_is_said_of_the_numbers_is_mended() {
    let kv = Arc::new(Memory::default());
    let (store, collection) = filled(&kv, 10);
    let (key, good) = kv.scan_prefix(b"V").next().unwrap().unwrap();
    let put = |key: &[u8], value: Option<Vec<u8>>| {
        let mut batch = Batch::default();
        match value {
            Some(value) => batch.put(key.to_vec(), value),
            None => batch.delete(key.to_vec()),
        }
        kv.put_batch(batch).unwrap();
    };
    for at in [0, 5, 25, 30, good.len() - 1] {
        let mut bad = good.clone();
        bad[at] ^= 4;
        put(&key, Some(bad));
        assert!(matches!(collection.vectors(&space(Stage::Joint, None)), Err(Error::Damaged { .. })), "byte {at}");
        let found = store.check(None, &Silent).unwrap();
        assert_eq!(found.findings.iter().filter(|finding| finding.item.is_some()).count(), 10, "byte {at}");
    }
    put(&key, Some(good));
    let said = kv.scan_prefix(b"T").next().unwrap().unwrap();
    for other in [None, Some(vec![1, 9]), Some(Vec::new())] {
        put(&said.0, other);
        // Blocks say themselves what they are, so nothing is lost.
        reads(&collection, &(0..10).map(|i| rounded(&vector(i))).collect::<Vec<_>>());
        let found = store.check(None, &Silent).unwrap();
        assert!(matches!(found.findings.as_slice(), [one] if one.remedy == Remedy::Rebuilt), "{:?}", found.findings);
        store.mend(&Silent).unwrap();
        assert_eq!(collection.storage().unwrap(), Storage::F16);
        assert!(store.check(None, &Silent).unwrap().is_whole());
    }
}

#[test]
fn what_is_stored_already_is_not_written_again() {
    for storage in [Storage::F32, Storage::F16] {
        let kv = Arc::new(Memory::default());
        let collection = Store::on(kv.clone()).unwrap().create_as("c", storage).unwrap();
        let rows = || (0..300).map(|i| clip(&format!("{i}"), [0.1 * i as f32, 1.0])).collect::<Vec<_>>();
        collection.commit(rows()).unwrap();
        let entries = || kv.scan_prefix(b"").map(Result::unwrap).filter(|(key, _)| key != b"G").collect::<Vec<_>>();
        let before = entries();
        collection.commit(rows()).unwrap();
        assert!(entries() == before);
        // One that differs is written, and it alone.
        let mut other = rows();
        other[7].vectors[0].1[0] = 3.0;
        collection.commit(other).unwrap();
        let (_, vectors) = collection.vectors(&space(Stage::Joint, None)).unwrap();
        assert_eq!((vectors.len(), entries().iter().filter(|(key, _)| key[0] == b'V').count()), (300, 2));
        assert_eq!(collection.vector_of(7, &space(Stage::Joint, None)).unwrap(), Some(vec![3.0, 1.0]));
    }
}
