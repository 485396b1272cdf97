//! The complete evaluation at the size of TinySOL, vectors at hand: `cargo bench --bench suite -- [resamples] [folder]`.
//!
//! 2,913 clips × 14 labels × 8 prompts, joint 512-d, pre-joint 1024-d audio and 768-d text: every measure of `dyad report`, first as
//! numbers alone, then with its bootstrap. With a folder, the vectors are written there for `suite.py`, which does the same with numpy,
//! scikit-learn and scipy and holds its numbers against these:
//!
//! ```text
//!   python3 -m venv v && v/bin/pip install -r tools/golden/requirements.txt
//!   cargo bench --bench suite -- 1000 /tmp/suite && v/bin/python benches/suite.py /tmp/suite
//! ```

use std::io::Write;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use dyad::embedding::{Embeddings, Modality, Scores, Space, Stage};
use dyad::index::each_nearest;
use dyad::metric::{
    Bootstrap, Classification, Cosines, Gap, Hubs, Margins, Measure, Pairs, Protocol, Prototypes, Retrieval, Rows, Sensitivity,
    Triplets, csls,
};
use dyad::ontology::{bundled, triplets};
use dyad::progress::Silent;
use rand::{Rng, SeedableRng};
use rand_chacha::ChaCha8Rng;

/// Clips a class in TinySOL, in the column order of the published ground truth.
const CLASSES: [usize; 14] = [108, 134, 117, 96, 689, 309, 284, 309, 291, 126, 126, 118, 107, 99];
const PROMPTS: usize = 8;
const NEIGHBOURS: usize = 10;

struct Data {
    truth: Vec<usize>,
    clips: Embeddings,
    pre_joint: Embeddings,
    prompts: Vec<Embeddings>,
    pre_joint_texts: Embeddings,
}

/// Clips around their class's centre, texts around it too, farther off; centres lie near each other, as they do.
fn data() -> Data {
    let truth: Vec<usize> = CLASSES.iter().enumerate().flat_map(|(class, &n)| std::iter::repeat_n(class, n)).collect();
    let mut random = ChaCha8Rng::seed_from_u64(14);
    let mut cloud = |dim: usize, classes: &[usize], noise: f32, centres: &[f32]| -> Vec<f32> {
        let around = |&class: &usize| centres[class * dim..(class + 1) * dim].to_vec();
        classes.iter().flat_map(around).map(|x| x + noise * random.random_range(-1.0f32..1.0)).collect()
    };
    let all: Vec<usize> = (0..CLASSES.len()).collect();
    let space = |modality, stage| Space::new("m", modality, stage);
    let rows =
        |modality, stage, dim, values| Embeddings::from_rows(space(modality, stage), dim, values).expect("rows have a direction");
    let zeros = vec![0.0; 14 * 1024];
    let centres = cloud(512, &all, 0.3, &zeros);
    let clips = rows(Modality::Audio, Stage::Joint, 512, cloud(512, &truth, 1.0, &centres));
    let prompts = (0..PROMPTS).map(|_| rows(Modality::Text, Stage::Joint, 512, cloud(512, &all, 1.0, &centres))).collect();
    let heard = cloud(1024, &all, 0.2, &zeros);
    let pre_joint = rows(Modality::Audio, Stage::PreJoint, 1024, cloud(1024, &truth, 1.0, &heard));
    let pre_joint_texts = rows(Modality::Text, Stage::PreJoint, 768, cloud(768, &all, 1.0, &zeros));
    Data { truth, clips, pre_joint, prompts, pre_joint_texts }
}

/// Processor seconds of the process so far, all threads; ticks of 10 ms.
fn processor_s() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = stat.rsplit(')').next().unwrap_or_default();
    let ticks: f64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<f64>().ok()).sum();
    ticks / 100.0
}

/// A measure and what it is of.
type Named = (String, Box<dyn Measure>);

/// A measure and the part of the suite that it is of.
type Part = (&'static str, String, Box<dyn Measure>);

struct Suite {
    parts: Vec<Part>,
    wall: Vec<(&'static str, f64)>,
}

impl Suite {
    /// Times the making of one part's measures and their numbers.
    fn part(&mut self, name: &'static str, make: impl FnOnce() -> Vec<Named>) {
        let start = Instant::now();
        let made = make();
        made.iter().for_each(|(_, measure)| drop(std::hint::black_box(measure.point())));
        self.wall.push((name, start.elapsed().as_secs_f64() * 1e3));
        self.parts.extend(made.into_iter().map(|(what, measure)| (name, what, measure)));
    }
}

fn boxed<M: Measure + 'static>(what: &str, measure: Result<M, dyad::metric::Error>) -> Named {
    (what.to_owned(), Box::new(measure.expect("fair input")))
}

fn judged(vectors: &Embeddings) -> Result<Triplets, dyad::metric::Error> {
    let hdio = bundled::ontology("hdio").expect("a bundled ontology");
    let labels: Vec<_> = bundled::TINYSOL.iter().map(|label| hdio.resolve(label).expect("a term")).collect();
    let all: Vec<_> = triplets::strict(&hdio, &labels).iter().map(|t| (t.anchor, t.positive, t.negative)).collect();
    let cosines = vectors.cosines(vectors).expect("one space");
    Triplets::new(vectors.len(), |a, b| f64::from(cosines.row(a as usize)[b as usize]), &all)
}

fn centred(vectors: &Embeddings) -> Embeddings {
    let (n, dim) = (vectors.len(), vectors.dim());
    let mut mean = vec![0.0f32; dim];
    (0..n).for_each(|i| mean.iter_mut().zip(vectors.row(i)).for_each(|(m, x)| *m += x / n as f32));
    let rows = (0..n).flat_map(|i| vectors.row(i).iter().zip(&mean).map(|(x, m)| x - m).collect::<Vec<_>>()).collect();
    Embeddings::from_rows(vectors.space.clone(), dim, rows).expect("rows have a direction")
}

/// How often each candidate is among the nearest of a query, and each query's mean cosine with its nearest.
fn near(queries: &Embeddings, candidates: &Embeddings, k: usize, apart: bool) -> (Result<Hubs, dyad::metric::Error>, Vec<f32>) {
    let (mut counts, mut crowd) = (vec![0; candidates.len()], Vec::new());
    each_nearest(candidates, queries, k, apart, &Silent, |_, hits| {
        hits.iter().for_each(|hit| counts[hit.row] += 1);
        crowd.push(hits.iter().map(|hit| hit.similarity.0).sum::<f32>() / hits.len() as f32);
    })
    .expect("one space");
    (Hubs::new(counts), crowd)
}

fn suite(data: &Data) -> Suite {
    let mut suite = Suite { parts: Vec::new(), wall: Vec::new() };
    let truth = &data.truth;
    let start = Instant::now();
    let scores: Vec<Scores> = data.prompts.iter().map(|texts| data.clips.cosines(texts).expect("one model")).collect();
    suite.wall.push(("cosines", start.elapsed().as_secs_f64() * 1e3));
    let each = |of: &dyn Fn(&Scores) -> Named| scores.iter().map(of).collect::<Vec<_>>();
    suite.part("classify", || {
        each(&|s| {
            let c = Classification::new(s, truth).expect("fair input");
            std::hint::black_box((c.per_class(), c.confusion()));
            ("prompt".to_owned(), Box::new(c))
        })
    });
    suite.part("similarity", || {
        each(&|s| {
            let pairs = Pairs::new(s, truth).expect("fair input");
            std::hint::black_box((pairs.positive(), pairs.negative(), pairs.histograms()));
            ("prompt".to_owned(), Box::new(pairs))
        })
    });
    suite.part("margin", || each(&|s| boxed("prompt", Margins::new(s, truth))));
    suite.part("sensitivity", || {
        let wordings = scores.iter().map(|s| Classification::new(s, truth).expect("fair input")).collect();
        vec![boxed("all prompts", Sensitivity::new(wordings, (0..6).collect(), vec![(6, 0), (7, 0)]))]
    });
    suite.part("prototypes", || {
        let mut all = Vec::new();
        for (name, clips) in [("joint", &data.clips), ("pre-joint", &data.pre_joint)] {
            let rows: Arc<dyn Rows> = Arc::new(clips.clone());
            let means = Prototypes::new(rows, truth, CLASSES.len(), Protocol::LeaveOneOut, &Silent).expect("fair input");
            let means: Arc<dyn Cosines> = Arc::new(means);
            all.push(boxed(name, Classification::over(Arc::clone(&means), truth, &Silent)));
            all.push(boxed(name, Pairs::over(Arc::clone(&means), truth, &Silent)));
            all.push(boxed(name, Margins::over(means.as_ref(), truth, &Silent)));
        }
        all
    });
    suite.part("triplets", || vec![boxed("joint", judged(&data.prompts[0])), boxed("pre-joint", judged(&data.pre_joint_texts))]);
    suite.part("retrieve", || {
        let forward = data.prompts[0].cosines(&data.clips).expect("one model");
        vec![
            boxed("clips for labels", Retrieval::new(&forward, |q, c| truth[c] == q)),
            boxed("labels for clips", Retrieval::new(&scores[0], |q, c| truth[q] == c)),
        ]
    });
    suite.part("gap", || vec![boxed("prompt 0", Gap::new(data.clips.clone().into(), &data.prompts[0]))]);
    suite.part("hubness", || {
        let (clips, texts) = (&data.clips, &data.prompts[0]);
        let (clips_c, texts_c) = (centred(clips), centred(texts));
        let mut all = Vec::new();
        for (name, queries, candidates, queries_c, candidates_c, k) in [
            ("text_audio", texts, clips, &texts_c, &clips_c, NEIGHBOURS),
            ("audio_audio", clips, clips, &clips_c, &clips_c, NEIGHBOURS),
            ("audio_text", clips, texts, &clips_c, &texts_c, 1),
        ] {
            let apart = name == "audio_audio";
            let (plain, crowd) = near(queries, candidates, k, apart);
            let crowd = if apart { crowd } else { near(candidates, queries, NEIGHBOURS, false).1 };
            let (long, asked) = csls(candidates, &crowd, queries).expect("numbers");
            all.push(boxed(name, plain));
            all.push(boxed(name, near(&asked, &long, k, apart).0));
            all.push(boxed(name, near(queries_c, candidates_c, k, apart).0));
        }
        all
    });
    suite
}

fn write(folder: &Path, data: &Data, suite: &Suite, times: &str) -> std::io::Result<()> {
    std::fs::create_dir_all(folder)?;
    let floats = |name: &str, rows: &[f32]| {
        let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
        std::fs::File::create(folder.join(name))?.write_all(&bytes)
    };
    floats("clips.f32", data.clips.rows())?;
    floats("pre_joint.f32", data.pre_joint.rows())?;
    let norms: Vec<f32> = (0..data.clips.len()).flat_map(|i| [data.clips.norm(i), data.pre_joint.norm(i)]).collect();
    floats("norms.f32", &norms)?;
    floats("prompts.f32", &data.prompts.iter().flat_map(|p| p.rows().to_vec()).collect::<Vec<f32>>())?;
    floats("pre_joint_texts.f32", data.pre_joint_texts.rows())?;
    let mut numbers = String::from("part,of,name,value\n");
    for (part, what, measure) in &suite.parts {
        for e in measure.point() {
            numbers.push_str(&format!("{part},{what},{},{}\n", e.name, e.value));
        }
    }
    std::fs::write(folder.join("dyad.csv"), numbers)?;
    std::fs::write(folder.join("dyad_times.csv"), times)
}

fn main() {
    let words: Vec<String> = std::env::args().skip(1).filter(|word| !word.starts_with('-')).collect();
    let resamples = words.iter().find_map(|word| word.parse().ok()).unwrap_or(1000);
    let folder = words.iter().find(|word| word.parse::<usize>().is_err());
    let data = data();
    // The first run pays for fresh memory.
    drop(suite(&data));
    let (cpu, start) = (processor_s(), Instant::now());
    let suite = suite(&data);
    let (cpu, wall) = (processor_s() - cpu, start.elapsed().as_secs_f64());
    let measures = suite.parts.len();
    println!(
        "{} clips × {} labels × {PROMPTS} prompts, {measures} measures, {} threads",
        data.truth.len(),
        CLASSES.len(),
        rayon::current_num_threads()
    );
    let mut times = String::from("part,numbers_ms,bootstrap_ms\n");
    let bootstrap = Bootstrap { resamples, ..Bootstrap::default() };
    let (boot_cpu, boot_start) = (processor_s(), Instant::now());
    for (name, ms) in &suite.wall {
        let start = Instant::now();
        for (_, _, measure) in suite.parts.iter().filter(|(part, ..)| part == name) {
            std::hint::black_box(bootstrap.estimate(measure.as_ref(), None, &Silent).expect("an interval"));
        }
        let resampled = start.elapsed().as_secs_f64() * 1e3;
        println!("  {name:<12} numbers {ms:>8.1} ms   {resamples} resamples {resampled:>9.1} ms");
        times.push_str(&format!("{name},{ms},{resampled}\n"));
    }
    let (boot_cpu, boot_wall) = (processor_s() - boot_cpu, boot_start.elapsed().as_secs_f64());
    println!(
        "all numbers: {cpu:.2} s of processor, {wall:.2} s wall; {resamples} resamples of everything: {boot_cpu:.2} s of processor, {boot_wall:.2} s wall"
    );
    if let Some(folder) = folder {
        times.push_str(&format!("processor,{},{}\n", cpu * 1e3, boot_cpu * 1e3));
        write(Path::new(folder), &data, &suite, &times).expect("the folder can be written");
    }
}
