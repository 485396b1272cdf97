//! Vectors as a tower gives them, before they become [`Embeddings`](crate::embedding::Embeddings).
//!
//! Row-major `f32`, all rows of one length. Nothing is brought to unit length here unless the manifest says so.

use super::manifest::Norm;
use crate::embedding::{BadVector, Embeddings, Space, Stage};

/// Rows of numbers, row-major, `dim` numbers each.
#[derive(Debug, Clone, PartialEq)]
pub struct Rows {
    dim: usize,
    values: Vec<f32>,
}

impl Rows {
    /// No rows, of `dim` numbers (at least one).
    pub fn empty(dim: usize) -> Self {
        Rows { dim: dim.max(1), values: Vec::new() }
    }

    /// Takes whole rows; numbers after the last whole row are dropped.
    pub fn new(dim: usize, mut values: Vec<f32>) -> Self {
        let dim = dim.max(1);
        values.truncate(values.len() / dim * dim);
        Rows { dim, values }
    }

    /// Number of rows.
    pub fn len(&self) -> usize {
        self.values.len() / self.dim
    }

    /// True without rows.
    pub fn is_empty(&self) -> bool {
        self.values.is_empty()
    }

    /// Numbers in a row.
    pub fn dim(&self) -> usize {
        self.dim
    }

    /// Row `i`; panics beyond the last, as a slice does.
    pub fn row(&self, i: usize) -> &[f32] {
        &self.values[i * self.dim..(i + 1) * self.dim]
    }

    /// The rows in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &[f32]> {
        self.values.chunks_exact(self.dim)
    }

    /// All numbers, row-major.
    pub fn values(&self) -> &[f32] {
        &self.values
    }

    /// Adds the rows of `other`, which must be as long.
    pub fn append(&mut self, other: Rows) {
        debug_assert_eq!(self.dim, other.dim);
        self.values.extend(other.values);
    }

    /// The rows as embeddings of `space`.
    ///
    /// # Errors
    /// When a row is all zeros or not finite.
    pub fn into_embeddings(self, space: Space) -> Result<Embeddings, BadVector> {
        Embeddings::from_rows(space, self.dim, self.values)
    }

    /// Applies the manifest's norm to every row; a row of zeros stays.
    #[must_use]
    pub(super) fn normed(mut self, norm: Norm) -> Rows {
        if norm == Norm::L2 {
            for row in self.values.chunks_exact_mut(self.dim) {
                let length = row.iter().map(|&x| f64::from(x) * f64::from(x)).sum::<f64>().sqrt();
                if length > 0.0 {
                    row.iter_mut().for_each(|x| *x = (f64::from(*x) / length) as f32);
                }
            }
        }
        self
    }

    /// The mean of all rows as one row, summed in order and in double precision.
    pub(super) fn mean(&self) -> Rows {
        let mut sum = vec![0.0f64; self.dim];
        for row in self.iter() {
            sum.iter_mut().zip(row).for_each(|(sum, &x)| *sum += f64::from(x));
        }
        let n = self.len().max(1) as f64;
        Rows::new(self.dim, sum.into_iter().map(|x| (x / n) as f32).collect())
    }

    /// The greatest number of all rows in each dimension, as one row.
    pub(super) fn max(&self) -> Rows {
        let mut rows = self.iter();
        let mut greatest = rows.next().map_or_else(|| vec![0.0; self.dim], <[f32]>::to_vec);
        for row in rows {
            greatest.iter_mut().zip(row).for_each(|(greatest, &x)| *greatest = greatest.max(x));
        }
        Rows::new(self.dim, greatest)
    }
}

/// Numbers in a tower's vectors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Dims {
    pub pre_joint: usize,
    pub joint: usize,
}

/// What a tower gives: one row an item, in the order asked.
#[derive(Debug, Clone, PartialEq)]
pub struct TowerOutput {
    pub pre_joint: Rows,
    pub joint: Rows,
}

impl TowerOutput {
    /// No rows.
    pub fn empty(dims: Dims) -> Self {
        TowerOutput { pre_joint: Rows::empty(dims.pre_joint), joint: Rows::empty(dims.joint) }
    }

    /// So many rows of zeros.
    pub(super) fn zeros(dims: Dims, rows: usize) -> Self {
        let of = |dim: usize| Rows::new(dim, vec![0.0; rows * dim.max(1)]);
        TowerOutput { pre_joint: of(dims.pre_joint), joint: of(dims.joint) }
    }

    /// Makes row `i` what row `from` of `other` is.
    pub(super) fn set(&mut self, i: usize, other: &TowerOutput, from: usize) {
        for (to, other) in [(&mut self.pre_joint, &other.pre_joint), (&mut self.joint, &other.joint)] {
            to.values[i * to.dim..(i + 1) * to.dim].copy_from_slice(other.row(from));
        }
    }

    /// The rows of one stage.
    pub fn stage(&self, stage: Stage) -> &Rows {
        match stage {
            Stage::PreJoint => &self.pre_joint,
            Stage::Joint => &self.joint,
        }
    }

    /// Adds the rows of `other`.
    pub fn append(&mut self, other: TowerOutput) {
        self.pre_joint.append(other.pre_joint);
        self.joint.append(other.joint);
    }

    /// Joins outputs in their order.
    pub(super) fn concat(dims: Dims, parts: Vec<TowerOutput>) -> TowerOutput {
        let mut all = TowerOutput::empty(dims);
        parts.into_iter().for_each(|part| all.append(part));
        all
    }
}
