//! How a long job tells what it does and hears that it should stop.
//!
//! A job calls [`Progress::begin`] for each stage, [`Progress::advance`] as items finish and asks [`Progress::cancelled`]
//! at least every few milliseconds of work. The terminal draws bars from it; tests and pipes use [`Silent`].

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
