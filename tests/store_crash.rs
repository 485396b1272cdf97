//! A child process that is really killed, and one that holds the store.
//!
//! The child is this test program again, told by an environment variable what it is. These tests are a program of their own,
//! and one test at a time: a process that is being spawned holds the locks of its parent for a moment.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::Mutex;

use dyad::embedding::{Modality, Space, Stage};
use dyad::store::{Error, NewItem, SpaceKey, Store};
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 20;
const STORE: &str = "DYAD_CRASH_TEST_STORE";

static ONE_AT_A_TIME: Mutex<()> = Mutex::new(());

fn space() -> SpaceKey {
    SpaceKey::new(Space::new("m", Modality::Audio, Stage::Joint), "hash")
}

fn clip(number: usize) -> NewItem {
    let mut item = NewItem::new(format!("clip {number}"), Modality::Audio);
    item.vectors.push((space(), vec![1.0, number as f32]));
    item
}

/// Commits batch after batch to the store that the variable names, and says so after each. Does nothing without it.
#[test]
fn child() {
    let Some(dir) = std::env::var_os(STORE) else {
        return;
    };
    let store = Store::open(Path::new(&dir)).unwrap();
    let collection = match store.collection("c").unwrap() {
        Some(collection) => collection,
        None => store.create("c").unwrap(),
    };
    let start = collection.len(Modality::Audio).unwrap() as usize / BATCH;
    for batch in start.. {
        collection.commit((batch * BATCH..(batch + 1) * BATCH).map(clip).collect()).unwrap();
        println!("\ncommitted {}", (batch + 1) * BATCH);
    }
}

fn spawn(dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(STORE, dir)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the child has said `reports` times that it committed, and kills it; gives what it said last.
fn kill_after(mut child: Child, reports: usize) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = lines.filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
    let mut last = said.by_ref().take(reports).last().unwrap_or(0);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between our reading and its end counts too.
    last = said.last().unwrap_or(last);
    last
}

#[test]
fn kill_9_loses_nothing_that_was_reported() {
    let _alone = ONE_AT_A_TIME.lock();
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(1);
    let mut before = 0;
    for _ in 0..12 {
        let reported = kill_after(spawn(dir.path()), rng.random_range(1..9));
        let store = Store::open(dir.path()).unwrap();
        let collection = store.collection("c").unwrap().unwrap();
        let n = collection.len(Modality::Audio).unwrap() as usize;
        assert!(n >= reported && n > before && n.is_multiple_of(BATCH), "{n} items, {reported} reported");
        let (seqs, vectors) = collection.vectors(&space()).unwrap();
        assert_eq!(seqs, (0..n as u64).collect::<Vec<_>>());
        for (row, item) in collection.items().enumerate() {
            assert_eq!(item.unwrap().id, format!("clip {row}"));
            assert!((vectors.row(row)[1] * vectors.norm(row) - row as f32).abs() < 1e-3 * (1.0 + row as f32));
        }
        before = n;
    }
}

#[test]
fn a_store_that_another_process_has_is_refused_at_once() {
    let _alone = ONE_AT_A_TIME.lock();
    let dir = tempfile::tempdir().unwrap();
    let mut child = spawn(dir.path());
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    assert!(lines.any(|line| line.unwrap().starts_with("committed")));
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, Error::Locked { .. }), "{error}");
    child.kill().unwrap();
    child.wait().unwrap();
    // The lock of a dead process is none.
    Store::open(dir.path()).unwrap();
}
