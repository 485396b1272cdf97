//! A snapshot file in place of a store: any number of readers beside a writer, nothing written, damage told.

use std::fs;
use std::io::Write;
use std::process::{Child, Stdio};

use super::program::{Place, Ran, command, npy, toy};

/// The program with `store` in place of the usual one.
fn on(place: &Place, store: &str, args: &[&str]) -> Ran {
    Ran::from(spawned(place, store, args), args)
}

fn spawned(place: &Place, store: &str, args: &[&str]) -> Child {
    command(place.path())
        .args(["--store", store])
        .args(args)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap()
}

fn rows(from: usize, n: usize) -> Vec<Vec<f64>> {
    (from..from + n).map(|i| (i as f64 * 0.01).sin_cos()).map(|(s, c)| vec![s, c, 0.3]).collect()
}

fn import(place: &Place, from: usize, n: usize) -> Vec<String> {
    let name = place.write(&format!("{from}.npy"), npy("<f4", &rows(from, n)));
    let table = (from..from + n).fold("id,label\n".to_owned(), |text, i| format!("{text}c{i},l{}\n", i % 3));
    let labels = place.write(&format!("{from}.csv"), table);
    let [file, labels] = [name, labels].map(|path| path.to_str().unwrap().to_owned());
    let args = ["import", "npy", &file, "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"];
    args.into_iter().chain(["--labels", &labels]).map(str::to_owned).collect()
}

const STATEMENTS: [&str; 4] = [
    "count clips by label",
    "classify clips using prototypes top 1",
    "similar clip \"c40\" exact=false top 5",
    "similar clip \"c40\" where label=\"l1\" top 5",
];

#[test]
fn two_read_a_snapshot_while_a_third_writes_to_the_store() {
    let place = Place::new();
    let first = import(&place, 0, 600);
    place.dyad(&first.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    place.dyad(&["snapshot", "a.snap"]).ok();
    let expected = place.json(&STATEMENTS);

    // The writer keeps its store to itself for as long as it works; the readers come and go meanwhile.
    let second = import(&place, 600, 60_000);
    let mut writer = spawned(&place, "store", &second.iter().map(String::as_str).collect::<Vec<_>>());
    let script = STATEMENTS.join("\n") + "\n";
    let mut beside = 0;
    loop {
        let mut readers = [0, 1].map(|_| spawned(&place, "a.snap", &["--format", "jsonl"]));
        readers.iter_mut().for_each(|reader| reader.stdin.take().unwrap().write_all(script.as_bytes()).unwrap());
        for reader in readers {
            let answers = Ran::from(reader, &["reader"]).ok().objects();
            for (answer, right) in answers.iter().zip(&expected) {
                assert_eq!((&answer["metrics"], &answer["rows"]), (&right["metrics"], &right["rows"]));
                assert_eq!(answer["context"]["store"], "a.snap");
            }
            assert_eq!(answers.len(), STATEMENTS.len());
        }
        if writer.try_wait().unwrap().is_some() {
            break;
        }
        beside += 1;
    }
    assert!(beside > 0, "nobody read while it was written");
    Ran::from(writer, &["import"]).ok();
    assert_eq!(place.json(&["count clips"])[0]["context"]["n"], 60_600);
    assert_eq!(on(&place, "a.snap", &["--format", "jsonl", "-c", "count clips"]).ok().objects()[0]["context"]["n"], 600);
    // The search file stands in the user's cache, not beside the snapshot.
    let cache = place.at(".cache/dyad/snapshots");
    let content = fs::read_dir(fs::read_dir(cache).unwrap().next().unwrap().unwrap().path()).unwrap();
    let content = content.map(|entry| entry.unwrap().path()).find(|path| path.is_dir()).unwrap();
    assert_eq!(fs::read_dir(content.join("index")).unwrap().count(), 1);
    assert!(!place.at("index").exists());
}

#[test]
fn a_snapshot_answers_as_its_store_and_takes_nothing() {
    let place = Place::new();
    toy::import(&place);
    place.dyad(&["snapshot", "a.snap"]).ok();
    let statements =
        ["-c", "classify clips in notes", "-c", "triplets ontology=hdio labels=words model=toy", "-c", "show collections"];
    let right = place.dyad(&[&["--format", "csv"], &statements[..]].concat()).ok().out;
    let shown = on(&place, "a.snap", &[&["--format", "csv"], &statements[..]].concat()).ok().out;
    assert_eq!(shown.replace("a.snap", "store"), right.replace(place.at("store").to_str().unwrap(), "store"));
    on(&place, "a.snap", &["check"]).ok().shows("whole: 14 items, 34 vectors");
    on(&place, "a.snap", &["export", "notes", "--to", "notes.npy"]).ok();
    let before = fs::read(place.at("a.snap")).unwrap();
    let audio =
        ["import", "npy", "clips.npy", "--collection", "new", "--model", "toy", "--space", "joint", "--modality", "audio"];
    for args in [
        &audio[..],
        &["ingest", "."],
        &["compact"],
        &["check", "--repair"],
        &["snapshot", "b.snap"],
        &["collections", "drop", "notes"],
        &["collections", "reembed", "notes", "--model", "musicnn-minilm"],
    ] {
        on(&place, "a.snap", args).code(1).says("`a.snap` is a snapshot, which is only read");
    }
    assert_eq!(fs::read(place.at("a.snap")).unwrap(), before);
    // What is said is a way on.
    on(&place, "new", &["restore", "a.snap"]).ok();
}

#[test]
fn damaged_and_cut_snapshots_are_told() {
    let place = Place::new();
    let args = import(&place, 0, 600);
    place.dyad(&args.iter().map(String::as_str).collect::<Vec<_>>()).ok();
    place.dyad(&["snapshot", "a.snap"]).ok();
    let good = fs::read(place.at("a.snap")).unwrap();
    let mut flipped = good.clone();
    flipped[good.len() / 2] ^= 1;
    place.write("flipped.snap", flipped);
    place.write("cut.snap", &good[..good.len() - 40]);
    place.write("notes.txt", "not a store");
    for (file, said) in [
        ("flipped.snap", "`flipped.snap` is no whole snapshot of a store: chunk 0 has a wrong checksum"),
        ("cut.snap", "`cut.snap` is no whole snapshot of a store: it is cut in chunk"),
        ("notes.txt", "`notes.txt` is a file and no snapshot of a store"),
    ] {
        on(&place, file, &["-c", "count clips"]).code(3).says(said);
        on(&place, file, &["check"]).code(3).says(said);
    }
}

#[test]
fn new_texts_are_read_beside_a_snapshot() {
    let place = Place::new();
    for (name, hz) in [("flute", 880.0), ("tuba", 60.0)] {
        place.write(&format!("clips/{name}/a.wav"), super::program::wav(hz, 1.0));
    }
    place.dyad(&["ingest", "clips", "--no-index"]).ok();
    place.dyad(&["snapshot", "a.snap"]).ok();
    let statement = "similarity clips where prompt=\"A recording of one <>\"";
    let beside = on(&place, "a.snap", &["--format", "jsonl", "-c", statement, "-c", statement]).ok().objects();
    // In the store they are kept, and so they come out of it: the numbers are the same.
    let kept = place.json(&[statement, statement]);
    for answer in &beside {
        assert_eq!((&answer["metrics"], &answer["rows"]), (&kept[0]["metrics"], &kept[0]["rows"]));
    }
    assert_eq!(kept[0]["metrics"], kept[1]["metrics"]);
}
