//! `dyad report`: what it writes, where, and how it ends.

use super::program::{Place, toy};

#[test]
fn a_report_replaces_a_report_and_nothing_else() {
    let place = Place::new();
    toy::import(&place);
    let first = place.dyad(&["-q", "report", "--out", "out"]);
    assert!(matches!(first.code, Some(0 | 1)), "{}", first.err);
    let page = std::fs::read_to_string(place.at("out/index.html")).unwrap();
    assert_eq!(first.code == Some(1), page.contains("Not answered"), "the exit code tells of statements without an answer");
    let files = || {
        let mut names: Vec<_> = std::fs::read_dir(place.at("out")).unwrap().map(|e| e.unwrap().file_name()).collect();
        names.sort();
        names
    };
    let of_toy = files();
    let metrics = of_toy.iter().any(|name| name.to_string_lossy().ends_with("-metrics.csv"));
    assert!(metrics && of_toy.len() > 5, "{of_toy:?}");
    place.write("out/mine.txt", "mine");
    // Another store's report, in the same folder.
    let mut command = super::program::command(place.path());
    command.args(["--store", "none", "-q", "report", "--out", "out"]).output().unwrap();
    assert!(
        place.at("out/mine.txt").exists() && !files().iter().any(|name| name.to_string_lossy().contains("notes-toy")),
        "{:?}",
        files()
    );
    place.write("other/mine.txt", "mine");
    place.dyad(&["report", "--out", "other"]).code(1).says("`other` holds something else");
}

#[test]
fn what_a_killed_report_left_is_no_reason_to_refuse() {
    let place = Place::new();
    toy::import(&place);
    place.write("out/.dyad-report-x1/01-a.csv", "half");
    let ran = place.dyad(&["-q", "report", "--out", "out"]);
    assert!(matches!(ran.code, Some(0 | 1)) && place.at("out/index.html").exists(), "{}", ran.err);
}
