//! Spaces, embeddings in them, and the cosine between them.
//!
//! A *pre-joint* space is what one tower's encoder gives before its projection: audio and text have one each, of different
//! dimension, and their vectors do not compare. The *joint* space of a model holds both. Similarity is the cosine, greater
//! is nearer. Rows are kept at unit length together with the norm that the model gave them.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::kernel;

/// Which tower an embedding came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Modality {
    Audio,
    Text,
}

/// Before or after the projection into the joint space.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub enum Stage {
    PreJoint,
    Joint,
}

impl fmt::Display for Modality {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Modality::Audio => "audio",
            Modality::Text => "text",
        })
    }
}

impl Stage {
    /// The names that the language and the command line take.
    pub const NAMES: [&'static str; 2] = ["joint", "pre-joint"];

    /// Reads a stage by name; `prejoint` and `pre_joint` are the same word as `pre-joint`.
    pub fn parse(name: &str) -> Option<Stage> {
        match name.to_lowercase().replace(['_', ' '], "-").as_str() {
            "joint" => Some(Stage::Joint),
            "pre-joint" | "prejoint" => Some(Stage::PreJoint),
            _ => None,
        }
    }
}

impl fmt::Display for Stage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Stage::PreJoint => "pre-joint",
            Stage::Joint => "joint",
        })
    }
}

/// The vectors that one model's tower gives at one stage.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Space {
    pub model: String,
    pub modality: Modality,
    pub stage: Stage,
}

impl Space {
    /// The space of `model`'s `modality` tower at `stage`.
    pub fn new(model: impl Into<String>, modality: Modality, stage: Stage) -> Self {
        Space { model: model.into(), modality, stage }
    }

    /// Whether cosines between vectors of the two spaces mean anything.
    ///
    /// # Errors
    /// When the models differ, or the modalities differ at the pre-joint stage, or the stages differ.
    pub fn comparable(&self, other: &Space) -> Result<(), Incomparable> {
        let same_model = self.model == other.model && self.stage == other.stage;
        if same_model && (self.modality == other.modality || self.stage == Stage::Joint) {
            Ok(())
        } else {
            Err(Incomparable { a: self.clone(), b: other.clone() })
        }
    }
}

impl fmt::Display for Space {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.stage {
            Stage::Joint => write!(f, "{} joint ({})", self.model, self.modality),
            Stage::PreJoint => write!(f, "{} {} pre-joint", self.model, self.modality),
        }
    }
}

/// Two spaces whose vectors do not compare.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("vectors of `{a}` and of `{b}` do not compare: two modalities meet only in the joint space of one model")]
pub struct Incomparable {
    pub a: Space,
    pub b: Space,
}

/// A row that is no direction.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadVector {
    #[error("row {row} holds NaN or an infinite number")]
    NotFinite { row: usize },
    #[error("row {row} is all zeros and has no direction")]
    Zero { row: usize },
    #[error("row {row} is longer than the greatest number of 32 bits (3.4e38), expected a length below it")]
    TooLong { row: usize },
    #[error("expected {expected} numbers a row, found {found}")]
    Dimension { expected: usize, found: usize },
}

/// A cosine, −1 to 1; greater is nearer.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd, Serialize, Deserialize)]
pub struct Similarity(pub f32);

/// Rows of one space, each at unit length, with the norms that they had.
#[derive(Debug, Clone, PartialEq)]
pub struct Embeddings {
    pub space: Space,
    dim: usize,
    unit: Vec<f32>,
    norms: Vec<f32>,
}

impl Embeddings {
    /// No rows, in a space of `dim` dimensions.
    pub fn empty(space: Space, dim: usize) -> Self {
        Embeddings { space, dim, unit: Vec::new(), norms: Vec::new() }
    }

    /// Takes rows as the model gave them (row-major, `dim` numbers each).
    ///
    /// # Errors
    /// When a row holds NaN or infinities, is all zeros or longer than an f32, or the last row is short.
    pub fn from_rows(space: Space, dim: usize, mut rows: Vec<f32>) -> Result<Self, BadVector> {
        if dim == 0 || !rows.len().is_multiple_of(dim) {
            return Err(BadVector::Dimension { expected: dim, found: if dim == 0 { 0 } else { rows.len() % dim } });
        }
        let mut norms = Vec::with_capacity(rows.len() / dim);
        for (row, values) in rows.chunks_exact_mut(dim).enumerate() {
            norms.push(normalize(values).map_err(|kind| kind.at(row))?);
        }
        Ok(Embeddings { space, dim, unit: rows, norms })
    }

    /// Adds a row as the model gave it.
    ///
    /// # Errors
    /// As [`Embeddings::from_rows`].
    pub fn push(&mut self, row: &[f32]) -> Result<(), BadVector> {
        if row.len() != self.dim {
            return Err(BadVector::Dimension { expected: self.dim, found: row.len() });
        }
        let start = self.unit.len();
        self.unit.extend_from_slice(row);
        match normalize(&mut self.unit[start..]) {
            Ok(norm) => {
                self.norms.push(norm);
                Ok(())
            }
            Err(kind) => {
                self.unit.truncate(start);
                Err(kind.at(self.norms.len()))
            }
        }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.norms.len()
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.norms.is_empty()
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`, at unit length.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.unit[i * self.dim..(i + 1) * self.dim]
    }

    /// The norm that row `i` had before it was brought to unit length.
    pub fn norm(&self, i: usize) -> f32 {
        self.norms[i]
    }

    /// The norms that the rows had.
    pub fn norms(&self) -> &[f32] {
        &self.norms
    }

    /// All rows, row-major, each at unit length.
    pub fn rows(&self) -> &[f32] {
        &self.unit
    }

    /// The chosen rows, in the order given.
    pub fn select(&self, rows: &[usize]) -> Embeddings {
        let mut unit = Vec::new();
        kernel::reserve(&mut unit, rows.len() * self.dim);
        for &row in rows {
            unit.extend_from_slice(self.row(row));
        }
        Embeddings { space: self.space.clone(), dim: self.dim, unit, norms: rows.iter().map(|&r| self.norms[r]).collect() }
    }

    /// The cosine of every row with every row of `other`.
    ///
    /// # Errors
    /// When the spaces do not compare.
    pub fn cosines(&self, other: &Embeddings) -> Result<Scores, Incomparable> {
        self.space.comparable(&other.space)?;
        let (n, k) = (self.len(), other.len());
        let mut scores = Scores { n, k, values: vec![0.0; n * k] };
        product(&self.unit, &other.unit, self.dim.min(other.dim), &mut scores.values);
        Ok(scores)
    }
}

/// The cosine of each unit row of `a` with each of `b`, `dim` numbers a row, into `cosines`, row-major. Each is summed in one
/// order, whatever stands beside it.
pub fn product(a: &[f32], b: &[f32], dim: usize, cosines: &mut [f32]) {
    if dim == 0 || cosines.is_empty() {
        return;
    }
    let (n, k) = (a.len() / dim, b.len() / dim);
    let rows = ndarray::ArrayView2::from_shape((n, dim), a).ok().zip(ndarray::ArrayView2::from_shape((k, dim), b).ok());
    if let Some(((a, b), mut out)) = rows.zip(ndarray::ArrayViewMut2::from_shape((n, k), cosines).ok()) {
        ndarray::linalg::general_mat_mul(1.0, &a, &b.t(), 0.0, &mut out);
        out.mapv_inplace(|x| x.clamp(-1.0, 1.0));
    }
}

/// A matrix of cosines, `n` items × `k` candidates, row-major.
#[derive(Debug, Clone, PartialEq)]
pub struct Scores {
    pub n: usize,
    pub k: usize,
    pub values: Vec<f32>,
}

impl Scores {
    /// The cosines of item `i` with every candidate.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.k..(i + 1) * self.k]
    }
}

enum RowFault {
    NotFinite,
    Zero,
    TooLong,
}

impl RowFault {
    fn at(self, row: usize) -> BadVector {
        match self {
            RowFault::NotFinite => BadVector::NotFinite { row },
            RowFault::Zero => BadVector::Zero { row },
            RowFault::TooLong => BadVector::TooLong { row },
        }
    }
}

/// Brings a row to unit length and gives the norm that it had.
fn normalize(row: &mut [f32]) -> Result<f32, RowFault> {
    let square: f64 = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum();
    if !square.is_finite() {
        return Err(RowFault::NotFinite);
    }
    if square == 0.0 {
        return Err(RowFault::Zero);
    }
    let norm = square.sqrt();
    if norm > f64::from(f32::MAX) {
        return Err(RowFault::TooLong);
    }
    for x in row {
        *x = (f64::from(*x) / norm) as f32;
    }
    Ok(norm as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn space(modality: Modality, stage: Stage) -> Space {
        Space::new("m", modality, stage)
    }

    #[test]
    fn modalities_meet_only_in_the_joint_space() {
        let audio = space(Modality::Audio, Stage::Joint);
        assert!(audio.comparable(&space(Modality::Text, Stage::Joint)).is_ok());
        assert!(space(Modality::Audio, Stage::PreJoint).comparable(&space(Modality::Text, Stage::PreJoint)).is_err());
        assert!(audio.comparable(&Space::new("other", Modality::Text, Stage::Joint)).is_err());
    }

    #[test]
    fn rows_without_direction_are_refused() {
        let s = space(Modality::Audio, Stage::Joint);
        assert_eq!(Embeddings::from_rows(s.clone(), 2, vec![1.0, 0.0, 0.0, 0.0]), Err(BadVector::Zero { row: 1 }));
        assert_eq!(Embeddings::from_rows(s.clone(), 2, vec![f32::NAN, 0.0]), Err(BadVector::NotFinite { row: 0 }));
        assert!(Embeddings::from_rows(s.clone(), 2, vec![1.0]).is_err());
        assert_eq!(Embeddings::from_rows(s.clone(), 2, vec![3e38, 3e38]), Err(BadVector::TooLong { row: 0 }));
        let mut e = Embeddings::empty(s, 2);
        assert!(e.push(&[0.0, 0.0]).is_err() && e.is_empty());
    }

    #[test]
    fn cosines_of_known_rows() {
        let s = space(Modality::Audio, Stage::Joint);
        let a = Embeddings::from_rows(s.clone(), 2, vec![3.0, 4.0, 0.0, 2.0]).unwrap();
        assert_eq!(a.norm(0), 5.0);
        let c = a.cosines(&a).unwrap();
        assert!((c.row(0)[1] - 0.8).abs() < 1e-7 && (c.row(1)[1] - 1.0).abs() < 1e-7);
    }
}
