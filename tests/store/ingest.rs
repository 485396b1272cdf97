//! Audio into a byte store that fails at call number N, for every N: what was stored is there, the rest is redone.

use std::f32::consts::TAU;
use std::path::Path;
use std::sync::Arc;

use dyad::audio::Limits;
use dyad::diagnostic::Spanned;
use dyad::embedding::Modality;
use dyad::ingest::{Labelling, Options, ingest};
use dyad::progress::Silent;
use dyad::store::{Faulty, Memory, Store};
use dyad::workspace::Workspace;

/// A wav file of a tenth of a second.
fn wav(path: &Path, hz: f32) {
    let samples: Vec<u8> =
        (0..1_600).flat_map(|i| ((12_000.0 * (i as f32 * hz * TAU / 16_000.0).sin()) as i16).to_le_bytes()).collect();
    let n = samples.len() as u32;
    let parts: [&[u8]; 8] = [
        b"RIFF",
        &(36 + n).to_le_bytes(),
        b"WAVEfmt \x10\0\0\0\x01\0\x01\0",
        &16_000u32.to_le_bytes(),
        &32_000u32.to_le_bytes(),
        b"\x02\0\x10\0data",
        &n.to_le_bytes(),
        &samples,
    ];
    std::fs::write(path, parts.concat()).unwrap();
}

#[test]
fn an_ingest_that_fails_at_any_call_is_finished_by_the_next() {
    let place = tempfile::tempdir().unwrap();
    for (name, hz) in [("a.wav", 220.0), ("b.wav", 330.0), ("c.wav", 440.0)] {
        wav(&place.path().join(name), hz);
    }
    let over = |store: Store| Workspace::over(store, &[]);
    let options = || Options {
        paths: vec![place.path().to_owned()],
        collection: "c".into(),
        labelling: Labelling::None,
        limits: Limits::default(),
        keep: Default::default(),
    };
    let name = Spanned::new("musicnn-minilm".to_owned(), Default::default());
    let model = over(Store::in_memory().unwrap()).model(&name).unwrap();
    for fails_from in 1.. {
        let kv = Arc::new(Memory::default());
        let outcome = Store::on(Arc::new(Faulty::new(kv.clone(), fails_from)))
            .map_err(|error| error.to_string())
            .and_then(|store| ingest(&over(store), &model, &options(), &Silent).map_err(|error| error.to_string()));
        let stored = outcome.as_ref().map_or(0, |done| done.embedded);
        let store = Store::on(kv).unwrap();
        assert!(store.check(None, &Silent).unwrap().is_whole(), "call {fails_from}");
        let there = store.collection("c").unwrap().map_or(0, |c| c.len(Modality::Audio).unwrap() as usize);
        assert!(there >= stored, "call {fails_from}: {stored} reported, {there} there");
        let done = ingest(&over(store.clone()), &model, &options(), &Silent).unwrap();
        assert_eq!((done.embedded, done.known), (3 - there, there), "call {fails_from}");
        assert_eq!(store.collection("c").unwrap().unwrap().items().count(), 3);
        assert!(store.check(None, &Silent).unwrap().is_whole());
        if outcome.is_ok_and(|done| done.failures.is_empty()) {
            return;
        }
    }
}
