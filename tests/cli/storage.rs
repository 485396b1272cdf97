//! `--storage f16`: said once, followed later, told of, and the same numbers in every file that is written.

use super::program::{Place, Ran, cell, npy};

fn vectors() -> Vec<Vec<f64>> {
    (0..60).map(|i| (0..8).map(|j| ((i * 13 + j * 7) as f64 * 0.73).sin()).collect()).collect()
}

fn import(place: &Place, file: &str, collection: &str, more: &[&str]) -> Ran {
    let args = ["import", "npy", file, "--collection", collection, "--model", "m", "--space", "joint", "--modality", "audio"];
    place.dyad(&[&args[..], more].concat())
}

/// The numbers of an npy file of f4.
fn numbers(bytes: &[u8]) -> Vec<f32> {
    let header = 10 + usize::from(u16::from_le_bytes([bytes[8], bytes[9]]));
    bytes[header..].chunks(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}

#[test]
fn a_storage_is_said_once_and_followed() {
    let place = Place::new();
    let (first, more) = (vectors()[..40].to_vec(), vectors()[40..].to_vec());
    place.write("a.npy", npy("<f4", &first));
    place.write("b.npy", npy("<f4", &more));
    place.write("a.csv", (0..40).fold("id,label\n".into(), |text: String, i| format!("{text}c{i},l{}\n", i % 3)));
    place.write("b.csv", (40..60).fold("id,label\n".into(), |text: String, i| format!("{text}c{i},l{}\n", i % 3)));
    import(&place, "a.npy", "c", &["--labels", "a.csv", "--storage", "f16"]).ok();
    import(&place, "b.npy", "c", &["--labels", "b.csv"]).ok();
    import(&place, "b.npy", "c", &["--labels", "b.csv", "--storage", "f32"])
        .code(1)
        .says("the collection `c` keeps its vectors as f16, not as f32: expected `--storage f16`, none, or another collection");
    import(&place, "b.npy", "c", &["--storage", "f8"]).code(2).says("expected `f32` or `f16`");
    import(&place, "a.npy", "plain", &["--labels", "a.csv"]).ok();

    let shown =
        place.json(&["show collections", "describe c", "similar clip \"c7\" in c top 5", "similar clip \"c7\" in plain top 5"]);
    assert_eq!((cell(&shown[0], 0, "storage"), cell(&shown[0], 1, "storage")), (&"f16".into(), &"f32".into()));
    assert!(shown[1]["rows"].as_array().unwrap().contains(&serde_json::json!(["storage", "f16"])));
    assert_eq!((&shown[2]["context"]["storage"], &shown[3]["context"]["storage"]), (&"f16".into(), &serde_json::Value::Null));

    // What is exported is what is stored, and comes in again as it is.
    place.dyad(&["export", "npy", "out.npy", "--collection", "c"]).ok();
    let out = numbers(&std::fs::read(place.at("out.npy")).unwrap());
    let expected: Vec<f32> = vectors().concat().iter().map(|&x| half::f16::from_f32(x as f32).to_f32()).collect();
    assert_eq!(out, expected);
    import(&place, "out.npy", "again", &["--storage", "f16"]).ok();
    place.dyad(&["export", "npy", "twice.npy", "--collection", "again"]).ok();
    assert_eq!(std::fs::read(place.at("out.npy")).unwrap(), std::fs::read(place.at("twice.npy")).unwrap());

    // A search file over it gives what a scan gives.
    let hits = place.json(&["similar clip \"c7\" in c exact=false top 5", "similar clip \"c7\" in c exact=true top 5"]);
    assert_eq!((&hits[0]["rows"], &hits[1]["rows"]), (&shown[2]["rows"], &shown[2]["rows"]));
    place.dyad(&["check"]).ok();
    place.dyad(&["compact"]).ok();
    place.dyad(&["export", "npy", "compacted.npy", "--collection", "c"]).ok();
    assert_eq!(numbers(&std::fs::read(place.at("compacted.npy")).unwrap()), expected);
}

#[test]
fn a_file_with_a_number_beyond_f16_leaves_nothing() {
    let place = Place::new();
    let mut rows = vectors();
    rows[3][2] = 1e6;
    place.write("a.npy", npy("<f4", &rows));
    import(&place, "a.npy", "c", &["--storage", "f16"])
        .code(1)
        .says("row 3 of `a.npy` holds 1000000, beyond the range of f16, ±65504; `--skip-bad` leaves such rows out");
    assert_eq!(place.json(&["show collections"])[0]["rows"].as_array().unwrap().len(), 0);
    import(&place, "a.npy", "c", &["--storage", "f16", "--skip-bad"]).ok().shows("row 3 holds 1000000");
    assert_eq!(cell(&place.json(&["show collections"])[0], 0, "clips"), 59);
}

#[test]
fn audio_and_its_windows_are_kept_as_f16() {
    let place = Place::new();
    place.write("clips/x/tone.wav", super::program::wav(440.0, 4.0));
    place.dyad(&["ingest", "clips", "--storage", "f16", "--windows"]).ok();
    let shown = &place.json(&["show collections"])[0];
    let columns = shown["columns"].as_array().unwrap();
    let at = columns.iter().position(|column| column == "storage").unwrap();
    for row in shown["rows"].as_array().unwrap() {
        let expected = if row[0] == "texts" { "f32" } else { "f16" };
        assert_eq!(row[at], expected, "{row}");
    }
    place.dyad(&["ingest", "clips", "--storage", "f32"]).code(1).says("keeps its vectors as f16, not as f32");
}
