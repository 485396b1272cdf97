//! A second ingest into a collection: what it may replace, and what stays.

use serde_json::{Value, json};

use super::program::{Place, Ran, cell, wav};

fn ingest(place: &Place, more: &[&str]) -> Ran {
    place.dyad(&[&["--format", "json", "ingest", "--no-index"], more].concat())
}

/// (embedded, known already, failed)
#[track_caller]
fn counts(ran: &Ran) -> [u64; 3] {
    let report = ran.object();
    ["embedded", "known already", "failed"].map(|column| cell(&report, 0, column).as_u64().unwrap())
}

/// One field of every clip, by id.
fn field(place: &Place, collection: &str, name: &str) -> Vec<Value> {
    let report = &place.json(&[&format!("list clips in {collection} order by id")])[0];
    (0..report["rows"].as_array().unwrap().len()).map(|row| cell(report, row, name).clone()).collect()
}

fn vectors(place: &Place) -> Value {
    place.json(&["show spaces"])[0]["rows"].clone()
}

#[test]
fn two_files_of_one_id_never_overwrite_each_other() {
    let place = Place::new();
    place.write("t1/violin/A4.wav", wav(440.0, 0.2));
    place.write("t1/viola/A4.wav", wav(220.0, 0.2));
    assert_eq!(counts(&ingest(&place, &["t1/violin"]).ok()), [1, 0, 0]);
    let second = ingest(&place, &["t1/viola"]).code(1);
    assert_eq!(counts(&second), [0, 0, 1]);
    let failure = second.object()["tables"][0]["rows"][0].to_string();
    assert!(failure.contains("t1/viola/A4.wav") && failure.contains("t1/violin/A4.wav"), "{failure}");
    assert_eq!(field(&place, "clips", "label"), ["violin"]);
    // The file itself may change, by whatever way it is named; and one that is gone may be replaced.
    place.write("t1/violin/A4.wav", wav(450.0, 0.2));
    assert_eq!(counts(&ingest(&place, &["t1/viola/../violin"]).ok()), [1, 0, 0]);
    std::fs::remove_file(place.at("t1/violin/A4.wav")).unwrap();
    assert_eq!(counts(&ingest(&place, &["t1/viola"]).ok()), [1, 0, 0]);
}

#[test]
fn a_file_from_another_folder_is_no_second_clip() {
    let place = Place::new();
    for (at, name) in ["violin/a", "violin/b", "tuba/c"].into_iter().enumerate() {
        place.write(&format!("lib/{name}.wav"), wav(300.0 + 70.0 * at as f32, 0.1));
    }
    let notes = |ran: &Ran| ran.object()["notes"].to_string();
    let first = ingest(&place, &["lib"]).ok();
    assert_eq!((counts(&first), notes(&first).contains("already")), ([3, 0, 0], false));
    let before = vectors(&place);
    // From a folder below, with labels by the id that the clip would have had.
    place.write("labels.csv", "file,label\na.wav,viola\n");
    let second = ingest(&place, &["lib/violin", "--labels", "labels.csv"]).ok();
    assert_eq!((counts(&second), vectors(&place)), ([0, 2, 0], before));
    assert!(
        notes(&second).contains("2 files are in `clips` already under other ids, which they keep: `a.wav` is `violin/a.wav`")
    );
    assert_eq!(field(&place, "clips", "id"), ["tuba/c.wav", "violin/a.wav", "violin/b.wav"]);
    assert_eq!(field(&place, "clips", "label"), ["tuba", "viola", "violin"]);
    // And from one above, or alone, beside a new one; a file that has changed stays the same clip.
    place.write("lib/tuba/d.wav", wav(600.0, 0.1));
    place.write("lib/tuba/c.wav", wav(650.0, 0.1));
    let third = ingest(&place, &[".", "lib/violin/a.wav", "--label-from", "none"]).ok();
    assert_eq!(counts(&third), [2, 3, 0]);
    assert!(notes(&third).contains("`a.wav` is the file of `"), "{}", third.out);
    assert_eq!(field(&place, "clips", "label"), [Value::Null, json!("tuba"), json!("viola"), json!("violin")]);
    // In one command too; another collection knows nothing of it.
    let twice = ingest(&place, &["lib/violin/", "lib/violin/a.wav", "--collection", "c"]).ok();
    assert_eq!((counts(&twice), field(&place, "c", "id")), ([2, 1, 0], vec![json!("violin/a.wav"), json!("violin/b.wav")]));
    assert!(notes(&twice).contains("`a.wav` is the file of `violin/a.wav`, named twice: it is one clip"), "{}", twice.out);
    // A clip that has windows keeps them.
    ingest(&place, &["lib", "--collection", "w", "--windows"]).ok();
    let windows = field(&place, "w.windows", "id");
    assert_eq!(counts(&ingest(&place, &["lib/tuba", "--collection", "w", "--label-from", "folder"]).ok()), [0, 2, 0]);
    assert_eq!(field(&place, "w.windows", "id"), windows);
}

#[test]
fn a_moved_folder_is_known_by_its_new_place() {
    let place = Place::new();
    for name in ["a.wav", "b.wav", "c.wav"] {
        place.write(&format!("old/{name}"), wav(300.0 + f32::from(name.as_bytes()[0]), 0.1));
    }
    assert_eq!(counts(&ingest(&place, &["old"]).ok()), [3, 0, 0]);
    std::fs::rename(place.at("old"), place.at("new")).unwrap();
    let before = vectors(&place);
    let reembed = ["collections", "reembed", "clips"];
    place.dyad(&reembed).code(1).says("3 of 3 files of `clips`").says("old/a.wav`");
    assert_eq!(vectors(&place), before);
    assert_eq!(counts(&ingest(&place, &["new"]).ok()), [0, 3, 0]);
    assert!(field(&place, "clips", "path").iter().all(|path| path.as_str().unwrap().contains("/new/")));
    place.dyad(&reembed).ok();
    // One of three is a failure of its own.
    std::fs::remove_file(place.at("new/a.wav")).unwrap();
    place.dyad(&reembed).code(1).shows("new/a.wav");
}

#[cfg(unix)]
#[test]
fn a_path_that_is_no_text_is_found_again() {
    use std::os::unix::ffi::OsStrExt;
    let place = Place::new();
    let name = std::ffi::OsStr::from_bytes(b"caf\xe9 100%.wav");
    place.write("lib/x.wav", wav(440.0, 0.1));
    if std::fs::rename(place.at("lib/x.wav"), place.at("lib").join(name)).is_err() {
        // A file system that takes no such names.
        return;
    }
    assert_eq!(counts(&ingest(&place, &["lib"]).ok()), [1, 0, 0]);
    assert!(field(&place, "clips", "path")[0].as_str().unwrap().ends_with("lib/caf%E9 100%.wav"));
    place.dyad(&["collections", "reembed", "clips"]).ok();
}

#[test]
fn a_table_does_not_say_what_the_program_finds_itself() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 0.2));
    place.write("labels.csv", "file,path,label,duration_s,sample_rate_hz,channels,windows,pool\na.wav,x,tuba,9,8,7,6,max\n");
    let own = ["path", "duration_s", "sample_rate_hz", "channels"];
    ingest(&place, &["lib"]).ok();
    let before = own.map(|name| field(&place, "clips", name));
    for _ in 0..2 {
        ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
        assert_eq!(own.map(|name| field(&place, "clips", name)), before);
        assert_eq!(field(&place, "clips", "label"), ["tuba"]);
        // Another time the file has changed, but not in what is compared.
        place.write("lib/a.wav", wav(450.0, 0.2));
    }
}

#[test]
fn windows_keep_their_places() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 7.0));
    ingest(&place, &["lib", "--windows", "--label-from", "none"]).ok();
    let places = || ["track", "start_s", "end_s"].map(|name| field(&place, "clips.windows", name));
    let before = places();
    assert_eq!(before[1], [json!(0.0), json!(3.0), json!(4.0)]);
    place.write("labels.csv", "file,label,track,start_s,end_s\na.wav,tuba,other,1,2\n");
    ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    assert_eq!(places(), before);
    assert_eq!(field(&place, "clips.windows", "label"), ["tuba"; 3]);
}

#[test]
fn a_window_that_is_not_there_is_not_made_by_a_label() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 7.0));
    ingest(&place, &["lib", "--windows", "--label-from", "none"]).ok();
    // As if it had been silent.
    let store = dyad::store::Store::open(&place.at("store")).unwrap();
    let windows = store.collection("clips.windows").unwrap().unwrap();
    windows.remove(dyad::embedding::Modality::Audio, &["a.wav#1".to_owned()]).unwrap();
    drop((windows, store));
    ingest(&place, &["lib", "--label-from", "folder"]).ok();
    assert_eq!(field(&place, "clips.windows", "id"), ["a.wav#0", "a.wav#2"]);
    assert_eq!(field(&place, "clips.windows", "label"), ["lib"; 2]);
}

#[test]
fn windows_of_a_second_model_are_embedded() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 2.0));
    let models = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/models");
    let ingest = |model: &str, more: &[&str]| {
        let args = ["--models", models, "--format", "json", "ingest", "lib", "--no-index", "--model", model];
        counts(&place.dyad(&[&args[..], more].concat()).ok())
    };
    for model in ["tiny-laion", "tiny-muscall"] {
        assert_eq!(ingest(model, &[]), [1, 0, 0]);
    }
    for model in ["tiny-laion", "tiny-muscall"] {
        assert_eq!((ingest(model, &["--windows"]), ingest(model, &[])), ([1, 0, 0], [0, 1, 0]));
    }
    let spaces = vectors(&place).to_string();
    assert_eq!(spaces.matches("\"clips.windows\"").count(), 4, "{spaces}");
}

#[test]
fn labels_of_a_table_stay_until_something_else_is_said() {
    let place = Place::new();
    for name in ["a", "b"] {
        place.write(&format!("lib/{name}.wav"), wav(300.0 + f32::from(name.as_bytes()[0]), 0.1));
    }
    place.write("labels.csv", "file,label,captions\na.wav,tuba,Low.\nb.wav,oboe,\n");
    ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    // A file that has changed is the same clip.
    place.write("lib/b.wav", wav(500.0, 0.1));
    let again = ingest(&place, &["lib"]).ok();
    assert_eq!(counts(&again), [1, 1, 0]);
    assert!(!again.out.contains("no label"), "{}", again.out);
    assert_eq!(field(&place, "clips", "label"), ["tuba", "oboe"]);
    // An empty cell takes back; a clip that the table does not name is left alone.
    place.write("labels.csv", "file,label,captions\na.wav,,\nc.wav,viola,High.\n");
    ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    assert_eq!(field(&place, "clips", "label"), [Value::Null, json!("oboe")]);
    assert_eq!(field(&place, "clips", "captions"), [Value::Null, Value::Null]);
    ingest(&place, &["lib", "--label-from", "folder"]).ok();
    assert_eq!(field(&place, "clips", "label"), ["lib", "lib"]);
}

#[test]
fn a_table_whose_labels_are_all_empty_takes_them_back() {
    let place = Place::new();
    for name in ["a", "b"] {
        place.write(&format!("lib/{name}.wav"), wav(300.0 + f32::from(name.as_bytes()[0]), 0.1));
    }
    place.write("labels.csv", "file,label,captions,note\na.wav,tuba,Low.,1\nb.wav,oboe,,\n");
    ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    place.write("labels.csv", "file,label,captions,note\na.wav,,,\n");
    ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    let fields = || ["label", "captions", "note"].map(|name| field(&place, "clips", name));
    let expected = [[Value::Null, json!("oboe")], [Value::Null, Value::Null], [json!(1), Value::Null]];
    assert_eq!(fields(), expected.clone().map(Vec::from));
    // What is taken back already is left alone.
    let before = vectors(&place);
    assert_eq!(counts(&ingest(&place, &["lib", "--labels", "labels.csv"]).ok()), [0, 2, 0]);
    assert_eq!((fields(), vectors(&place)), (expected.map(Vec::from), before));
}

#[test]
fn a_table_over_a_dataset_takes_back_what_it_gave() {
    let place = Place::new();
    for name in ["a", "b"] {
        place.write(&format!("lib/{name}.wav"), wav(300.0 + f32::from(name.as_bytes()[0]), 0.1));
    }
    place.write("lib.csv", "path,label,x\na.wav,tuba,1\nb.wav,,2\n");
    let run = |captions: &str| {
        place.write("labels.csv", format!("path,captions,label\na.wav,{captions},\n"));
        ingest(&place, &["--dataset", "lib.csv", "lib", "--labels", "labels.csv"]).ok();
        ["label", "captions"].map(|name| field(&place, "clips", name))
    };
    // An empty cell does not hide what the dataset says.
    assert_eq!(run("Low."), [[json!("tuba"), Value::Null], [json!(["Low."]), Value::Null]].map(Vec::from));
    assert_eq!(run(""), [[json!("tuba"), Value::Null], [Value::Null, Value::Null]].map(Vec::from));
}

#[test]
fn a_table_that_names_no_clip_is_told() {
    let place = Place::new();
    place.write("lib/a.wav", wav(440.0, 0.1));
    place.write("labels.csv", "file,label\nviolin/x.wav,violin\n");
    let ran = ingest(&place, &["lib", "--labels", "labels.csv"]).ok();
    let notes = ran.object()["notes"].to_string();
    assert!(notes.contains("--labels: none of the 1 clips") && notes.contains("`violin/x.wav`"), "{notes}");
    place.write("labels.csv", "file,label\na.wav,tuba\nviolin/x.wav,violin\n");
    let notes = ingest(&place, &["lib", "--labels", "labels.csv"]).ok().object()["notes"].to_string();
    assert!(notes.contains("--labels: 1 of 2 rows of `labels.csv` names no clip: `violin/x.wav`"), "{notes}");
    // So is a pattern that gives no label.
    let told = |rule: &str| ingest(&place, &["lib", "--label-from", rule]).ok().object()["notes"].to_string();
    assert!(told("filename:^(?<label>b)").contains("--label-from: the pattern `^(?<label>b)` fits none of 1 files"));
    assert!(told("filename:^(?<name>a)").contains("no group of the pattern `^(?<name>a)` is called `label`"));
    assert_eq!((field(&place, "clips", "label"), field(&place, "clips", "name")), (vec![json!("tuba")], vec![json!("a")]));
}
