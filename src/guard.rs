//! The last fence around foreign code that may panic.
//!
//! tract unwraps on some malformed graphs, sled on some wrong bytes. A guarded call turns such a panic into text, without the message and backtrace
//! that the default hook would print. Panics anywhere else are not touched.

use std::cell::Cell;
use std::panic::{self, AssertUnwindSafe};
use std::sync::Once;

thread_local! {
    static GUARDED: Cell<bool> = const { Cell::new(false) };
}
static HOOK: Once = Once::new();

/// Runs `work`; a panic in it comes back as its message.
pub(crate) fn guard<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    HOOK.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |info| {
            if !GUARDED.get() {
                before(info);
            }
        }));
    });
    let outer = GUARDED.replace(true);
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    GUARDED.set(outer);
    result.map_err(|payload| {
        let text = payload.downcast_ref::<&str>().map(|s| (*s).to_owned()).or_else(|| payload.downcast_ref::<String>().cloned());
        one_line(&text.unwrap_or_else(|| "it panicked".to_owned()))
    })
}

/// A foreign message on one line of bearable length, without its final full stop.
pub(crate) fn one_line(message: &str) -> String {
    let mut line: String = message.split_whitespace().collect::<Vec<_>>().join(" ").chars().take(300).collect();
    while line.ends_with('.') {
        line.pop();
    }
    line
}
