//! One model on one thread, by stage: `cargo bench --bench encoder -- MODEL-FOLDER CLIPS-FOLDER TEXTS.txt [OUT.json]`.
//!
//! `tools/export/bench` runs it beside transformers and torch on the same clips and texts. The first clip and the first text
//! warm up and are not counted. OUT gets the times in seconds, the peak memory, and the joint vectors, row by row.

use std::path::{Path, PathBuf};
use std::time::Instant;

use dyad::audio::Limits;
use dyad::encoder::{Model, Tower};
use serde_json::json;

/// Audio files below `folder`, by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).expect("a folder").filter_map(|entry| Some(entry.ok()?.path()));
    let mut found: Vec<PathBuf> = entries
        .flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] })
        .filter(|p| dyad::audio::is_audio_name(p))
        .collect();
    found.sort();
    found
}

/// A line of /proc/self/status in KiB, where there is one.
fn memory(line: &str) -> Option<f64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    status.lines().find_map(|l| l.strip_prefix(line))?.trim().trim_end_matches(" kB").parse().ok()
}

fn main() {
    let args: Vec<String> = std::env::args().skip(1).filter(|arg| !arg.starts_with("--")).collect();
    let [model, clips, texts, ..] = args.as_slice() else {
        // Without arguments, as `cargo bench` runs all benches: the bundled model has its own.
        println!("encoder: expected MODEL-FOLDER CLIPS-FOLDER TEXTS.txt [OUT.json]");
        return;
    };
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("one pool");
    let started = Instant::now();
    let model = Model::open(Path::new(model)).expect("a model folder");
    let opened = started.elapsed().as_secs_f64();
    let (audio, text) = (model.audio_tower().expect("an audio tower"), model.text_tower().expect("a text tower"));

    let started = Instant::now();
    let backend = audio.backend().expect("a graph").to_string();
    let load_audio = started.elapsed().as_secs_f64();
    let (mut decode, mut hear, mut heard) = (Vec::new(), Vec::new(), Vec::new());
    for path in files(Path::new(clips)) {
        let started = Instant::now();
        let clip = dyad::audio::load(&path, &audio.target(), &Limits::default()).expect("a clip");
        decode.push(started.elapsed().as_secs_f64());
        let started = Instant::now();
        let output = audio.embed(&[&clip.samples]).expect("a vector");
        hear.push(started.elapsed().as_secs_f64());
        heard.push(output.joint.values().to_vec());
    }
    let started = Instant::now();
    text.backend().expect("a graph");
    let load_text = started.elapsed().as_secs_f64();
    let (mut read, mut texts_read) = (Vec::new(), Vec::new());
    for line in std::fs::read_to_string(texts).expect("texts").lines() {
        let started = Instant::now();
        let output = text.embed(&[line]).expect("a vector");
        read.push(started.elapsed().as_secs_f64());
        texts_read.push(output.joint.values().to_vec());
    }
    let mean = |times: &[f64]| times.iter().skip(1).sum::<f64>() / times.len().saturating_sub(1).max(1) as f64;
    let report = json!({
        "backend": backend, "open": opened, "load audio": load_audio, "load text": load_text,
        "decode": mean(&decode), "audio": mean(&hear), "text": mean(&read),
        "peak MiB": memory("VmHWM:").map(|kib| kib / 1024.0), "clips": decode.len(), "texts": read.len(),
    });
    println!("{report:#}");
    if let Some(out) = args.get(3) {
        let all = json!({"report": report, "audio": heard, "text": texts_read});
        std::fs::write(out, all.to_string()).expect("the file can be written");
    }
}
