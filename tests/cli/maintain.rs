//! `check`, `compact`, `snapshot` and `restore` from outside: what they say, their exit codes, and what they refuse.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use super::program::{Place, Ran, copy_folder, npy, toy};

const NEAR: &str = "similar clip \"c40\" exact=false top 2";
const ANSWERS: [&str; 5] = ["--format", "csv", "--no-index", "-c", "classify clips seed=1"];

/// A store with 300 clips and their search file.
fn searched() -> (Place, PathBuf) {
    let place = Place::new();
    let rows = (0..300).map(|i| (f64::from(i) * 0.01).sin_cos()).map(|(s, c)| vec![s, c, 0.3]).collect::<Vec<_>>();
    let ids: String = (0..300).map(|i| format!("c{i},l{}\n", i % 3)).collect();
    place.write("a.npy", npy("<f4", &rows));
    place.write("a.csv", format!("id,label\n{ids}"));
    let args = ["import", "npy", "a.npy", "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&[&args[..], &["--labels", "a.csv"]].concat()).ok();
    place.dyad(&["-c", NEAR]).ok();
    let file = fs::read_dir(place.at("store/index")).unwrap().next().unwrap().unwrap().path();
    (place, file)
}

fn name(file: &Path) -> &str {
    file.file_name().unwrap().to_str().unwrap()
}

/// The program on the store `store` of this place.
fn on(place: &Place, store: &str, args: &[&str]) -> Ran {
    let store = place.at(store);
    let mut command = super::program::command(place.path());
    let child = command.arg("--store").arg(store).args(args).stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    Ran::from(child.spawn().unwrap(), args)
}

#[test]
fn a_whole_store_is_checked_and_compacted() {
    let place = Place::new();
    for command in ["check", "compact"] {
        place.dyad(&[command]).code(1).says("holds no store");
    }
    place.dyad(&["snapshot", "a.snap"]).code(1).says("holds no store");
    assert!(!place.at("store").exists() && !place.at("a.snap").exists(), "nothing is made");
    toy::import(&place);
    let right = place.dyad(&ANSWERS).ok().out;
    place.dyad(&["check"]).ok().shows("whole: 14 items, 34 vectors");
    place.dyad(&["check", "notes"]).ok().shows("whole: 8 items, 16 vectors");
    place.dyad(&["check", "--repair"]).ok().shows("whole");
    place.dyad(&["check", "note"]).code(1).says("`note`");
    place.dyad(&["compact"]).ok().shows("before").shows("after");
    place.dyad(&["check"]).ok().shows("whole: 14 items, 34 vectors");
    assert_eq!(place.dyad(&ANSWERS).ok().out, right);
}

#[test]
fn a_search_file_that_is_wrong_is_found_and_removed() {
    let (place, file) = searched();
    let right = place.json(&[NEAR])[0]["rows"].clone();
    let good = fs::read(&file).unwrap();
    place.dyad(&["check"]).ok().shows("whole: 300 items, 300 vectors");
    let flip = |at: usize| {
        let mut bytes = good.clone();
        bytes[at] ^= 0x10;
        bytes
    };
    // Behind the numbers, a page of them, are the upper layers, whose length the head says.
    let upper = u64::from_ne_bytes(good[64..72].try_into().unwrap()) as usize;
    for (what, bytes) in [
        ("empty", Vec::new()),
        ("head only", good[..4096].to_vec()),
        ("half", good[..good.len() / 2].to_vec()),
        ("foreign", b"a letter of somebody else's, long enough".to_vec()),
        ("version", flip(8)),
        ("identity", [flip(90)[..136].to_vec(), good[136..].to_vec()].concat()),
        ("items", flip(4096 + 8 * 7)),
        ("numbers", flip(good.len() - upper - 4096 + 100)),
    ] {
        fs::write(&file, bytes).unwrap();
        place.dyad(&["check"]).code(3).shows("damaged").shows(name(&file)).shows("can be rebuilt");
        assert!(file.exists(), "{what}: a check changes nothing");
        place.dyad(&["check", "--repair"]).code(0).shows(name(&file)).shows("rebuilt");
        assert!(!file.exists(), "{what}");
        place.dyad(&["check"]).ok().shows("no search file for `m joint (audio)` of `c`");
        assert_eq!(place.json(&[NEAR])[0]["rows"], right, "{what}");
    }
    // One of earlier rows is what the next search goes on from.
    place.write("b.jsonl", "{\"id\":\"new\",\"label\":\"l0\",\"vector\":[0.5,-0.5,0.3]}\n");
    let args = ["import", "jsonl", "b.jsonl", "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&args).ok();
    place.dyad(&["check", "--repair"]).ok().shows("whole: 301 items");
    assert!(file.exists());
    assert_eq!(place.json(&[NEAR])[0]["rows"], right);
}

#[test]
fn search_files_of_before_are_named_and_swept() {
    let (place, file) = searched();
    let old = place.write("store/index/0123.hnsw", "a graph of an earlier version");
    let gone = place.write("store/index/4567.flat", fs::read(&file).unwrap());
    let half = place.write("store/index/89ab.77.tmp", "what a killed build left");
    let other = place.write("store/index/letter.txt", "dear reader");
    place.dyad(&["check"]).ok().shows("whole").shows("`0123.hnsw`").shows("`4567.flat`").shows("`89ab.77.tmp`").shows("--repair");
    assert!(old.exists() && gone.exists());
    place.dyad(&["check", "--repair"]).ok().shows("whole").shows("removed");
    assert!(!old.exists() && !gone.exists() && !half.exists() && file.exists() && other.exists());
    // Whoever writes a search file sweeps too.
    fs::write(&old, "a graph of an earlier version").unwrap();
    fs::remove_file(&file).unwrap();
    place.dyad(&["-c", NEAR]).ok();
    assert!(!old.exists() && file.exists());
}

#[test]
fn files_that_follow_from_the_log_are_named_and_made_again() {
    let place = Place::new();
    toy::import(&place);
    let right = place.dyad(&ANSWERS).ok().out;
    copy_folder(&place.at("store"), &place.at("whole"));
    let snap = fs::read_dir(place.at("store/db")).unwrap().map(|e| e.unwrap().path()).find(|p| name(p).starts_with("snap."));
    let snap = name(&snap.expect("there is one after several openings")).to_owned();
    for (files, bytes) in
        [(vec!["conf"], &b"garbage of any kind"[..]), (vec![&snap], b"garbage"), (vec!["conf", &snap], b"other garbage")]
    {
        fs::remove_dir_all(place.at("store")).unwrap();
        copy_folder(&place.at("whole"), &place.at("store"));
        for file in &files {
            place.write(&format!("store/db/{file}"), bytes);
        }
        let mut told = place.dyad(&["check"]).code(3).says("has a wrong checksum");
        let mut mended = place.dyad(&["check", "--repair"]).code(0).shows("rebuilt");
        for file in &files {
            told = told.says(&format!("`db/{file}`"));
            mended = mended.shows(&format!("`db/{file}`"));
        }
        place.dyad(&["check"]).ok().shows("whole: 14 items, 34 vectors");
        assert_eq!(place.dyad(&ANSWERS).ok().out, right);
        let left = fs::read_dir(place.at("store/db")).unwrap().map(|e| e.unwrap().path());
        assert_eq!(left.filter(|path| name(path).contains("damaged")).count(), 0);
    }
}

#[test]
fn a_snapshot_comes_back_elsewhere_and_nothing_else_does() {
    let place = Place::new();
    toy::import(&place);
    let right = place.dyad(&ANSWERS).ok().out;
    place.dyad(&["snapshot", "a.snap"]).ok().shows("a.snap");
    place.dyad(&["snapshot", "a.snap"]).code(1).says("`a.snap`");
    place.dyad(&["snapshot", "store/a.snap"]).code(1).says("a.snap");
    place.dyad(&["snapshot", "nowhere/a.snap"]).code(1).says("nowhere");
    on(&place, "copy", &["restore", "a.snap"]).ok().shows("copy");
    assert_eq!(on(&place, "copy", &ANSWERS).ok().out, right);
    on(&place, "copy", &["check"]).ok().shows("whole: 14 items, 34 vectors");
    for taken in ["copy", "store", "a.snap"] {
        on(&place, taken, &["restore", "a.snap"]).code(1).says(&format!("{taken}`")).says("`--store NEW`");
    }
    on(&place, "new", &["restore", "missing.snap"]).code(1).says("missing.snap");
    let good = fs::read(place.at("a.snap")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    // Right checksums do not make a path right.
    let mut escaping = good[..16].to_vec();
    for (number, chunk) in (0u64..).zip([&b"F../escaped"[..], b"Dtext"]) {
        escaping.extend((chunk.len() as u32).to_le_bytes());
        escaping.extend(&blake3::Hasher::new().update(&number.to_le_bytes()).update(chunk).finalize().as_bytes()[..16]);
        escaping.extend(chunk);
    }
    for (bytes, reason) in [
        (&good[..good.len() - 9], "cut"),
        (&good[..10], "cut"),
        (&flipped, "checksum"),
        (&escaping, "no place in a store"),
        (b"PK\x03\x04 something else entirely", "does not begin as one"),
    ] {
        place.write("bad.snap", bytes);
        on(&place, "new", &["restore", "bad.snap"]).code(1).says("bad.snap").says(reason);
        assert!(!place.at("new").exists() && !place.at(".new.restoring").exists() && !place.at("escaped").exists());
    }
}

#[test]
fn what_a_killed_snapshot_left_is_replaced_by_the_next() {
    let place = Place::new();
    toy::import(&place);
    // Something that takes a while to be written.
    let large = place.write("store/models/large.bin", "");
    fs::File::options().write(true).open(&large).unwrap().set_len(100 << 20).unwrap();
    let mut child = place.command(&["snapshot", "a.snap"]).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let partial = place.at("a.snap.partial");
    while !fs::metadata(&partial).is_ok_and(|file| file.len() > 1 << 20) && child.try_wait().unwrap().is_none() {
        std::thread::sleep(Duration::from_millis(1));
    }
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(partial.exists() && !place.at("a.snap").exists(), "killed before its end");
    on(&place, "copy", &["restore", "a.snap.partial"]).code(1).says("is no whole snapshot");
    fs::remove_file(large).unwrap();
    place.dyad(&["snapshot", "a.snap"]).ok();
    assert!(!partial.exists() && fs::metadata(place.at("a.snap")).unwrap().len() < 1 << 20);
    on(&place, "copy", &["restore", "a.snap"]).ok();
    on(&place, "copy", &["check"]).ok().shows("whole: 14 items, 34 vectors");
}
