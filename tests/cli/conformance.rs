//! The published numbers: text vectors that the paper's authors released, imported as a user would.
//!
//! The data is no part of the project: `DYAD_CONFORMANCE` names its folder, else `../shared/conformance` beside the project is
//! looked for. Without it the tests that need it say so on standard error and hold nothing.

use std::path::{Path, PathBuf};

use dyad::cli::report::published::{TRIPLETS, ZERO_SHOT};
use dyad::ontology::{bundled, released};

use super::program::{Place, npy, skipped};

/// The folder of the data; without it says that `test` is skipped, and where it was looked for.
fn data(test: &str) -> Option<PathBuf> {
    let named = std::env::var_os("DYAD_CONFORMANCE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    let places: Vec<PathBuf> = named.into_iter().chain([beside]).map(|dir| dir.join("ismir2024")).collect();
    let found = places.iter().find(|dir| dir.is_dir()).cloned();
    if found.is_none() {
        let places: Vec<String> = places.iter().map(|dir| format!("`{}`", dir.display())).collect();
        skipped(test, &format!("no conformance data in {} (`DYAD_CONFORMANCE` names the folder above)", places.join(" or ")));
    }
    found
}

/// The authors' folder of a system.
const SYSTEMS: [(&str, &str); 3] =
    [("Music CLAP", "music_laion_clap"), ("Music/Speech CLAP", "music_speech_laion_clap"), ("MusCALL", "muscall")];

/// The prompts as the report names them, as they are imported here, and the authors' files of them.
const PROMPTS: [(&str, &str, &str); 8] = [
    ("A <> track", "A <> track", "muscall_prompt"),
    ("This is a recording of <>", "This is a recording of <>", "this_is_a_recording_of"),
    ("Solo musical instrument sound of <>", "Solo musical instrument sound of <>", "solo_musical_instrument_sound_of"),
    ("Sound of <> musical instrument", "Sound of <> musical instrument", "sound_of_musical_instrument"),
    ("A no <> track", "A no <> track", "negative_muscall_prompts"),
    ("definition", "definition of <>", "definition"),
    ("definition without the label", "definition without <>", "definition_no_label_word"),
    ("<> and random words", "<> and random words", "label_random_context"),
];

fn folder(system: &str) -> &'static str {
    SYSTEMS.iter().find(|(name, _)| *name == system).unwrap().1
}

fn prompt(named: &str) -> (&'static str, &'static str) {
    PROMPTS.iter().find(|(name, ..)| *name == named).map(|(_, key, file)| (*key, *file)).unwrap()
}

#[test]
fn released_text_vectors_give_the_accuracies_of_the_report() {
    let Some(data) = data("released_text_vectors_give_the_accuracies_of_the_report") else { return };
    let place = Place::new();
    place.write("labels.txt", bundled::TINYSOL.join("\n"));
    let mut statements = Vec::new();
    for (system, stage, named, ..) in TRIPLETS {
        let (model, (key, file)) = (folder(system), prompt(named));
        let space = if stage == "joint" { "joint_space" } else { "pre_joint" };
        let file = data.join(model).join("text").join(space).join(format!("{file}.npy"));
        let args = ["import", "npy", file.to_str().unwrap(), "--collection", model, "--model", model, "--space", stage];
        place.dyad(&[&args[..], &["--modality", "text", "--labels", "labels.txt", "--prompt", key]].concat()).ok();
        for convention in ["released", "strict"] {
            statements.push(format!(
                "triplets ontology=hdio labels=tinysol model={model} space={stage} prompt=\"{key}\" convention={convention}"
            ));
        }
    }
    let objects = place.json(&statements.iter().map(String::as_str).collect::<Vec<_>>());
    for (pair, (system, stage, named, released, strict)) in objects.chunks(2).zip(TRIPLETS) {
        for (object, n, expected) in [(&pair[0], 237, released), (&pair[1], 686, strict)] {
            let accuracy = &object["metrics"]["accuracy"];
            assert_eq!(object["context"]["n"], n);
            for (end, expected, rounding) in
                [("value", expected[0], 5e-5), ("low", expected[1], 5e-4), ("high", expected[2], 5e-4)]
            {
                let found = accuracy[end].as_f64().unwrap();
                assert!((found - expected).abs() <= rounding + 1e-9, "{system} {stage} {named}: {end} {found}, not {expected}");
            }
        }
        assert_eq!(pair[0]["context"]["inverted"], 67);
    }
}

#[test]
fn the_published_tables_are_cited_right() {
    let Some(data) = data("the_published_tables_are_cited_right") else { return };
    for (system, named, values) in ZERO_SHOT {
        let file = data.join("published_results/zeroshot_baseline").join(format!("{}.csv", folder(system)));
        let mut reader = csv::Reader::from_path(file).unwrap();
        let headers = reader.headers().unwrap().clone();
        let row = reader.records().map(Result::unwrap).find(|row| row.get(1) == Some(prompt(named).1)).unwrap();
        for (column, value) in ["top-1", "top-3", "F1", "ROC-AUC", "PR-AUC"].into_iter().zip(values) {
            let at = headers.iter().position(|header| header == column).unwrap();
            let published: f64 = row[at].parse().unwrap();
            assert!((published - value).abs() <= 5e-5, "{system} {named} {column}: {published}, not {value}");
        }
    }
}

#[test]
fn the_full_ontology_gives_434_116_released_triplets() {
    let ontology = bundled::ontology("hdio-ismir2024").unwrap();
    let mut names: Vec<String> = released::enumerate(&ontology).names.iter().map(|n| n.replace('_', " ")).collect();
    names.sort();
    names.dedup();
    let place = Place::new();
    let rows: Vec<Vec<f64>> = (0..names.len()).map(|i| (0..8).map(|j| ((i * 7 + j * 13) % 29) as f64 - 14.5).collect()).collect();
    place.write("all.npy", npy("<f4", &rows));
    place.write("all.txt", names.join("\n"));
    let args = ["import", "npy", "all.npy", "--collection", "all", "--model", "any", "--space", "joint"];
    place.dyad(&[&args[..], &["--modality", "text", "--labels", "all.txt", "--prompt", "A <> track"]].concat()).ok();
    let objects = place.json(&[
        "triplets ontology=hdio model=any convention=released resamples=0",
        "triplets ontology=hdio model=any convention=released labels=tinysol resamples=0",
    ]);
    assert_eq!(objects[0]["context"]["n"], 434_116);
    assert_eq!((&objects[1]["context"]["n"], &objects[1]["context"]["inverted"]), (&237.into(), &67.into()));
}
