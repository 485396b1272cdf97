//! dyad's side of `benches/peers/peers.py`: reads vectors from npy files and answers one command a line with one line of JSON.
//!
//! ```text
//!   build DIR THREADS           rows.npy → DIR/dyad.flat                 {"wall": s, "cpu": s, "lost": 0}
//!   open DIR                    the file, and the first query            {"seconds": …, "rss": bytes}
//!   hnsw BEAM SECONDS K         queries one after the other, one thread  {"qps": …, "ids": path of npy}
//!   exact SECONDS K  |  batch K  |  filter SHARE SECONDS K
//! ```

use std::io::{BufRead, Write};
use std::path::{Path, PathBuf};
use std::time::Instant;

use dyad::embedding::{Embeddings, Modality, Space, Stage};
use dyad::index::{Draft, Exact, Flat, Hit, Hnsw, Index, RowSet, Settings};
use dyad::progress::Silent;
use ndarray::Array2;
use serde_json::{Value, json};

/// Seconds of processor that this process took, all threads together, to the nanosecond.
fn cpu() -> f64 {
    let tasks = std::fs::read_dir("/proc/self/task").into_iter().flatten().flatten();
    let of = |path: PathBuf| std::fs::read_to_string(path.join("schedstat")).ok()?.split_whitespace().next()?.parse::<f64>().ok();
    tasks.filter_map(|task| of(task.path())).sum::<f64>() / 1e9
}

/// Bytes of a kind of memory: `RssAnon`, `RssFile`.
fn memory(kind: &str) -> u64 {
    let text = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let line = text.lines().find(|line| line.starts_with(kind)).unwrap_or_default();
    line.split_whitespace().nth(1).and_then(|x| x.parse::<u64>().ok()).unwrap_or_default() * 1024
}

fn read(path: &Path) -> Embeddings {
    let array: Array2<f32> = ndarray_npy::read_npy(path).expect("a matrix of float32");
    let dim = array.ncols();
    let (values, _) = array.into_raw_vec_and_offset();
    Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), dim, values).expect("rows have a direction")
}

/// Queries a second of processor over at least so many seconds and one whole pass, and what the first pass found.
fn rate(queries: &Embeddings, seconds: f64, search: impl Fn(&[f32]) -> Vec<Hit>) -> (f64, Vec<Vec<Hit>>) {
    let mut found = Vec::new();
    let (start, before) = (Instant::now(), cpu());
    let mut done = 0;
    while done < queries.len() || start.elapsed().as_secs_f64() < seconds {
        let hits = std::hint::black_box(search(queries.row(done % queries.len())));
        if done < queries.len() {
            found.push(hits);
        }
        done += 1;
    }
    (done as f64 / (cpu() - before), found)
}

fn write_ids(dir: &Path, found: &[Vec<Hit>], k: usize) -> String {
    let id = |(i, j): (usize, usize)| found.get(i).and_then(|hits: &Vec<Hit>| hits.get(j)).map_or(-1, |hit| hit.row as i64);
    let path = dir.join("dyad_ids.npy");
    ndarray_npy::write_npy(&path, &Array2::from_shape_fn((found.len(), k), id)).expect("room for ids");
    path.display().to_string()
}

struct Side {
    dir: PathBuf,
    queries: Embeddings,
    flat: Option<Flat>,
}

impl Side {
    fn answer(&mut self, line: &str) -> Value {
        let words: Vec<&str> = line.split_whitespace().collect();
        let number = |i: usize| words.get(i).and_then(|word| word.parse::<f64>().ok()).unwrap_or(1.0);
        if words[0] == "load" {
            self.dir = PathBuf::from(words[1]);
            self.queries = read(&self.dir.join("queries.npy"));
            return json!({});
        }
        let file = self.dir.join("dyad.flat");
        if words[0] == "build" {
            let rows = read(&self.dir.join("rows.npy"));
            let (start, before) = (Instant::now(), cpu());
            let settings = Settings { serial: number(1) == 1.0, ..Settings::default() };
            let mut draft = Draft::new(Some(&file), rows.len(), rows.dim(), [0; 32], settings.links).expect("room");
            draft.push(&(0..rows.len() as u64).collect::<Vec<_>>(), rows.rows()).expect("room");
            let flat = draft.build(&settings, &Silent).expect("not stopped");
            let answer =
                json!({"wall": start.elapsed().as_secs_f64(), "cpu": cpu() - before, "lost": flat.lost(), "bytes": flat.bytes()});
            self.flat = Some(flat);
            return answer;
        }
        if words[0] == "open" {
            self.flat = None;
            let start = Instant::now();
            let flat = Flat::open(&file, &[0; 32]).expect("a sound file").expect("a file");
            let hits = Hnsw::new(&flat).search(self.queries.row(0), 10, None).expect("same dimension");
            let seconds = start.elapsed().as_secs_f64();
            assert!(hits.len() == 10);
            self.flat = Some(flat);
            return json!({"seconds": seconds});
        }
        if words[0] == "memory" {
            return json!({"anon": memory("RssAnon"), "file": memory("RssFile")});
        }
        let flat = self.flat.as_ref().expect("built or opened before");
        match words[0] {
            "hnsw" => {
                let index = Hnsw::new(flat).with_beam(number(1) as usize);
                let k = number(3) as usize;
                let (qps, found) = rate(&self.queries, number(2), |q| index.search(q, k, None).expect("same dimension"));
                json!({"qps": qps, "ids": write_ids(&self.dir, &found, k)})
            }
            "exact" => {
                let (index, k) = (Exact::of(flat), number(2) as usize);
                let few = self.queries.select(&(0..self.queries.len().min(20)).collect::<Vec<_>>());
                let (qps, found) = rate(&few, number(1), |q| index.search(q, k, None).expect("same dimension"));
                json!({"qps": qps, "ids": write_ids(&self.dir, &found, k)})
            }
            "batch" => {
                let (before, k) = (cpu(), number(1) as usize);
                let found = Exact::of(flat).search_all(&self.queries, k, None).expect("same dimension");
                json!({"qps": self.queries.len() as f64 / (cpu() - before), "ids": write_ids(&self.dir, &found, k)})
            }
            "filter" => {
                let every = (1.0 / number(1)).round() as usize;
                let set = RowSet::new(flat.stored(), |row| row % every == 0);
                let (index, exact, k) = (Hnsw::new(flat), Exact::of(flat), number(3) as usize);
                let (scan, _) = rate(&self.queries, number(2), |q| exact.search(q, k, Some(&set)).expect("same dimension"));
                let (walk, _) = rate(&self.queries, number(2), |q| index.search(q, k, Some(&set)).expect("same dimension"));
                json!({"exact": scan, "qps": walk})
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
    let mut side = Side { dir: PathBuf::new(), queries, flat: None };
    for line in std::io::stdin().lock().lines().map_while(Result::ok) {
        println!("{}", side.answer(&line));
        std::io::stdout().flush().expect("somebody listens");
    }
}
