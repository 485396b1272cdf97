//! What the language costs before any work is done: `cargo bench --bench language`.
//!
//! ```text
//!   parse + bind + plan      per statement, on a store of 100,000 clips          wanted: below 1 ms
//!   first prompt             open the store, session, greeting's counts          wanted: below 100 ms
//!   completion               the first Tab (reads a sample) and the next
//! ```
//!
//! The store is made first (100,000 random vectors of 64 numbers). "Cold" is the first opening after it was written by this
//! process; the system's file cache is warm, so a disk that spins adds its own time.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use dyad::embedding::{Modality, Space, Stage};
use dyad::progress::Silent;
use dyad::query::{Settings, Statement, bind, parse, split::Piece};
use dyad::session::Session;
use dyad::store::{NewItem, SpaceKey};
use dyad::verb::{Scope, find};
use dyad::workspace::Workspace;
use rand::{Rng, SeedableRng};

const CLIPS: usize = 100_000;
const DIM: usize = 64;
const STATEMENTS: [&str; 4] = [
    "count clips where label like \"class1%\" and pitch >= 40",
    "similar clip \"clip000042.wav\" where label != \"class7\" top 10",
    "classify clips using prototypes by pitch resamples=100 top 3",
    "list clips where (pitch > 60 or label in (\"class1\", \"class2\")) and not pitch = 64 order by pitch desc limit 5",
];

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let dir = tempfile::tempdir()?;
    fill(&Workspace::open(dir.path(), &[])?)?;
    for what in ["cold", "warm"] {
        let start = Instant::now();
        let session = Session::new(Workspace::open(dir.path(), &[])?);
        let clips: u64 = session.workspace().store().collections()?.iter().map(|c| c.audio).sum();
        println!("first prompt, {what:5}          {:>10}   {clips} clips", shown(start.elapsed()));
        for tab in ["first", "next"] {
            let (line, start) = ("count clips where label=\"class9", Instant::now());
            let found = session.complete(line, line.len()).1.len();
            println!("completion, {tab:5} Tab        {:>10}   {found} found", shown(start.elapsed()));
        }
    }
    let workspace = Workspace::open(dir.path(), &[])?;
    let (settings, named) = (Settings::new(), BTreeMap::new());
    let scope = Scope { workspace: &workspace, settings: &settings, named: &named, progress: &Silent, first: None, order: None };
    for text in STATEMENTS {
        let mut times: Vec<Duration> = Vec::new();
        for _ in 0..500 {
            let start = Instant::now();
            let Statement::Command(command) = parse(Piece { text, offset: 0 })? else { return Err("no command".into()) };
            let verb = find(&command.verb.node).ok_or("no verb")?;
            let plan = verb.plan(bind(*command, verb.signature(), &settings)?, &scope)?;
            times.push(start.elapsed());
            drop(plan);
        }
        times.sort();
        println!("parse + bind + plan          {:>10}   99 %: {}   {text}", shown(times[250]), shown(times[495]));
    }
    Ok(())
}

fn fill(workspace: &Workspace) -> Result<(), Box<dyn std::error::Error>> {
    let model = workspace.register_import("random", None)?;
    let mut random = rand_chacha::ChaCha8Rng::seed_from_u64(0);
    let key = SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::Joint), &model.hash);
    let collection = workspace.store().create("big")?;
    for start in (0..CLIPS).step_by(2_000) {
        let items = (start..start + 2_000).map(|i| NewItem {
            metadata: BTreeMap::from([
                ("label".to_owned(), format!("class{}", i % 1_000).into()),
                ("pitch".to_owned(), (21 + i % 88).into()),
            ]),
            vectors: vec![(key.clone(), (0..DIM).map(|_| random.random_range(-1.0..1.0)).collect())],
            ..NewItem::new(format!("clip{i:06}.wav"), Modality::Audio)
        });
        collection.commit(items.collect())?;
    }
    Ok(())
}

fn shown(time: Duration) -> String {
    format!("{:.3} ms", time.as_secs_f64() * 1e3)
}
