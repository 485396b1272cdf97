//! Exhaustive search: every row is looked at, and only the best k are kept.
//!
//! Where there are codes, they are looked at first: a quarter of the bytes. With the bound of what rounding changed
//! ([`super::codes`]) no row that could be among the best is missed; those few are looked at again by their numbers. So the
//! hits are those of a scan of all numbers, to the bit.

use std::ops::Range;

use rayon::prelude::*;

use super::codes::{Coded, Query};
use super::select::{Best, hits, pack, unpack};
use super::sought::Sought;
use super::{Error, Flat, Hit, Index, RowSet, product};
use crate::embedding::Embeddings;
use crate::kernel::{self, PANEL, dot};

/// Rows that one task looks at.
const PART: usize = 4096;
/// Rows that lie between asking for a row and its product.
const AHEAD: usize = 2;
/// Numbers from which on tasks are worth their start.
const PARALLEL_FROM: usize = 1 << 19;

/// All rows of a space, searched one and all.
#[derive(Debug, Clone, Copy)]
pub struct Exact<'a> {
    dim: usize,
    rows: &'a [f32],
    coded: Option<(&'a Flat, Coded<'a>)>,
}

impl<'a> Exact<'a> {
    /// Searches these rows.
    ///
    /// # Errors
    /// [`Error::TooMany`] from 2³² rows on.
    pub fn new(rows: &'a Embeddings) -> Result<Self, Error> {
        let most = u32::MAX as usize;
        if rows.len() > most {
            return Err(Error::TooMany { most, found: rows.len() });
        }
        Ok(Exact { dim: rows.dim(), rows: rows.rows(), coded: None })
    }

    /// Searches the rows of an index, those that count.
    pub fn of(flat: &'a Flat) -> Self {
        Exact { dim: flat.dim(), rows: flat.numbers(), coded: Some((flat, flat.coded())) }
    }

    /// The `k` nearest rows to each query, as [`Index::search`] finds them. Many queries at once cost far less than one by one:
    /// the scores are a blocked matrix product of codes, of which only the best are kept.
    ///
    /// # Errors
    /// [`Error::Dimension`]; [`Error::Damaged`] when a row of an index is not what was written.
    pub fn search_all(&self, queries: &Embeddings, k: usize, accept: Option<&RowSet>) -> Result<Vec<Vec<Hit>>, Error> {
        check(self.dim, queries.dim())?;
        let accept = accept.or(self.coded.and_then(|(flat, _)| flat.live()));
        if let Some((flat, _)) = self.coded {
            flat.check(0..self.len(), true)?;
        }
        Ok(product::search_all(self.rows, self.dim, queries, k, accept))
    }

    fn len(&self) -> usize {
        self.rows.len() / self.dim.max(1)
    }

    fn row(&self, row: usize) -> &'a [f32] {
        self.rows.get(row * self.dim..(row + 1) * self.dim).unwrap_or_default()
    }

    /// The word of one row.
    fn score(&self, query: &[f32], row: u32) -> u64 {
        pack(dot(query, self.row(row as usize)), row)
    }

    /// The rows of a part.
    fn part(&self, part: usize) -> Range<usize> {
        part * PART..((part + 1) * PART).min(self.len())
    }

    fn search_part(&self, query: &[f32], k: usize, accept: Option<&RowSet>, part: usize) -> Best {
        let (mut best, range) = (Best::new(k), self.part(part));
        match accept {
            None => {
                let mut products = Vec::with_capacity(range.len());
                let rows = self.rows.get(range.start * self.dim..range.end * self.dim).unwrap_or_default();
                kernel::scan(query, rows, &mut products);
                range.zip(products).for_each(|(row, product)| best.offer(pack(product, row as u32)));
            }
            Some(set) => {
                let passing: Vec<usize> = set.of(range).collect();
                for (i, &row) in passing.iter().enumerate() {
                    if let Some(&next) = passing.get(i + AHEAD) {
                        kernel::prefetch(self.row(next));
                    }
                    best.offer(self.score(query, row as u32));
                }
            }
        }
        best
    }

    /// Looks at the codes of a part.
    fn sift_part<'q>(
        &self,
        (flat, coded): (&Flat, Coded<'a>),
        query: &Query,
        mut sought: Sought<'q>,
        accept: Option<&RowSet>,
        part: usize,
    ) -> Result<Sought<'q>, Error> {
        let range = self.part(part);
        let mut sums = Vec::with_capacity(range.len());
        let Some(set) = accept else {
            flat.check(range.clone(), false)?;
            let codes = coded.codes.get(range.start * self.dim..range.end * self.dim).unwrap_or_default();
            kernel::scan_codes(&query.codes, codes, &mut sums);
            for (sums, first) in sums.chunks(PANEL).zip(range.step_by(PANEL)) {
                let of = |values: &'a [f32]| values.get(first..).unwrap_or_default();
                let there = u16::MAX >> (PANEL - sums.len());
                let (scales, errors) = (sixteen(of(coded.scales)), sixteen(of(coded.errors)));
                sought.look(&sixteen(sums), &scales, &errors, there, |i| (first + i) as u32);
            }
            return Ok(sought);
        };
        let passing: Vec<u32> = set.of(range).map(|row| row as u32).collect();
        let mut groups = passing.chunks(PANEL).peekable();
        while let Some(rows) = groups.next() {
            let next = groups.peek().copied().unwrap_or_default();
            next.iter().take(kernel::rows_ahead(coded.dim)).for_each(|&row| kernel::prefetch(coded.row(row as usize)));
            if !rows.iter().all(|&row| flat.check(row as usize..row as usize + 1, false).is_ok()) {
                return Err(flat.damaged());
            }
            kernel::gather(&query.codes, coded.codes, rows, &mut sums);
            let (mut scales, mut errors) = ([0.0; PANEL], [0.0; PANEL]);
            for ((&row, scale), error) in rows.iter().zip(&mut scales).zip(&mut errors) {
                let of = |values: &[f32]| values.get(row as usize).copied().unwrap_or_default();
                (*scale, *error) = (of(coded.scales), of(coded.errors));
            }
            let there = u16::MAX >> (PANEL - rows.len());
            sought.look(&sixteen(&sums), &scales, &errors, there, |i| rows.get(i).copied().unwrap_or_default());
        }
        Ok(sought)
    }

    fn sift(&self, flat: &Flat, coded: Coded<'a>, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        let parts = self.len().div_ceil(PART);
        let rounded = Query::of(query);
        let sought = || Sought::new(query, k, rounded.reach());
        let mut sought = match self.is_large(accept) && rayon::current_num_threads() > 1 {
            true => (0..parts)
                .into_par_iter()
                .map(|part| self.sift_part((flat, coded), &rounded, sought(), accept, part))
                .try_reduce(sought, |a, b| Ok(a.join(b)))?,
            false => {
                (0..parts).try_fold(sought(), |sought, part| self.sift_part((flat, coded), &rounded, sought, accept, part))?
            }
        };
        sought.settle();
        let look = |&most: &u64| match unpack(most) {
            (_, row) if flat.sound_numbers(row as usize) => Ok(self.score(query, row)),
            _ => Err(flat.damaged()),
        };
        let words: Vec<u64> = sought.candidates().iter().map(look).collect::<Result<_, _>>()?;
        Ok(hits(words.into_iter(), k))
    }

    fn is_large(&self, accept: Option<&RowSet>) -> bool {
        accept.map_or(self.len(), RowSet::count) * self.dim >= PARALLEL_FROM
    }
}

impl Index for Exact<'_> {
    fn search(&self, query: &[f32], k: usize, accept: Option<&RowSet>) -> Result<Vec<Hit>, Error> {
        check(self.dim, query.len())?;
        let k = k.min(self.len());
        if k == 0 {
            return Ok(Vec::new());
        }
        if let Some((flat, coded)) = self.coded {
            return self.sift(flat, coded, query, k, accept.or(flat.live()));
        }
        let parts = self.len().div_ceil(PART);
        let best: Vec<Best> = match self.is_large(accept) {
            true => (0..parts).into_par_iter().map(|part| self.search_part(query, k, accept, part)).collect(),
            false => (0..parts).map(|part| self.search_part(query, k, accept, part)).collect(),
        };
        Ok(hits(best.iter().flat_map(Best::words), k))
    }
}

/// The first 16 of these, filled up with zeros.
#[inline]
fn sixteen<T: Copy + Default>(values: &[T]) -> [T; PANEL] {
    let mut all = [T::default(); PANEL];
    let n = values.len().min(PANEL);
    all[..n].copy_from_slice(&values[..n]);
    all
}

/// Refuses queries of another dimension.
pub(super) fn check(expected: usize, found: usize) -> Result<(), Error> {
    if found == expected { Ok(()) } else { Err(Error::Dimension { expected, found }) }
}
