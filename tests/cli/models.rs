//! `dyad models`, and two models side by side in one store: the tiny ones of tests/models, which have every part of a real one.

use std::path::PathBuf;

use super::program::{Place, cell, copy_folder, wav};

fn tiny(name: &str) -> String {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/models").join(name).to_string_lossy().into_owned()
}

/// Three clips a label, two labels.
fn clips(place: &Place) {
    for (label, hz) in [("violin", 440.0), ("tuba", 70.0)] {
        for take in 0..3 {
            place.write(&format!("clips/{label}/{take}.wav"), wav(hz * (1.0 + take as f32 / 7.0), 0.4 + 0.3 * take as f32));
        }
    }
}

#[test]
fn a_model_is_verified_added_described_checked_and_removed() {
    let place = Place::new();
    let added =
        place.dyad(&["models", "add", &tiny("tiny-laion")]).ok().says("verified: 28 comparisons").says("added `tiny-laion`");
    assert!(added.out.is_empty(), "results go to standard output, and there is none");
    let home = place.at(".local/share/dyad/models/tiny-laion");
    let names: Vec<_> = std::fs::read_dir(&home).unwrap().map(|e| e.unwrap().file_name().into_string().unwrap()).collect();
    assert!(names.len() == 6 && names.contains(&"NOTICE".to_owned()), "{names:?}");
    place.dyad(&["models", "add", &tiny("tiny-laion")]).ok().says("already there: `tiny-laion`");
    place.dyad(&["models"]).ok().shows("tiny-laion").shows("CC0-1.0").shows("musicnn-minilm");
    place.dyad(&["models", "describe", "tiny-laion"]).ok().shows("audio_pre_joint").shows("CC0-1.0");
    place.dyad(&["models", "check", "tiny-laion"]).ok().shows("text.b16.input_ids").shows("mean cosine").shows("backend");
    place.dyad(&["models", "check", &tiny("tiny-muscall")]).ok().shows("tiny-muscall");
    place.dyad(&["models", "remove", "tiny-laion"]).ok().says("removed `tiny-laion`");
    assert!(!home.exists());
    place.dyad(&["models", "remove", "tiny-laion"]).code(1).says("no model is called `tiny-laion`");
    place.dyad(&["models", "remove", "musicnn-minilm"]).code(1).says("is not in it but in");
}

#[test]
fn what_is_wrong_with_a_folder_is_said_with_file_and_key_and_nothing_is_left() {
    let place = Place::new();
    let bad = place.at("bad");
    let renew = || {
        let _ = std::fs::remove_dir_all(&bad);
        copy_folder(tiny("tiny-muscall").as_ref(), &bad);
    };
    let edit = |from: &str, to: &str| {
        let path = bad.join("model.toml");
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(path, text.replacen(from, to, 1)).unwrap();
    };
    let refused = |parts: &[&str]| {
        let ran = place.dyad(&["models", "add", "bad"]).code(1);
        for part in parts {
            assert!(ran.err.contains(part), "expected `{part}` in {}", ran.err);
        }
    };
    place.dyad(&["models", "add", "nowhere"]).code(1).says("`nowhere/model.toml` cannot be read");
    renew();
    edit("samples = 6400", "samples = 0");
    refused(&["`audio.samples = 0` in `bad/model.toml`"]);
    renew();
    edit("dim = 12", "dim = 13");
    edit("dim = 12", "dim = 13");
    refused(&["`bad/audio.onnx` does not fit its manifest", "output `joint`"]);
    renew();
    edit("input = \"waveform\"", "input = \"wave\"");
    refused(&["`audio.input = \"wave\"` is no input of the graph", "did you mean `waveform`?"]);
    renew();
    edit("quantize = \"none\"", "quantize = \"int8\"");
    refused(&["`bad/model.toml`, line", "in `[audio]`", "int16-trunc"]);
    renew();
    edit("[check]\ngolden = \"golden.safetensors\"\natol = 1.0e-04\n", "");
    refused(&["`bad/model.toml` has no table `[check]`"]);
    renew();
    edit("atol = 1.0e-04", "atol = 1e-12");
    refused(&["in `bad/golden.safetensors` is missed by", "`check.atol`"]);
    renew();
    for (file, other) in [("tokenizer.json", "are other ids than the tokenizer gives"), ("golden.safetensors", "`audio.samples`")]
    {
        std::fs::copy(PathBuf::from(tiny("tiny-clap")).join(file), bad.join(file)).unwrap();
        refused(&[other]);
        renew();
    }
    for file in ["audio.onnx", "text.onnx", "tokenizer.json", "golden.safetensors"] {
        let good = std::fs::read(bad.join(file)).unwrap();
        std::fs::write(bad.join(file), &good[..good.len() / 2]).unwrap();
        refused(&[&format!("`bad/{file}`")]);
        std::fs::remove_file(bad.join(file)).unwrap();
        refused(&[file]);
        std::fs::write(bad.join(file), good).unwrap();
    }
    // tests/fixtures/endless-loop.onnx: the right inputs and outputs, and a Loop whose condition is always true.
    let endless = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/endless-loop.onnx");
    std::fs::copy(endless, bad.join("audio.onnx")).unwrap();
    refused(&["`bad/audio.onnx`", "may never end because of `joint`, a Loop"]);
    let models = place.at(".local/share/dyad/models");
    assert!(std::fs::read_dir(models).map_or(0, Iterator::count) == 0, "nothing half copied is left");
}

#[test]
fn an_id_that_is_taken_asks_for_force() {
    let place = Place::new();
    place.dyad(&["models", "add", &tiny("tiny-clap")]).ok();
    copy_folder(tiny("tiny-muscall").as_ref(), &place.at("other"));
    let path = place.at("other/model.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("id = \"tiny-muscall\"", "id = \"tiny-clap\"");
    std::fs::write(path, text).unwrap();
    place.dyad(&["models", "add", "other"]).code(1).says("the id `tiny-clap` is taken by another model").says("--force");
    place.dyad(&["models", "add", "other", "--force"]).ok().says("added `tiny-clap`");
    place.dyad(&["models", "describe", "tiny-clap"]).ok().shows("GPL-3.0");
}

#[test]
fn two_models_side_by_side_in_one_store() {
    let place = Place::new();
    clips(&place);
    for name in ["tiny-laion", "tiny-ms-clap-2023"] {
        place.dyad(&["-q", "models", "add", &tiny(name)]).ok();
        place.dyad(&["ingest", "clips", "--collection", "notes", "--model", name]).ok();
    }
    // Without a model a statement says which there are.
    place.dyad(&["-c", "classify clips in notes"]).code(1).says("`model=NAME` with `tiny-laion` or `tiny-ms-clap-2023`");
    let statements = [
        "classify clips in notes model=tiny-laion",
        "similarity clips in notes model=tiny-laion",
        "margin clips in notes model=tiny-laion",
        "retrieve clips in notes for labels model=tiny-laion",
        "gap in notes model=tiny-laion",
        "hubness clips in notes model=tiny-laion",
        "search clips in notes for \"a tuba\" model=tiny-laion",
        "similar clip \"tuba/0.wav\" in notes model=tiny-laion",
        "label clip \"tuba/0.wav\" in notes ontology=hdio model=tiny-laion",
        "triplets ontology=hdio labels=tinysol model=tiny-laion",
    ];
    for statement in statements {
        let answers = [statement.to_owned(), statement.replace("tiny-laion", "tiny-ms-clap-2023")]
            .map(|statement| place.dyad(&["--format", "json", "-c", &statement]).ok().object());
        let [first, second] = &answers;
        assert_eq!(first["context"]["model"], "tiny-laion", "{statement}");
        assert_eq!(second["context"]["model"], "tiny-ms-clap-2023", "{statement}");
        assert_ne!(first["context"]["model_hash"], second["context"]["model_hash"], "{statement}");
    }
    let compare = "compare (classify clips in notes model=tiny-laion) with (classify clips in notes model=tiny-ms-clap-2023)";
    let report = place.dyad(&["--format", "json", "-c", compare]).ok().object();
    assert_eq!(report["context"]["n"], 6);
    assert!(report["rows"].as_array().is_some_and(|rows| !rows.is_empty()));

    let spaces = place.dyad(&["--format", "json", "-c", "show spaces"]).ok().object();
    let of = |model: &str, stage: &str, modality: &str| {
        (0..spaces["rows"].as_array().unwrap().len())
            .find(|&row| {
                cell(&spaces, row, "collection") == "notes"
                    && cell(&spaces, row, "model") == model
                    && cell(&spaces, row, "stage") == stage
                    && cell(&spaces, row, "modality") == modality
            })
            .map(|row| (cell(&spaces, row, "dim").clone(), cell(&spaces, row, "vectors").clone()))
    };
    assert_eq!(of("tiny-laion", "joint", "audio"), Some((12.into(), 6.into())));
    assert_eq!(of("tiny-ms-clap-2023", "pre-joint", "audio"), Some((16.into(), 6.into())));
    let models = place.dyad(&["--format", "json", "-c", "show models"]).ok().object();
    assert_eq!(cell(&models, 0, "licence").as_str().map(|licence| &licence[..7]), Some("CC0-1.0"));
    assert_eq!(cell(&models, 0, "hash").as_str().map(str::len), Some(12));

    // A model in use stays, unless it is forced out; its vectors answer still.
    place.dyad(&["models", "remove", "tiny-laion"]).code(1).says("`notes`").says("--force");
    place.dyad(&["models", "remove", "tiny-laion", "--force"]).ok();
    place.dyad(&["-c", "count clips in notes"]).ok();
    place.dyad(&["-c", "classify clips in notes model=tiny-ms-clap-2023"]).ok();
}

#[test]
fn a_model_that_cannot_be_read_is_named() {
    let place = Place::new();
    place.write("ms/bad/model.toml", "id = \"bad");
    let ran = place.dyad(&["--models", "ms", "-c", "show models"]).ok().shows("musicnn-minilm");
    ran.shows("the model `bad` is left out: `ms/bad/model.toml`, line 1").shows("`dyad models check bad`");
    place.dyad(&["--models", "ms", "models", "check", "bad"]).code(1).says("`ms/bad/model.toml`, line 1");
    place.dyad(&["--models", "ms", "models", "check", "worse"]).code(1).says("unknown model `worse`");
    let ran = place.dyad(&["-c", "show models"]).ok();
    assert!(!ran.out.contains("left out"), "{}", ran.out);
}

#[test]
fn recall_is_measured_by_texts_where_enough_were_read() {
    let place = Place::new();
    clips(&place);
    place.dyad(&["-q", "models", "add", &tiny("tiny-laion")]).ok();
    // Else an ingest reads the labels of the ontology: texts enough.
    place.dyad(&["ingest", "clips", "--collection", "notes", "--model", "tiny-laion", "--no-index"]).ok();
    const SEARCH: &str = "search clips in notes for \"a violin\" exact=false";
    // Two labels, so each prompt is two texts: twenty are enough to measure by.
    let read = |prompt: usize| format!("similarity clips in notes prompt=\"number {prompt} of <>\"");
    let ten: Vec<String> = (0..10).map(read).collect();
    place.json(&ten.iter().map(String::as_str).collect::<Vec<_>>());
    let filtered = format!("{SEARCH} where label=\"tuba\"");
    let many = place.json(&[SEARCH, "similar clip \"tuba/0.wav\" in notes exact=false", &filtered]);
    let by = |answer: usize| many[answer]["context"]["recall_by"].as_str().unwrap_or_default();
    assert_eq!((by(0), by(1)), ("20 texts", "clips"), "clips stand for a clip that asks");
    assert_eq!(by(2), "20 texts, without the filter");
    // Six clips: a walk passes all of them.
    for answer in &many {
        assert_eq!((&answer["context"]["recall"], &answer["context"]["exact"]), (&1.0.into(), &false.into()));
    }
    place.dyad(&["-c", SEARCH]).ok().shows("recall_by 20 texts");
    let exact = place.json(&["search clips in notes for \"a violin\" exact=true"]);
    assert!(exact[0]["context"].get("recall_by").is_none() && exact[0]["context"]["recall"].is_null());
}

#[test]
fn texts_to_measure_recall_by_are_read_where_too_few_are_known() {
    let place = Place::new();
    clips(&place);
    place.dyad(&["-q", "models", "add", &tiny("tiny-laion")]).ok();
    place.dyad(&["ingest", "clips", "--collection", "notes", "--model", "tiny-laion", "--no-index"]).ok();
    let found = place.json(&["search clips in notes for \"a violin\" exact=false"]);
    assert_eq!(found[0]["context"]["recall_by"], "100 texts");
}

#[test]
fn a_folder_that_only_bears_the_name_of_a_model_is_none() {
    let place = Place::new();
    place.write("musicnn-minilm/notes.txt", "my notes on it");
    place.dyad(&["models", "check", "musicnn-minilm"]).ok().shows("musicnn-minilm");
}

#[test]
fn what_add_left_behind_is_no_model() {
    let place = Place::new();
    for dir in [".removing-tiny-laion-1", "tiny-laion"] {
        copy_folder(tiny("tiny-laion").as_ref(), &place.at("models").join(dir));
    }
    let only = dyad::encoder::ModelFolders::only(&[place.at("models")]);
    let dirs: Vec<_> = only.list().into_iter().map(|found| found.dir).collect();
    assert_eq!(dirs, [place.at("models/tiny-laion")]);
}

/// A manifest that asks for seconds by the million: its graph is refused before a signal of that length is made.
#[cfg(target_os = "linux")]
#[test]
fn a_check_does_not_take_memory_on_a_number() {
    let place = Place::new();
    copy_folder(tiny("tiny-muscall").as_ref(), &place.at("bad"));
    let path = place.at("bad/model.toml");
    let text = std::fs::read_to_string(&path).unwrap().replace("= 6400", "= 100000000");
    std::fs::write(path, text.replace("[check]\ngolden = \"golden.safetensors\"\natol = 1.0e-04\n", "")).unwrap();
    std::fs::write(place.at("bad/audio.onnx"), "no graph").unwrap();
    let model = dyad::encoder::Model::open(&place.at("bad")).unwrap();
    assert!(dyad::encoder::check::health(&model, &dyad::progress::Silent).unwrap_err().to_string().contains("audio.onnx"));
    // Sixteen such signals would be 6 GB.
    let status = std::fs::read_to_string("/proc/self/status").unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    let peak: u64 = peak.trim().trim_end_matches(" kB").parse().unwrap();
    assert!(peak < 3_000_000, "{peak} KiB");
}

/// The model reads 24 tokens: what comes after them is in no vector.
#[test]
fn a_text_that_is_cut_is_told_of() {
    let place = Place::new();
    clips(&place);
    place.dyad(&["-q", "models", "add", &tiny("tiny-muscall")]).ok();
    place.dyad(&["ingest", "clips", "--collection", "notes", "--model", "tiny-muscall", "--no-index"]).ok();
    let words = "one two three ".repeat(12);
    let long = format!("classify clips in notes prompt=\"{words}<>\" resamples=0");
    // Read for the first time, kept, and not in the way of what comes after.
    let answers = place.json(&[&long, &long, "classify clips in notes resamples=0", "count clips in notes"]);
    let notes = |at: usize| answers[at]["notes"].to_string();
    let said = "2 of 2 texts with the prompt `one two three one two three one two thre…` are longer than the 24 tokens that \
                `tiny-muscall` reads: the rest was cut off";
    assert!(notes(0).contains(said) && notes(1).contains(said), "{}", notes(0));
    assert!(!notes(2).contains("cut off") && !notes(3).contains("cut off"), "{}", notes(2));
    let search = format!("search clips in notes for \"{words}\"");
    place.dyad(&["-c", &search]).ok().shows("the text is longer than the 24 tokens that `tiny-muscall` reads");
}

#[test]
fn a_broken_model_ends_no_report() {
    let place = Place::new();
    clips(&place);
    place.dyad(&["ingest", "clips", "--collection", "notes", "--no-index"]).ok();
    let broken = place.at(".local/share/dyad/models/broken");
    copy_folder(tiny("tiny-muscall").as_ref(), &broken);
    std::fs::remove_file(broken.join("audio.onnx")).unwrap();
    let ran = place.dyad(&["report", "--out", "page"]);
    assert!(place.at("page/index.html").is_file(), "{}", ran.err);
    assert!(std::fs::read_to_string(place.at("page/index.html")).unwrap().contains("tiny-muscall"));
}
