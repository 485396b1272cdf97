//! `ingest`: good files and bad ones, again and again, stopped in the middle.

use std::io::Write as _;
use std::path::Path;
use std::process::Stdio;

use super::program::{Place, Ran, cell, wav};

/// Ingests without labels of ontologies or graphs; the report as JSON.
fn ingest(place: &Place, more: &[&str]) -> Ran {
    place.dyad(&[&["--format", "json", "ingest", "--no-index"], more].concat())
}

/// (embedded, known already, failed)
#[track_caller]
fn counts(ran: &Ran) -> (u64, u64, u64) {
    let report = ran.object();
    assert_eq!(report["kind"], "ingest");
    let count = |column| cell(&report, 0, column).as_u64().unwrap();
    (count("embedded"), count("known already"), count("failed"))
}

/// The failures as (file below the place, reason).
fn failures(ran: &Ran, place: &Place) -> Vec<(String, String)> {
    let report = ran.object();
    let Some(table) = report["tables"].as_array().unwrap().first() else { return Vec::new() };
    let text = |cell: &serde_json::Value| cell.as_str().unwrap().to_owned();
    let prefix = format!("{}/", place.path().display());
    table["rows"].as_array().unwrap().iter().map(|row| (text(&row[0]).replace(&prefix, ""), text(&row[1]))).collect()
}

#[test]
fn a_mixed_folder_is_taken_file_by_file() {
    let place = Place::new();
    place.write("lib/violin/a.wav", wav(440.0, 0.3));
    place.audio("stereo.flac", "lib/violin/b.flac");
    place.audio("stereo.mp3", "lib/deep/down/tuba/c.mp3");
    place.audio("stereo.ogg", "lib/tuba/name with blanks, ünï.ogg");
    place.audio("mono24.flac", "lib/tuba/wrong extension.wav");
    let flac = std::fs::read(Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/audio/stereo.flac")).unwrap();
    place.write("lib/tuba/cut.flac", &flac[..flac.len() * 9 / 10]);
    place.write("lib/tuba/text.wav", "this is a letter, not a sound\n".repeat(50));
    place.write("lib/tuba/empty.wav", "");
    place.write("lib/tuba/silent.wav", wav(0.0, 0.2));
    place.write("lib/tuba/sun.au", ".snd and what follows");
    place.audio("mono.opus", "lib/tuba/new.opus");
    place.write("lib/notes.txt", "no audio by its name");
    place.write("lib/.hidden/x.wav", wav(440.0, 0.1));
    #[cfg(unix)]
    std::os::unix::fs::symlink("nowhere.wav", place.at("lib/tuba/dangling.wav")).unwrap();

    let first = ingest(&place, &["lib"]).code(1);
    let bad = failures(&first, &place);
    let reason = |name: &str| bad.iter().find(|(file, _)| file.ends_with(name)).map_or("", |(_, reason)| reason.as_str());
    assert!(reason("cut.flac").contains("cut short") || reason("cut.flac").contains("damaged"), "{bad:?}");
    assert!(reason("text.wav").contains("not audio"), "{bad:?}");
    assert!(reason("empty.wav").contains("empty"), "{bad:?}");
    // A file of a kind that cannot be read is not overlooked.
    assert!(reason("sun.au").starts_with("Sun AU is not supported"), "{bad:?}");
    assert!(reason("new.opus").starts_with("Opus is not supported"), "{bad:?}");
    assert!(reason("dangling.wav").contains("cannot be read"), "{bad:?}");
    assert!(bad.iter().all(|(_, reason)| !reason.contains(" you ")), "{bad:?}");
    let (embedded, known, failed) = counts(&first);
    assert_eq!((known, failed as usize), (0, bad.len()));
    // Whether silence has a direction is the model's affair; where it has one, a note tells.
    assert_eq!(embedded == 6, first.object()["notes"].to_string().contains("tuba/silent.wav: all samples are 0: it is silent"));
    assert!(embedded == 5 || embedded == 6, "{}", first.out);
    assert_eq!(embedded as usize + bad.len(), 12);

    let second = ingest(&place, &["lib"]).code(1);
    assert_eq!(counts(&second), (0, embedded, failed));
    let objects = place.json(&["count clips by label", "list clips where id like \"%.flac\""]);
    assert_eq!(objects[0]["context"]["n"], embedded);
    assert_eq!(
        objects[0]["rows"].as_array().unwrap().iter().map(|r| r[0].as_str().unwrap()).collect::<Vec<_>>(),
        ["tuba", "violin"]
    );
    assert_eq!(cell(&objects[1], 0, "id"), "violin/b.flac");
    assert_eq!(cell(&objects[1], 0, "channels"), 2);
    // The table for people has the reasons too.
    place.dyad(&["ingest", "lib", "--no-index"]).code(1).shows("could not be read").shows("cut.flac");
    // Where the user says so, files that are left out are listed and are no failure.
    assert_eq!(failures(&ingest(&place, &["lib", "--skip-bad"]).ok(), &place), bad);
}

#[test]
fn a_changed_file_is_embedded_anew() {
    let place = Place::new();
    place.write("lib/x/a.wav", wav(220.0, 0.2));
    place.write("lib/x/b.wav", wav(330.0, 0.2));
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (2, 0, 0));
    place.write("lib/x/b.wav", wav(3000.0, 0.4));
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (1, 1, 0));
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (0, 2, 0));
    let objects = place.json(&["list clips order by id", "show spaces"]);
    assert_eq!(objects[0]["context"]["n"], 2);
    assert_eq!(cell(&objects[0], 1, "duration_s"), 0.4);
    assert!(objects[1]["rows"].as_array().unwrap().iter().all(|row| row[6] == 2), "{}", objects[1]["rows"]);
}

#[test]
fn what_can_not_be_ingested_is_said() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 0.1));
    place.write("lib/other/a.wav", wav(440.0, 0.1));
    place.dyad(&["ingest", "missing"]).code(1).says("`missing`");
    place.dyad(&["ingest", "lib", "--model", "nothing"]).code(1).says("unknown model `nothing`");
    place.dyad(&["ingest", "lib", "--collection", "../up"]).code(1).says("`../up`");
    place.dyad(&["ingest", "lib", "--label-from", "folders"]).code(1).says("`folders`");
    place.dyad(&["ingest", "lib", "--label-from", "filename:("]).code(1).says("`(`");
    place.dyad(&["ingest", "lib", "--max-duration", "0"]).code(1).says("--max-duration");
    place.dyad(&["ingest", "lib/a.wav", "lib/other/a.wav"]).code(1).says("`a.wav`");
    std::fs::create_dir(place.at("nothing")).unwrap();
    let ran = ingest(&place, &["nothing"]).ok();
    assert_eq!(counts(&ran), (0, 0, 0));
    assert!(ran.object()["notes"].to_string().contains("no audio files were found"));
    let ran = ingest(&place, &["lib/a.wav", "--max-duration", "0.05"]).code(1);
    assert!(failures(&ran, &place)[0].1.contains("longer than the limit"), "{}", ran.out);
}

#[cfg(unix)]
#[test]
fn names_that_are_no_text_are_taken_apart() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    for (i, name) in [&b"caf\xe9.wav"[..], b"caf\xea.wav", b"plain.wav"].into_iter().enumerate() {
        place.write("lib/x/new", wav(200.0 + 50.0 * i as f32, 0.1));
        let to = place.at("lib/x").join(std::ffi::OsStr::from_bytes(name));
        if std::fs::rename(place.at("lib/x/new"), to).is_err() {
            // A file system that takes no such names.
            return;
        }
    }
    // As long as a name can be, one of two lines, and another file's very bytes under another name.
    let long = format!("{}.wav", "ü".repeat(125));
    place.write(&format!("lib/x/{long}"), wav(410.0, 0.1));
    place.write("lib/x/two\nlines.wav", wav(350.0, 0.1));
    place.write("lib/y/plain again.wav", wav(410.0, 0.1));
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (6, 0, 0));
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (0, 6, 0));
    let told = &place.json(&["list clips limit 0"])[0];
    let ids: Vec<&str> = (0..6).map(|row| cell(told, row, "id").as_str().unwrap()).collect();
    assert!(ids.contains(&"x/two\nlines.wav") && ids.contains(&"x/caf%E9.wav") && ids.contains(&format!("x/{long}").as_str()));
    let statement = format!("similar clip \"x/{long}\" top 1");
    let near = &place.json(&[&statement])[0];
    assert_eq!(
        (cell(near, 0, "id").as_str(), cell(near, 0, "similarity").as_f64().map(|s| s > 0.9999)),
        (Some("y/plain again.wav"), Some(true))
    );
}

#[test]
fn several_folders_keep_their_names_apart() {
    let place = Place::new();
    place.write("one/x/a.wav", wav(220.0, 0.1));
    place.write("two/x/a.wav", wav(330.0, 0.1));
    assert_eq!(counts(&ingest(&place, &["one", "two"]).ok()), (2, 0, 0));
    let listed = &place.json(&["list clips order by id"])[0];
    assert_eq!((cell(listed, 0, "id"), cell(listed, 1, "id")), (&"one/x/a.wav".into(), &"two/x/a.wav".into()));
}

/// Ctrl-C before the first file: exit code 130, and the same command goes on.
#[cfg(unix)]
#[test]
fn ctrl_c_ends_an_ingest_cleanly() {
    let place = Place::new();
    for i in 0..5 {
        place.write(&format!("lib/x/{i}.wav"), wav(100.0 + 50.0 * i as f32, 0.1));
    }
    // The program waits at this pipe for its table of labels: so it has begun, and nothing is embedded yet.
    let pipe = place.at("labels.csv");
    let made = std::process::Command::new("mkfifo").arg(&pipe).status();
    if !made.is_ok_and(|status| status.success()) {
        super::program::skipped("ctrl_c_ends_an_ingest_cleanly", "no `mkfifo`");
        return;
    }
    let args = ["--format", "json", "ingest", "--no-index", "--jobs", "1", "--labels", "labels.csv", "lib"];
    let child = place.command(&args).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut writer = std::fs::File::options().write(true).open(&pipe).unwrap();
    let interrupted = std::process::Command::new("kill").args(["-INT", &child.id().to_string()]).status().unwrap();
    assert!(interrupted.success());
    writer.write_all(b"file,label\n0.wav,violin\n").unwrap();
    drop(writer);
    let ran = Ran::from(child, &args).code(130).says("goes on from there");
    assert_eq!(ran.out, "");
    let (embedded, known, failed) = counts(&ingest(&place, &["lib"]).ok());
    assert_eq!((embedded + known, failed), (5, 0));
}

/// The whole path on three classes: labels are embedded, graphs are built, and every verb answers with real towers.
#[test]
fn what_was_ingested_can_be_asked() {
    let place = Place::new();
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/audio");
    for class in ["violin", "tuba", "flute"] {
        let mut files: Vec<_> = std::fs::read_dir(bundled.join(class)).unwrap().map(|e| e.unwrap().path()).collect();
        files.sort();
        for file in files.iter().take(3) {
            place.write(&format!("lib/{class}/{}", file.file_name().unwrap().to_str().unwrap()), std::fs::read(file).unwrap());
        }
    }
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), (9, 0, 0));
    place.write("q.wav", wav(440.0, 0.3));
    let id = place.json(&["list clips where label=\"tuba\" limit 1"])[0]["rows"][0][0].as_str().unwrap().to_owned();
    let statements = [
        "classify clip where prompt=\"A <> track\" top 3".to_owned(),
        "classify clips using prototypes".to_owned(),
        "classify clips using prototypes space=pre-joint".to_owned(),
        format!("classify clip \"{id}\" top 3"),
        "triplets ontology=hdio labels=tinysol".to_owned(),
        "search clips for \"a low tuba\" top 3".to_owned(),
        format!("similar clip \"{id}\" top 3"),
        format!("similar clip \"{id}\" top 3 exact=false"),
        "similar \"q.wav\" space=pre-joint top 2".to_owned(),
        "classify clips top 3".to_owned(),
    ];
    let objects = place.json(&statements.iter().map(String::as_str).collect::<Vec<_>>());
    let metric = |i: usize, name: &str| objects[i]["metrics"][name]["value"].as_f64().unwrap();
    assert_eq!(metric(0, "top3"), 1.0);
    assert!(metric(0, "top1") > 1.0 / 3.0 && metric(1, "top1") > 1.0 / 3.0 && metric(2, "top1") > 1.0 / 3.0);
    assert_eq!(objects[4]["context"]["n"], 686);
    assert!(objects[4]["context"]["backend"].is_string());
    assert_eq!((&objects[6]["context"]["exact"], &objects[7]["context"]["exact"]), (&true.into(), &false.into()));
    assert!(objects[7]["context"]["recall"].as_f64().unwrap() > 0.9);
    assert_eq!(objects[6]["rows"], objects[7]["rows"]);
    assert_eq!(objects[8]["rows"].as_array().unwrap().len(), 2);
    // The texts were kept: no tower ran.
    assert!(objects[9]["context"]["backend"].is_null() && objects[9]["metrics"] == objects[0]["metrics"]);
}

#[test]
fn a_folder_that_can_not_be_read_is_one_failure() {
    use dyad::ingest::files::find;
    let place = Place::new();
    place.write("lib/a/one.wav", wav(440.0, 0.1));
    // A path too long for the system, which not even root can read, made from within.
    let part = "x".repeat(200);
    let steps = (0..24).map(|_| format!("mkdir {part} && cd -P {part}")).collect::<Vec<_>>().join(" && ");
    let made = std::process::Command::new("sh").arg("-c").arg(steps).current_dir(place.at("lib")).status().unwrap();
    assert!(made.success());
    let found = find(&[place.at("lib")]).unwrap();
    assert_eq!((found.sources.len(), found.failures.len()), (1, 1), "{:?}", found.failures);
    assert!(found.failures[0].file.contains(&part) && found.failures[0].reason.contains("too long"), "{:?}", found.failures);
    let ran = place.dyad(&["ingest", "lib", "--no-index"]).code(1);
    assert!(ran.out.contains("could not be read"), "{}", ran.out);
    assert_eq!(place.json(&["count clips"])[0]["rows"], serde_json::json!([[1]]));
}

#[cfg(unix)]
#[test]
fn links_in_a_circle_and_names_that_meet() {
    use dyad::ingest::files::find;
    use std::os::unix::fs::symlink;
    let place = Place::new();
    place.write("lib/a/one.wav", wav(440.0, 0.1));
    place.write("other/one.wav", wav(550.0, 0.1));
    symlink(place.at("lib"), place.at("lib/a/circle")).unwrap();
    symlink("self", place.at("lib/self")).unwrap();
    symlink(place.at("other"), place.at("lib/elsewhere")).unwrap();
    symlink(place.at("lib/a/one.wav"), place.at("lib/linked.wav")).unwrap();
    let found = find(&[place.at("lib")]).unwrap();
    let ids: Vec<&str> = found.sources.iter().map(|s| s.id.as_str()).collect();
    assert_eq!((ids, found.failures.len()), (vec!["a/one.wav", "linked.wav"], 0));
    let told: Vec<&str> = found.warnings.iter().map(|(place, _)| place.rsplit('/').next().unwrap()).collect();
    assert_eq!(told, ["circle", "elsewhere"]);
    // One file by two ways is one clip; two files with one name are refused.
    let twice = [place.at("lib/a/one.wav"), place.at("lib/../lib/a/one.wav")];
    assert_eq!(find(&twice).unwrap().sources.len(), 1);
    let meeting = [place.at("lib/a/one.wav"), place.at("other/one.wav")];
    assert!(find(&meeting).unwrap_err().to_string().contains("would both be `one.wav`"));
}

#[test]
fn a_broken_ontology_does_not_hide_what_was_stored() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 0.1));
    ingest(&place, &["lib"]).ok();
    place.write("store/ontologies/bad.json", "{");
    place.write("lib/b.wav", wav(550.0, 0.1));
    let ran = place.dyad(&["--format", "json", "ingest", "lib"]).ok();
    assert_eq!(counts(&ran), (1, 1, 0));
    assert!(ran.out.contains("the ontology `bad` cannot be read"), "{}", ran.out);
}
