//! Where the labels of ingested clips come from: the folder, the file's name, tables.

use super::program::{Place, cell, wav};

fn place() -> Place {
    let place = Place::new();
    for (i, name) in ["Vn-60-mf", "Vn-61-pp", "Tb-40-mf"].into_iter().enumerate() {
        place.write(&format!("lib/{name}.wav"), wav(200.0 + 100.0 * i as f32, 0.1));
    }
    place
}

fn labels(place: &Place) -> serde_json::Value {
    place.json(&["count clips by label"])[0]["rows"].clone()
}

#[test]
fn a_pattern_over_the_name() {
    let place = place();
    let rule = "filename:^(?<label>[A-Za-z]+)-(?<midi>[0-9]+)-(?<dynamic>[a-z]+)$";
    place.dyad(&["ingest", "lib", "--no-index", "--label-from", rule]).ok();
    assert_eq!(labels(&place), serde_json::json!([["Tb", 1], ["Vn", 2]]));
    let found = &place.json(&["list clips where midi > 60 and dynamic = \"pp\""])[0];
    assert_eq!((cell(found, 0, "id"), cell(found, 0, "midi")), (&"Vn-61-pp.wav".into(), &61.into()));
    // The same rule on names that it does not fit leaves clips without a label, and says so.
    place.write("more/123.wav", wav(700.0, 0.1));
    let ran = place.dyad(&["ingest", "more", "--no-index", "--label-from", rule]).ok();
    assert!(ran.out.contains("1 clips have no label") || ran.out.contains("1 clip has no label"), "{}", ran.out);
}

#[test]
fn a_table_of_ids_and_labels() {
    let place = place();
    place.write("labels.csv", "file,label,player\nVn-60-mf.wav,violin,Ann\nVn-61-pp,violin,Bo\nlib/other.wav,tuba,Cy\n");
    let ran = place.dyad(&["ingest", "lib", "--no-index", "--labels", "labels.csv"]).ok();
    assert!(ran.out.contains("have no label") || ran.out.contains("has no label"), "{}", ran.out);
    let counted = &place.json(&["count clips where label = \"violin\" by player"])[0];
    assert_eq!(counted["rows"], serde_json::json!([["Ann", 1], ["Bo", 1]]));
    place.write("broken.csv", "file,label\nVn-60-mf.wav\n");
    place.dyad(&["ingest", "lib", "--labels", "broken.csv"]).code(1).says("`broken.csv`");
    place.dyad(&["ingest", "lib", "--labels", "missing.csv"]).code(1).says("`missing.csv`");
}

#[test]
fn a_one_hot_table() {
    let place = place();
    place.write("truth.csv", "song,bass tuba,violin\nTb-40-mf,1,0\nVn-60-mf,0,1\nVn-61-pp,0,1\n");
    place.dyad(&["ingest", "lib", "--no-index", "--labels", "truth.csv"]).ok();
    assert_eq!(labels(&place), serde_json::json!([["bass tuba", 1], ["violin", 2]]));
    // More than one class in a row makes it a table of several labels a clip.
    place.write("twice.csv", "song,bass tuba,violin\nTb-40-mf,1,1\nVn-60-mf,0,1\nVn-61-pp,0,1\n");
    place.dyad(&["ingest", "lib", "--no-index", "--collection", "both", "--labels", "twice.csv"]).ok();
    let counted = &place.json(&["count clips in both by labels"])[0];
    assert_eq!(counted["rows"], serde_json::json!([["bass tuba", 1], ["violin", 3]]));
}

#[test]
fn no_labels_on_request() {
    let place = place();
    place.dyad(&["ingest", "lib", "--no-index", "--label-from", "none"]).ok();
    place.dyad(&["-c", "classify clips"]).code(1).says("has a label");
}

/// New labels for clips whose vectors are there already.
#[test]
fn labels_can_be_given_later() {
    let place = place();
    place.dyad(&["ingest", "lib", "--no-index", "--label-from", "none"]).ok();
    place.write("labels.csv", "file,label\nVn-60-mf.wav,violin\nVn-61-pp,violin\nTb-40-mf,tuba\n");
    let ran = place.dyad(&["--format", "json", "ingest", "lib", "--no-index", "--labels", "labels.csv"]).ok();
    assert_eq!(cell(&ran.object(), 0, "known already"), 3);
    assert_eq!(labels(&place), serde_json::json!([["tuba", 1], ["violin", 2]]));
}

#[test]
fn prompts_that_differ_by_a_stroke_are_two() {
    let place = Place::new();
    place.write("lib/a.wav", wav(300.0, 0.5));
    place.dyad(&["ingest", "lib", "--no-index"]).ok();
    let rows = |prompt: &str| place.json(&[&format!("label clip \"a.wav\" prompt=\"{prompt}\"")])[0]["rows"].clone();
    let plain = rows("a <> track");
    let stroke = rows("a_<> track");
    assert_ne!(plain, stroke);
    // Read by now, and kept side by side.
    assert_eq!((rows("a <> track"), rows("a_<> track")), (plain, stroke));
}

#[test]
fn a_row_of_another_folder_is_none() {
    let place = Place::new();
    for (folder, hertz) in [("train", 200.0), ("test", 300.0)] {
        place.write(&format!("lib/{folder}/001.wav"), wav(hertz, 0.1));
    }
    place.write("labels.csv", "path,label\ntrain/001.wav,violin\n");
    place.dyad(&["ingest", "lib", "--no-index", "--labels", "labels.csv"]).ok();
    let labelled = &place.json(&["list clips where label = \"violin\""])[0];
    assert_eq!((cell(labelled, 0, "id"), labelled["rows"].as_array().map(Vec::len)), (&"train/001.wav".into(), Some(1)));
    // So too where the folder itself is named: its clip is `001.wav`.
    let ran = place.dyad(&["ingest", "lib/test", "--no-index", "--collection", "c", "--labels", "labels.csv"]).ok();
    ran.shows("none of the 1 clips that the table of labels names was found");
    place.dyad(&["ingest", "lib/train", "--no-index", "--collection", "d", "--labels", "labels.csv"]).ok();
    assert_eq!(place.json(&["count clips in d where label = violin"])[0]["rows"], serde_json::json!([[1]]));
}

#[test]
fn tables_that_would_lose_a_value_are_refused() {
    let place = place();
    place.write("twice.csv", "path,label,label\nVn-60-mf.wav,violin,x\n");
    place.dyad(&["ingest", "lib", "--labels", "twice.csv"]).code(1).says("`twice.csv`").says("two columns `label`");
    place.write("several.jsonl", "{\"path\": \"Vn-60-mf.wav\", \"label\": [\"q\", \"r\"]}\n");
    place.dyad(&["ingest", "lib", "--labels", "several.jsonl"]).code(1).says("line 1").says("write `labels`");
}
