//! Folders: in use, of a newer format, of somebody else.

use std::fs;

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
