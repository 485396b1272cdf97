//! The published numbers: text vectors that the paper's authors released, imported as a user would.
//!
//! The data is no part of the project: `DYAD_CONFORMANCE` names its folder, else `../shared/conformance` beside the project is
//! looked for. Without it the first test says so and holds nothing.

use std::path::{Path, PathBuf};

use dyad::ontology::{bundled, released};

use super::program::{Place, npy};

fn data() -> Option<PathBuf> {
    let named = std::env::var_os("DYAD_CONFORMANCE").map(PathBuf::from);
    let beside = Path::new(env!("CARGO_MANIFEST_DIR")).join("../shared/conformance");
    named.into_iter().chain([beside]).map(|dir| dir.join("ismir2024")).find(|dir| dir.is_dir())
}

/// System, stage, accuracy over the 237 released and the 686 strict triplets.
const TABLE: [(&str, &str, f64, f64); 4] = [
    ("music_laion_clap", "joint", 0.5696, 0.7216),
    ("music_laion_clap", "pre-joint", 0.5781, 0.6968),
    ("music_speech_laion_clap", "joint", 0.4937, 0.7187),
    ("music_speech_laion_clap", "pre-joint", 0.5316, 0.7099),
];

#[test]
fn released_text_vectors_give_the_published_accuracies() {
    let Some(data) = data() else {
        println!("skipped: no conformance data (`DYAD_CONFORMANCE`, ../shared/conformance)");
        return;
    };
    let place = Place::new();
    place.write("labels.txt", bundled::TINYSOL.join("\n"));
    let mut statements = Vec::new();
    for (system, stage, ..) in TABLE {
        let folder = if stage == "joint" { "joint_space" } else { "pre_joint" };
        let file = data.join(system).join("text").join(folder).join("muscall_prompt.npy");
        let args = ["import", "npy", file.to_str().unwrap(), "--collection", system, "--model", system, "--space", stage];
        let text = ["--modality", "text", "--labels", "labels.txt", "--prompt", "A <> track"];
        place.dyad(&[&args[..], &text].concat()).ok();
        for convention in ["released", "strict"] {
            statements.push(format!(
                "triplets ontology=hdio labels=tinysol model={system} space={stage} prompt=\"A <> track\" convention={convention}"
            ));
        }
    }
    let objects = place.json(&statements.iter().map(String::as_str).collect::<Vec<_>>());
    for (pair, (system, stage, released, strict)) in objects.chunks(2).zip(TABLE) {
        for (object, n, expected) in [(&pair[0], 237, released), (&pair[1], 686, strict)] {
            let accuracy = object["metrics"]["accuracy"]["value"].as_f64().unwrap();
            assert_eq!(object["context"]["n"], n);
            assert!((accuracy - expected).abs() < 5e-5, "{system} {stage}: {accuracy:.6}, expected {expected}");
        }
        assert_eq!(pair[0]["context"]["inverted"], 67);
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
