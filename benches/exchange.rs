//! `dyad import` and `dyad export` in every format, beside a plain read and write of the same bytes:
//! `cargo bench --bench exchange -- [rows] [dimensions] [formats] [folder]`, 50,000 × 512 and all five by default.
//!
//! Each job is a process of its own, whose time and peak memory are told. The plain ones read and write the file in pieces of
//! 1 MiB, and make it safe on the disk; a ratio is that of wall times. Files lie in the system's cache. The folder, where there
//! must be room for three files, is left as it was.

use std::fs::File;
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Instant;

use dyad::embedding::{Modality, Stage};
use dyad::exchange::{Ask, FORMATS, Format};
use dyad::ingest::{export, import};
use dyad::progress::Silent;
use dyad::workspace::Workspace;

/// The most memory that the process held so far, in MiB.
fn peak() -> f64 {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
    line.and_then(|rest| rest.trim().trim_end_matches(" kB").parse::<f64>().ok()).map_or(f64::NAN, |kib| kib / 1024.0)
}

/// Seconds of processor time that all threads took so far.
fn processor() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let fields: Vec<&str> = stat.rsplit_once(')').map_or(Vec::new(), |(_, rest)| rest.split_whitespace().collect());
    let ticks = |at: usize| fields.get(at).and_then(|field| field.parse::<f64>().ok()).unwrap_or(f64::NAN);
    (ticks(11) + ticks(12)) / 100.0
}

fn bytes_in(path: &Path) -> u64 {
    let Ok(meta) = std::fs::metadata(path) else { return 0 };
    if meta.is_file() {
        return meta.len();
    }
    std::fs::read_dir(path).into_iter().flatten().flatten().map(|entry| bytes_in(&entry.path())).sum()
}

/// A new .npy file of random numbers.
fn make(file: &Path, rows: usize, dim: usize) {
    let mut header = format!("{{'descr': '<f4', 'fortran_order': False, 'shape': ({rows}, {dim}), }}");
    while (10 + header.len() + 1) % 64 != 0 {
        header.push(' ');
    }
    header.push('\n');
    let mut out = std::io::BufWriter::new(File::create(file).expect("a new file"));
    out.write_all(b"\x93NUMPY\x01\x00").expect("room");
    out.write_all(&(header.len() as u16).to_le_bytes()).expect("room");
    out.write_all(header.as_bytes()).expect("room");
    let mut x = 88_172_645_463_325_252u64;
    for _ in 0..rows * dim {
        x ^= x << 13;
        x ^= x >> 7;
        x ^= x << 17;
        out.write_all(&((x >> 40) as f32 / (1u64 << 24) as f32 - 0.5).to_le_bytes()).expect("room");
    }
    out.into_inner().expect("room").sync_all().expect("room");
}

/// One job, in a process of its own.
fn job(words: &[String]) {
    let [what, format, file, store] = words else { panic!("a job, a format, a file and a store") };
    let (file, store) = (PathBuf::from(file), PathBuf::from(store));
    let started = Instant::now();
    match what.as_str() {
        "read" => {
            let (mut file, mut piece) = (File::open(file).expect("the file"), vec![0; 1 << 20]);
            let mut sum = 0u64;
            loop {
                let n = file.read(&mut piece).expect("bytes");
                if n == 0 {
                    break;
                }
                sum = piece[..n].iter().step_by(4).fold(sum, |sum, byte| sum.wrapping_add(u64::from(*byte)));
            }
            std::hint::black_box(sum);
        }
        "write" => {
            let piece = vec![7; 1 << 20];
            let mut left = std::fs::metadata(&file).expect("the file").len() as usize;
            let mut out = File::create(file.with_extension("plain")).expect("a new file");
            while left > 0 {
                let n = left.min(piece.len());
                out.write_all(&piece[..n]).expect("room");
                left -= n;
            }
            out.sync_all().expect("room");
        }
        "import" => {
            let options = import::Options {
                format: Format::named(format).expect("a format"),
                files: vec![file],
                ask: Ask::default(),
                collection: "c".into(),
                model: "m".into(),
                model_hash: None,
                modality: Modality::Audio,
                stage: Stage::Joint,
                labels: None,
                prompt: None,
                skip_bad: false,
                storage: None,
            };
            let workspace = Workspace::open(&store, &[]).expect("a store");
            import::import(&workspace, &options, &Silent).expect("vectors");
        }
        _ => {
            let workspace = Workspace::open(&store, &[]).expect("a store");
            let collection = workspace.store().collection("c").expect("a sound store").expect("a collection");
            let key = collection.spaces().expect("a sound store").remove(0).key;
            let options = export::Options { format: Format::named(format).expect("a format"), file, force: true };
            export::export(&collection, &key, &options, &Silent).expect("a file");
        }
    }
    println!("{} {} {}", started.elapsed().as_secs_f64(), processor(), peak());
}

/// Seconds, seconds of processor, and MiB of a job in a process of its own.
fn run(what: &str, format: &str, file: &Path, store: &Path) -> [f64; 3] {
    let me = std::env::current_exe().expect("this program");
    let ran = Command::new(me).args(["job", what, format]).arg(file).arg(store).output().expect("a process");
    assert!(ran.status.success(), "{what} {format}: {}", String::from_utf8_lossy(&ran.stderr));
    let text = String::from_utf8_lossy(&ran.stdout).into_owned();
    let mut numbers = text.split_whitespace().map(|word| word.parse().expect("a number"));
    std::array::from_fn(|_| numbers.next().expect("three numbers"))
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    if words.first().is_some_and(|word| word == "job") {
        return job(&words[1..]);
    }
    let number = |at: usize, otherwise: usize| words.get(at).map_or(otherwise, |word| word.parse().expect("a number"));
    let (rows, dim) = (number(0, 50_000), number(1, 512));
    let formats: Vec<&Format> = match words.get(2).filter(|list| *list != "all") {
        Some(list) => list.split(',').map(|name| Format::named(name).expect("a format")).collect(),
        None => FORMATS.iter().collect(),
    };
    let place = match words.get(3) {
        Some(folder) => tempfile::tempdir_in(folder),
        None => tempfile::tempdir(),
    };
    let place = place.expect("a temporary folder");
    let (source, store, again) = (place.path().join("source.npy"), place.path().join("store"), place.path().join("again"));
    make(&source, rows, dim);
    let raw = (rows * dim * 4) as f64;
    run("import", "npy", &source, &store);
    let disk = bytes_in(&store.join("db")) as f64 / raw;
    println!("{rows} × {dim}: {:.0} MB of numbers; the byte store takes {disk:.2} × as much\n", raw / 1e6);
    println!("| | file | export: wall, processor, peak | ÷ plain write | import: wall, processor, peak | ÷ plain read |");
    println!("|---|---|---|---|---|---|");
    for format in formats {
        let file = place.path().join(format!("out.{}", format.name));
        let [wall, cpu, mib] = run("export", format.name, &file, &store);
        let [plain_write, ..] = run("write", "plain", &file, &store);
        let _ = std::fs::remove_file(file.with_extension("plain"));
        let [plain_read, ..] = run("read", "plain", &file, &store);
        let [wall_in, cpu_in, mib_in] = run("import", format.name, &file, &again);
        println!(
            "| {} | {:.0} MB | {wall:.1} s, {cpu:.1} s, {mib:.0} MiB | {:.1} × | {wall_in:.1} s, {cpu_in:.1} s, {mib_in:.0} MiB | {:.1} × |",
            format.name,
            bytes_in(&file) as f64 / 1e6,
            wall / plain_write,
            wall_in / plain_read,
        );
        let _ = (std::fs::remove_file(file), std::fs::remove_dir_all(&again));
    }
}
