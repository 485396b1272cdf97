//! `dyad ingest` beside a plain loop, in one run: `cargo bench --bench ingest -- [clips] [folder]`.
//!
//! The plain loop takes one file after the other on one thread (read, decode and resample, model) and stores nothing. Its
//! stages are timed, and so is the writing of its vectors to a store of their own. 60 of the bundled clips are the default.

use std::path::{Path, PathBuf};
use std::time::Instant;

use dyad::audio::{AudioFile, Limits};
use dyad::diagnostic::Spanned;
use dyad::embedding::{Modality, Space, Stage};
use dyad::encoder::{Tower, TowerOutput};
use dyad::ingest::{Keep, Labelling, Options, ingest};
use dyad::progress::Silent;
use dyad::store::{NewItem, SpaceKey};
use dyad::workspace::{ModelRef, Workspace};

/// Audio files below `folder`, by path.
fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).expect("a folder").filter_map(|entry| Some(entry.ok()?.path())) {
            if path.is_dir() {
                folders.push(path);
            } else if dyad::audio::is_audio_name(&path) {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The most memory that the process held so far.
fn peak() -> String {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    let kib = line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok());
    kib.map_or_else(|| "unavailable here".to_owned(), |kib| format!("{:.0} MiB", kib / 1024.0))
}

/// Seconds of processor time that all threads took so far, of the program and of the system for it.
fn processor() -> Option<f64> {
    let stat = std::fs::read_to_string("/proc/self/stat").ok()?;
    let fields: Vec<&str> = stat.rsplit_once(')')?.1.split_whitespace().collect();
    let ticks = |at: usize| fields.get(at)?.parse::<f64>().ok();
    // 100 ticks a second wherever Linux runs.
    Some((ticks(11)? + ticks(12)?) / 100.0)
}

fn hearing(workspace: &Workspace) -> ModelRef {
    let ids = workspace.model_ids().expect("the store reads");
    let mut models = ids.into_iter().filter_map(|id| workspace.model(&Spanned::new(id, Default::default())).ok());
    models.find(|m| m.model.as_ref().is_some_and(|m| m.audio.is_some())).expect("a model that can hear")
}

fn item(id: &Path, model: &ModelRef, output: &TowerOutput) -> NewItem {
    let key = |stage| SpaceKey::new(Space::new(&model.id, Modality::Audio, stage), &model.hash);
    NewItem {
        vectors: vec![
            (key(Stage::PreJoint), output.pre_joint.row(0).to_vec()),
            (key(Stage::Joint), output.joint.row(0).to_vec()),
        ],
        ..NewItem::new(id.display().to_string(), Modality::Audio)
    }
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let wanted = words.first().map_or(60, |word| word.parse().expect("a number of clips"));
    let bundled = Path::new(env!("CARGO_MANIFEST_DIR")).join("data/audio");
    let folder = words.get(1).map_or(bundled.as_path(), Path::new);
    let all = files(folder);
    // Spread over the folders.
    let n = all.len().min(wanted).max(1);
    let paths: Vec<PathBuf> = (0..n).filter_map(|i| all.get(i * all.len() / n)).cloned().collect();
    let place = tempfile::tempdir().expect("a temporary folder");
    let workspace = Workspace::open(&place.path().join("store"), &[]).expect("a new store");
    let model = hearing(&workspace);
    let tower = workspace.audio_tower(&model).expect("it can hear");
    let (target, limits) = (tower.target(), Limits::default());
    let one_thread = rayon::ThreadPoolBuilder::new().num_threads(1).build().expect("one thread");
    let embed = |path: &Path| {
        let clip = AudioFile::read(path).and_then(|file| file.load(&target, &limits)).expect("a readable clip");
        tower.embed(&[&clip.samples]).expect("the model runs")
    };
    // Loads the graph, once a thread, which either would pay once.
    rayon::broadcast(|_| paths.first().map(|path| drop(embed(path))));
    let backend = tower.backend().expect("it ran");
    println!("{n} clips, {} on {backend}, {} threads; memory with the model {}", model.id, rayon::current_num_threads(), peak());

    let (start, before) = (Instant::now(), processor());
    let options = Options {
        paths: if n == all.len() { vec![folder.to_owned()] } else { paths.clone() },
        collection: "clips".into(),
        labelling: Labelling::None,
        limits,
        keep: Keep::default(),
    };
    let done = ingest(&workspace, &model, &options, &Silent).expect("an ingest");
    let (seconds, between, memory) = (start.elapsed().as_secs_f64(), processor(), peak());
    assert_eq!(done.embedded, n, "{:?}", done.failures);

    let mut stages = [0.0; 4];
    let mut items = Vec::with_capacity(n);
    one_thread.install(|| {
        for path in &paths {
            let read = Instant::now();
            let file = AudioFile::read(path).expect("a file");
            let decode = Instant::now();
            let clip = file.load(&target, &limits).expect("a clip");
            let run = Instant::now();
            items.push(item(path, &model, &tower.embed(&[&clip.samples]).expect("the model runs")));
            stages[0] += (decode - read).as_secs_f64();
            stages[1] += (run - decode).as_secs_f64();
            stages[2] += run.elapsed().as_secs_f64();
        }
    });
    let (plain, after): (f64, _) = (stages[..3].iter().sum(), processor());
    // What the machine itself gives: as many plain loops at once as there are threads, each with its share of the files.
    let together = Instant::now();
    rayon::broadcast(|thread| {
        paths.iter().skip(thread.index()).step_by(thread.num_threads()).for_each(|path| drop(embed(path)));
    });
    let together = together.elapsed().as_secs_f64();
    let write = Instant::now();
    let written = Workspace::open(&place.path().join("written"), &[]).expect("a new store");
    let collection = written.store().create("clips").expect("a new collection");
    while !items.is_empty() {
        collection.commit(items.drain(..items.len().min(32)).collect()).expect("a commit");
    }
    stages[3] = write.elapsed().as_secs_f64();

    println!("{:<26} {:>7.1} clips/s", "plain loop, one thread", n as f64 / plain);
    for (what, seconds) in ["read and hash", "decode and resample", "model", "(write, 32 a commit)"].iter().zip(stages) {
        println!("  {what:<24} {:>7.2} ms a clip  {:>5.1} % of the loop", seconds * 1e3 / n as f64, seconds / plain * 100.0);
    }
    println!("{:<26} {:>7.1} clips/s  {:.2} × plain", "as many at once as threads", n as f64 / together, plain / together);
    println!(
        "{:<26} {:>7.1} clips/s  {:.2} × plain, {:.0} s of audio a second, peak memory {memory}",
        "dyad ingest",
        n as f64 / seconds,
        plain / seconds,
        done.audio_s / seconds
    );
    // On a busy machine the times above are those of the others too; these are not.
    if let (Some(before), Some(between), Some(after)) = (before, between, after) {
        let a_clip = |from: f64, to: f64| (to - from) * 1e3 / n as f64;
        println!("processor time a clip: plain {:.1} ms, dyad ingest {:.1} ms", a_clip(between, after), a_clip(before, between));
    }
}
