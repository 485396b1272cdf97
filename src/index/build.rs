//! Building a graph: `hnsw_rs` inserts the rows, its neighbour lists are copied into flat tables, and an audit mends them.
//!
//! The points that `hnsw_rs` holds are row numbers; its distance looks up the rows' codes, a quarter of their numbers. Its own
//! `DistDot` is not used: it asserts that no dot product of unit vectors is above 1, which rounding breaks.
//!
//! *The same graph every time*: with [`Settings::serial`] rows are inserted in their order by one thread. `hnsw_rs` draws
//! levels from a generator with a fixed seed, and nothing else in it is by chance; products of codes are whole numbers, so
//! equal rows give an equal graph on every processor. Without it threads race, and graphs differ a little in what they find.

use hnsw_rs::prelude::{Distance, Hnsw as Builder};
use rayon::prelude::*;

use super::beam::{Ground, Walks};
use super::codes::Coded;
use super::draft::Draft;
use super::graph::{Graph, Layer, Table};
use super::grow::Growth;
use super::select::unpack;
use super::{Error, Flat};
use crate::embedding::Embeddings;
use crate::progress::Progress;

/// `hnsw_rs` allows no other number of layers in what it does.
const LAYERS: usize = 16;
/// Of so many rows `hnsw_rs` takes one into the graph to which the others are added ([`super::grow`]): an upper layer of HNSW
/// has as many. It takes them all where that would be fewer than the least part, and no more than the most.
const ONE_OF: usize = 16;
const LEAST_PART: usize = 512;
const MOST_PART: usize = 4096;
/// Rows inserted by one thread before the others join in: threads that race through an empty graph miss each other.
const FIRST: usize = 512;
/// Room in layer 0 beyond what `hnsw_rs` fills, for the links that the audit adds.
const SPARE: usize = 4;
/// Times that the audit looks again at rows that did not find themselves.
const ROUNDS: usize = 3;
const AUDIT_BEAM: usize = 48;

/// How a graph is built.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// Most neighbours of a row in an upper layer, twice as many in layer 0; 2 to 128.
    pub links: usize,
    /// Candidates looked at for the neighbours of a row, at least `links`.
    pub build_beam: usize,
    /// One thread, and the same graph every time.
    pub serial: bool,
}

impl Default for Settings {
    fn default() -> Self {
        Settings { links: 16, build_beam: 200, serial: false }
    }
}

/// Neighbours that a line of layer 0 has room for.
pub(super) fn places(links: usize) -> usize {
    2 * links + SPARE
}

/// The cosine distance between two rows that are given by number.
struct Between<'a>(Coded<'a>);

impl Distance<u32> for Between<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        match (a, b) {
            // Rounding can bring a product above 1; hnsw_rs asserts that no distance is negative.
            (&[a], &[b]) => (1.0 - self.0.between(a, b)).max(0.0),
            _ => 2.0,
        }
    }
}

/// Builds the index of `rows` in memory. Items are numbered as the rows are; `identity` is stored, to tell later whether the
/// rows are still those.
///
/// # Errors
/// [`Error::Cancelled`] within some milliseconds of the request; [`Error::TooMany`], [`Error::Wide`].
pub fn build(rows: &Embeddings, identity: [u8; 32], settings: &Settings, progress: &dyn Progress) -> Result<Flat, Error> {
    let mut draft = Draft::new(None, rows.len(), rows.dim(), identity, settings.links)?;
    draft.push(&(0..rows.len() as u64).collect::<Vec<_>>(), rows.rows())?;
    draft.build(settings, progress)
}

impl Draft {
    /// Builds the graph of the rows that came in, and finishes the index.
    ///
    /// # Errors
    /// [`Error::Cancelled`] within some milliseconds of the request; [`Error::Io`].
    pub fn build(mut self, settings: &Settings, progress: &dyn Progress) -> Result<Flat, Error> {
        let (n, links) = (self.seqs.len(), self.head.links as usize);
        let build_beam = settings.build_beam.max(links);
        let rows = self.coded();
        // Evenly from all rows: those that came in together are often of a kind.
        let step = ONE_OF.min(n / LEAST_PART).max(n / MOST_PART).max(1);
        let part: Vec<usize> = (0..n).step_by(step).collect();
        let builder = Builder::new(links, part.len(), LAYERS, build_beam, Between(rows));
        progress.begin("building the search graph", Some(n as u64));
        let insert = |&row: &usize| {
            if !progress.cancelled() {
                builder.insert_slice((&[row as u32], row));
                progress.advance(1);
            }
        };
        let (first, others) = part.split_at(if settings.serial { part.len() } else { FIRST.min(part.len()) });
        first.iter().for_each(insert);
        others.par_iter().for_each(insert);
        if progress.cancelled() {
            progress.end();
            return Err(Error::Cancelled);
        }
        let (mut base, mut upper, entry) = copy(&builder, n, links);
        drop(builder);
        if step > 1 {
            upper.insert(0, lift(&base, &part, links));
            let growth = Growth { rows, upper: &upper, entry, links, beam: build_beam };
            let grown = growth.add(&mut base, part.len(), &scattered(n, step), progress);
            if let Err(error) = grown {
                progress.end();
                return Err(error);
            }
        }
        progress.end();
        self.head.lost = audit(rows, &mut base, &upper, entry, 0, progress)?;
        self.head.build_beam = build_beam as u32;
        self.finish(&base, upper, entry)
    }
}

/// The rows of a part as an upper layer: the nearest neighbours that they have in layer 0.
fn lift(base: &Table, part: &[usize], links: usize) -> Layer {
    let mut layer = Layer { rows: part.iter().map(|&row| row as u32).collect(), table: Table::new(part.len(), links) };
    for (line, &row) in part.iter().enumerate() {
        layer.table.set(line, base.lines().line(row));
    }
    layer
}

/// The rows that are not multiples of `step`, in an order in which neighbours do not follow each other.
fn scattered(n: usize, step: usize) -> Vec<u32> {
    let mut stride = (n as f64 * 0.618) as usize | 1;
    while gcd(stride, n) > 1 {
        stride += 2;
    }
    (0..n).map(|i| (i as u64 * stride as u64 % n as u64) as usize).filter(|row| row % step != 0).map(|row| row as u32).collect()
}

fn gcd(a: usize, b: usize) -> usize {
    if b == 0 { a } else { gcd(b, a % b) }
}

/// The neighbour lists as flat tables, and the entry.
fn copy(builder: &Builder<'_, u32, Between<'_>>, n: usize, links: usize) -> (Table, Vec<Layer>, u32) {
    let points = builder.get_point_indexation();
    let top = if n == 0 { 0 } else { usize::from(points.get_max_level_observed()) };
    // The layers of hnsw_rs are levels: a row is listed once, under the highest layer that it is in.
    let levels: Vec<Vec<_>> = (0..=top).map(|level| points.get_layer_iterator(level).collect()).collect();
    let mut upper: Vec<Layer> = (1..=top)
        .map(|layer| {
            let mut rows: Vec<u32> = levels[layer..].iter().flatten().map(|point| point.get_origin_id() as u32).collect();
            rows.sort_unstable();
            Layer { table: Table::new(rows.len(), links), rows }
        })
        .collect();
    let mut base = Table::new(n, places(links));
    for (level, points) in levels.iter().enumerate() {
        for point in points {
            let row = point.get_origin_id();
            for (layer, neighbours) in point.get_neighborhood_id().iter().enumerate().take(level + 1) {
                // A list can name rows that are not in its layer; and it can be one too long.
                let inside = neighbours.iter().filter(|other| usize::from(other.p_id.0) >= layer && other.d_id != row);
                for other in inside.take(if layer == 0 { 2 * links } else { links }) {
                    let id = other.d_id as u32;
                    match layer.checked_sub(1).and_then(|i| upper.get_mut(i)) {
                        None => base.add(row, id),
                        Some(layer) => layer.rows.binary_search(&(row as u32)).is_ok_and(|line| layer.table.add(line, id)),
                    };
                }
            }
        }
    }
    let entry = levels.last().and_then(|points| points.first()).map_or(0, |point| point.get_origin_id() as u32);
    (base, upper, entry)
}

/// Searches for every row from `first` on, links those that do not find themselves from where they were looked for, and counts those that
/// still do not.
pub(super) fn audit(
    rows: Coded<'_>,
    base: &mut Table,
    upper: &[Layer],
    entry: u32,
    first: usize,
    progress: &dyn Progress,
) -> Result<u32, Error> {
    let n = rows.scales.len();
    progress.begin("auditing the search graph", Some((n - first) as u64));
    let mut asked: Vec<usize> = (first..n).collect();
    let mut lost = 0;
    for round in 0..=ROUNDS {
        let walks = Walks::default();
        let ground = Ground { graph: Graph { entry, base: base.lines(), upper }, rows, sound: |_| true };
        let look = |&row: &usize| {
            if progress.cancelled() {
                return None;
            }
            if round == 0 {
                progress.advance(1);
            }
            walks.with(|walk| {
                walk.query.set_row(rows.row(row), rows.scales[row]);
                let _ = walk.run(&ground, AUDIT_BEAM, None);
                let mut found: Vec<u64> = walk.best.words().collect();
                found.sort_unstable_by(|a, b| b.cmp(a));
                // A twin in its place is as good.
                let itself = rows.between(row as u32, row as u32);
                (!found.iter().any(|&word| unpack(word).0 >= itself)).then_some((row, found))
            })
        };
        let missed: Vec<(usize, Vec<u64>)> = asked.par_iter().filter_map(look).collect();
        if progress.cancelled() {
            progress.end();
            return Err(Error::Cancelled);
        }
        lost = missed.len() as u32;
        if missed.is_empty() || round == ROUNDS {
            break;
        }
        for (row, found) in &missed {
            found.iter().filter(|&&word| base.add(unpack(word).1 as usize, *row as u32)).take(2).count();
        }
        asked = missed.into_iter().map(|(row, _)| row).collect();
    }
    progress.end();
    Ok(lost)
}
