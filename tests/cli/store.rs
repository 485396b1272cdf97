//! The store seen from outside: in use elsewhere, of another make, damaged, dropped.

use super::program::{Place, copy_folder, toy};

#[test]
fn a_store_in_use_is_refused_at_once() {
    let place = Place::new();
    toy::import(&place);
    let held = dyad::store::Store::open(&place.at("store")).unwrap();
    for args in [&["-c", "count clips"][..], &["collections", "drop", "notes"], &["ingest", "."], &["collections"]] {
        let ran = place.dyad(args).code(3).says("in use by another dyad process").says("--store DIR");
        assert!(ran.out.is_empty());
    }
    place.piped(&[], "count clips\n").code(3).says("in use by another dyad process");
    drop(held);
}

#[test]
fn a_folder_of_something_else_is_left_alone() {
    let place = Place::new();
    place.write("store/letter.txt", "dear reader");
    place.dyad(&["-c", "show models"]).code(3).says("is not a store").says("letter.txt").says("--store DIR");
    let names: Vec<_> = std::fs::read_dir(place.at("store")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(names, ["letter.txt"]);
}

#[test]
fn a_file_in_place_of_the_folder_is_an_error() {
    let place = Place::new();
    place.write("store", "a file");
    let ran = place.dyad(&["-c", "show models"]);
    assert!(matches!(ran.code, Some(1 | 3)) && ran.err.starts_with("error: "), "{ran:?}");
}

#[test]
fn a_newer_format_is_named() {
    let place = Place::new();
    place.write("store/dyad-store", "dyad store, format 99\n");
    place.dyad(&["-c", "show models"]).code(3).says("format 99");
}

#[test]
fn damage_is_told_and_nothing_panics() {
    let place = Place::new();
    toy::import(&place);
    let whole = place.at("whole");
    copy_folder(&place.at("store"), &whole);
    let renew = || {
        std::fs::remove_dir_all(place.at("store")).unwrap();
        copy_folder(&whole, &place.at("store"));
    };
    place.write("store/dyad-store", "something\n");
    place.dyad(&["-c", "count clips"]).code(3).says("damaged");
    renew();
    let statement = ["--format", "csv", "-c", "classify clips seed=1"];
    let right = place.dyad(&statement).ok().out;
    // The same numbers or an error: never a panic, and never other numbers.
    let holds = |what: &str| {
        let ran = place.dyad(&statement);
        match ran.code {
            Some(0) => assert_eq!(ran.out, right, "{what}"),
            Some(1 | 3) => assert!(ran.err.starts_with("error: ") && !ran.err.contains("panicked"), "{what}: {}", ran.err),
            _ => panic!("{what}: {ran:?}"),
        }
    };
    for (name, bytes) in [("conf", &b"garbage"[..]), ("conf", b""), ("db", b"garbage"), ("db", b"")] {
        renew();
        place.write(&format!("store/db/{name}"), bytes);
        holds(name);
    }
    let bytes = std::fs::read(whole.join("db/db")).unwrap();
    let used = bytes.iter().rposition(|b| *b != 0).unwrap();
    for step in 0..16 {
        renew();
        let mut flipped = bytes.clone();
        flipped[used * step / 16 + 7] ^= 0x10;
        place.write("store/db/db", &flipped);
        holds(&format!("bit {step}"));
    }
}

#[test]
fn collections_are_listed_and_dropped() {
    let place = Place::new();
    toy::import(&place);
    place.dyad(&["collections"]).ok().shows("notes").shows("words");
    place.dyad(&["collections", "drop", "note"]).code(1).says("unknown collection `note`").says("did you mean `notes`?");
    place.dyad(&["collections", "drop", "notes"]).ok();
    place.dyad(&["-c", "count clips"]).code(1).says("no clips");
    let ran = place.dyad(&["collections", "list"]).ok().shows("words");
    assert!(!ran.out.contains("notes"));
    place.dyad(&["-c", "count labels in words"]).ok();
}

#[test]
fn the_store_can_be_named_by_the_environment() {
    let place = Place::new();
    toy::import(&place);
    let mut command = super::program::command(place.path());
    let output = command.env("DYAD_STORE", place.at("store")).args(["--format", "csv", "-c", "count clips"]).output().unwrap();
    assert_eq!(String::from_utf8_lossy(&output.stdout), "count\n8\n");
}

#[test]
fn models_and_ontologies_are_listed() {
    let place = Place::new();
    place.dyad(&["models"]).ok().shows("musicnn-minilm");
    place.dyad(&["ontologies"]).ok().shows("hdio").shows("hdio-ismir2024");
    place.dyad(&["doctor"]).ok();
    place.dyad(&["models", "check", "musicnn"]).code(1).says("unknown model `musicnn`").says("did you mean");
}

#[test]
fn an_ontology_is_read_before_it_is_added() {
    let place = Place::new();
    place.write("mine.txt", "top\n  strings\n    lute = oud\n    lyre\n  winds\n");
    place.dyad(&["ontologies", "add", "mine.txt"]).ok().says("added `mine`, 5 terms");
    place.dyad(&["ontologies"]).ok().shows("mine").shows("hdio");
    place.dyad(&["-c", "describe mine"]).ok().shows("leaves    3");
    place.dyad(&["ontologies", "add", "mine.txt"]).code(1).says("an ontology `mine` already");
    place.write("HDIO.txt", "top\n  strings\n");
    place.dyad(&["ontologies", "add", "HDIO.txt"]).code(1).says("an ontology `hdio` already");
    place.write("broken.json", "{");
    place.dyad(&["ontologies", "add", "broken.json"]).code(1).says("`broken` cannot be read");
    place.dyad(&["ontologies", "add", "none.csv"]).code(1).says("`none.csv`");
    let kept: Vec<_> = std::fs::read_dir(place.at("store/ontologies")).unwrap().map(|e| e.unwrap().file_name()).collect();
    assert_eq!(kept, ["mine.txt"]);
}
