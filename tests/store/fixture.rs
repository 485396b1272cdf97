//! A store of each format, kept as the keys and values of the byte store: it must open forever.
//!
//! One line an entry, key and value in hexadecimal. After a new format is drawn in `layout`, write its fixture beside the
//! old ones: `cargo test --release --test store -- --ignored write_fixture`.

use std::fmt::Write;
use std::sync::Arc;

use dyad::embedding::{Modality, Stage};
use dyad::progress::Silent;
use dyad::store::{Batch, FORMAT, Faulty, KeyValue, Memory, NewItem, Storage, Store};
use dyad::value::Value;

use super::check::contents;
use super::{clip, space};

fn path(format: u32) -> String {
    format!("{}/tests/fixtures/store-format-{format}.txt", env!("CARGO_MANIFEST_DIR"))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::new(), |mut text, byte| {
        let _ = write!(text, "{byte:02x}");
        text
    })
}

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|i| u8::from_str_radix(&text[i..i + 2], 16).unwrap()).collect()
}

/// Longer than what fits a page.
fn long() -> String {
    "la ".repeat(1_400)
}

#[test]
#[ignore = "makes the fixture of the present format"]
fn write_fixture() {
    let kv = Arc::new(Memory::default());
    let store = Store::on(kv.clone()).unwrap();
    store.create("dropped").unwrap();
    store.drop_collection("dropped").unwrap();
    let collection = store.create("orchestra").unwrap();
    let mut flute = clip("flute/a4.wav", [3.0, 4.0]);
    flute.content_hash = Some("0123".to_owned());
    let fields = [("midi", Value::Int(-69)), ("gain", Value::Float(0.5)), ("ok", Value::Bool(true)), ("none", Value::Bool(true))];
    flute.metadata.extend(fields.map(|(name, value)| (name.to_owned(), value)));
    flute.vectors.push((space(Stage::PreJoint, None), vec![1.0, -1.0, 0.25]));
    let mut label = NewItem::new("Flûte", Modality::Text);
    label.vectors.push((space(Stage::Joint, Some("A <> track")), vec![0.0, 2.0]));
    label.vectors.push((space(Stage::Joint, Some("<>")), vec![2.0, 0.0]));
    collection.commit(vec![flute, clip("old.wav", [1.0, 1.0]), label]).unwrap();
    let mut replaced = clip("flute/a4.wav", [4.0, 3.0]);
    replaced.content_hash = Some("0123".to_owned());
    replaced.metadata.insert("none".to_owned(), Value::Null);
    collection.commit(vec![replaced]).unwrap();
    let mut harp = NewItem::new("Harfe", Modality::Text);
    harp.metadata.insert("caption".to_owned(), Value::from(long()));
    store.create("long").unwrap().commit(vec![harp]).unwrap();
    store.put_record("prompts", "track", &vec!["A <> track"]).unwrap();
    let halves = store.create_as("halves", Storage::F16).unwrap();
    halves.commit(vec![clip("a.wav", [0.1, -65504.0]), clip("b.wav", [1.0, 2.0])]).unwrap();
    let mut text = String::new();
    for entry in kv.scan_prefix(b"") {
        let (key, value) = entry.unwrap();
        writeln!(text, "{} {}", hex(&key), hex(&value)).unwrap();
    }
    std::fs::write(path(FORMAT), text).unwrap();
}

/// The byte store of a fixture.
fn kept(format: u32) -> Arc<Memory> {
    let kv = Arc::new(Memory::default());
    let mut batch = Batch::default();
    for line in std::fs::read_to_string(path(format)).unwrap().lines() {
        let (key, value) = line.split_once(' ').unwrap();
        batch.put(unhex(key), unhex(value));
    }
    kv.put_batch(batch).unwrap();
    kv
}

fn opened(format: u32) -> Store {
    let kv = kept(format);
    let store = Store::on(kv.clone()).unwrap();
    assert!(store.check(None, &Silent).unwrap().is_whole());
    assert_eq!(kv.scan_prefix(b"I").count() + kv.scan_prefix(b"K").count(), 0, "tables of older formats are gone");
    store
}

#[test]
fn format_3_has_long_records() {
    let store = opened(3);
    let label = store.collection("long").unwrap().unwrap().item_by_id(Modality::Text, "Harfe").unwrap().unwrap();
    assert_eq!(label.metadata["caption"], Value::from(long()));
}

/// A migration that fails at any call, and is begun again, leaves what one in one go leaves.
#[test]
fn an_older_format_is_brought_on_after_any_failure() {
    let whole = contents(&Store::on(kept(1)).unwrap());
    for fails_from in 1.. {
        let kv = kept(1);
        let opened = Store::on(Arc::new(Faulty::new(kv.clone(), fails_from))).is_ok();
        let store = Store::on(kv.clone()).unwrap();
        assert_eq!(contents(&store), whole, "call {fails_from}");
        assert_eq!(store.check(None, &Silent).unwrap().findings, [], "call {fails_from}");
        assert_eq!(kv.scan_prefix(b"I").count() + kv.scan_prefix(b"K").count(), 0);
        if opened {
            return;
        }
    }
}

#[test]
fn every_format_opens() {
    (1..=FORMAT).for_each(|format| orchestra(&opened(format)));
}

#[test]
fn format_2_has_vectors_of_f16() {
    let store = opened(2);
    let infos = store.collections().unwrap();
    let storages: Vec<_> = infos.iter().map(|info| (info.name.as_str(), info.storage)).collect();
    assert_eq!(storages, [("halves", Storage::F16), ("orchestra", Storage::F32)]);
    let halves = store.collection("halves").unwrap().unwrap();
    assert_eq!(halves.vector_of(0, &space(Stage::Joint, None)).unwrap(), Some(vec![0.099975586, -65504.0]));
    halves.commit(vec![clip("c.wav", [0.1, 0.0])]).unwrap();
    assert_eq!(halves.vector_of(2, &space(Stage::Joint, None)).unwrap(), Some(vec![0.099975586, 0.0]));
}

fn orchestra(store: &Store) {
    let infos = store.collections().unwrap();
    let info = infos.iter().find(|info| info.name == "orchestra").unwrap();
    assert_eq!((info.audio, info.text, info.storage), (2, 1, Storage::F32));
    assert!(info.created > 1_700_000_000);
    let collection = store.collection("orchestra").unwrap().unwrap();
    let flute = collection.item_by_id(Modality::Audio, "flute/a4.wav").unwrap().unwrap();
    assert_eq!((flute.seq, flute.content_hash.as_deref()), (0, Some("0123")));
    let fields = ["midi", "gain", "ok", "none", "label"].map(|name| flute.metadata[name].clone());
    assert_eq!(fields, [Value::Int(-69), Value::Float(0.5), Value::Bool(true), Value::Null, Value::from("Flute")]);
    let (seqs, joint) = collection.vectors(&space(Stage::Joint, None)).unwrap();
    assert_eq!((seqs, joint.norm(0), joint.row(0)), (vec![0, 1], 5.0, &[0.8, 0.6][..]));
    assert_eq!(collection.vector_of(0, &space(Stage::PreJoint, None)).unwrap(), Some(vec![1.0, -1.0, 0.25]));
    assert_eq!(collection.vector_of(2, &space(Stage::Joint, Some("<>"))).unwrap(), Some(vec![2.0, 0.0]));
    assert!(collection.has("Flûte", None, &space(Stage::Joint, Some("A <> track"))).unwrap());
    assert_eq!(store.record("prompts", "track").unwrap(), Some(vec!["A <> track".to_owned()]));
    collection.commit(vec![clip("new.wav", [1.0, 0.0])]).unwrap();
    assert_eq!(collection.item_by_id(Modality::Audio, "new.wav").unwrap().unwrap().seq, 3);
}

fn snapshot(version: u32) -> String {
    format!("{}/tests/fixtures/snapshot-{version}.snap", env!("CARGO_MANIFEST_DIR"))
}

#[test]
#[ignore = "makes the fixture of the present snapshot file"]
fn write_snapshot_fixture() {
    let place = tempfile::tempdir().unwrap();
    let store = Store::open(place.path()).unwrap();
    store.create("orchestra").unwrap().commit(vec![clip("flute/a4.wav", [3.0, 4.0])]).unwrap();
    std::fs::create_dir_all(place.path().join("prompts")).unwrap();
    std::fs::write(place.path().join("prompts/own.toml"), "# own\n").unwrap();
    store.snapshot(std::path::Path::new(&snapshot(1)), &Silent).unwrap();
}

/// A snapshot file of version 1 as it was once written: it must be restored forever.
#[test]
fn snapshot_1_is_restored() {
    let place = tempfile::tempdir().unwrap();
    let dir = place.path().join("store");
    Store::restore(std::path::Path::new(&snapshot(1)), &dir, &Silent).unwrap();
    let store = Store::open(&dir).unwrap();
    assert!(store.check(None, &Silent).unwrap().is_whole());
    let collection = store.collection("orchestra").unwrap().unwrap();
    assert_eq!(collection.item_by_id(Modality::Audio, "flute/a4.wav").unwrap().unwrap().metadata["label"], Value::from("Flute"));
    assert_eq!(collection.vector_of(0, &space(Stage::Joint, None)).unwrap(), Some(vec![3.0, 4.0]));
    assert_eq!(std::fs::read_to_string(dir.join("prompts/own.toml")).unwrap(), "# own\n");
}
