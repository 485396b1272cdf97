//! Work that can't be stopped in the middle (a graph that loads, a clip that is heard): waited for, but not against the
//! user's will.
//!
//! The work runs on a thread of its own. When the user cancels, the wait ends at once; the thread sees that nobody waits
//! any more, finishes the piece at hand and is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use super::Error;
use crate::progress::Progress;

/// How often it is asked whether the user cancelled, and progress passed on.
const GLANCE: Duration = Duration::from_millis(20);

/// What the work knows of who waits for it.
#[derive(Clone, Default)]
pub struct Waiter {
    gone: Arc<AtomicBool>,
    done: Arc<AtomicU64>,
}

impl Waiter {
    /// True when the result is no longer wanted.
    pub fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Relaxed)
    }

    /// So many more items are done.
    pub fn advance(&self, items: u64) {
        self.done.fetch_add(items, Ordering::Relaxed);
    }
}

/// Runs `work` and waits for its result.
///
/// # Errors
/// [`Error::Cancelled`] within some 20 ms of the request.
pub fn patiently<T: Send + 'static>(
    progress: &dyn Progress,
    work: impl FnOnce(&Waiter) -> T + Send + 'static,
) -> Result<T, Error> {
    let waiter = Waiter::default();
    let (send, receive) = channel();
    let theirs = waiter.clone();
    let thread = std::thread::spawn(move || {
        // Nobody may be there to receive it.
        let _ = send.send(work(&theirs));
    });
    loop {
        let found = receive.recv_timeout(GLANCE);
        progress.advance(waiter.done.swap(0, Ordering::Relaxed));
        match found {
            Ok(result) => return Ok(result),
            Err(RecvTimeoutError::Timeout) if progress.cancelled() => {
                waiter.gone.store(true, Ordering::Relaxed);
                return Err(Error::Cancelled);
            }
            Err(RecvTimeoutError::Timeout) => {}
            Err(RecvTimeoutError::Disconnected) => match thread.join() {
                Err(panic) => std::panic::resume_unwind(panic),
                Ok(()) => return Err(Error::Cancelled),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::progress::{Silent, StopAfter};

    #[test]
    fn work_is_waited_for_unless_the_user_stops() {
        assert_eq!(patiently(&Silent, |_| 7).unwrap(), 7);
        let (send, receive) = channel();
        let endless = move |waiter: &Waiter| {
            while !waiter.is_gone() {
                std::thread::sleep(Duration::from_millis(1));
            }
            send.send(()).unwrap();
        };
        assert!(matches!(patiently(&StopAfter::default(), endless), Err(Error::Cancelled)));
        receive.recv().unwrap();
    }
}
