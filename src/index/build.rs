//! Building a graph: `hnsw_rs` inserts the rows, its neighbour lists are copied into flat tables, and an audit mends them.
//!
//! The points that `hnsw_rs` holds are row numbers, its distance looks the rows up: nothing is copied. Its own `DistDot` is
//! not used: it asserts that no dot product of unit vectors is above 1, which rounding breaks.
//!
//! *The same graph every time*: with [`Settings::serial`] rows are inserted in their order by one thread. `hnsw_rs` draws
//! levels from a generator with a fixed seed, and nothing else in it is by chance, so equal rows give an equal graph on
//! processors of one [`Level`](super::kernel::Level). Without it threads race, and graphs differ a little in what they find.

use hnsw_rs::prelude::{Distance, Hnsw as Builder};
use rayon::prelude::*;

use super::Error;
use super::beam::Walks;
use super::graph::{Graph, Layer, Table};
use super::kernel::dot;
use super::select::unpack;
use crate::embedding::Embeddings;
use crate::progress::Progress;

/// `hnsw_rs` allows no other number of layers in what it does.
const LAYERS: usize = 16;
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

/// The cosine distance between two rows that are given by number.
struct Between<'a>(&'a Embeddings);

impl Distance<u32> for Between<'_> {
    fn eval(&self, a: &[u32], b: &[u32]) -> f32 {
        match (a, b) {
            // Rounding can bring a dot product above 1; hnsw_rs asserts that no distance is negative.
            (&[a], &[b]) => (1.0 - dot(self.0.row(a as usize), self.0.row(b as usize))).max(0.0),
            _ => 2.0,
        }
    }
}

/// Builds the graph of `rows`. `identity` is stored in it, to tell later whether the rows are still those.
///
/// # Errors
/// [`Error::Cancelled`] within some milliseconds of the request; [`Error::TooMany`] from 2³¹ rows on.
pub fn build(rows: &Embeddings, identity: [u8; 32], settings: &Settings, progress: &dyn Progress) -> Result<Graph, Error> {
    let most = i32::MAX as usize;
    if rows.len() > most {
        return Err(Error::TooMany { most, found: rows.len() });
    }
    let links = settings.links.clamp(2, 128);
    let build_beam = settings.build_beam.max(links);
    let builder = Builder::new(links, rows.len(), LAYERS, build_beam, Between(rows));
    progress.begin("building the search graph", Some(rows.len() as u64));
    let insert = |row: usize| {
        if !progress.cancelled() {
            builder.insert_slice((&[row as u32], row));
            progress.advance(1);
        }
    };
    let first = if settings.serial { rows.len() } else { FIRST.min(rows.len()) };
    (0..first).for_each(insert);
    (first..rows.len()).into_par_iter().for_each(insert);
    progress.end();
    if progress.cancelled() {
        return Err(Error::Cancelled);
    }
    let mut graph = copy(&builder, rows, links);
    (graph.identity, graph.build_beam) = (identity, build_beam as u32);
    drop(builder);
    audit(&mut graph, rows, progress)?;
    Ok(graph)
}

/// The neighbour lists as flat tables.
fn copy(builder: &Builder<'_, u32, Between<'_>>, rows: &Embeddings, links: usize) -> Graph {
    let points = builder.get_point_indexation();
    let top = if rows.is_empty() { 0 } else { usize::from(points.get_max_level_observed()) };
    // The layers of hnsw_rs are levels: a row is listed once, under the highest layer that it is in.
    let levels: Vec<Vec<_>> = (0..=top).map(|level| points.get_layer_iterator(level).collect()).collect();
    let mut upper: Vec<Layer> = (1..=top)
        .map(|layer| {
            let mut rows: Vec<u32> = levels[layer..].iter().flatten().map(|point| point.get_origin_id() as u32).collect();
            rows.sort_unstable();
            Layer { table: Table::new(rows.len(), links), rows }
        })
        .collect();
    let mut base = Table::new(rows.len(), 2 * links + SPARE);
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
    let (dim, links) = (rows.dim() as u32, links as u32);
    Graph { identity: [0; 32], dim, links, build_beam: 0, lost: 0, entry, base, upper }
}

/// Searches for every row, links those that do not find themselves from where they were looked for, and counts those that
/// still do not.
fn audit(graph: &mut Graph, rows: &Embeddings, progress: &dyn Progress) -> Result<(), Error> {
    progress.begin("auditing the search graph", Some(rows.len() as u64));
    let mut asked: Vec<usize> = (0..rows.len()).collect();
    for round in 0..=ROUNDS {
        let walks = Walks::default();
        let look = |&row: &usize| {
            if progress.cancelled() {
                return None;
            }
            if round == 0 {
                progress.advance(1);
            }
            walks.with(|walk| {
                let query = rows.row(row);
                walk.run(graph, rows, query, AUDIT_BEAM, None);
                let mut found: Vec<u64> = walk.best.words().collect();
                found.sort_unstable_by(|a, b| b.cmp(a));
                // A twin in its place is as good.
                let itself = dot(query, query);
                (!found.iter().any(|&word| unpack(word).0 >= itself)).then_some((row, found))
            })
        };
        let lost: Vec<(usize, Vec<u64>)> = asked.par_iter().filter_map(look).collect();
        if progress.cancelled() {
            progress.end();
            return Err(Error::Cancelled);
        }
        graph.lost = lost.len() as u32;
        if lost.is_empty() || round == ROUNDS {
            break;
        }
        for (row, found) in &lost {
            found.iter().filter(|&&word| graph.base.add(unpack(word).1 as usize, *row as u32)).take(2).count();
        }
        asked = lost.into_iter().map(|(row, _)| row).collect();
    }
    progress.end();
    Ok(())
}
