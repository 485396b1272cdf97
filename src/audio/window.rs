//! Cuts a clip into the windows that a model listens to.
//!
//! A model was trained on windows of one length, and each family fills short clips and cuts long ones in its own way.
//! The manifest names that way, and this module follows it. Nothing here is random: the same clip and policy always give
//! the same windows.
//!
//! ```text
//!   W = 4 samples                 a clip longer than W:  a b c d e f g h i j
//!   a clip shorter than W: a b c        center           . . . d e f g . . .
//!     zero               a b c 0        first            a b c d . . . . . .
//!     repeat-cut         a b c a        first-last       a b c d . . g h i j
//!     wrap               a b c a        chunks, hop 4    a b c d|e f g h|i j + tail
//!   a clip far shorter: a               tail = drop      a b c d|e f g h|
//!     W = 4, clip a b c of W = 8:            pad         a b c d|e f g h|i j 0 0
//!     repeat-floor       a b c a b c         wrap        a b c d|e f g h|i j a b
//!     repeat-floor-zero  a b c a b c 0 0     last-aligned  a b c d|e f g h|  and  g h i j
//! ```
//!
//! Convention: lengths and positions are samples at the model's rate; `start_sample..end_sample` is the part of the clip
//! that a window hears, without what was filled in.
//! Source: the loaders of LAION-CLAP (`repeat-floor-zero`, `int16-trunc`), MS-CLAP (`repeat-cut`), MuQ-MuLan (`wrap`),
//! MusCALL (`zero`, `center`).

use serde::{Deserialize, Serialize};

use super::Error;
pub use super::aggregate::Aggregate;
pub use super::cut::Cutter;

/// How several channels become one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ChannelMix {
    /// The mean of all channels.
    #[default]
    Mean,
    /// The first channel alone.
    Left,
}

/// Whether samples take the detour over 16-bit integers that some models were trained with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Quantize {
    /// Samples stay as decoded.
    #[default]
    None,
    /// Clip to ±1, × 32767, cut towards zero, ÷ 32767.
    Int16Trunc,
}

impl Quantize {
    /// Quantises in place.
    ///
    /// ```
    /// use dyad::audio::window::Quantize;
    /// let mut samples = [0.5, -0.5, 2.0];
    /// Quantize::Int16Trunc.apply(&mut samples);
    /// assert_eq!(samples, [16383.0 / 32767.0, -16383.0 / 32767.0, 1.0]);
    /// ```
    pub fn apply(self, samples: &mut [f32]) {
        match self {
            Quantize::None => {}
            Quantize::Int16Trunc => samples.iter_mut().for_each(|s| *s = (s.clamp(-1.0, 1.0) * 32767.0).trunc() / 32767.0),
        }
    }
}

/// What fills a window when the clip is shorter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Short {
    /// `abc` → `abc00000`.
    Zero,
    /// `abc` → `abcabcab`: repeated and cut at the window's end.
    RepeatCut,
    /// `abc` → `abcabc`: whole repeats only, so the window may be *shorter* than the model's.
    RepeatFloor,
    /// `abc` → `abcabc00`: whole repeats, then zeros.
    RepeatFloorZero,
    /// `abc` → `abcabcab`: read round and round; the same samples as [`Short::RepeatCut`], the name goes with [`Tail::Wrap`].
    /// (MuQ-MuLan's own loader reads round once only, so that clips below half a window come out shorter.)
    Wrap,
}

/// Which parts of a clip longer than a window are heard.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Long {
    /// One window in the middle, at `(n − W) / 2` rounded down.
    Center,
    /// One window at the start.
    First,
    /// One window at the start, one at the end; they may overlap.
    FirstLast,
    /// A window every `hop` samples; the rest as [`Tail`] says.
    Chunks,
}

/// What becomes of the samples after the last whole chunk.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Tail {
    /// They are not heard.
    Drop,
    /// One more chunk, filled with zeros.
    Pad,
    /// One more chunk, filled from the clip's start.
    Wrap,
    /// One more window that ends with the clip and overlaps the chunk before.
    LastAligned,
}

/// The windowing of one model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct WindowPolicy {
    /// Length of a window, in samples at the model's rate.
    pub samples: usize,
    /// For clips shorter than a window.
    pub short: Short,
    /// For clips longer than a window.
    pub long: Long,
    /// From the start of one chunk to the next, in samples; only `chunks` looks at it.
    pub hop: usize,
    /// For the end of a clip cut in chunks.
    pub tail: Tail,
}

/// Ten minutes at 192 kHz: no window is longer.
const MAX_SAMPLES: usize = 115_200_000;
/// Chunks may overlap at most so many times, so that the windows of a clip stay proportional to its length.
const MAX_OVERLAP: usize = 64;

impl WindowPolicy {
    /// Checks that the numbers can be followed.
    ///
    /// # Errors
    /// [`Error::Policy`] when `samples` is 0 or above ten minutes at 192 kHz, or `hop` is 0 or below a 64th of `samples`.
    pub fn check(&self) -> Result<(), Error> {
        if self.samples == 0 || self.samples > MAX_SAMPLES {
            return Err(Error::Policy { key: "samples", value: self.samples, expected: "a length from 1 to 115200000 samples" });
        }
        if self.hop == 0 || self.hop < self.samples / MAX_OVERLAP {
            return Err(Error::Policy { key: "hop", value: self.hop, expected: "at least 1 sample and a 64th of `samples`" });
        }
        Ok(())
    }
}

/// One stretch of a clip, ready for a model.
#[derive(Debug, Clone, PartialEq)]
pub struct Window {
    /// First sample of the clip that is heard.
    pub start_sample: usize,
    /// One past the last sample of the clip that is heard; what was filled in does not count.
    pub end_sample: usize,
    /// The samples, as long as the policy's `samples` (under `repeat-floor` a short clip may give fewer).
    pub samples: Vec<f32>,
}

impl Window {
    /// Where the window starts in the clip, in seconds.
    pub fn start_s(&self, sample_rate_hz: u32) -> f64 {
        self.start_sample as f64 / f64::from(sample_rate_hz)
    }

    /// Where what it hears of the clip ends, in seconds.
    pub fn end_s(&self, sample_rate_hz: u32) -> f64 {
        self.end_sample as f64 / f64::from(sample_rate_hz)
    }
}

/// The windows of `clip`, a mono signal at the model's rate, in order of their start; at least one.
///
/// ```
/// use dyad::audio::window::{Long, Short, Tail, WindowPolicy, windows};
/// let policy = WindowPolicy { samples: 4, short: Short::Zero, long: Long::Chunks, hop: 4, tail: Tail::LastAligned };
/// let clip = [0.0, 1.0, 2.0, 3.0, 4.0, 5.0];
/// let starts: Vec<_> = windows(&clip, &policy)?.iter().map(|w| w.start_sample).collect();
/// assert_eq!(starts, [0, 2]);
/// # Ok::<(), dyad::audio::Error>(())
/// ```
///
/// # Errors
/// [`Error::Empty`] when the clip has no samples, [`Error::Policy`] when the policy cannot be followed.
pub fn windows(clip: &[f32], policy: &WindowPolicy) -> Result<Vec<Window>, Error> {
    let (mut cutter, mut cut) = (Cutter::new(policy)?, Vec::new());
    cutter.push(clip, &mut cut);
    cutter.finish(&mut cut)?;
    Ok(cut)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(samples: usize) -> WindowPolicy {
        WindowPolicy { samples, short: Short::Zero, long: Long::Chunks, hop: samples, tail: Tail::Drop }
    }

    /// Samples as letters, `0` for silence: "abc" is 1, 2, 3.
    fn clip(letters: &str) -> Vec<f32> {
        letters.bytes().map(|b| f32::from(b - b'a' + 1)).collect()
    }

    fn letters(window: &Window) -> String {
        let letter = |s: &f32| if *s == 0.0 { '0' } else { char::from(b'a' + *s as u8 - 1) };
        window.samples.iter().map(letter).collect()
    }

    fn cut(text: &str, policy: &WindowPolicy) -> Vec<(usize, usize, String)> {
        let clip = clip(text);
        windows(&clip, policy).unwrap().iter().map(|w| (w.start_sample, w.end_sample, letters(w))).collect()
    }

    fn texts(text: &str, policy: &WindowPolicy) -> Vec<String> {
        cut(text, policy).into_iter().map(|(_, _, t)| t).collect()
    }

    #[test]
    fn short_clips_are_filled_as_drawn() {
        let filled = |short, text| cut(text, &WindowPolicy { short, ..policy(8) });
        for (short, expected) in [
            (Short::Zero, "abc00000"),
            (Short::RepeatCut, "abcabcab"),
            (Short::RepeatFloor, "abcabc"),
            (Short::RepeatFloorZero, "abcabc00"),
            (Short::Wrap, "abcabcab"),
        ] {
            assert_eq!(filled(short, "abc"), [(0, 3, expected.to_owned())], "{short:?}");
        }
        assert_eq!(filled(Short::RepeatFloor, "abcde")[0].2, "abcde");
        assert_eq!(filled(Short::RepeatFloorZero, "abcd")[0].2, "abcdabcd");
        assert_eq!(filled(Short::RepeatCut, "a")[0].2, "aaaaaaaa");
    }

    #[test]
    fn a_clip_of_one_window_is_that_window_under_every_policy() {
        for long in [Long::Center, Long::First, Long::FirstLast, Long::Chunks] {
            for tail in [Tail::Drop, Tail::Pad, Tail::Wrap, Tail::LastAligned] {
                for short in [Short::Zero, Short::RepeatFloor, Short::Wrap] {
                    let policy = WindowPolicy { short, long, tail, hop: 1, ..policy(4) };
                    assert_eq!(cut("abcd", &policy), [(0, 4, "abcd".to_owned())]);
                }
            }
        }
    }

    #[test]
    fn one_sample_more_than_a_window() {
        let long = |long| texts("abcde", &WindowPolicy { long, ..policy(4) });
        assert_eq!(long(Long::Center), ["abcd"]);
        assert_eq!(long(Long::First), ["abcd"]);
        assert_eq!(long(Long::FirstLast), ["abcd", "bcde"]);
        let tail = |tail| texts("abcde", &WindowPolicy { tail, ..policy(4) });
        assert_eq!(tail(Tail::Drop), ["abcd"]);
        assert_eq!(tail(Tail::Pad), ["abcd", "e000"]);
        assert_eq!(tail(Tail::Wrap), ["abcd", "eabc"]);
        assert_eq!(tail(Tail::LastAligned), ["abcd", "bcde"]);
    }

    #[test]
    fn long_clips_are_cut_as_drawn() {
        let long = |long| cut("abcdefghij", &WindowPolicy { long, ..policy(4) });
        assert_eq!(long(Long::Center), [(3, 7, "defg".into())]);
        assert_eq!(long(Long::First), [(0, 4, "abcd".into())]);
        assert_eq!(long(Long::FirstLast), [(0, 4, "abcd".into()), (6, 10, "ghij".into())]);
        let tail = |tail| cut("abcdefghij", &WindowPolicy { tail, ..policy(4) });
        let mut expected = vec![(0, 4, "abcd".to_owned()), (4, 8, "efgh".to_owned())];
        assert_eq!(tail(Tail::Drop), expected);
        for (policy, last) in [(Tail::Pad, (8, 10, "ij00")), (Tail::Wrap, (8, 10, "ijab")), (Tail::LastAligned, (6, 10, "ghij"))]
        {
            expected.truncate(2);
            expected.push((last.0, last.1, last.2.to_owned()));
            assert_eq!(tail(policy), expected);
        }
        // No tail when the chunks come out even.
        assert_eq!(texts("abcdefgh", &WindowPolicy { tail: Tail::Pad, ..policy(4) }), ["abcd", "efgh"]);
    }

    #[test]
    fn a_hop_may_overlap_or_leave_gaps() {
        let hop = |hop, tail| texts("abcdefghi", &WindowPolicy { hop, tail, ..policy(4) });
        assert_eq!(hop(2, Tail::Drop), ["abcd", "cdef", "efgh"]);
        assert_eq!(hop(2, Tail::Pad), ["abcd", "cdef", "efgh", "ghi0"]);
        assert_eq!(hop(2, Tail::LastAligned), ["abcd", "cdef", "efgh", "fghi"]);
        assert_eq!(hop(5, Tail::Pad), ["abcd", "fghi"]);
        assert_eq!(hop(9, Tail::Pad), ["abcd"]);
        assert_eq!(hop(9, Tail::LastAligned), ["abcd", "fghi"]);
    }

    #[test]
    fn empty_clips_and_impossible_policies_are_errors() {
        assert_eq!(windows(&[], &policy(4)), Err(Error::Empty));
        let key = |policy: WindowPolicy| match windows(&[1.0], &policy) {
            Err(Error::Policy { key, .. }) => key,
            other => panic!("{other:?}"),
        };
        assert_eq!(key(policy(0)), "samples");
        assert_eq!(key(policy(usize::MAX)), "samples");
        assert_eq!(key(WindowPolicy { hop: 0, ..policy(4) }), "hop");
        assert_eq!(key(WindowPolicy { hop: 1, ..policy(480_000) }), "hop");
    }

    #[test]
    fn names_are_those_of_the_manifest() {
        let text = r#"{"samples":480000,"short":"repeat-floor-zero","long":"first-last","hop":240000,"tail":"last-aligned"}"#;
        let policy: WindowPolicy = serde_json::from_str(text).unwrap();
        assert_eq!((policy.short, policy.long, policy.tail), (Short::RepeatFloorZero, Long::FirstLast, Tail::LastAligned));
        assert_eq!(serde_json::to_string(&policy).unwrap(), text);
        assert_eq!(serde_json::to_string(&Quantize::Int16Trunc).unwrap(), r#""int16-trunc""#);
        assert_eq!(serde_json::to_string(&(ChannelMix::Mean, Aggregate::Mean)).unwrap(), r#"["mean","mean"]"#);
        let wrong = serde_json::from_str::<Short>(r#""loop""#).unwrap_err().to_string();
        assert!(wrong.contains("`repeat-cut`"), "{wrong}");
    }

    #[test]
    fn quantising_truncates_towards_zero_and_clips() {
        let mut samples = [0.0, 1.9 / 32767.0, -1.9 / 32767.0, 1.5, -1.5];
        Quantize::Int16Trunc.apply(&mut samples);
        assert_eq!(samples, [0.0, 1.0 / 32767.0, -1.0 / 32767.0, 1.0, -1.0]);
    }
}
