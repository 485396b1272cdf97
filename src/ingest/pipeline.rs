//! Work on many threads whose results come back in order, in batches, while the work goes on.
//!
//! ```text
//!   item 0 1 2 3 4 5 …   ┌ thread ┐
//!   ─ at most AHEAD begun ┼ thread ┼─ results in any order ─ sorted ─ batches of BATCH or more ─ store (the caller's thread)
//!                        └ thread ┘
//! ```
//!
//! Nobody waits at the end of a batch: while one is stored, the threads work on what follows, and an item that takes long
//! holds back only the storing of those behind it. What is begun and not stored is bounded, so memory is too; a result that
//! weighs as much as several counts as several. The batches depend on time, the order never does.

use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, RecvError, channel};
use std::time::Duration;

/// Weight of a batch at least, but for the last; of plain items their number: what a kill loses when all take about as long.
pub const BATCH: usize = 32;
/// Items begun before the oldest of them is stored.
const AHEAD: usize = 256;

/// Does `work` for 0 … `n` − 1 on the threads of the pool and hands the results to `store`, in order. The work may ask whether
/// other items wait for a thread. `weight` of a result is 1 or more.
///
/// # Errors
/// The first error of `store`; work that has not begun by then is left undone.
pub fn in_order<T: Send, E>(
    n: usize,
    work: impl Fn(usize, &dyn Fn() -> bool) -> T + Sync,
    weight: impl Fn(&T) -> usize,
    mut store: impl FnMut(Vec<T>) -> Result<(), E>,
) -> Result<(), E> {
    let (stopped, queued) = (AtomicBool::new(false), AtomicUsize::new(0));
    let (send, receive) = channel();
    rayon::in_place_scope_fifo(|scope| {
        let mut done: BTreeMap<usize, T> = BTreeMap::new();
        let (mut begun, mut ready, mut stored, mut heavy) = (0, 0, 0, 0);
        while stored < n {
            while begun < n.min(stored + AHEAD) {
                let (at, send, work, stopped, queued) = (begun, send.clone(), &work, &stopped, &queued);
                queued.fetch_add(1, Ordering::Relaxed);
                scope.spawn_fifo(move |_| {
                    queued.fetch_sub(1, Ordering::Relaxed);
                    let others_wait = || queued.load(Ordering::Relaxed) > 0;
                    if !stopped.load(Ordering::Relaxed) {
                        // The receiver is gone only when nobody wants the result.
                        let _ = send.send((at, catch_unwind(AssertUnwindSafe(|| work(at, &others_wait)))));
                    }
                });
                begun += 1;
            }
            let mut result = wait(&receive).ok();
            while let Some((at, outcome)) = result {
                let outcome = outcome.unwrap_or_else(|panic| {
                    stopped.store(true, Ordering::Relaxed);
                    resume_unwind(panic)
                });
                done.insert(at, outcome);
                result = receive.try_recv().ok();
            }
            while let Some(result) = done.get(&ready) {
                heavy += weight(result);
                ready += 1;
            }
            if heavy >= BATCH || ready == n {
                let behind = done.split_off(&ready);
                let batch = std::mem::replace(&mut done, behind).into_values().collect();
                (stored, heavy) = (ready, 0);
                store(batch).inspect_err(|_| stopped.store(true, Ordering::Relaxed))?;
            }
        }
        Ok(())
    })
}

/// The next result. A thread of the pool works while it waits: in a pool of one there is nobody else.
fn wait<T>(receive: &Receiver<T>) -> Result<T, RecvError> {
    loop {
        if let Ok(result) = receive.try_recv() {
            return Ok(result);
        }
        match rayon::yield_now() {
            None => return receive.recv(),
            Some(rayon::Yield::Executed) => {}
            Some(rayon::Yield::Idle) => {
                if let Ok(result) = receive.recv_timeout(Duration::from_millis(1)) {
                    return Ok(result);
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::AtomicUsize;

    fn pool(threads: usize) -> rayon::ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()
    }

    /// The sizes of the batches, after checking the order.
    fn batches(n: usize, work: impl Fn(usize) -> usize + Sync) -> Vec<usize> {
        let (mut next, mut sizes) = (0, Vec::new());
        let done: Result<(), ()> = in_order(
            n,
            |i, _| work(i),
            |_| 1,
            |batch| {
                sizes.push(batch.len());
                for result in batch {
                    assert_eq!(result, next);
                    next += 1;
                }
                Ok(())
            },
        );
        assert_eq!((done, next), (Ok(()), n));
        sizes
    }

    #[test]
    fn every_result_comes_once_and_in_order() {
        for n in [0, 1, BATCH, AHEAD + 1, 3 * AHEAD] {
            let sizes = batches(n, |i| i);
            assert!(sizes.iter().rev().skip(1).all(|&size| size >= BATCH), "{sizes:?}");
        }
        // In the pool itself, even of one thread.
        for threads in [1, 2] {
            pool(threads).install(|| batches(2 * AHEAD, |i| i));
        }
    }

    #[test]
    fn a_slow_item_does_not_stop_the_others() {
        // Item 0 ends only when all that may be begun beside it are done.
        let others = AtomicUsize::new(0);
        let work = |i: usize, _: &dyn Fn() -> bool| {
            while i == 0 && others.load(Ordering::SeqCst) < AHEAD - 1 {
                std::thread::yield_now();
            }
            others.fetch_add(1, Ordering::SeqCst);
            i
        };
        // Two threads at least: with one, item 0 would wait for ever. The pool is the caller's, so the caller works too.
        pool(2).install(|| {
            let mut first = None;
            let done: Result<(), ()> = in_order(
                AHEAD + 1,
                work,
                |_| 1,
                |batch| {
                    first.get_or_insert(batch.len());
                    Ok(())
                },
            );
            assert!(done.is_ok() && first.is_some_and(|size| size >= BATCH));
        });
    }

    #[test]
    fn heavy_results_make_small_batches() {
        for (heavy, expected) in [(1, vec![6]), (BATCH, vec![1; 6])] {
            let mut sizes = Vec::new();
            let done: Result<(), ()> = pool(1).install(|| {
                in_order(
                    6,
                    |i, _| i,
                    |_| heavy,
                    |batch: Vec<usize>| {
                        sizes.push(batch.len());
                        Ok(())
                    },
                )
            });
            assert_eq!((done, sizes), (Ok(()), expected));
        }
    }

    #[test]
    fn the_last_item_knows_that_nobody_waits() {
        pool(1).install(|| {
            let mut waits = Vec::new();
            let done: Result<(), ()> = in_order(
                3,
                |_, others_wait| others_wait(),
                |_| 1,
                |batch| {
                    waits.extend(batch);
                    Ok(())
                },
            );
            assert_eq!((done, waits.iter().filter(|&&wait| !wait).count()), (Ok(()), 1));
        });
    }

    #[test]
    fn an_error_of_the_store_ends_it() {
        let worked = AtomicUsize::new(0);
        let work = |i: usize, _: &dyn Fn() -> bool| {
            worked.fetch_add(1, Ordering::SeqCst);
            i
        };
        let mut calls = 0;
        let done = in_order(
            100 * AHEAD,
            work,
            |_| 1,
            |_| {
                calls += 1;
                Err("full")
            },
        );
        assert_eq!((done, calls), (Err("full"), 1));
        assert!(worked.load(Ordering::SeqCst) <= AHEAD);
    }

    #[test]
    fn a_panic_in_the_work_is_passed_on() {
        let caught = catch_unwind(|| in_order(10, |i, _| assert!(i != 3), |_| 1, |_| Ok::<(), ()>(())));
        assert!(caught.is_err());
    }
}
