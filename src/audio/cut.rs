//! Cuts a signal into a model's windows while it comes, and holds no more of it than windows to come may need.
//!
//! ```text
//!   chunks   ├─ cut ─┤├─ cut ─┤├─ held …            held: from the next window's start, or a window back for `last-aligned`
//!   center            ├─ held ─────── …             from the start that the middle window would have if the clip ended here
//! ```
//! Of a centred window half the clip is held, since its place is known only at the end; a cutter that knows the length holds
//! one window ([`Cutter::of_length`]).

use super::Error;
use super::window::{Long, Short, Tail, Window, WindowPolicy};

/// Windows of one signal: [`push`](Cutter::push) its pieces, then [`finish`](Cutter::finish).
#[derive(Debug, Clone)]
pub struct Cutter {
    policy: WindowPolicy,
    /// Length of the clip, where it is known.
    length: Option<usize>,
    /// Samples that came so far.
    came: usize,
    /// The last of them; `held[0]` is sample number `from`.
    held: Vec<f32>,
    from: usize,
    /// Start of the next whole window, and how many there may be whose start is known.
    next: usize,
    left: usize,
    /// One past the last sample that a window heard.
    heard: usize,
    /// The clip's start, for `wrap`.
    head: Vec<f32>,
}

impl Cutter {
    /// For a signal of any length.
    ///
    /// # Errors
    /// [`Error::Policy`] when the policy cannot be followed.
    pub fn new(policy: &WindowPolicy) -> Result<Cutter, Error> {
        policy.check()?;
        let left = match policy.long {
            Long::Chunks => usize::MAX,
            Long::First | Long::FirstLast => 1,
            Long::Center => 0,
        };
        let (held, head) = (Vec::new(), Vec::new());
        Ok(Cutter { policy: *policy, length: None, came: 0, held, from: 0, next: 0, left, heard: 0, head })
    }

    /// For a signal of `length` samples.
    ///
    /// # Errors
    /// [`Error::Policy`] when the policy cannot be followed.
    pub fn of_length(policy: &WindowPolicy, length: usize) -> Result<Cutter, Error> {
        let cutter = Cutter { length: Some(length), ..Cutter::new(policy)? };
        Ok(match (policy.long, length.checked_sub(policy.samples)) {
            (Long::Center, Some(last)) => Cutter { next: last / 2, left: 1, ..cutter },
            _ => cutter,
        })
    }

    /// Samples that came so far.
    pub fn len(&self) -> usize {
        self.came
    }

    /// True before the first sample.
    pub fn is_empty(&self) -> bool {
        self.came == 0
    }

    /// Samples in memory.
    pub fn held(&self) -> usize {
        self.held.len() + self.head.len()
    }

    /// Takes the next piece of the signal, and appends to `cut` the windows that are whole now.
    pub fn push(&mut self, mut piece: &[f32], cut: &mut Vec<Window>) {
        // In parts, so that a piece much longer than a window is never held as a whole.
        while !piece.is_empty() {
            let (part, rest) = piece.split_at(piece.len().min(self.policy.samples));
            self.take(part, cut);
            piece = rest;
        }
    }

    fn take(&mut self, part: &[f32], cut: &mut Vec<Window>) {
        let w = self.policy.samples;
        if self.policy.long == Long::Chunks && self.policy.tail == Tail::Wrap && self.head.len() < w {
            self.head.extend(part.iter().take(w - self.head.len()));
        }
        self.held.extend_from_slice(part);
        self.came += part.len();
        while self.left > 0 && self.next + w <= self.came {
            cut.push(self.window(self.next, w));
            self.heard = self.next + w;
            self.next += self.policy.hop;
            self.left -= 1;
        }
        let needed = self.needed().min(self.came);
        // Not at every call: what is dropped moves all the rest.
        if needed >= self.from + w.max(self.held.len() / 2) {
            self.held.drain(..needed - self.from);
            self.from = needed;
        }
    }

    /// The first sample that a window to come may hear.
    fn needed(&self) -> usize {
        let w = self.policy.samples;
        let last = |length: usize| length.saturating_sub(w);
        match (self.policy.long, self.policy.tail) {
            // A short clip is filled from its own samples.
            _ if self.came < w => 0,
            (Long::Center, _) if self.length.is_none() => last(self.came) / 2,
            (Long::Center | Long::First, _) if self.left == 0 => self.came,
            (Long::Center | Long::First, _) => self.next,
            (Long::FirstLast, _) => last(self.came),
            (Long::Chunks, Tail::LastAligned) => self.next.min(last(self.came)),
            (Long::Chunks, _) => self.next,
        }
    }

    /// `length` samples from `start` on, all of them held.
    fn window(&self, start: usize, length: usize) -> Window {
        let at = start - self.from;
        Window { start_sample: start, end_sample: start + length, samples: self.held[at..at + length].to_vec() }
    }

    /// Appends the windows that the end of the signal decides.
    ///
    /// # Errors
    /// [`Error::Empty`] when no sample came, [`Error::Changed`] when it is not the length that was known.
    pub fn finish(self, cut: &mut Vec<Window>) -> Result<(), Error> {
        let (n, w) = (self.came, self.policy.samples);
        if self.length.is_some_and(|length| length != n) {
            return Err(Error::Changed);
        }
        if n == 0 {
            return Err(Error::Empty);
        }
        if n < w {
            cut.push(Window { start_sample: 0, end_sample: n, samples: fill(&self.held, w, self.policy.short) });
            return Ok(());
        }
        // With a hop above the window the next chunk may lie beyond the end: then only `last-aligned` hears the rest.
        let filled = |cutter: &Cutter, filler: &mut dyn Iterator<Item = f32>| {
            let mut window = cutter.window(cutter.next, n - cutter.next);
            window.samples.extend(filler.take(w - (n - cutter.next)));
            window
        };
        match (self.policy.long, self.policy.tail) {
            (Long::Center, _) if self.length.is_none() => cut.push(self.window((n - w) / 2, w)),
            (Long::FirstLast, _) if n > w => cut.push(self.window(n - w, w)),
            (Long::Center | Long::First | Long::FirstLast, _) => {}
            (Long::Chunks, _) if self.heard == n => {}
            (Long::Chunks, Tail::LastAligned) => cut.push(self.window(n - w, w)),
            (Long::Chunks, Tail::Pad) if self.next < n => cut.push(filled(&self, &mut std::iter::repeat(0.0))),
            (Long::Chunks, Tail::Wrap) if self.next < n => cut.push(filled(&self, &mut self.head.iter().copied())),
            (Long::Chunks, Tail::Drop | Tail::Pad | Tail::Wrap) => {}
        }
        Ok(())
    }
}

/// A window of `w` samples made of a shorter clip.
fn fill(clip: &[f32], w: usize, short: Short) -> Vec<f32> {
    let (whole, rest) = (w / clip.len(), w % clip.len());
    let mut samples = Vec::with_capacity(w);
    for _ in 0..if short == Short::Zero { 1 } else { whole } {
        samples.extend_from_slice(clip);
    }
    match short {
        Short::RepeatCut | Short::Wrap => samples.extend_from_slice(clip.get(..rest).unwrap_or_default()),
        Short::Zero | Short::RepeatFloorZero => samples.resize(w, 0.0),
        Short::RepeatFloor => {}
    }
    samples
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audio::window::windows;

    const LONG: [Long; 4] = [Long::Center, Long::First, Long::FirstLast, Long::Chunks];
    const TAIL: [Tail; 4] = [Tail::Drop, Tail::Pad, Tail::Wrap, Tail::LastAligned];

    /// By the definition, from the whole clip: the starts of whole windows.
    fn starts(n: usize, policy: &WindowPolicy) -> Vec<usize> {
        let last = n - policy.samples;
        match policy.long {
            Long::Center => vec![last / 2],
            Long::First => vec![0],
            Long::FirstLast if last == 0 => vec![0],
            Long::FirstLast => vec![0, last],
            Long::Chunks => (0..=last).step_by(policy.hop).collect(),
        }
    }

    #[test]
    fn pieces_change_nothing_and_little_is_held() {
        for (long, tail, hop, samples) in LONG.iter().flat_map(|&long| {
            TAIL.iter()
                .flat_map(move |&tail| [1, 3, 4, 9].into_iter().flat_map(move |hop| [1, 4, 7].map(|w| (long, tail, hop, w))))
        }) {
            let policy = WindowPolicy { samples, short: Short::RepeatCut, long, hop, tail };
            for n in 1..40 {
                let clip: Vec<f32> = (1..=n).map(|x| x as f32).collect();
                let whole = windows(&clip, &policy).unwrap();
                for pieces in [1, 2, 5, 40] {
                    let (mut cutter, mut cut) = (Cutter::new(&policy).unwrap(), Vec::new());
                    let mut sized = Cutter::of_length(&policy, n).unwrap();
                    let mut again = Vec::new();
                    for piece in clip.chunks(pieces) {
                        cutter.push(piece, &mut cut);
                        sized.push(piece, &mut again);
                        let half = if long == Long::Center { n } else { 0 };
                        assert!(
                            cutter.held() <= 4 * samples.max(hop.min(samples)) + half,
                            "{policy:?} of {n}: {}",
                            cutter.held()
                        );
                    }
                    cutter.finish(&mut cut).unwrap();
                    sized.finish(&mut again).unwrap();
                    assert_eq!((&cut, &again), (&whole, &whole), "{policy:?} of {n} by {pieces}");
                }
                if n >= samples {
                    let begun: Vec<usize> = whole.iter().map(|window| window.start_sample).collect();
                    assert!(begun.starts_with(&starts(n, &policy)), "{policy:?} of {n}: {begun:?}");
                    assert!(whole.iter().all(|window| window.samples.len() == samples));
                }
            }
        }
    }

    #[test]
    fn a_length_that_was_not_kept_is_an_error() {
        let policy = WindowPolicy { samples: 4, short: Short::Zero, long: Long::Center, hop: 4, tail: Tail::Drop };
        let mut cutter = Cutter::of_length(&policy, 9).unwrap();
        cutter.push(&[1.0; 8], &mut Vec::new());
        assert_eq!(cutter.finish(&mut Vec::new()), Err(Error::Changed));
    }
}
