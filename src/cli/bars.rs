//! Progress bars on standard error, and Ctrl-C.
//!
//! The first Ctrl-C asks the running job to stop; a second one within it ends the program at once.

use std::io;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use console::Term;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle, TermLike};

use crate::progress::Progress;

static INTERRUPTED: AtomicBool = AtomicBool::new(false);

/// Turns Ctrl-C (and SIGTERM) into a request to stop. Call it once.
pub fn watch_interrupts() {
    // A second handler can't be set; then the first one serves.
    let _ = ctrlc::set_handler(|| {
        if INTERRUPTED.swap(true, Ordering::SeqCst) {
            std::process::exit(130);
        }
    });
}

/// Forgets an earlier Ctrl-C, before a new statement.
pub fn forget_interrupt() {
    INTERRUPTED.store(false, Ordering::SeqCst);
}

/// Bars, one a stage; nothing is drawn when `visible` is false.
pub struct Bars {
    visible: bool,
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    pub fn new(visible: bool) -> Bars {
        Bars { visible, current: Mutex::new(None) }
    }

    /// Whether bars are drawn.
    pub fn is_visible(&self) -> bool {
        self.visible
    }

    fn with(&self, then: impl FnOnce(&mut Option<ProgressBar>)) {
        if self.visible {
            then(&mut self.current.lock().unwrap_or_else(std::sync::PoisonError::into_inner));
        }
    }
}

/// The terminal without its last columns: there the `^C` goes that it shows at Ctrl-C, which else would begin a new line and
/// leave the bar on the one before.
#[derive(Debug)]
struct Narrower(Term);

impl TermLike for Narrower {
    fn width(&self) -> u16 {
        self.0.size().1.saturating_sub(3).max(1)
    }

    fn move_cursor_up(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_up(n)
    }

    fn move_cursor_down(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_down(n)
    }

    fn move_cursor_right(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_right(n)
    }

    fn move_cursor_left(&self, n: usize) -> io::Result<()> {
        self.0.move_cursor_left(n)
    }

    fn write_line(&self, line: &str) -> io::Result<()> {
        self.0.write_line(line)
    }

    fn write_str(&self, text: &str) -> io::Result<()> {
        self.0.write_str(text)
    }

    fn clear_line(&self) -> io::Result<()> {
        self.0.clear_line()
    }

    fn flush(&self) -> io::Result<()> {
        self.0.flush()
    }
}

impl Progress for Bars {
    fn begin(&self, what: &str, total: Option<u64>) {
        self.with(|current| {
            let target = ProgressDrawTarget::term_like_with_hz(Box::new(Narrower(Term::stderr())), 10);
            let bar = ProgressBar::with_draw_target(total, target);
            let narrow = Term::stderr().size().1 < 72;
            let template = match total {
                Some(_) if narrow => "{msg} {wide_bar} {pos}/{len} {eta}",
                Some(_) => "{msg:18} {bar:30} {pos}/{len}  {eta} left",
                None => "{msg:18} {spinner} {pos}",
            };
            if let Ok(style) = ProgressStyle::with_template(template) {
                bar.set_style(if super::unicode() { style } else { style.progress_chars("=>-").tick_chars("-\\|/ ") });
            }
            bar.set_message(what.to_owned());
            if let Some(old) = current.replace(bar) {
                old.finish_and_clear();
            }
        });
    }

    fn advance(&self, n: u64) {
        self.with(|current| {
            if let Some(bar) = current {
                bar.inc(n);
            }
        });
    }

    fn end(&self) {
        self.with(|current| {
            if let Some(bar) = current.take() {
                bar.finish_and_clear();
            }
        });
    }

    fn cancelled(&self) -> bool {
        INTERRUPTED.load(Ordering::Relaxed)
    }
}
