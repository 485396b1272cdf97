//! Kill -9 in the middle of an ingest: what is there is whole, nothing is doubled, and the next run goes on.

#[path = "program/mod.rs"]
mod program;

use std::collections::BTreeSet;
use std::io::Read;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use dyad::embedding::Modality;
use dyad::store::Store;
use program::{Place, cell, wav};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FILES: usize = 96;
const KILLS: usize = 12;
/// Of the kills, so many must fall between two commits.
const PARTIAL: usize = 2;
const MOST_KILLS: usize = 40;
const ARGS: [&str; 6] = ["--format", "json", "ingest", "lib", "--no-index", "--quiet"];

fn id(i: usize) -> String {
    format!("{}/{i:02}.wav", ["low", "high"][i % 2])
}

/// Holds that every item in the store is whole, and gives their ids.
fn whole(store: &Path, lib: &Path) -> BTreeSet<String> {
    let store = Store::open(store).expect("the store opens after a kill");
    let Some(collection) = store.collection("clips").unwrap() else { return BTreeSet::new() };
    let items: Vec<_> = collection.items().map(|item| item.expect("the item can be read")).collect();
    let seqs: Vec<u64> = items.iter().map(|item| item.seq).collect();
    let ids: BTreeSet<String> = items.iter().map(|item| item.id.clone()).collect();
    assert_eq!(ids.len(), items.len(), "an id is there twice");
    let spaces = collection.spaces().unwrap();
    assert_eq!(spaces.len(), if items.is_empty() { spaces.len() } else { 2 }, "an item has vectors in both spaces");
    for info in &spaces {
        let (rows, vectors) = collection.vectors(&info.key).unwrap();
        assert_eq!((&rows, vectors.len()), (&seqs, seqs.len()), "{}", info.key);
    }
    for item in &items {
        assert_eq!(item.modality, Modality::Audio);
        let hash = dyad::audio::AudioFile::read(&lib.join(&item.id)).unwrap().hash;
        assert_eq!(item.content_hash, Some(hash.clone()), "`{}` has another file's hash", item.id);
        assert!(spaces.iter().all(|info| collection.has(&item.id, Some(&hash), &info.key).unwrap()));
    }
    ids
}

#[test]
fn kill_9_in_an_ingest_loses_nothing_that_was_stored() {
    let place = Place::new();
    for i in 0..FILES {
        place.write(&format!("lib/{}", id(i)), wav(80.0 + 15.0 * i as f32, 0.1 + 0.001 * i as f32));
    }
    let (store, lib) = (place.at("store"), place.at("lib"));
    let all: BTreeSet<String> = (0..FILES).map(id).collect();
    let mut rng = ChaCha8Rng::seed_from_u64(2024);
    let (mut killed, mut partial) = (0, 0);
    let mut before = BTreeSet::new();
    // The machine may be slow or fast: the range of delays follows what the kills meet.
    let mut longest_ms = 1_500.0;
    while killed < KILLS || (partial < PARTIAL && killed < MOST_KILLS) {
        let mut child = place.command(&ARGS).stdout(Stdio::piped()).stderr(Stdio::null()).spawn().unwrap();
        // Early kills meet the opening of the store, late ones the commits.
        std::thread::sleep(Duration::from_millis(rng.random_range(0..longest_ms as u64)));
        child.kill().unwrap();
        let mut said = String::new();
        child.stdout.take().unwrap().read_to_string(&mut said).unwrap();
        let status = child.wait().unwrap();
        let there = whole(&store, &lib);
        assert!(there.is_superset(&before), "what was stored before is gone");
        assert!(there.is_subset(&all));
        if status.success() || !said.is_empty() {
            // It was done before it was killed: all that it reported is there; the next one begins again.
            assert_eq!(there, all);
            std::fs::remove_dir_all(&store).unwrap();
            before = BTreeSet::new();
            longest_ms /= 1.5;
        } else {
            killed += 1;
            longest_ms *= if there.len() > before.len() { 0.9 } else { 1.2 };
            partial += usize::from(!there.is_empty() && there.len() < FILES);
            before = there;
        }
    }
    assert!(partial >= PARTIAL, "{killed} kills, and only {partial} between two commits");
    let ran = place.dyad(&ARGS).ok();
    let count = |column| cell(&ran.object(), 0, column).as_u64().unwrap() as usize;
    assert_eq!((count("embedded"), count("known already"), count("failed")), (FILES - before.len(), before.len(), 0));
    assert_eq!(whole(&store, &lib), all);
    assert_eq!(
        place.json(&["count clips", "count clips by label"])[1]["rows"],
        serde_json::json!([["high", FILES / 2], ["low", FILES / 2]])
    );
}
