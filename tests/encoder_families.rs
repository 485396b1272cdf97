//! Every family that `tools/export` knows, from few random weights, on every backend that is there.
//!
//! `tests/models` was written by `python -m dyad_export.tiny tests/models`: upstream's names and architectures, the same code
//! that exports real checkpoints, golden numbers from PyTorch (`transformers` where it has the architecture). No Python runs
//! here. The batch of 16 texts holds what tokenizers disagree about: empty, long, emoji, accents, control characters, `!`.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use dyad::audio::{self, AudioFile, Limits};
use dyad::encoder::{AudioTower, Engine, Manner, Model, Tower, check, runtime};

const FAMILIES: [&str; 8] = [
    "tiny-clap",
    "tiny-laion",
    "tiny-laion-paper",
    "tiny-ms-clap-2022",
    "tiny-ms-clap-2023",
    "tiny-muq-mulan",
    "tiny-muscall",
    "tiny-ttmr",
];

fn folder(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests").join("models").join(name)
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

#[test]
fn every_family_gives_pytorchs_numbers_at_batch_1_2_3() {
    for engine in engines() {
        for name in FAMILIES {
            let model = Model::open_on(&folder(name), Some(engine)).unwrap();
            let parity = check::parity(&model, &dyad::progress::Silent).unwrap();
            for batch in ["audio.b1", "audio.b2", "audio.b3", "text.b1", "text.b2", "text.b3"] {
                for stage in ["pre_joint", "joint"] {
                    assert!(parity.iter().any(|p| p.what == format!("{batch}.{stage} alone")), "{name} has no {batch}.{stage}");
                }
            }
            for what in ["audio.b3.joint", "text.b3.joint", "text.b16.joint", "text.b16.input_ids"] {
                assert!(parity.iter().any(|p| p.what == what), "{name} has no {what}");
            }
            let worst = parity.iter().map(|p| p.largest_difference).fold(0.0, f64::max);
            println!("{engine} {name}: {worst:e}");
            for p in &parity {
                assert!(p.allowed <= 1e-4 && p.passed(), "{engine} {name} {p:?}");
            }
        }
    }
}

#[test]
fn no_space_of_any_family_is_collapsed() {
    for name in FAMILIES {
        let model = Model::open_on(&folder(name), Some(Engine::Tract)).unwrap();
        for space in check::health(&model, &dyad::progress::Silent).unwrap() {
            assert!(!space.collapsed(), "{name} {space:?}");
        }
    }
}

/// The policies of the families, on clips of every length: a vector, always the same, and not that of another length.
#[test]
fn clips_of_any_length_have_vectors() {
    for name in FAMILIES {
        let model = Model::open_on(&folder(name), Some(Engine::Tract)).unwrap();
        let tower = model.audio_tower().unwrap();
        let window = tower.spec().samples;
        let tone = |n: usize| -> Vec<f32> { (0..n).map(|i| 0.4 * (i as f32 * 0.3).sin() * (i as f32 * 0.001).cos()).collect() };
        let mut seen: Vec<Vec<f32>> = Vec::new();
        // TTMR++ drops the last frame of its spectrogram, so the last few samples of a window are not heard.
        for n in [1, window / 3, window / 2 + 1, window - 60, window, window + 7, 2 * window + window / 2] {
            let (spans, windows) = tower.embed_windows(&tone(n)).unwrap();
            assert_eq!(spans.len(), windows.joint.len(), "{name} {n}");
            let joint = tower.embed(&[&tone(n)]).unwrap().joint.values().to_vec();
            assert_eq!(joint, tower.embed(&[&tone(n)]).unwrap().joint.values(), "{name} {n}");
            assert!(!seen.contains(&joint), "{name}: {n} samples sound like another length");
            seen.push(joint);
        }
    }
}

/// A file is heard while it is decoded, in whatever pieces that gives: the same bits as from the whole signal.
#[test]
fn a_file_in_pieces_is_the_whole_clip() {
    let place = tempfile::tempdir().unwrap();
    for (name, seconds, windows) in [
        ("tiny-muscall", 3, true),
        ("tiny-muscall", 0, false),
        ("tiny-ms-clap-2023", 9, true),
        ("tiny-clap", 7, false),
        ("tiny-ttmr", 4, true),
    ] {
        let model = Model::open_on(&folder(name), Some(Engine::Tract)).unwrap();
        let tower = model.audio_tower().unwrap();
        let path = place.path().join(format!("{name}.wav"));
        std::fs::write(&path, wav(seconds * 44_100 + 4_000)).unwrap();
        same_bits(tower, &path, windows);
    }
}

/// The middle of a long file lies where only its length says: it is decoded once more, and little is held.
#[test]
fn the_middle_of_a_long_file_is_found() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("long.wav");
    // 20 minutes, of which half would have to be held.
    std::fs::write(&path, wav(20 * 60 * 16_000)).unwrap();
    let model = Model::open_on(&folder("tiny-muscall"), Some(Engine::Tract)).unwrap();
    same_bits(model.audio_tower().unwrap(), &path, false);
}

#[test]
fn a_file_that_nobody_wants_any_more_is_left() {
    let place = tempfile::tempdir().unwrap();
    let path = place.path().join("long.wav");
    std::fs::write(&path, wav(60 * 16_000)).unwrap();
    let model = Model::open_on(&folder("tiny-ms-clap-2023"), Some(Engine::Tract)).unwrap();
    let asked = AtomicUsize::new(0);
    let stopped = || asked.fetch_add(1, Ordering::Relaxed) >= 3;
    let manner = Manner { stopped: Some(&stopped), ..Manner::default() };
    let heard = model.audio_tower().unwrap().hear_file(&AudioFile::read(&path).unwrap(), &Limits::default(), &manner);
    assert_eq!(heard.unwrap_err(), audio::Error::Stopped.into());
    assert_eq!(asked.load(Ordering::Relaxed), 4);
}

fn same_bits(tower: &AudioTower, path: &Path, windows: bool) {
    let file = AudioFile::read(path).unwrap();
    let clip = file.load(&tower.target(), &Limits::default()).unwrap();
    let busy = || true;
    let alone = Manner { windows, others_wait: Some(&busy), ..Manner::default() };
    let (heard, streamed) = tower.hear_file(&file, &Limits::default(), &alone).unwrap();
    assert_eq!((streamed.samples, &streamed.source), (clip.samples.len(), &clip.source));
    let whole = tower.hear(&clip.samples, &Manner { windows, ..Manner::default() }).unwrap();
    assert_eq!(heard, whole, "{}", path.display());
    assert!(heard.spans.len() == heard.windows.joint.len() && !heard.spans.is_empty());
    // What is heard of the clip itself is what the policy says of the whole of it.
    let cut = audio::window::windows(&clip.samples, &tower.spec().policy()).unwrap();
    let parts: Vec<_> = cut.iter().map(|window| tower.embed(&[&window.samples]).unwrap()).collect();
    if let [only] = parts.as_slice() {
        assert_eq!(&heard.pooled, only);
    }
}

/// A sweep as a 16-bit wav file at 16 kHz.
fn wav(samples: usize) -> Vec<u8> {
    let tone = |i: usize| (9_000.0 * (i as f32 * 0.05).sin() * (i as f32 * 0.000_7).cos()) as i16;
    let data: Vec<u8> = (0..samples).flat_map(|i| tone(i).to_le_bytes()).collect();
    let n = data.len() as u32;
    let head = [&b"RIFF"[..], &(36 + n).to_le_bytes(), b"WAVEfmt \x10\0\0\0\x01\0\x01\0", &16_000u32.to_le_bytes()];
    [&head.concat()[..], &32_000u32.to_le_bytes(), b"\x02\0\x10\0data", &n.to_le_bytes(), &data].concat()
}

/// `paper` takes pre-joint audio on a way of its own; a clip that fills its window is the same on both.
#[test]
fn the_papers_way_and_the_consistent_one_agree_on_whole_windows_and_in_the_joint_space() {
    let open = |name| Model::open_on(&folder(name), Some(Engine::Tract)).unwrap();
    let (plain, paper) = (open("tiny-laion"), open("tiny-laion-paper"));
    let (plain, paper) = (plain.audio_tower().unwrap(), paper.audio_tower().unwrap());
    let window = plain.spec().samples;
    let clip: Vec<f32> = (0..window).map(|i| 0.3 * (i as f32 * 0.21).sin()).collect();
    let apart = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(a, b)| (a - b).abs()).fold(0.0, f32::max);
    let whole = (plain.embed(&[&clip]).unwrap(), paper.embed(&[&clip]).unwrap());
    assert!(apart(whole.0.pre_joint.values(), whole.1.pre_joint.values()) < 1e-4);
    // Two whole repeats of 3/8 of a window: the one is filled with zeros, the other stretched.
    let part = &clip[..window * 3 / 8];
    let short = (plain.embed(&[part]).unwrap(), paper.embed(&[part]).unwrap());
    assert!(apart(short.0.joint.values(), short.1.joint.values()) < 1e-4);
    assert!(apart(short.0.pre_joint.values(), short.1.pre_joint.values()) > 1e-2);
}

/// Damage at any place of any family's files ends in a sentence, never in a crash.
#[test]
fn damaged_files_of_every_family_end_in_a_sentence() {
    let mut state = 11u64;
    for name in FAMILIES {
        let copy = tempfile::tempdir().unwrap();
        for entry in std::fs::read_dir(folder(name)).unwrap() {
            let entry = entry.unwrap();
            std::fs::copy(entry.path(), copy.path().join(entry.file_name())).unwrap();
        }
        for file in ["audio.onnx", "text.onnx", "tokenizer.json", "golden.safetensors", "model.toml"] {
            let path = copy.path().join(file);
            let good = std::fs::read(&path).unwrap();
            for _ in 0..3 {
                state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                let mut bad = good.clone();
                let at = (state >> 33) as usize % bad.len();
                bad[at] ^= 1 << (state % 8);
                if state & 64 == 0 {
                    bad.truncate(at);
                }
                std::fs::write(&path, bad).unwrap();
                for engine in engines() {
                    let result = Model::open_on(copy.path(), Some(engine))
                        .and_then(|model| check::parity(&model, &dyad::progress::Silent));
                    if let Err(error) = result {
                        let sentence = error.to_string();
                        assert!(!sentence.contains('\n') && sentence.contains('`'), "{name} {file}: {sentence}");
                    }
                }
            }
            std::fs::write(&path, good).unwrap();
        }
    }
}
