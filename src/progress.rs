//! How a long job tells what it does and hears that it should stop.
//!
//! A job calls [`Progress::begin`] for each stage, [`Progress::advance`] as items finish and asks [`Progress::cancelled`]
//! at least every few milliseconds of work. The terminal draws bars from it; tests and pipes use [`Silent`].

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Observer of one running job. All methods may be called from any thread.
pub trait Progress: Sync {
    /// A stage starts: `what` is a short noun phrase ("embedding audio"), `total` its number of items when known.
    fn begin(&self, what: &str, total: Option<u64>);
    /// `n` more items of the current stage are done.
    fn advance(&self, n: u64);
    /// The current stage is over.
    fn end(&self);
    /// True once the user asked to stop (Ctrl-C).
    fn cancelled(&self) -> bool;
}

/// Shows nothing and is never cancelled.
#[derive(Debug, Clone, Copy, Default)]
pub struct Silent;

impl Progress for Silent {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        false
    }
}

/// Shows nothing, and is cancelled after it was asked so many times whether it is.
#[derive(Debug, Default)]
pub struct StopAfter {
    questions: u64,
    asked: AtomicU64,
}

impl StopAfter {
    /// Goes on for `questions` questions.
    pub fn new(questions: u64) -> Self {
        StopAfter { questions, asked: AtomicU64::new(0) }
    }

    /// Questions that were asked so far.
    pub fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }
}

impl Progress for StopAfter {
    fn begin(&self, _: &str, _: Option<u64>) {}
    fn advance(&self, _: u64) {}
    fn end(&self) {}
    fn cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.questions
    }
}

/// What one stage took, all its runs together.
#[derive(Debug, Clone, PartialEq)]
pub struct Stage {
    pub what: String,
    /// How often it was begun.
    pub runs: usize,
    pub items: u64,
    pub elapsed: Duration,
}

/// Passes everything on, and keeps the time of each stage, in the order in which they first began.
///
/// Stages do not nest: one that begins ends the one before it.
pub struct Recorder<'a> {
    inner: &'a dyn Progress,
    stages: Mutex<Vec<Stage>>,
    current: Mutex<Option<(usize, Instant)>>,
    items: AtomicU64,
}

impl<'a> Recorder<'a> {
    /// Observes what `inner` observes.
    pub fn new(inner: &'a dyn Progress) -> Self {
        Recorder { inner, stages: Mutex::default(), current: Mutex::default(), items: AtomicU64::new(0) }
    }

    /// The stages so far; one that is still open ends now.
    pub fn stages(&self) -> Vec<Stage> {
        self.close();
        lock(&self.stages).clone()
    }

    fn close(&self) {
        let items = self.items.swap(0, Ordering::Relaxed);
        if let Some((index, since)) = lock(&self.current).take()
            && let Some(stage) = lock(&self.stages).get_mut(index)
        {
            stage.items += items;
            stage.elapsed += since.elapsed();
        }
    }
}

impl Progress for Recorder<'_> {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.close();
        let mut stages = lock(&self.stages);
        let index = stages.iter().position(|s| s.what == what).unwrap_or_else(|| {
            stages.push(Stage { what: what.to_owned(), runs: 0, items: 0, elapsed: Duration::ZERO });
            stages.len() - 1
        });
        stages[index].runs += 1;
        *lock(&self.current) = Some((index, Instant::now()));
        self.inner.begin(what, total);
    }

    fn advance(&self, n: u64) {
        self.items.fetch_add(n, Ordering::Relaxed);
        self.inner.advance(n);
    }

    fn end(&self) {
        self.close();
        self.inner.end();
    }

    fn cancelled(&self) -> bool {
        self.inner.cancelled()
    }
}

/// Times of a thread that panicked are as good as others.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stages_are_kept_in_order_and_added_up() {
        let recorder = Recorder::new(&Silent);
        for (what, items) in [("reading", 3), ("resampling", 5), ("reading", 4)] {
            recorder.begin(what, None);
            recorder.advance(items);
            recorder.end();
        }
        // Never ended: the asking ends it.
        recorder.begin("searching", None);
        recorder.advance(1);
        let found: Vec<_> = recorder.stages().iter().map(|s| (s.what.clone(), s.runs, s.items)).collect();
        let expected = [("reading", 2, 7), ("resampling", 1, 5), ("searching", 1, 1)];
        assert_eq!(found, expected.map(|(what, runs, items)| (what.to_owned(), runs, items)));
    }
}
