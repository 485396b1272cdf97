//! Areas under the curves of every class, over columns of cosines that are sorted some at a time.
//!
//! ```text
//!   columns 0 … b   all rows → sorted → areas at every weighting → added to each weighting's means
//!   columns b … 2b  …                                              memory: b columns, 64 MB
//! ```
//! Where all columns fit they are sorted once and kept. Means are added up class by class, so they are the same either way.

use std::ops::Range;
use std::sync::Arc;

use rayon::prelude::*;

use super::cosines::Cosines;
use super::order::{Areas, Pair, Ranked};
use super::weighting::{Weightings, eights};
use super::{Error, RESAMPLING};
use crate::progress::Progress;

/// Most pairs that are sorted and in memory at once, 4 to 8 bytes each.
pub(super) const MOST_PAIRS: usize = 1 << 24;

/// The columns of a matrix of cosines, one class each.
#[derive(Clone)]
pub(super) enum Columns {
    Kept(Vec<Ranked>),
    Streamed { of: Arc<dyn Cosines>, at_once: usize },
}

/// Means over the classes that have areas, as they are added up.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Means {
    roc_auc: (f64, u64),
    average_precision: (f64, u64),
}

impl Means {
    pub fn add(&mut self, areas: Areas) {
        for (mean, area) in [(&mut self.roc_auc, areas.roc_auc), (&mut self.average_precision, areas.average_precision)] {
            if !area.is_nan() {
                *mean = (mean.0 + area, mean.1 + 1);
            }
        }
    }

    /// Mean ROC-AUC and mean average precision; NaN without a class that has them.
    pub fn values(&self) -> (f64, f64) {
        let mean = |(sum, n): (f64, u64)| if n == 0 { f64::NAN } else { sum / n as f64 };
        (mean(self.roc_auc), mean(self.average_precision))
    }
}

impl Columns {
    /// Keeps the columns where there are at most `most` pairs, and else streams as many at once as are.
    ///
    /// # Errors
    /// When vectors can't be read or `progress` is cancelled.
    pub fn new(of: Arc<dyn Cosines>, truth: &[usize], most: usize, progress: &dyn Progress) -> Result<Self, Error> {
        let (n, k) = (of.items(), of.candidates());
        if n.saturating_mul(k) <= most {
            return Ok(Columns::Kept(sorted(&*of, 0..k, truth, progress)?));
        }
        Ok(Columns::Streamed { of, at_once: (most / n.max(1)).clamp(1, k.max(1)) })
    }

    /// In how many parts the columns come.
    fn parts(&self) -> usize {
        match self {
            Columns::Kept(_) => 1,
            Columns::Streamed { of, at_once } => of.candidates().div_ceil(*at_once),
        }
    }

    fn each_part(
        &self,
        truth: &[usize],
        progress: &dyn Progress,
        mut each: impl FnMut(&[Ranked]) -> Result<(), Error>,
    ) -> Result<(), Error> {
        match self {
            Columns::Kept(columns) => each(columns),
            Columns::Streamed { of, at_once } => (0..of.candidates())
                .step_by(*at_once)
                .try_for_each(|start| each(&sorted(&**of, start..of.candidates().min(start + at_once), truth, progress)?)),
        }
    }

    /// The means at each weighting; and the areas of each class as the items are, unless `plain` has them.
    ///
    /// # Errors
    /// As [`Columns::new`].
    pub fn means(
        &self,
        truth: &[usize],
        weightings: &dyn Weightings,
        plain: &mut Option<Vec<Areas>>,
        progress: &dyn Progress,
    ) -> Result<Vec<Means>, Error> {
        let n = truth.len();
        let mut means = vec![Means::default(); weightings.count()];
        let mut fresh = plain.is_none().then(Vec::new);
        progress.begin(RESAMPLING, Some((means.len().saturating_sub(1) * self.parts()) as u64));
        self.each_part(truth, progress, |columns| {
            if let Some(plain) = &mut fresh {
                plain.extend(columns.par_iter().map(|column| column.areas(&vec![1; n])).collect::<Vec<_>>());
            }
            eights(weightings, n, &mut means, progress, |weights, means| {
                for column in columns {
                    if progress.cancelled() {
                        return Err(Error::Cancelled);
                    }
                    means.iter_mut().zip(column.areas_at(weights)).for_each(|(mean, areas)| mean.add(areas));
                }
                Ok(())
            })
        })?;
        progress.end();
        *plain = plain.take().or(fresh);
        Ok(means)
    }
}

/// The columns `range`, each whole.
pub(super) fn gathered(of: &dyn Cosines, range: Range<usize>, progress: &dyn Progress) -> Result<Vec<Vec<f32>>, Error> {
    let width = range.len();
    let mut columns: Vec<Vec<f32>> = (0..width).map(|_| Vec::with_capacity(of.items())).collect();
    of.blocks(range, progress, &mut |_, values| {
        columns.par_iter_mut().enumerate().for_each(|(c, column)| column.extend(values.iter().skip(c).step_by(width)));
        Ok(())
    })?;
    Ok(columns)
}

/// The columns `range`, each sorted.
fn sorted(of: &dyn Cosines, range: Range<usize>, truth: &[usize], progress: &dyn Progress) -> Result<Vec<Ranked>, Error> {
    let columns = gathered(of, range.clone(), progress)?;
    let sort = |(c, column): (usize, Vec<f32>)| {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let pairs = column.iter().zip(truth).enumerate();
        Ok(Ranked::new(pairs.map(|(item, (&score, &own))| Pair { score, item, positive: own == range.start + c })))
    };
    columns.into_par_iter().enumerate().map(sort).collect()
}
