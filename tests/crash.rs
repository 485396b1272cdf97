//! Kill -9 in the middle of an ingest, an import, and the care of a store: what is there is whole, nothing is doubled, and the
//! next run goes on. A soak is `DYAD_KILLS=300 cargo test --release --test crash --test store_crash`: so many kills a test, at
//! moments that were not tried before.

#[path = "program/mod.rs"]
mod program;

use std::collections::{BTreeMap, BTreeSet};
use std::io::Read;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use dyad::embedding::Modality;
use dyad::store::Store;
use program::{Place, cell, copy_folder, npy, wav};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const FILES: usize = 96;
/// Of the kills, so many must fall between two commits.
const PARTIAL: usize = 2;
const MORE_KILLS: usize = 28;
const ARGS: [&str; 6] = ["--format", "json", "ingest", "lib", "--no-index", "--quiet"];

/// Kills of one test, and the seed of their moments.
fn kills(seed: u64) -> (usize, ChaCha8Rng) {
    let (kills, seed) = match std::env::var("DYAD_KILLS").ok().and_then(|n| n.parse().ok()) {
        Some(kills) => (kills, seed + 1_000 * u64::from(std::process::id())),
        None => (12, seed),
    };
    (kills, ChaCha8Rng::seed_from_u64(seed))
}

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
    let (kills, mut rng) = kills(2024);
    let (mut killed, mut partial) = (0, 0);
    let mut before = BTreeSet::new();
    // The machine may be slow or fast: the range of delays follows what the kills meet.
    let mut longest_ms = 1_500.0;
    while killed < kills || (partial < PARTIAL && killed < kills + MORE_KILLS) {
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
    println!("ingest: {killed} kills, {partial} of them between two commits");
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

const ROWS: usize = 6_000;
/// So many rows an import commits at once.
const COMMIT: usize = 1_000;

/// The vectors of round `round`, by id.
fn rows(round: usize) -> BTreeMap<String, Vec<f64>> {
    (0..ROWS).map(|i| (format!("{i:05}"), vec![1.0, i as f64, round as f64])).collect()
}

fn write_round(place: &Place, round: usize) {
    let rows = rows(round);
    place.write(&format!("{round}.npy"), npy("<f4", &rows.values().cloned().collect::<Vec<_>>()));
    let labels: String = rows.keys().map(|id| format!("{id},l{round}\n")).collect();
    place.write(&format!("{round}.csv"), format!("id,label\n{labels}"));
}

fn import<'a>(vectors: &'a str, labels: &'a str) -> [&'a str; 14] {
    let to = ["--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    let [a, b, c, d, e, f, g, h] = to;
    ["import", "npy", vectors, "--labels", labels, a, b, c, d, e, f, g, h, "--no-index"]
}

/// The vectors of a whole store by id; nothing where there is no collection yet.
fn imported(store: &Path) -> BTreeMap<String, Vec<f64>> {
    let store = Store::open(store).expect("the store opens after a kill");
    assert_eq!(store.check(None, &dyad::progress::Silent).unwrap().findings, []);
    let Some(collection) = store.collection("c").unwrap() else { return BTreeMap::new() };
    let items: Vec<_> = collection.items().map(|item| item.expect("the item can be read")).collect();
    let mut vectors = BTreeMap::new();
    for info in collection.spaces().unwrap() {
        let (seqs, rows) = collection.vectors(&info.key).unwrap();
        assert_eq!(seqs, items.iter().map(|item| item.seq).collect::<Vec<_>>());
        for (at, item) in items.iter().enumerate() {
            let row = rows.row(at).iter().map(|x| f64::from(*x) * f64::from(rows.norm(at)));
            assert!(vectors.insert(item.id.clone(), row.map(|x| x.round()).collect()).is_none(), "`{}` is there twice", item.id);
        }
    }
    vectors
}

/// The program with this store.
fn command(place: &Place, store: &str, args: &[&str]) -> Command {
    let mut command = program::command(place.path());
    command.arg("--store").arg(place.at(store)).args(args);
    command
}

/// Starts the program and kills it after `wait`; true when it had ended well by itself.
fn ends_before(mut command: Command, wait: Duration) -> bool {
    let mut child = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    std::thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap().success()
}

/// How long the program takes when nobody kills it.
fn time(mut command: Command) -> Duration {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    start.elapsed()
}

#[test]
fn kill_9_in_an_import_loses_nothing_that_was_stored() {
    let place = Place::new();
    write_round(&place, 1);
    let (store, all, args) = (place.at("store"), rows(1), import("1.npy", "1.csv"));
    let took = time(place.command(&args));
    assert_eq!(imported(&store), all);
    std::fs::remove_dir_all(&store).unwrap();
    let (kills, mut rng) = kills(5);
    let (mut killed, mut partial, mut before) = (0, 0, 0);
    for _ in 0..10 * kills {
        if killed >= kills && partial >= PARTIAL {
            break;
        }
        let ended = ends_before(place.command(&args), took.mul_f64(rng.random_range(0.3..1.0)));
        let there = if store.join("dyad-store").exists() { imported(&store) } else { BTreeMap::new() };
        assert!(there.len().is_multiple_of(COMMIT) && there.len() >= before, "{} after {before}", there.len());
        assert!(there.iter().all(|(id, vector)| all.get(id) == Some(vector)));
        killed += usize::from(!ended);
        partial += usize::from(!ended && there.len() > before && there.len() < ROWS);
        before = there.len();
        if before == ROWS {
            std::fs::remove_dir_all(&store).unwrap();
            before = 0;
        }
    }
    println!("import: {killed} kills, {partial} of them between two commits");
    assert!(killed >= kills && partial >= PARTIAL, "{killed} kills, and only {partial} between two commits");
    place.dyad(&args).ok();
    assert_eq!(imported(&store), all);
}

#[test]
fn kill_9_in_the_care_of_a_store_leaves_it_whole() {
    let place = Place::new();
    // Every row is replaced once, so that `compact` has something to do.
    for round in [1, 2] {
        write_round(&place, round);
        place.dyad(&import(&format!("{round}.npy"), &format!("{round}.csv"))).ok();
    }
    let (store, pristine, all) = (place.at("store"), place.at("pristine"), rows(2));
    copy_folder(&store, &pristine);
    let (kills, mut rng) = kills(6);
    let again = || {
        let _ = std::fs::remove_dir_all(&store);
        copy_folder(&pristine, &store);
    };

    let took = time(command(&place, "store", &["compact"]));
    again();
    let (mut killed, mut ended) = (0, 0);
    while killed < kills {
        let done = ends_before(command(&place, "store", &["compact"]), took.mul_f64(rng.random_range(0.0..1.1)));
        assert_eq!(imported(&store), all, "compact, kill {killed}");
        (killed, ended) = (killed + usize::from(!done), ended + usize::from(done));
        // One that was killed is sometimes gone on with, sometimes not.
        if done || rng.random_bool(0.5) {
            again();
        }
        assert!(ended < 20 * kills, "it is always done before it is killed");
    }
    println!("compact: {killed} kills");

    again();
    let took = time(command(&place, "store", &["snapshot", "a.snap"]));
    for kill in 0..kills {
        ends_before(command(&place, "store", &["snapshot", "b.snap"]), took.mul_f64(rng.random_range(0.0..1.1)));
        if place.at("b.snap").exists() {
            time(command(&place, "copy", &["restore", "b.snap"]));
            assert_eq!(imported(&place.at("copy")), all, "snapshot, kill {kill}");
            std::fs::remove_dir_all(place.at("copy")).unwrap();
            std::fs::remove_file(place.at("b.snap")).unwrap();
        }
    }
    assert_eq!(imported(&store), all);
    place.dyad(&["snapshot", "b.snap"]).ok();
    println!("snapshot: {kills} kills");

    let restore = || command(&place, "copy", &["restore", "a.snap"]);
    let took = time(restore());
    for kill in 0..kills {
        if place.at("copy").exists() {
            std::fs::remove_dir_all(place.at("copy")).unwrap();
        }
        ends_before(restore(), took.mul_f64(rng.random_range(0.0..1.1)));
        if place.at("copy").exists() {
            assert_eq!(imported(&place.at("copy")), all, "restore, kill {kill}");
        } else if kill % 4 == 0 {
            time(restore());
        }
    }
    println!("restore: {kills} kills");
}
