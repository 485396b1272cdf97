//! (stub until the index branch lands)
mod row_set;
pub use row_set::RowSet;
use crate::embedding::{Embeddings, Similarity};
use crate::progress::Progress;
#[derive(Debug, thiserror::Error)]
pub enum Error { #[error("x")] X }
#[derive(Debug, Clone, PartialEq)]
pub struct Hit { pub row: usize, pub similarity: Similarity }
pub trait Index { fn search(&self, q: &[f32], k: usize, accept: Option<&RowSet>) -> Vec<Hit>; }
pub struct Exact<'a>(&'a Embeddings);
impl<'a> Exact<'a> { pub fn new(e: &'a Embeddings) -> Self { Exact(e) } }
impl Index for Exact<'_> { fn search(&self, q: &[f32], k: usize, accept: Option<&RowSet>) -> Vec<Hit> {
 let mut v: Vec<Hit> = (0..self.0.len()).filter(|r| accept.is_none_or(|a| a.contains(*r))).map(|r| Hit{row:r, similarity: Similarity(self.0.row(r).iter().zip(q).map(|(a,b)| a*b).sum())}).collect();
 v.sort_by(|a,b| b.similarity.0.total_cmp(&a.similarity.0)); v.truncate(k); v } }
pub struct Hnsw;
#[derive(Default)] pub struct Params;
pub struct Over;
impl Index for Over { fn search(&self, _: &[f32], _: usize, _: Option<&RowSet>) -> Vec<Hit> { vec![] } }
impl Hnsw {
 pub fn load(_: &std::path::Path, _: &[u8;32], _: &Embeddings) -> Result<Hnsw, Error> { Err(Error::X) }
 pub fn build(_: &Embeddings, _: &Params, _: &dyn Progress) -> Result<Hnsw, Error> { Err(Error::X) }
 pub fn save(&self, _: &std::path::Path, _: &[u8;32]) -> Result<(), Error> { Ok(()) }
 pub fn over(&self, _: &Embeddings, _: usize) -> Over { Over }
}
pub fn recall(_: &Hnsw, _: &Embeddings, _: usize, _: usize, _: usize, _: u64) -> f64 { 0.0 }
