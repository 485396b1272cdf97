//! The bundled model on every backend that is there: parity, the same bits always, and damage that must end in a sentence.

use std::path::{Path, PathBuf};

use dyad::embedding::{Modality, Stage};
use dyad::encoder::{Engine, Model, ModelFolders, Tower, TowerOutput, check, runtime};

/// The bundled model. It is part of the repository: where it is missing these tests fail.
fn bundled() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("data").join("models").join("musicnn-minilm")
}

/// tract always, ONNX Runtime where it is installed.
fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Tract];
    match runtime::on(Engine::OnnxRuntime) {
        Ok(backend) => engines.push(backend.engine),
        Err(error) => println!("only tract is tested: {error}"),
    }
    engines
}

fn open(engine: Engine) -> Model {
    Model::open_on(&bundled(), Some(engine)).unwrap()
}

/// A copy of the bundled model's folder that may be damaged.
fn copy() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    for entry in std::fs::read_dir(bundled()).unwrap() {
        let entry = entry.unwrap();
        std::fs::copy(entry.path(), folder.path().join(entry.file_name())).unwrap();
    }
    folder
}

fn tone(hz: f32, samples: usize) -> Vec<f32> {
    (0..samples).map(|n| 0.4 * (n as f32 * hz * std::f32::consts::TAU / 16_000.0).sin()).collect()
}

fn bits(output: &TowerOutput, row: usize) -> Vec<u32> {
    output.pre_joint.row(row).iter().chain(output.joint.row(row)).map(|x| x.to_bits()).collect()
}

#[test]
fn the_golden_file_is_met_on_every_backend() {
    for engine in engines() {
        let parity = check::parity(&open(engine), &dyad::progress::Silent).unwrap();
        assert!(parity.iter().any(|p| p.what == "audio.b3.joint") && parity.iter().any(|p| p.what == "text.b2.joint alone"));
        for p in parity {
            println!("{engine} {}: {:e}", p.what, p.largest_difference);
            assert!(p.passed(), "{engine} {p:?}");
        }
    }
}

#[test]
fn no_space_of_the_bundled_model_is_collapsed() {
    let health = check::health(&open(Engine::Tract), &dyad::progress::Silent).unwrap();
    assert_eq!(health.len(), 4);
    for space in &health {
        println!("{space:?}");
        assert!(!space.collapsed(), "{space:?}");
    }
    for joint in health.iter().filter(|h| h.space.stage == Stage::Joint) {
        assert!(joint.norm.iter().all(|n| (n - 1.0).abs() < 1e-6), "{joint:?}");
    }
}

#[test]
fn a_clip_has_the_same_bits_alone_in_any_batch_and_on_any_thread() {
    let clips: Vec<Vec<f32>> =
        [(220.0, 48_000), (440.0, 20_000), (82.0, 100_000), (880.0, 1)].iter().map(|&(hz, n)| tone(hz, n)).collect();
    let slices: Vec<&[f32]> = clips.iter().map(Vec::as_slice).collect();
    for engine in engines() {
        let model = open(engine);
        let tower = model.audio_tower().unwrap();
        let together = tower.embed(&slices).unwrap();
        let backwards = tower.embed(&slices.iter().rev().copied().collect::<Vec<_>>()).unwrap();
        let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
        for (i, clip) in slices.iter().enumerate() {
            let alone = one_thread.install(|| tower.embed(&[clip])).unwrap();
            assert_eq!(bits(&alone, 0), bits(&together, i), "{engine} clip {i}");
            assert_eq!(bits(&alone, 0), bits(&backwards, slices.len() - 1 - i), "{engine} clip {i}");
        }
    }
}

#[test]
fn a_text_has_the_same_bits_alone_and_in_any_batch() {
    let texts = ["A violin track", "tuba", "", "The french horn is a brass instrument with a long coiled tube.", "tuba"];
    for engine in engines() {
        let model = open(engine);
        let tower = model.text_tower().unwrap();
        let together = tower.embed(&texts).unwrap();
        assert_eq!(bits(&together, 1), bits(&together, 4));
        for (i, text) in texts.iter().enumerate() {
            assert_eq!(bits(&tower.embed(&[text]).unwrap(), 0), bits(&together, i), "{engine} {text:?}");
        }
        // Lengths that one, a few or many texts have, more than one run and one task take.
        let words = ["piano", "a", "slow", "violin", "and", "drums", "in", "the", "background", "of", "music", "with", "flute"];
        let text =
            |i: usize| (0..i % 23 + i % 2).map(|j| words[(i / 23 + j * (i % 5 + 1)) % words.len()]).collect::<Vec<_>>().join(" ");
        let many: Vec<String> = (0..160).map(text).collect();
        let many: Vec<&str> = many.iter().map(String::as_str).collect();
        let together = tower.embed(&many).unwrap();
        for (i, text) in many.iter().enumerate() {
            assert_eq!(bits(&tower.embed(&[text]).unwrap(), 0), bits(&together, i), "{engine} {i} {text:?}");
        }
        let stopped = tower.embed_while(&many, &|_| false).unwrap();
        assert!(stopped.joint.len() == many.len() && stopped.joint.values().iter().all(|&x| x == 0.0));
    }
}

#[test]
fn backends_agree_and_name_themselves() {
    let engines = engines();
    let clip = tone(330.0, 60_000);
    let outputs: Vec<TowerOutput> = engines
        .iter()
        .map(|&engine| {
            let model = open(engine);
            let backend = model.backend().unwrap().unwrap().clone();
            assert_eq!(backend.engine, engine);
            assert!(backend.to_string().starts_with(&format!("{engine} ")), "{backend}");
            let mut output = model.audio_tower().unwrap().embed(&[&clip]).unwrap();
            output.append(model.text_tower().unwrap().embed(&["a flute"]).unwrap());
            output
        })
        .collect();
    for other in outputs.iter().skip(1) {
        for stage in [Stage::PreJoint, Stage::Joint] {
            let pairs = outputs[0].stage(stage).values().iter().zip(other.stage(stage).values());
            let worst = pairs.map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
            let largest = other.stage(stage).values().iter().copied().fold(0.0, f32::max);
            println!("{stage}: {worst:e} of {largest}");
            assert!(worst < 1e-5 * largest.max(1.0), "{stage}: {worst} of {largest}");
        }
    }
}

#[test]
fn windows_have_places_and_their_mean_is_the_clip() {
    let model = open(Engine::Tract);
    let tower = model.audio_tower().unwrap();
    let clip: Vec<f32> = tone(220.0, 48_000).into_iter().chain(tone(660.0, 32_000)).collect();
    let (spans, windows) = tower.embed_windows(&clip).unwrap();
    let places: Vec<(f64, f64)> = spans.iter().map(|s| (s.start_s, s.end_s)).collect();
    assert_eq!(places, [(0.0, 3.0), (2.0, 5.0)]);
    let whole = tower.embed(&[&clip]).unwrap();
    let mean: Vec<f64> = (0..128).map(|d| f64::from(windows.joint.row(0)[d] + windows.joint.row(1)[d]) / 2.0).collect();
    let length = mean.iter().map(|x| x * x).sum::<f64>().sqrt();
    for (d, x) in mean.iter().enumerate() {
        assert!((x / length - f64::from(whole.joint.row(0)[d])).abs() < 1e-6);
    }
    let pre = whole.pre_joint.row(0)[7];
    assert!((pre - (windows.pre_joint.row(0)[7] + windows.pre_joint.row(1)[7]) / 2.0).abs() < 1e-5);
}

#[test]
fn silence_and_nothing_and_long_texts() {
    for engine in engines() {
        let model = open(engine);
        let audio = model.audio_tower().unwrap();
        let silence = audio.embed(&[&[0.0; 16_000]]);
        assert!(silence.is_ok(), "{engine} {silence:?}");
        assert_eq!(audio.embed(&[&[]]).unwrap_err().to_string(), "the audio has no samples");
        assert!(audio.embed(&[]).unwrap().joint.is_empty());
        assert!(audio.embed(&[&[0.0, f32::NAN]]).unwrap_err().to_string().starts_with("sample `1` is `NaN`"));
        let text = model.text_tower().unwrap();
        let tokens = text.tokens(&"violin ".repeat(5_000)).unwrap();
        assert!(tokens.truncated && tokens.ids.len() == text.spec().max_tokens);
        assert_eq!(tokens.ids.last(), Some(&102), "the closing token survives the cut");
        assert!(!text.tokens("violin").unwrap().truncated);
        assert!(text.embed(&["\u{0}", "笛子", "🎻", "  "]).is_ok());
    }
}

#[test]
fn opening_is_lazy_and_the_hash_covers_every_file() {
    let before = Model::open(&bundled()).unwrap().hash;
    assert_eq!(before, Model::open(&bundled()).unwrap().hash);
    assert!(before.len() == 64 && before.bytes().all(|b| b.is_ascii_hexdigit()));
    let folder = copy();
    assert_eq!(Model::open(folder.path()).unwrap().hash, before);
    for name in ["model.toml", "audio.onnx", "text.onnx", "tokenizer.json"] {
        let path = folder.path().join(name);
        let good = std::fs::read(&path).unwrap();
        let mut longer = good.clone();
        longer.push(b'\n');
        std::fs::write(&path, longer).unwrap();
        // A damaged graph opens, since graphs are loaded later, but it is another model.
        assert_ne!(Model::open(folder.path()).unwrap().hash, before, "{name}");
        std::fs::write(&path, good).unwrap();
    }
    std::fs::remove_file(folder.path().join("text.onnx")).unwrap();
    let missing = Model::open(folder.path()).err().unwrap().to_string();
    assert!(missing.starts_with("`text.graph = \"text.onnx\"` in `") && missing.ends_with("names a file that is not there"));
}

/// Embeds with one tower; the sentence if that fails. A panic or an abort fails the test.
fn sentence(dir: &Path, engine: Engine, modality: Modality) -> Option<String> {
    let embed = |model: Model| match modality {
        Modality::Audio => model.audio_tower()?.embed(&[&[0.1; 48_000]]),
        Modality::Text => model.text_tower()?.embed(&["tuba"]),
    };
    let sentence = Model::open_on(dir, Some(engine)).and_then(embed).err()?.to_string();
    assert!(!sentence.contains('\n') && !sentence.ends_with('.') && sentence.contains('`'), "{sentence}");
    Some(sentence)
}

#[test]
fn truncated_files_end_in_a_sentence() {
    let folder = copy();
    for engine in engines() {
        for (name, tower) in [("audio.onnx", Modality::Audio), ("text.onnx", Modality::Text), ("tokenizer.json", Modality::Text)]
        {
            let path = folder.path().join(name);
            let good = std::fs::read(&path).unwrap();
            for end in [0, 1, 17, good.len() / 3, good.len() - 1_000, good.len() - 1] {
                std::fs::write(&path, &good[..end]).unwrap();
                let sentence = sentence(folder.path(), engine, tower).unwrap();
                assert!(sentence.contains(name), "{engine} {name} cut at {end}: {sentence}");
            }
            std::fs::write(&path, good).unwrap();
        }
    }
}

#[test]
fn flipped_bytes_in_a_graph_never_end_the_process() {
    let folder = copy();
    let path = folder.path().join("audio.onnx");
    let good = std::fs::read(&path).unwrap();
    let mut state = 7u64;
    // The structure of the file stands at its end, after the weights, and its node list at its start.
    for i in 0..24 {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        let near = (state >> 33) as usize % 4_000;
        let at = if i % 2 == 0 { near } else { good.len() - 1 - near % 400 };
        let mut bad = good.clone();
        bad[at] ^= 1 << (state % 7);
        std::fs::write(&path, bad).unwrap();
        for engine in engines() {
            sentence(folder.path(), engine, Modality::Audio);
        }
    }
}

#[test]
fn an_output_name_that_nothing_gives_panics_in_tract_and_is_caught() {
    let folder = copy();
    let path = folder.path().join("audio.onnx");
    let mut bytes = std::fs::read(&path).unwrap();
    let at = bytes.windows(9).rposition(|window| window == b"pre_joint").unwrap();
    bytes[at] = b'X';
    std::fs::write(&path, bytes).unwrap();
    for engine in engines() {
        let sentence = sentence(folder.path(), engine, Modality::Audio).unwrap();
        assert!(sentence.contains("audio.onnx") && sentence.contains(&engine.to_string()), "{sentence}");
    }
}

#[test]
fn a_graph_that_does_not_fit_its_manifest_is_refused_by_name() {
    let folder = copy();
    let path = folder.path().join("model.toml");
    let good = std::fs::read_to_string(&path).unwrap();
    for (from, to, tower, expected) in [
        (
            "input = \"waveform\"",
            "input = \"wavform\"",
            Modality::Audio,
            "`audio.input = \"wavform\"` is no input of the graph: expected `waveform`; did you mean `waveform`?",
        ),
        ("dim = 128", "dim = 64", Modality::Audio, "output `joint` has shape"),
        (
            ", types = \"token_type_ids\"",
            "",
            Modality::Text,
            "the graph has an input `token_type_ids` that the manifest names nowhere",
        ),
        (
            "max_tokens = 128",
            "max_tokens = 2",
            Modality::Text,
            "it adds 2 tokens to each text: expected `text.max_tokens` to be larger",
        ),
    ] {
        assert!(good.contains(from), "{from}");
        std::fs::write(&path, good.replace(from, to)).unwrap();
        for engine in engines() {
            let sentence = sentence(folder.path(), engine, tower).unwrap();
            assert!(sentence.contains(expected), "{engine}: {sentence}");
        }
    }
}

#[test]
fn a_model_without_graphs_has_spaces_only() {
    let folder = tempfile::tempdir().unwrap();
    let spaces = "[spaces.text_joint]\ntower = \"text\"\noutput = \"joint\"\ndim = 512\nnorm = \"none\"\n";
    std::fs::write(folder.path().join("model.toml"), format!("schema = 1\nid = \"paper\"\nlicence = \"\"\n{spaces}")).unwrap();
    let model = Model::open(folder.path()).unwrap();
    assert_eq!(model.spaces().len(), 1);
    assert_eq!(model.dim(Modality::Text, Stage::Joint), Some(512));
    assert_eq!(model.backend().unwrap(), None);
    assert_eq!(
        model.audio_tower().err().unwrap().to_string(),
        "the model `paper` has no audio tower: expected a model with a table `[audio]` in its manifest"
    );
    assert!(
        check::parity(&model, &dyad::progress::Silent).unwrap().is_empty()
            && check::health(&model, &dyad::progress::Silent).unwrap().is_empty()
    );

    let dims = [(Modality::Audio, Stage::Joint, 8), (Modality::Text, Stage::Joint, 8)];
    let imported = Model::precomputed("own", None, &dims).unwrap();
    assert_eq!(imported.hash, Model::precomputed("own", None, &[]).unwrap().hash);
    assert_ne!(imported.hash, Model::precomputed("other", None, &dims).unwrap().hash);
    assert_eq!(Model::precomputed("own", Some("abc"), &dims).unwrap().hash, "abc");
    assert!(Model::precomputed("no good", None, &dims).is_err());
    assert!(Model::precomputed("own", None, &[(Modality::Audio, Stage::Joint, 0)]).is_err());
}

#[test]
fn models_are_found_by_id() {
    let folders = ModelFolders::new(&[], None);
    assert_eq!(folders.open("musicnn-minilm").unwrap().id, "musicnn-minilm");
    let unknown = folders.open("musicnn-minlm").err().unwrap().to_string();
    assert!(unknown.starts_with("no model is called `musicnn-minlm`: expected "), "{unknown}");
    assert!(unknown.ends_with("; did you mean `musicnn-minilm`?"), "{unknown}");

    let root = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::create_dir_all(root.path().join(name)).unwrap();
        std::fs::write(root.path().join(name).join("model.toml"), text).unwrap();
    };
    write("a", "schema = 1\nid = \"one\"\nlicence = \"\"");
    write("b", "schema = 1\nid = \"one\"\nlicence = \"hidden\"");
    write("broken", "schema = 9");
    std::fs::create_dir_all(root.path().join("no-model")).unwrap();
    let only = ModelFolders::only(&[root.path().to_owned(), root.path().join("a")]);
    let found = only.list();
    assert_eq!(found.iter().map(|f| f.manifest.is_ok()).collect::<Vec<_>>(), [true, false]);
    assert_eq!(only.open("one").unwrap().manifest.licence, "");
    assert!(only.open("broken").err().unwrap().to_string().contains("the key `id` is missing"));
    assert_eq!(only.open(&root.path().join("b").to_string_lossy()).unwrap().manifest.licence, "hidden");
    let nothing = ModelFolders::only(&[PathBuf::from("/no/such/folder")]).open("x").err().unwrap();
    assert_eq!(nothing.to_string(), "no model is called `x`: expected a model folder in `/no/such/folder`");
}
