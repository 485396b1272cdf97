//! Long audio: 60 s made of bundled notes, window by window and as a whole.

use std::path::Path;

use dyad::audio::window::{ChannelMix, Quantize};
use dyad::audio::{Limits, Target, load};
use serde_json::Value;

use super::program::{Place, cell};

const RATE: u32 = 16_000;

/// `seconds` of the bundled notes of each instrument in turn, as a 16-bit wav file.
fn medley(instruments: &[&str], seconds: usize) -> Vec<u8> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/audio");
    let target = Target { sample_rate_hz: RATE, mix: ChannelMix::Mean, quantize: Quantize::None };
    let mut samples: Vec<f32> = Vec::new();
    for instrument in instruments {
        let mut notes: Vec<_> = std::fs::read_dir(root.join(instrument)).unwrap().map(|e| e.unwrap().path()).collect();
        notes.sort();
        let end = samples.len() + seconds * RATE as usize;
        for note in notes.iter().cycle() {
            samples.extend(load(note, &target, &Limits::default()).unwrap().samples);
            if samples.len() >= end {
                break;
            }
        }
        samples.truncate(end);
    }
    let data: Vec<u8> = samples.iter().flat_map(|x| ((x * 32_000.0) as i16).to_le_bytes()).collect();
    let head = [&b"RIFF"[..], &(36 + data.len() as u32).to_le_bytes(), b"WAVEfmt ", &16u32.to_le_bytes(), &[1, 0, 1, 0]];
    let rates = [&RATE.to_le_bytes()[..], &(2 * RATE).to_le_bytes(), &[2, 0, 16, 0], b"data", &(data.len() as u32).to_le_bytes()];
    [head.concat(), rates.concat(), data].concat()
}

fn ingest(place: &Place, more: &[&str]) -> Value {
    place.dyad(&[&["--format", "json", "ingest", "--no-index", "--label-from", "none"], more].concat()).ok().object()
}

fn vectors(place: &Place, collection: &str) -> Vec<Value> {
    place.dyad(&["export", "jsonl", "out.jsonl", "--collection", collection, "--force"]).ok();
    let text = std::fs::read_to_string(place.at("out.jsonl")).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

#[test]
fn a_hit_says_where_in_the_track_it_is() {
    let place = Place::new();
    // The trumpet plays from 24 s to 36 s.
    place.write("long/medley.wav", medley(&["flute", "violoncello", "trumpet", "flute", "violoncello"], 12));
    place.write("long/flute.wav", medley(&["flute"], 7));
    ingest(&place, &["long", "--collection", "tracks", "--windows"]);
    let statements = [
        "search clips for \"a trumpet track\" in tracks",
        "search clips for \"a trumpet track\" in tracks windows=all top 3",
        "search clips for \"a trumpet track\" in tracks windows=pooled",
        "count clips",
        "search clips for \"a trumpet track\" in tracks where track=\"flute.wav\"",
        "list clips in tracks.windows where track=\"flute.wav\" limit 0",
        "search clips for \"a trumpet track\" in tracks.windows top 1",
    ];
    let found = place.json(&statements);
    assert_eq!((cell(&found[0], 0, "id").as_str(), found[0]["rows"].as_array().unwrap().len()), (Some("medley.wav"), 2));
    let (start, end) = (cell(&found[0], 0, "start_s").as_f64().unwrap(), cell(&found[0], 0, "end_s").as_f64().unwrap());
    assert!(start >= 24.0 && end <= 36.0 && end - start == 3.0, "{start}–{end}");
    assert_eq!((found[0]["context"]["n"].as_u64(), found[0]["context"]["windows_compared"].as_u64()), (Some(2), Some(23)));
    let ids: Vec<&str> = (0..3).map(|row| cell(&found[1], row, "id").as_str().unwrap()).collect();
    assert_eq!((ids[0], found[1]["context"]["n"].as_u64()), (format!("medley.wav#{}", start as usize / 3).as_str(), Some(23)));
    assert_eq!(found[2]["context"]["n"], 2);
    assert!(!found[2]["columns"].to_string().contains("start_s"));
    assert_eq!((found[3]["context"]["collection"].as_str(), found[3]["context"]["n"].as_u64()), (Some("tracks"), Some(2)));
    assert_eq!(found[4]["rows"].as_array().unwrap().len(), 1);
    // 7 s in windows of 3 s: the last ends with the clip.
    let spans: Vec<_> =
        (0..3).map(|row| (cell(&found[5], row, "start_s").clone(), cell(&found[5], row, "end_s").clone())).collect();
    assert_eq!(format!("{spans:?}").replace("Number(", "").replace([')', '('], ""), "[0.0, 3.0, 3.0, 6.0, 4.0, 7.0]");
    assert_eq!(cell(&found[6], 0, "id"), ids[0]);
    place.dyad(&["collections", "drop", "tracks"]).ok();
    assert!(!place.json(&["show collections"])[0]["rows"].to_string().contains("tracks"));
}

#[test]
fn a_file_has_one_vector_alone_and_in_any_batch() {
    let place = Place::new();
    let track = medley(&["oboe", "tuba"], 30);
    for name in ["a.wav", "b.wav", "c.wav"] {
        place.write(&format!("many/{name}"), if name == "b.wav" { track.clone() } else { medley(&["viola"], 4) });
    }
    place.write("one/b.wav", &track);
    ingest(&place, &["one", "--collection", "one", "--jobs", "1"]);
    ingest(&place, &["many", "--collection", "many", "--windows", "--jobs", "2"]);
    let (one, many) = (vectors(&place, "one"), vectors(&place, "many"));
    let of = |rows: &[Value]| rows.iter().find(|row| row["id"] == "b.wav").unwrap()["vector"].to_string();
    assert_eq!(of(&one), of(&many));
    // The clip's vector is the mean of its windows', at unit length.
    let windows = vectors(&place, "many.windows");
    let of_b: Vec<&Value> = windows.iter().filter(|row| row["track"] == "b.wav").collect();
    assert_eq!(of_b.len(), 20);
    let number = |row: &Value, i: usize| row["vector"][i].as_f64().unwrap();
    let mean: Vec<f64> = (0..128).map(|i| of_b.iter().map(|row| number(row, i)).sum::<f64>() / 20.0).collect();
    let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
    let whole = one.iter().find(|row| row["id"] == "b.wav").unwrap();
    assert!(mean.iter().enumerate().all(|(i, x)| (x / length - number(whole, i)).abs() < 1e-6));
}

#[test]
fn windows_follow_their_clip() {
    let place = Place::new();
    place.write("lib/x.wav", medley(&["oboe"], 10));
    let counts =
        |report: &Value| (cell(report, 0, "embedded").as_u64().unwrap(), cell(report, 0, "known already").as_u64().unwrap());
    assert_eq!(counts(&ingest(&place, &["lib"])), (1, 0));
    // Wanted now: the clip is heard again; and from then on they are kept without asking.
    assert_eq!(counts(&ingest(&place, &["lib", "--windows"])), (1, 0));
    assert_eq!(counts(&ingest(&place, &["lib"])), (0, 1));
    assert_eq!(vectors(&place, "clips.windows").len(), 4);
    place.write("lib/x.wav", medley(&["tuba"], 5));
    place.write("labels.csv", "id,label\nx,tuba\n");
    assert_eq!(counts(&ingest(&place, &["lib"])), (1, 0));
    let windows = vectors(&place, "clips.windows");
    assert_eq!(windows.iter().map(|row| row["end_s"].as_f64().unwrap()).collect::<Vec<_>>(), [3.0, 5.0]);
    // New labels are those of the windows too.
    place.dyad(&["ingest", "--no-index", "--labels", "labels.csv", "lib"]).ok();
    assert!(vectors(&place, "clips.windows").iter().all(|row| row["label"] == "tuba"));
    // One way to pool a collection.
    place.dyad(&["ingest", "lib", "--pool", "max"]).code(1).says("pooled by `mean`").says("another collection");
    place.dyad(&["ingest", "lib", "--collection", "clips.windows"]).code(1).says("`clips.windows`");
    ingest(&place, &["lib", "--collection", "max", "--pool", "max"]);
    assert_eq!(vectors(&place, "max")[0]["pool"], "max");
    assert_ne!(vectors(&place, "max")[0]["vector"], vectors(&place, "clips")[0]["vector"]);
    place.dyad(&["-c", "search clips for \"x\" in max windows=all"]).code(1).says("no windows").says("--windows");
}
