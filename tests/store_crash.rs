//! A child process that is really killed, and one that holds the store.
//!
//! The child is this test program again, told by an environment variable what it is. These tests are a program of their own,
//! and one test at a time: a process that is being spawned holds the locks of its parent for a moment.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use dyad::embedding::{Modality, Space, Stage};
use dyad::progress::Silent;
use dyad::store::{Error, NewItem, Sled, SpaceKey, Store};
use dyad::value::Value;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

const BATCH: usize = 20;
const STORE: &str = "DYAD_CRASH_TEST_STORE";
/// What the child does; without it, it commits.
const JOB: &str = "DYAD_CRASH_TEST_JOB";

/// Kills of one test, and the seed of their moments. A soak says how many, and gets moments that were not tried before:
/// `DYAD_KILLS=300 cargo test --release --test store_crash --test crash`, some minutes.
fn kills(seed: u64) -> (usize, u64) {
    match std::env::var("DYAD_KILLS").ok().and_then(|n| n.parse().ok()) {
        Some(kills) => (kills, seed + 1_000 * u64::from(std::process::id())),
        None => (12, seed),
    }
}

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
    let dir = Path::new(&dir);
    match std::env::var(JOB).as_deref() {
        Ok("churn") => return churn(dir),
        Ok("restore") => return restore(dir),
        // A byte store that is closed and opened again every few commits.
        Ok("reopen") => {
            drop(Store::open(dir).unwrap());
            return commit(&Store::on(Arc::new(reopening(&dir.join("db")))).unwrap());
        }
        _ => {}
    }
    commit(&Store::open(dir).unwrap());
}

fn reopening(db: &Path) -> Sled {
    loop {
        match Sled::open(db) {
            Err(Error::Locked { .. }) => std::thread::sleep(Duration::from_millis(5)),
            opened => return opened.unwrap().reopening_after(20_000),
        }
    }
}

fn commit(store: &Store) {
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

/// Renews all clips round by round, drops and makes another collection, compacts: says after each round that it was.
fn churn(dir: &Path) {
    for round in 0.. {
        {
            let store = Store::open(dir).unwrap();
            let collection = store.open_or_create("c").unwrap();
            let start = round_of(&store) + 1;
            for round in start..start + 3 {
                collection.commit((0..4 * BATCH).map(|number| stamped(number, round)).collect()).unwrap();
                let _ = store.drop_collection("passing");
                store.create("passing").unwrap().commit((0..BATCH).map(clip).collect()).unwrap();
                println!("\ncommitted {round}");
            }
        }
        if round % 2 == 0 {
            Store::compact_folder(dir, &Silent).unwrap();
        }
    }
}

/// Restores the snapshot beside `dir` again and again to new places in it.
fn restore(dir: &Path) {
    for number in 0.. {
        let place = dir.join(number.to_string());
        if !place.exists() {
            Store::restore(&dir.with_extension("snap"), &place, &Silent).unwrap();
            println!("\ncommitted {number}");
        }
    }
}

/// A clip whose vector and content say in which round it was renewed.
fn stamped(number: usize, round: usize) -> NewItem {
    let mut item = clip(number);
    item.metadata.insert("round".into(), Value::Int(round as i64));
    item.vectors = vec![(space(), vec![1.0 + number as f32, round as f32])];
    item
}

/// The round that all clips are of.
fn round_of(store: &Store) -> usize {
    let Some(collection) = store.collection("c").unwrap() else { return 0 };
    let rounds: BTreeSet<i64> = collection
        .items()
        .map(|item| match item.unwrap().metadata["round"] {
            Value::Int(round) => round,
            _ => panic!("a round is a number"),
        })
        .collect();
    assert!(rounds.len() <= 1, "clips of several rounds: {rounds:?}");
    rounds.first().map_or(0, |round| *round as usize)
}

fn spawn(dir: &Path) -> Child {
    spawn_for(dir, "commit")
}

fn spawn_for(dir: &Path, job: &str) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--nocapture", "--test-threads=1"])
        .env(STORE, dir)
        .env(JOB, job)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap()
}

/// Waits until the child has said `reports` times that it committed, and kills it; gives what it said last.
fn kill_after(child: Child, reports: usize) -> usize {
    kill_later(child, reports, Duration::ZERO)
}

/// As [`kill_after`], but waits a little before it kills.
fn kill_later(mut child: Child, reports: usize, wait: Duration) -> usize {
    let lines = BufReader::new(child.stdout.take().unwrap()).lines().map_while(Result::ok);
    let mut said = lines.filter_map(|line| line.strip_prefix("committed ")?.parse().ok());
    let mut last = said.by_ref().take(reports).last().unwrap_or(0);
    std::thread::sleep(wait);
    child.kill().unwrap();
    child.wait().unwrap();
    // What it said between our reading and its end counts too.
    last = said.last().unwrap_or(last);
    last
}

#[test]
fn kill_9_loses_nothing_that_was_reported() {
    commits_are_killed("commit");
}

#[test]
fn kill_9_loses_nothing_where_sled_is_opened_again() {
    commits_are_killed("reopen");
}

fn commits_are_killed(job: &str) {
    let _alone = ONE_AT_A_TIME.lock();
    let dir = tempfile::tempdir().unwrap();
    let (kills, seed) = kills(1);
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut before = 0;
    for kill in 0..kills {
        // Each test of what is there takes longer the more there is.
        if kill % 20 == 19 {
            std::fs::remove_dir_all(dir.path()).unwrap();
            before = 0;
        }
        let reported = kill_after(spawn_for(dir.path(), job), rng.random_range(1..9));
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

#[test]
fn kill_9_in_changes_and_compacting_leaves_a_whole_store() {
    let _alone = ONE_AT_A_TIME.lock();
    let (kills, seed) = kills(3);
    let dir = tempfile::tempdir().unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut before = 0;
    for kill in 0..kills {
        let wait = Duration::from_micros(rng.random_range(0..60_000));
        let reported = kill_later(spawn_for(dir.path(), "churn"), rng.random_range(0..7), wait).max(before);
        let store = Store::open(dir.path()).unwrap();
        let found = store.check(None, &Silent).unwrap();
        assert_eq!(found.findings, [], "kill {kill}");
        let round = round_of(&store);
        assert!(round >= reported, "kill {kill}: round {reported} was reported, {round} is there");
        if round > 0 {
            let collection = store.collection("c").unwrap().unwrap();
            let (seqs, vectors) = collection.vectors(&space()).unwrap();
            assert_eq!(seqs, (0..4 * BATCH as u64).collect::<Vec<_>>(), "nothing is doubled");
            let stamp = |row: usize| (vectors.row(row)[1] * vectors.norm(row)).round() as usize;
            assert!((0..seqs.len()).all(|row| stamp(row) == round), "kill {kill}");
        }
        before = round;
    }
    let mut names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().map(|e| e.unwrap().file_name()).collect();
    names.sort();
    assert_eq!(names, ["changes", "db", "dyad-store"]);
    assert!(before > kills / 4, "{before} rounds in {kills} kills");
}

#[test]
fn kill_9_in_a_restore_leaves_a_whole_store_or_none() {
    let _alone = ONE_AT_A_TIME.lock();
    let (kills, seed) = kills(4);
    let place = tempfile::tempdir().unwrap();
    let source = Store::open(&place.path().join("source")).unwrap();
    source.create("c").unwrap().commit((0..1_000).map(clip).collect()).unwrap();
    source.snapshot(&place.path().join("copies.snap"), &Silent).unwrap();
    let dir = place.path().join("copies");
    std::fs::create_dir(&dir).unwrap();
    let mut rng = ChaCha8Rng::seed_from_u64(seed);
    let mut whole = 0;
    for kill in 0..kills {
        let wait = Duration::from_micros(rng.random_range(0..60_000));
        kill_later(spawn_for(&dir, "restore"), rng.random_range(0..3), wait);
        for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
            // A name without a dot is a whole store; what was being made is taken over by the next restore to that name.
            if !entry.file_name().to_string_lossy().starts_with('.') {
                let copy = Store::open(&entry.path()).unwrap();
                let found = copy.check(None, &Silent).unwrap();
                assert_eq!((found.findings.as_slice(), found.vectors), (&[][..], 1_000), "kill {kill}");
                whole += 1;
                drop(copy);
                std::fs::remove_dir_all(entry.path()).unwrap();
            }
        }
    }
    assert!(whole > kills / 4, "{whole} restored in {kills} kills");
    // Each is taken over by the next restore to its name.
    for entry in std::fs::read_dir(&dir).unwrap().map(Result::unwrap) {
        let name = entry.file_name().to_string_lossy().trim_start_matches('.').replace(".restoring", "");
        Store::restore(&dir.with_extension("snap"), &dir.join(name), &Silent).unwrap();
    }
    assert!(std::fs::read_dir(&dir).unwrap().all(|e| !e.unwrap().file_name().to_string_lossy().starts_with('.')));
}
