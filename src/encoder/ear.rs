//! A clip on its way through the audio tower: samples come piece by piece, windows are heard as they become whole.
//!
//! ```text
//!   push ─ cutter ─ windows that wait ─ 16 MB of them? ─ graph, one window a run ─ rows ─┐
//!   finish ────────── the last windows ─────────────────────────────────────────────────┴─ pooled: the clip's row
//! ```
//! Short clips are decoded before the first window is heard, long ones go on being decoded in between. The windows that wait are
//! spread over the threads, unless other clips wait for those: a thread that helps out would begin another clip before this one
//! is done, and another in that one. Neither changes a bit of what comes out.

use rayon::prelude::*;

use super::{AudioTower, Error, Tower, TowerOutput};
use crate::audio;
use crate::audio::window::{Aggregate, Cutter, Long, Window, WindowPolicy};

/// Samples of windows that wait, before they are heard.
const WAITING: usize = 4 << 20;
/// Samples that are kept of a clip whose middle is heard; of a longer one the length must be known.
const HELD: usize = 4 << 20;
/// Samples that are cut at a time.
const PIECE: usize = 1 << 16;

/// Where a window lies in its clip, in seconds; what was filled in does not count.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct WindowSpan {
    pub start_s: f64,
    pub end_s: f64,
}

/// What the tower hears in a clip.
#[derive(Debug, Clone, PartialEq)]
pub struct Heard {
    /// One row: the clip's.
    pub pooled: TowerOutput,
    /// Where each window lies.
    pub spans: Vec<WindowSpan>,
    /// A row a window, in the same order.
    pub windows: TowerOutput,
}

/// How a clip is heard.
#[derive(Default)]
pub struct Manner<'a> {
    /// Windows all over the clip are wanted. What the model hears of a clip stays the same: where that is only a part, these
    /// are cut beside it.
    pub windows: bool,
    /// How windows are pooled; by default as the model does.
    pub pool: Option<Aggregate>,
    /// True while other clips wait for this pool's threads.
    pub others_wait: Option<&'a dyn Fn() -> bool>,
    /// True when the clip is not wanted any more; asked at each piece and window.
    pub stopped: Option<&'a (dyn Fn() -> bool + Sync)>,
}

impl Manner<'_> {
    fn go_on(&self) -> Result<(), Error> {
        match self.stopped {
            Some(stopped) if stopped() => Err(audio::Error::Stopped.into()),
            _ => Ok(()),
        }
    }
}

/// One clip being heard.
pub(super) struct Ear<'a> {
    tower: &'a AudioTower,
    manner: &'a Manner<'a>,
    /// What the model hears by itself.
    own: Track,
    /// Windows all over the clip, where they are wanted and others.
    all: Option<Track>,
    length: Option<usize>,
}

/// The windows of one policy.
struct Track {
    cutter: Option<Cutter>,
    waiting: Vec<Window>,
    spans: Vec<WindowSpan>,
    rows: TowerOutput,
}

impl<'a> Ear<'a> {
    /// `length` of the clip in samples, where it is known.
    pub fn new(tower: &'a AudioTower, manner: &'a Manner<'a>, length: Option<usize>) -> Result<Self, Error> {
        let policy = tower.spec().policy();
        let track = |policy: &WindowPolicy| {
            let cutter = match length {
                Some(length) => Cutter::of_length(policy, length)?,
                None => Cutter::new(policy)?,
            };
            let rows = TowerOutput::empty(tower.dims());
            Ok::<_, Error>(Track { cutter: Some(cutter), waiting: Vec::new(), spans: Vec::new(), rows })
        };
        let beside = manner.windows && policy.long != Long::Chunks;
        let all = if beside { Some(track(&WindowPolicy { long: Long::Chunks, ..policy })?) } else { None };
        Ok(Ear { tower, manner, own: track(&policy)?, all, length })
    }

    /// Takes the next samples of the clip.
    pub fn push(&mut self, samples: &[f32]) -> Result<(), Error> {
        for piece in samples.chunks(PIECE) {
            self.manner.go_on()?;
            let Ear { tower, manner, own, all, length } = self;
            for track in std::iter::once(&mut *own).chain(all.as_mut()) {
                let Some(cutter) = &mut track.cutter else { continue };
                // Some networks turn NaN into an ordinary vector.
                if let Some((at, &value)) = (0..).zip(piece).find(|(_, x)| !x.is_finite()) {
                    return Err(audio::Error::Amplitude { sample: cutter.len() as u64 + at, value }.into());
                }
                cutter.push(piece, &mut track.waiting);
                if length.is_none() && cutter.held() > HELD.max(4 * tower.spec().samples) {
                    track.cutter = None;
                }
                let waiting: usize = track.waiting.iter().map(|window| window.samples.len()).sum();
                if waiting >= WAITING {
                    track.hear(tower, manner)?;
                }
            }
        }
        Ok(())
    }

    /// True when more would have to be held than is right: the clip must come once more, with its length.
    pub fn needs_length(&self) -> bool {
        self.own.cutter.is_none()
    }

    /// Hears the rest.
    pub fn finish(mut self) -> Result<Heard, Error> {
        let samples = self.own.cutter.as_ref().map_or(0, Cutter::len);
        self.own.finish(self.tower, self.manner)?;
        let pooled = self.tower.pooled(&self.own.rows, self.manner.pool.unwrap_or(self.tower.spec().aggregate));
        let windows = match self.all {
            Some(mut all) if samples > self.tower.spec().samples => {
                all.finish(self.tower, self.manner)?;
                all
            }
            _ => self.own,
        };
        Ok(Heard { pooled, spans: windows.spans, windows: windows.rows })
    }
}

impl Track {
    fn finish(&mut self, tower: &AudioTower, manner: &Manner) -> Result<(), Error> {
        if let Some(cutter) = self.cutter.take() {
            cutter.finish(&mut self.waiting)?;
        }
        self.hear(tower, manner)
    }

    /// Runs the graph on the windows that wait.
    fn hear(&mut self, tower: &AudioTower, manner: &Manner) -> Result<(), Error> {
        let stopped = manner.stopped;
        let run = |window: &Window| {
            Manner { stopped, ..Manner::default() }.go_on()?;
            tower.run(1, &window.samples)
        };
        let waiting = std::mem::take(&mut self.waiting);
        let parts: Vec<TowerOutput> = match manner.others_wait {
            Some(others_wait) if others_wait() => waiting.iter().map(run).collect::<Result<_, Error>>()?,
            _ => waiting.par_iter().map(run).collect::<Result<_, Error>>()?,
        };
        let rate = tower.spec().sample_rate;
        self.spans.extend(waiting.iter().map(|w| WindowSpan { start_s: w.start_s(rate), end_s: w.end_s(rate) }));
        parts.into_iter().for_each(|part| self.rows.append(part));
        Ok(())
    }
}
