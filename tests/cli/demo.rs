//! `dyad demo`: what it makes anew, and what it leaves alone.

use super::program::{Place, toy};

#[test]
fn the_demo_touches_nobody_elses_collections() {
    let place = Place::new();
    toy::import(&place);
    place.write("store/keep.txt", "mine");
    place.dyad(&["-q", "demo"]).ok().shows("a bright trumpet");
    toy::import(&place);
    // Again, in the same store: only `demo` is made anew.
    place.dyad(&["-q", "demo"]).ok();
    let objects = place.json(&["count clips in notes", "count clips in demo"]);
    assert_eq!((&objects[0]["rows"][0][0], &objects[1]["rows"][0][0]), (&8.into(), &210.into()));
    assert_eq!(std::fs::read_to_string(place.at("store/keep.txt")).unwrap(), "mine");
    // A collection `demo` that it did not make stays.
    std::fs::remove_file(place.at("store/made-by-dyad-demo")).unwrap();
    place.dyad(&["demo"]).code(1).says("a collection `demo` already");
    place.dyad(&["snapshot", "all.snap"]).ok();
    let mut command = super::program::command(place.path());
    let output = command.args(["--store", "all.snap", "demo"]).output().unwrap();
    let err = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.code() == Some(1) && err.contains("`all.snap` is a snapshot"), "{err}");
}
