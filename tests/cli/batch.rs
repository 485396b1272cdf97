//! `-c`, `run FILE` and piped statements: order, the first error, exit codes, streams.

use super::program::{Place, toy};

fn toy() -> Place {
    let place = Place::new();
    toy::import(&place);
    place
}

#[test]
fn statements_run_in_order_and_keep_the_session() {
    let place = toy();
    let ran = place.dyad(&["-c", "set seed=7", "-c", "classify clips top 1 as json"]).ok();
    let object: serde_json::Value = serde_json::from_str(&ran.out[ran.out.find('{').unwrap()..]).unwrap();
    assert_eq!(object["context"]["seed"], 7);
    let ran = place.dyad(&["--format", "csv", "-c", "count clips; count labels in words"]).ok();
    assert_eq!(ran.out, "count\n8\n\ncount\n6\n");
    assert_eq!(ran.err, "");
    // None stands before or behind, nor for a statement without a table.
    let ran = place.dyad(&["--format", "tsv", "-c", "set seed=7", "-c", "count clips", "-c", "set seed=8; count clips"]).ok();
    assert_eq!(ran.out, "count\n8\n\ncount\n8\n");
}

#[test]
fn the_first_error_ends_a_batch_unless_told_otherwise() {
    let place = toy();
    let statements = ["-c", "count clips", "-c", "count clipz", "-c", "count labels in words"];
    let csv = |more: &[&str]| {
        let mut args = vec!["--format", "csv"];
        args.extend(more);
        args.extend(statements);
        place.dyad(&args)
    };
    let stopped = csv(&[]).code(1).says("error: ").says("clipz");
    assert_eq!(stopped.out, "count\n8\n");
    let went_on = csv(&["--keep-going"]).code(1).says("clipz");
    assert_eq!(went_on.out, "count\n8\n\ncount\n6\n");
}

#[test]
fn what_stands_behind_a_bracket_fault_runs_with_keep_going() {
    let place = toy();
    place.write("q.dyad", "count clips\ncount clips )\ncount labels in words\n");
    let ran = place.dyad(&["--format", "csv", "run", "--keep-going", "q.dyad"]).code(1).says("`)` closes nothing");
    assert_eq!(ran.out, "count\n8\n\ncount\n6\n");
    assert_eq!(place.dyad(&["--format", "csv", "run", "q.dyad"]).code(1).out, "count\n8\n");
}

#[test]
fn files_name_the_place_of_an_error() {
    let place = toy();
    place.write("good.dyad", "# a note\ncount clips\n  where take = 0\ncount clips where take = 1; count clips\n");
    let ran = place.dyad(&["--format", "csv", "run", "good.dyad"]).ok();
    assert_eq!(ran.out, "count\n4\n\ncount\n4\n\ncount\n8\n");
    place.write("bad.dyad", "count clips\n\ncount clips where tke = 0\ncount clips\n");
    let ran = place
        .dyad(&["--format", "csv", "run", "bad.dyad", "good.dyad"])
        .code(1)
        .says("--> bad.dyad:3:19")
        .says("did you mean `take`?");
    assert_eq!(ran.out, "count\n8\n");
    let ran =
        place.dyad(&["--format", "csv", "run", "--keep-going", "bad.dyad", "good.dyad"]).code(1).says("6 statements, 1 failed");
    assert_eq!(ran.out.matches("count").count(), 5);
    place.dyad(&["run", "missing.dyad"]).code(1).says("`missing.dyad`");
    place.write("dots.dyad", "count clips\n.mode csv\n");
    place.dyad(&["run", "dots.dyad"]).code(1).says("--> dots.dyad:2:1").says("`.read FILE`");
    place.write("latin.dyad", b"show models -- caf\xe9\n");
    place.dyad(&["run", "latin.dyad"]).code(1).says("not UTF-8");
}

#[test]
fn statements_are_read_from_a_pipe() {
    let place = toy();
    let ran = place.piped(&["--format", "csv"], "count clips\ncount clips\n  where label = \"tuba\"\n").ok();
    assert_eq!(ran.out, "count\n8\n\ncount\n2\n");
    assert_eq!(place.piped(&[], "").ok().out, "");
    let ran = place
        .piped(&["--format", "csv"], "count clips\nnonsense\ncount clips\n")
        .code(1)
        .says("unknown verb `nonsense`")
        .says("2 | nonsense");
    assert_eq!(ran.out, "count\n8\n");
    place.piped(&[], "count clips where label = \"tu").code(1).says("never closed");
}

#[test]
fn expectations_make_a_file_a_test() {
    let place = toy();
    place.write("test.dyad", "classify clips top 1\nexpect top1 > 0.8 and n = 8\n");
    place.dyad(&["run", "test.dyad"]).ok();
    place.write("test.dyad", "classify clips top 1\nexpect top1 > 0.9\n");
    place.dyad(&["run", "test.dyad"]).code(1).says("top1 = 0.875");
}

#[test]
fn wrong_usage_is_2_and_touches_nothing() {
    let place = Place::new();
    for args in [
        &["nonsense"][..],
        &["--format", "xml", "-c", "count clips"],
        &["--nonsense"],
        &["run"],
        &["ingest"],
        &["ingest", "x", "--jobs", "0"],
        &["ingest", "x", "--labels", "a.csv", "--label-from", "folder"],
        &["import", "npy", "a.npy"],
        &["import", "hdf5", "a", "--collection", "c", "--model", "m", "--space", "joint", "--modality", "audio"],
        &["import", "npy", "a", "--collection", "c", "--model", "m", "--space", "jiont", "--modality", "audio"],
        &["collections", "drop"],
        &["models", "check"],
        &["--color", "sometimes", "-c", "count clips"],
        &["-c"],
        &["-c", "count clips", "models", "list"],
    ] {
        let ran = place.dyad(args).code(2).says("error: ");
        assert_eq!(ran.out, "", "{}", ran.what);
    }
    place.dyad(&["classify", "clips", "top", "3"]).code(2).says("expected `dyad -c 'classify …'`");
    place.dyad(&["help", "classify"]).code(2).says("expected `dyad -c 'help classify'`");
    place.dyad(&["models", "classify"]).code(2).says("unrecognized subcommand 'classify'");
    assert!(!place.at("store").exists());
    for args in [&["--help"][..], &["--version"], &["ingest", "--help"]] {
        let ran = place.dyad(args).ok();
        assert!(ran.err.is_empty() && !ran.out.is_empty());
    }
}

#[test]
fn threads_and_jobs_are_one_setting_and_the_last_holds() {
    let place = Place::new();
    for args in [&["--threads", "1", "doctor", "--jobs", "3"][..], &["--threads", "3", "doctor"], &["doctor", "--jobs", "3"]] {
        place.dyad(args).shows("3; `--threads 1`");
    }
}

#[test]
fn what_only_reads_makes_no_store() {
    let place = Place::new();
    for args in
        [&["-c", "help"][..], &["models", "list"], &["ontologies"], &["collections"], &["doctor"], &["-c", "show collections"]]
    {
        place.dyad(args).ok();
    }
    let failing = [&["-c", "bogus"][..], &["collections", "drop", "x"], &["export", "npy", "a.npy", "--collection", "x"]];
    for args in failing {
        place.dyad(args).code(1);
    }
    place.piped(&[], "").ok();
    assert!(!place.at("store").exists());
}

#[test]
fn results_can_go_to_a_file() {
    let place = toy();
    let ran = place.dyad(&["-c", "count clips by label into \"out.csv\""]).ok();
    assert_eq!(ran.out, "");
    let text = std::fs::read_to_string(place.at("out.csv")).unwrap();
    assert!(text.starts_with("label,count\n") && text.contains("tuba,2\n"), "{text}");
    place.dyad(&["-c", "count clips into \"no/such/folder.csv\""]).code(1).says("`no/such/folder.csv`");
}

#[test]
fn a_reader_that_goes_away_is_no_crash() {
    let place = toy();
    let mut child = place
        .command(&["-c", "list clips limit 0 as json", "-c", "help classify", "-c", "show ontology hdio"])
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let ran = super::program::Ran::from(child, &["| head"]);
    assert!(!ran.err.contains("panicked"), "{}", ran.err);
}

#[test]
fn a_reader_that_goes_away_ends_the_program_quietly() {
    let place = toy();
    let mut command = place.command(&["-c", "list clips; show ontologies; help"]);
    let mut child = command.stdout(std::process::Stdio::piped()).stderr(std::process::Stdio::piped()).spawn().unwrap();
    // As `dyad … | true` does.
    drop(child.stdout.take());
    let ended = child.wait_with_output().unwrap();
    assert_eq!((ended.status.code(), String::from_utf8_lossy(&ended.stderr).as_ref()), (Some(141), ""));
}

#[test]
fn verbose_tells_on_standard_error() {
    let place = Place::new();
    toy::import(&place);
    let statements = ["-c", "count clips as csv", "-c", "bogus", "-c", "count clips"];
    let told = place.dyad(&[&["-v", "--keep-going"], &statements[..]].concat()).code(1);
    let plain = place.dyad(&[&["--keep-going"], &statements[..]].concat()).code(1);
    assert_eq!(told.out, plain.out);
    let told = told.says("opened in").says("statement 1: ").says("statement 2: ").says("statement 3: ");
    assert!(!plain.err.contains("statement 1") && !told.err.contains("statement 4"));
    place.dyad(&["-v", "-q"]).code(2);
}

#[test]
fn csv_says_what_it_leaves_out_and_no_more_than_that_goes_to_a_file() {
    let place = toy();
    let all = ["--format", "csv", "-c", "classify clips by=class resamples=0"];
    let told = place.dyad(&all).ok().says("not in the csv: the tables `per class` and `worst errors`; `as json` or");
    assert!(!told.out.contains("per class") && told.out.starts_with("metric,"), "{}", told.out);
    let quiet = place.dyad(&["-q", "-c", "classify clips by=class resamples=0 into \"x.csv\""]).ok();
    assert_eq!((quiet.out.as_str(), quiet.err.as_str()), ("", ""));
    assert_eq!(std::fs::read_to_string(place.at("x.csv")).unwrap(), told.out);
}

#[cfg(unix)]
#[test]
fn a_file_is_replaced_whole_or_not_at_all() {
    use std::os::unix::fs::PermissionsExt;
    let place = toy();
    // What a link leads to is written, with the permissions that it has.
    let kept = place.write("kept.csv", "of before");
    std::fs::set_permissions(&kept, std::fs::Permissions::from_mode(0o600)).unwrap();
    std::os::unix::fs::symlink(&kept, place.at("link.csv")).unwrap();
    place.dyad(&["-c", "count clips into \"link.csv\""]).ok();
    assert_eq!(std::fs::read_to_string(&kept).unwrap(), "count\n8\n");
    assert!(place.at("link.csv").is_symlink() && kept.metadata().unwrap().permissions().mode() & 0o777 == 0o600);
    // A device is written to, and stays one.
    assert_eq!(place.dyad(&["-q", "-c", "count clips as csv into \"/dev/stdout\""]).ok().out, "count\n8\n");
    place.dyad(&["-c", "count clips as csv into \"/dev/null\""]).ok();
    assert!(!std::path::Path::new("/dev/null").is_file());
    std::fs::create_dir(place.at("folder.csv")).unwrap();
    place.dyad(&["-c", "count clips into \"folder.csv\""]).code(1).says("can't be written: it is a folder");
}
