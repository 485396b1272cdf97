//! dyad's side of `benches/peers/peers.py`: reads vectors from npy files and answers one command a line with one line of JSON.
//!
//! ```text
//!   load DIR                    the queries of DIR/queries.npy           {}
//!   build THREADS               DIR/rows.npy → DIR/dyad.flat             {"wall": s, "cpu": s, "lost": 0}
//!   open                        the file, and the first query            {"wall": s}
//!   hnsw BEAM SECONDS K         with one thread one query after the other; with more they share the queries
//!   exact SECONDS K  |  scan SECONDS K (the f32 alone)  |  batch SECONDS K    {"cpu": queries/s, "wall": queries/s, "ids": npy}
//!   filter SHARE SECONDS K      a scan of what passes, and what dyad chooses
//!   pass K                      all queries once, for what stays in memory
//!   memory                      {"anon": bytes, "file": bytes, "peak": bytes}
//! ```
//! `build` reads the rows some thousand at a time: no more of them is in memory than dyad itself keeps there.

use std::fs::File;
use std::io::{BufRead, Read, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use dyad::embedding::{Embeddings, Modality, Space, Stage};
use dyad::index::{Draft, Exact, Flat, Hit, Hnsw, Index, RowSet, Settings};
use dyad::progress::Silent;
use ndarray::Array2;
use rayon::prelude::*;
use serde_json::{Value, json};

/// Rows that are read at once.
const CHUNK: usize = 8192;
/// Queries that threads take together.
const TOGETHER: usize = 100;

/// Seconds of processor that this process took, all threads together, to the nanosecond.
fn cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |path: PathBuf| std::fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse::<f64>().ok();
    tasks.filter_map(|task| of(task.path())).sum::<f64>() / 1e9
}

/// Bytes of a kind of memory: `RssAnon`, `RssFile`, `VmHWM`.
fn memory(kind: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(kind)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|x| x.parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn embeddings(dim: usize, values: Vec<f32>) -> Embeddings {
    Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), dim, values).expect("rows have a direction")
}

fn read(path: &Path) -> Embeddings {
    let (n, dim, mut file) = matrix(path);
    // As dyad reads the vectors of a space.
    let mut values = Vec::new();
    dyad::kernel::reserve(&mut values, n * dim);
    values.resize(n * dim, 0.0);
    file.read_exact(bytemuck::cast_slice_mut(&mut values)).expect("all rows");
    embeddings(dim, values)
}

/// A matrix of float32 in an npy file, some rows at a time: rows, columns and the numbers from there on.
fn matrix(path: &Path) -> (usize, usize, File) {
    let mut file = File::open(path).expect("a file of rows");
    let mut start = [0; 10];
    file.read_exact(&mut start).expect("an npy file");
    let mut head = vec![0; usize::from(u16::from_le_bytes([start[8], start[9]]))];
    file.read_exact(&mut head).expect("the head of an npy file");
    let head = String::from_utf8_lossy(&head).into_owned();
    assert!(head.contains("<f4") && head.contains("'fortran_order': False"), "a matrix of float32: {head}");
    let shape = head.split(['(', ')']).nth(1).expect("a shape");
    let mut shape = shape.split(',').map(|word| word.trim().parse().expect("a length"));
    (shape.next().expect("rows"), shape.next().expect("columns"), file)
}

/// What a measurement gave: queries a second of processor and of the clock, and the hits of the first pass.
struct Rate {
    cpu: f64,
    wall: f64,
    found: Vec<Vec<Hit>>,
}

/// At least so many seconds and one whole pass of `search`, which answers the queries from one number on.
fn rate(queries: &Embeddings, seconds: f64, step: usize, search: impl Fn(usize) -> Vec<Vec<Hit>>) -> Rate {
    let mut found = Vec::new();
    let (start, before) = (Instant::now(), cpu());
    let mut done = 0;
    while done < queries.len() || start.elapsed().as_secs_f64() < seconds {
        let hits = std::hint::black_box(search(done % queries.len()));
        if done < queries.len() {
            found.extend(hits);
        }
        done += step;
    }
    Rate { cpu: done as f64 / (cpu() - before), wall: done as f64 / start.elapsed().as_secs_f64(), found }
}

fn one_by_one(queries: &Embeddings, seconds: f64, search: impl Fn(&[f32]) -> Vec<Hit>) -> Rate {
    rate(queries, seconds, 1, |i| vec![search(queries.row(i))])
}

struct Side {
    dir: PathBuf,
    threads: usize,
    queries: Embeddings,
    flat: Option<Flat>,
}

impl Side {
    fn build(&mut self) -> Value {
        let (n, dim, mut file) = matrix(&self.dir.join("rows.npy"));
        let settings = Settings { serial: self.threads == 1, ..Settings::default() };
        let (mut wall, mut spent) = (0.0, 0.0);
        let mut draft = None;
        for first in (0..n).step_by(CHUNK) {
            let mut values = vec![0.0f32; CHUNK.min(n - first) * dim];
            file.read_exact(bytemuck::cast_slice_mut(&mut values)).expect("all rows");
            let rows = embeddings(dim, values);
            let (start, before) = (Instant::now(), cpu());
            let path = self.dir.join("dyad.flat");
            let draft = draft.get_or_insert_with(|| Draft::new(Some(&path), n, dim, [0; 32], settings.links).expect("room"));
            draft.push(&(first as u64..(first + rows.len()) as u64).collect::<Vec<_>>(), rows.rows()).expect("room");
            (wall, spent) = (wall + start.elapsed().as_secs_f64(), spent + cpu() - before);
        }
        let (start, before) = (Instant::now(), cpu());
        let flat = draft.expect("rows").build(&settings, &Silent).expect("not stopped");
        (wall, spent) = (wall + start.elapsed().as_secs_f64(), spent + cpu() - before);
        let answer = json!({"wall": wall, "cpu": spent, "lost": flat.lost(), "bytes": flat.bytes(), "graph": flat.graph_bytes()});
        self.flat = Some(flat);
        answer
    }

    fn open(&mut self) -> Value {
        self.flat = None;
        let start = Instant::now();
        let flat = Flat::open(&self.dir.join("dyad.flat"), &[0; 32]).expect("a sound file").expect("a file");
        let hits = Hnsw::new(&flat).search(self.queries.row(0), 10, None).expect("same dimension");
        let seconds = start.elapsed().as_secs_f64();
        assert!(hits.len() == 10);
        self.flat = Some(flat);
        json!({"wall": seconds})
    }

    fn told(&self, rate: &Rate, k: usize) -> Value {
        let id =
            |(i, j): (usize, usize)| rate.found.get(i).and_then(|hits: &Vec<Hit>| hits.get(j)).map_or(-1, |hit| hit.row as i64);
        let path = self.dir.join("dyad_ids.npy");
        ndarray_npy::write_npy(&path, &Array2::from_shape_fn((rate.found.len(), k), id)).expect("room for ids");
        json!({"cpu": rate.cpu, "wall": rate.wall, "ids": path.display().to_string()})
    }

    fn answer(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words.get(i).and_then(|word| word.parse::<f64>().ok()).unwrap_or(1.0);
        match words[0] {
            "load" => {
                self.dir = PathBuf::from(words[1]);
                self.queries = read(&self.dir.join("queries.npy"));
                return json!({});
            }
            "build" => return self.build(),
            "open" => return self.open(),
            "memory" => return json!({"anon": memory("RssAnon"), "file": memory("RssFile"), "peak": memory("VmHWM")}),
            _ => {}
        }
        let (queries, flat) = (&self.queries, self.flat.as_ref().expect("built or opened before"));
        let few = |count: usize| queries.select(&(0..queries.len().min(count)).collect::<Vec<_>>());
        match words[0] {
            "hnsw" => {
                let index = Hnsw::new(flat).with_beam(number(1) as usize);
                let k = number(3) as usize;
                let one = |i: usize| index.search(queries.row(i), k, None).expect("same dimension");
                let rate = match self.threads {
                    1 => rate(queries, number(2), 1, |i| vec![one(i)]),
                    _ => rate(queries, number(2), TOGETHER, |i| {
                        (i..queries.len().min(i + TOGETHER)).into_par_iter().with_min_len(10).map(one).collect()
                    }),
                };
                self.told(&rate, k)
            }
            "pass" => {
                let index = Hnsw::new(flat);
                (0..queries.len()).for_each(|i| drop(index.search(queries.row(i), number(1) as usize, None)));
                json!({})
            }
            "exact" => {
                let (index, k) = (Exact::of(flat), number(2) as usize);
                self.told(&one_by_one(&few(20), number(1), |q| index.search(q, k, None).expect("same dimension")), k)
            }
            "scan" => {
                let rows = read(&self.dir.join("rows.npy"));
                let (index, k) = (Exact::new(&rows).expect("few enough rows"), number(2) as usize);
                self.told(&one_by_one(&few(20), number(1), |q| index.search(q, k, None).expect("same dimension")), k)
            }
            "batch" => {
                let k = number(2) as usize;
                let all = |_| Exact::of(flat).search_all(queries, k, None).expect("same dimension");
                self.told(&rate(queries, number(1), queries.len(), all), k)
            }
            "filter" => {
                let every = (1.0 / number(1)).round() as usize;
                let set = RowSet::new(flat.stored(), |row| row % every == 0);
                let (index, exact, k) = (Hnsw::new(flat), Exact::of(flat), number(3) as usize);
                let some = few(200);
                let scan = one_by_one(&some, number(2), |q| exact.search(q, k, Some(&set)).expect("same dimension"));
                let walk = one_by_one(&some, number(2), |q| index.search(q, k, Some(&set)).expect("same dimension"));
                json!({"exact": scan.cpu, "qps": walk.cpu})
            }
            other => json!({"fault": format!("no command `{other}`")}),
        }
    }
}

fn main() {
    // cargo bench runs each target once without a harness in the way: then there is nobody to talk to.
    if !std::env::args().any(|word| word == "serve") {
        println!("this is one side of benches/peers/peers.py");
        return;
    }
    let threads = std::env::args().filter_map(|word| word.parse().ok()).next().unwrap_or(1);
    rayon::ThreadPoolBuilder::new().num_threads(threads).build_global().expect("the first pool");
    let queries = Embeddings::empty(Space::new("m", Modality::Audio, Stage::Joint), 1);
    let mut side = Side { dir: PathBuf::new(), threads, queries, flat: None };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", side.answer(&line));
        std::io::stdout().flush().expect("somebody listens");
    }
}
