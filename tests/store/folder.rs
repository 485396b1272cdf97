//! Folders: in use, of a newer format, of somebody else.

use std::fs;

use dyad::progress::Silent;
use dyad::store::{Error, FORMAT, Store};

#[test]
fn a_second_open_in_this_process_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Store::open(dir.path()).unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, Error::Locked { .. }) && error.is_fatal());
    assert_eq!(
        error.to_string(),
        format!("the store `{}` is in use by another dyad process, number {}", dir.path().display(), std::process::id())
    );
    drop(first);
    Store::open(dir.path()).unwrap();
}

#[test]
fn a_newer_format_is_refused_and_both_are_named() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    fs::write(dir.path().join("dyad-store"), "dyad store, format 7\n").unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, Error::Format { found: 7, supported: FORMAT, .. }), "{error}");
    assert_eq!(error.to_string(), format!("`{}` has store format 7, expected format {FORMAT} or older", dir.path().display()));
    for damaged in ["dyad store", "dyad store, format x\n", "\u{0}"] {
        fs::write(dir.path().join("dyad-store"), damaged).unwrap();
        assert!(matches!(Store::open(dir.path()), Err(Error::Damaged { .. })));
    }
    fs::write(dir.path().join("dyad-store"), [0xff, 0xfe]).unwrap();
    assert!(matches!(Store::open(dir.path()), Err(Error::Damaged { .. })));
}

#[test]
fn a_folder_of_somebody_else_is_left_alone() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("thesis.tex"), "x").unwrap();
    let error = Store::open(dir.path()).err().unwrap();
    assert!(matches!(error, Error::Foreign { .. }), "{error}");
    assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    let file = dir.path().join("thesis.tex");
    assert!(matches!(Store::open(&file), Err(Error::NoSnapshot { .. })));
}

#[test]
fn other_files_beside_the_store_are_welcome() {
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    fs::write(dir.path().join("history"), "x").unwrap();
    let store = Store::open(dir.path()).unwrap();
    assert_eq!(store.dir(), Some(dir.path()));
}

#[test]
fn a_first_start_that_was_killed_is_taken_up() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("dyad-store"), "").unwrap();
    drop(Store::open(dir.path()).unwrap());
    assert_eq!(fs::read_to_string(dir.path().join("dyad-store")).unwrap(), format!("dyad store, format {FORMAT}\n"));
}

#[test]
fn a_check_leaves_a_folder_of_somebody_else_alone() {
    for changes in [None, Some("we changed the colours")] {
        let dir = tempfile::tempdir().unwrap();
        for folder in ["db", "db.old", "db.new"] {
            fs::create_dir(dir.path().join(folder)).unwrap();
            fs::write(dir.path().join(folder).join("conf"), "theirs").unwrap();
        }
        if let Some(text) = changes {
            fs::write(dir.path().join("changes"), text).unwrap();
        }
        let files = || {
            let mut names: Vec<_> = fs::read_dir(dir.path()).unwrap().map(|entry| entry.unwrap().path()).collect();
            names.extend(fs::read_dir(dir.path().join("db")).unwrap().map(|entry| entry.unwrap().path()));
            names.sort();
            names
        };
        let before = files();
        for repair in [false, true] {
            let error = Store::check_folder(dir.path(), None, repair, &Silent).unwrap_err();
            assert!(matches!(error, Error::NoStore { .. }), "{error}");
            assert_eq!(files(), before);
        }
        assert_eq!(fs::read_to_string(dir.path().join("changes")).ok().as_deref(), changes);
    }
    // A store that lost its marker is checked, and nothing beside it is touched before it is to be mended.
    let dir = tempfile::tempdir().unwrap();
    drop(Store::open(dir.path()).unwrap());
    fs::remove_file(dir.path().join("dyad-store")).unwrap();
    fs::create_dir(dir.path().join("db.old")).unwrap();
    assert!(!Store::check_folder(dir.path(), None, false, &Silent).unwrap().is_whole());
    assert!(dir.path().join("db.old").exists());
    assert!(!Store::check_folder(dir.path(), None, true, &Silent).unwrap().is_whole());
    assert!(!dir.path().join("db.old").exists());
    Store::open(dir.path()).unwrap();
}
