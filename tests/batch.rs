//! The program run on statements that need no model: what goes where, and how it ends.

use std::io::Write;
use std::path::Path;
use std::process::{Command, Output, Stdio};

fn dyad(dir: &Path, arguments: &[&str], input: &str) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_dyad"));
    command.current_dir(dir).args(["--store", "store"]).args(arguments).env_remove("DYAD_STORE");
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    child.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
    child.wait_with_output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// A collection of four clips with vectors made by hand.
fn imported(dir: &Path) {
    let rows = ndarray::array![[1f32, 0.0], [0.9, 0.1], [0.0, 1.0], [0.1, 0.9]];
    ndarray_npy::write_npy(dir.join("a.npy"), &rows).unwrap();
    std::fs::write(dir.join("a.csv"), "id,label,pitch\na,up,1\nb,up,2\nc,down,3\nd,down,4\n").unwrap();
    let import = "import npy a.npy --collection toy --model toy --space joint --modality audio --labels a.csv";
    let done = dyad(dir, &import.split(' ').collect::<Vec<_>>(), "");
    assert!(done.status.success(), "{}", text(&done.stderr));
}

#[test]
fn files_stop_at_the_first_failure_unless_told_to_go_on() {
    let dir = tempfile::tempdir().unwrap();
    imported(dir.path());
    let query = "use toy\ncount clips\nexpect n = 5\ncount clips\n  where pitch > 2 as csv\ncuont clips\n";
    std::fs::write(dir.path().join("q.dyad"), query).unwrap();
    let stopped = dyad(dir.path(), &["run", "q.dyad"], "");
    assert_eq!(stopped.status.code(), Some(1));
    let err = text(&stopped.stderr);
    assert!(err.contains("q.dyad:3:1") && err.contains("3 statements, 1 failed, stopped there"), "{err}");
    assert!(!text(&stopped.stdout).contains("error") && !text(&stopped.stdout).contains("count\n2"));

    let went_on = dyad(dir.path(), &["run", "--keep-going", "q.dyad"], "");
    assert_eq!(went_on.status.code(), Some(1));
    let err = text(&went_on.stderr);
    assert!(err.contains("did you mean `count`?") && err.contains("5 statements, 2 failed,"), "{err}");
    assert!(text(&went_on.stdout).ends_with("count\n2\n"), "{}", text(&went_on.stdout));

    let fine = dyad(dir.path(), &["-q", "run", "q.dyad", "--keep-going"], "");
    assert!(!text(&fine.stderr).contains("statements"), "`-q` leaves the summary out");
}

#[test]
fn each_way_in_gives_clean_output() {
    let dir = tempfile::tempdir().unwrap();
    imported(dir.path());
    let piped = dyad(dir.path(), &["--format", "csv"], "count clips; list clips order by pitch desc limit 1");
    assert_eq!((text(&piped.stdout).lines().next(), piped.status.code()), (Some("count"), Some(0)));
    assert_eq!(text(&piped.stderr), "");
    let twice =
        dyad(dir.path(), &["--format", "json", "-c", "count clips", "-c", "classify clips using prototypes resamples=0"], "");
    let objects: Vec<serde_json::Value> =
        serde_json::Deserializer::from_slice(&twice.stdout).into_iter().collect::<Result<_, _>>().unwrap();
    assert_eq!(objects.len(), 2);
    assert_eq!(objects[1]["metrics"]["top1"]["value"], 1.0);
    assert_eq!(objects[1]["statement"], "classify clips using prototypes resamples=0");
}

#[test]
fn exit_codes_tell_what_failed() {
    let dir = tempfile::tempdir().unwrap();
    let code = |arguments: &[&str]| dyad(dir.path(), arguments, "").status.code();
    assert_eq!(code(&["-c", "show models"]), Some(0));
    assert_eq!(code(&["-c", "sohw models"]), Some(1));
    assert_eq!(code(&["run", "missing.dyad"]), Some(1));
    assert_eq!(code(&["--no-such-flag"]), Some(2));
    assert_eq!(code(&["--format", "xml", "-c", "help"]), Some(2));
    let held = dyad::store::Store::open(&dir.path().join("store")).unwrap();
    assert_eq!(code(&["-c", "show models"]), Some(3));
    drop(held);
    // A help that is asked for is no failure, and a pipe that nobody reads is no reason to panic.
    assert_eq!(code(&["--help"]), Some(0));
}
