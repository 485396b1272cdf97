//! Vectors from a file into a byte store that fails at call number N: a commit is whole or not there, the rest is redone.

use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use dyad::embedding::{Modality, Stage};
use dyad::exchange::{Ask, Format};
use dyad::ingest::import::{Options, import};
use dyad::progress::Silent;
use dyad::store::{Faulty, KeyValue, Memory, Store};
use dyad::workspace::Workspace;

/// Rows of a commit of `import`.
const CHUNK: u64 = 1_000;

/// Imports `rows` rows over a byte store that fails from each of `calls` on, and again without a fault.
fn import_with_faults(rows: u64, calls: impl Fn(u64) -> Vec<u64>) {
    let place = tempfile::tempdir().unwrap();
    let file = place.path().join("v.jsonl");
    let mut text = String::new();
    for i in 0..rows {
        writeln!(text, "{{\"id\":\"c{i}\",\"label\":\"l\",\"vector\":[{i},1]}}").unwrap();
    }
    std::fs::write(&file, text).unwrap();
    let run = |kv: Arc<dyn KeyValue>| {
        let store = Store::on(kv).map_err(|error| error.to_string())?;
        import(&Workspace::over(store, &[]), &options(&file), &Silent).map_err(|error| error.to_string())
    };
    let counting = Arc::new(Faulty::new(Arc::new(Memory::default()), u64::MAX));
    assert_eq!(run(counting.clone()).unwrap().rows, rows);
    for fails_from in calls(counting.calls()) {
        let kv = Arc::new(Memory::default());
        let outcome = run(Arc::new(Faulty::new(kv.clone(), fails_from)));
        let store = Store::on(kv.clone()).unwrap();
        assert!(store.check(None, &Silent).unwrap().is_whole(), "call {fails_from}");
        let there = store.collection("c").unwrap().map_or(0, |c| c.len(Modality::Audio).unwrap());
        assert!(there == rows || there.is_multiple_of(CHUNK), "call {fails_from}: {there} there");
        assert!(outcome.is_err() || there == rows, "call {fails_from}: reported, and {there} there");
        drop(store);
        assert_eq!(run(kv.clone()).unwrap().rows, rows);
        let store = Store::on(kv).unwrap();
        assert_eq!(store.collection("c").unwrap().unwrap().items().count() as u64, rows, "call {fails_from}");
        assert!(store.check(None, &Silent).unwrap().is_whole(), "call {fails_from}");
    }
}

fn options(file: &Path) -> Options {
    Options {
        format: Format::named("jsonl").unwrap(),
        files: vec![file.to_owned()],
        ask: Ask::default(),
        collection: "c".into(),
        model: "m".into(),
        model_hash: None,
        modality: Modality::Audio,
        stage: Stage::Joint,
        labels: None,
        prompt: None,
        storage: None,
        skip_bad: false,
    }
}

#[test]
fn an_import_that_fails_at_any_call_is_finished_by_the_next() {
    import_with_faults(5, |calls| (1..=calls).collect());
}

#[test]
fn of_several_commits_each_is_whole() {
    // Each call at the end, where the second commit is; some of the many before it.
    import_with_faults(CHUNK + 3, |calls| (1..calls - 14).step_by(calls as usize / 8).chain(calls - 14..=calls).collect());
}
