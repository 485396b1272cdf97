//! The nearest rows of many queries, some queries at a time: no matrix of queries × rows is ever held, and a job can stop between.

use super::{Error, Exact, Hit};
use crate::embedding::Embeddings;
use crate::progress::Progress;

/// Products of numbers between two questions whether to stop: a fifth of a second of two cores.
const WORK: usize = 1 << 34;
/// Most queries and most hits at a time, which are in memory together.
const MOST: usize = 1 << 13;
const MOST_HITS: usize = 1 << 20;
/// Fewest queries at a time: fewer do not pay for preparing the rows.
const FEWEST: usize = 64;

/// The `k` nearest `rows` to each query, best first, of equal ones by row: `each` takes the query's number and its hits. `apart`: the
/// queries are the rows, and none is its own.
///
/// # Errors
/// [`Error::Dimension`], [`Error::TooMany`]; [`Error::Cancelled`].
pub fn each_nearest(
    rows: &Embeddings,
    queries: &Embeddings,
    k: usize,
    apart: bool,
    progress: &dyn Progress,
    mut each: impl FnMut(usize, &[Hit]),
) -> Result<(), Error> {
    let exact = Exact::new(rows)?;
    let wanted = k.saturating_add(usize::from(apart)).min(rows.len());
    let together = (WORK / rows.rows().len().max(1)).min(MOST_HITS / wanted.max(1)).clamp(FEWEST, MOST);
    progress.begin("comparing", Some(queries.len() as u64));
    for first in (0..queries.len()).step_by(together) {
        if progress.cancelled() {
            return Err(Error::Cancelled);
        }
        let some: Vec<usize> = (first..queries.len().min(first + together)).collect();
        for (query, mut hits) in some.iter().zip(exact.search_all(&queries.select(&some), wanted, None)?) {
            if apart {
                hits.retain(|hit| hit.row != *query);
            }
            hits.truncate(k);
            each(*query, &hits);
        }
        progress.advance(some.len() as u64);
    }
    progress.end();
    Ok(())
}

#[cfg(test)]
mod tests {
    use rand::{Rng, SeedableRng};
    use rand_chacha::ChaCha8Rng;

    use super::*;
    use crate::embedding::{Modality, Space, Stage};
    use crate::index::Index;
    use crate::progress::{Silent, StopAfter};

    fn random(n: usize) -> Embeddings {
        let mut rng = ChaCha8Rng::seed_from_u64(5);
        let values = (0..n * 6).map(|_| rng.random_range(-1.0..1.0)).collect();
        Embeddings::from_rows(Space::new("m", Modality::Audio, Stage::Joint), 6, values).unwrap()
    }

    #[test]
    fn each_query_gets_what_it_gets_alone() {
        let (rows, queries) = (random(200), random(MOST + 9));
        let (exact, mut seen) = (Exact::new(&rows).unwrap(), 0);
        each_nearest(&rows, &queries, 7, false, &Silent, |query, hits| {
            assert_eq!((query, hits), (seen, &exact.search(queries.row(query), 7, None).unwrap()[..]));
            seen += 1;
        })
        .unwrap();
        assert_eq!(seen, queries.len());
    }

    #[test]
    fn a_row_is_not_its_own_neighbour() {
        // The first three rows are one vector: none of them is first of itself, but all are of each other.
        let rows = random(50).select(&[0, 0, 0].into_iter().chain(1..40).collect::<Vec<_>>());
        let mut nearest = Vec::new();
        each_nearest(&rows, &rows, 2, true, &Silent, |_, hits| nearest.push(hits.iter().map(|hit| hit.row).collect::<Vec<_>>()))
            .unwrap();
        assert_eq!(nearest[..3], [[1, 2], [0, 2], [0, 1]]);
        assert!(nearest.iter().enumerate().all(|(row, near)| near.len() == 2 && !near.contains(&row)));
        let many = random(MOST + 9);
        each_nearest(&many, &many, 1, true, &Silent, |row, hits| assert!(hits.len() == 1 && hits[0].row != row)).unwrap();
        each_nearest(&rows, &rows, 100, true, &Silent, |_, hits| assert_eq!(hits.len(), rows.len() - 1)).unwrap();
    }

    #[test]
    fn it_stops() {
        let rows = random(10);
        assert!(matches!(each_nearest(&rows, &rows, 1, true, &StopAfter::new(0), |_, _| ()), Err(Error::Cancelled)));
    }
}
