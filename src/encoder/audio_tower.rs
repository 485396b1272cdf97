//! From samples to vectors: windows, graph, aggregation.
//!
//! ```text
//!   clip (mono, the model's rate, quantised) ─ windows ─ graph, one window a run ─ norm ─ mean over windows ─ norm
//! ```
//!
//! Convention: clips come as `audio::load` prepares them for [`AudioTower::target`]. Each window is run alone. Batches of windows are no faster on a CPU (measured on both backends) and change
//! the last bits, so that a clip's vector would depend on its neighbours.

use rayon::prelude::*;

use super::graph::{Contract, Element, Feed, Graph, Wanted};
use super::manifest::{AudioSpec, SpaceSpec};
use super::rows::{Dims, Rows, TowerOutput};
use super::runtime::{Backend, Engine};
use super::{Error, Tower};
use crate::audio::window::{Aggregate, Long, WindowPolicy, windows};
use crate::audio::{self, Target};

/// The tower that listens.
pub struct AudioTower {
    spec: AudioSpec,
    pre_joint: SpaceSpec,
    joint: SpaceSpec,
    graph: Graph,
}

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

impl AudioTower {
    pub(super) fn new(dir: &std::path::Path, spec: AudioSpec, spaces: [SpaceSpec; 2], engine: Option<Engine>) -> Self {
        let [pre_joint, joint] = spaces;
        let output =
            |key, space: &SpaceSpec| Wanted { key, name: space.output.clone(), element: Element::F32, length: Some(space.dim) };
        let contract = Contract {
            inputs: vec![Wanted {
                key: "audio.input",
                name: spec.input.clone(),
                element: Element::F32,
                length: Some(spec.samples),
            }],
            outputs: vec![output("spaces.audio_pre_joint.output", &pre_joint), output("spaces.audio_joint.output", &joint)],
        };
        let graph = Graph::new(dir.join(&spec.graph), contract, engine);
        AudioTower { spec, pre_joint, joint, graph }
    }

    /// What a file must become before the tower hears it: what `audio::load` takes.
    pub fn target(&self) -> Target {
        Target { sample_rate_hz: self.spec.sample_rate, mix: self.spec.channels, quantize: self.spec.quantize }
    }

    /// How the tower wants its audio.
    pub fn spec(&self) -> &AudioSpec {
        &self.spec
    }

    /// Loads the graph if it is not loaded, and tells what it runs on.
    ///
    /// # Errors
    /// When the graph cannot be loaded.
    pub fn backend(&self) -> Result<&Backend, Error> {
        self.graph.backend()
    }

    pub(super) fn slow_here(&self) -> Result<bool, Error> {
        self.graph.slow_here()
    }

    /// The vectors of each window of `clip` (prepared as [`AudioTower::target`] says), with their places.
    ///
    /// # Errors
    /// As [`Tower::embed`].
    pub fn embed_windows(&self, clip: &[f32]) -> Result<(Vec<WindowSpan>, TowerOutput), Error> {
        self.embed_cut(clip, &self.spec.policy())
    }

    /// A clip's own vectors and, when `windows` is set, those of windows all over it. Windows are pooled as `pool` says, else as
    /// the model does. What the model hears of a clip stays the same: where that is only a part, windows are cut beside it.
    ///
    /// # Errors
    /// As [`Tower::embed`].
    pub fn hear(&self, clip: &[f32], windows: bool, pool: Option<Aggregate>) -> Result<Heard, Error> {
        let pool = pool.unwrap_or(self.spec.aggregate);
        let (spans, own) = self.embed_windows(clip)?;
        let pooled = self.pooled(&own, pool);
        let policy = self.spec.policy();
        let (spans, windows) = match windows && policy.long != Long::Chunks && clip.len() > policy.samples {
            true => self.embed_cut(clip, &WindowPolicy { long: Long::Chunks, ..policy })?,
            false => (spans, own),
        };
        Ok(Heard { pooled, spans, windows })
    }

    fn embed_cut(&self, clip: &[f32], policy: &WindowPolicy) -> Result<(Vec<WindowSpan>, TowerOutput), Error> {
        // Some networks turn NaN into an ordinary vector.
        if let Some((sample, &value)) = (0..).zip(clip).find(|(_, x)| !x.is_finite()) {
            return Err(audio::Error::Amplitude { sample, value }.into());
        }
        let rate = self.spec.sample_rate;
        let windows = windows(clip, policy)?;
        let spans = windows.iter().map(|w| WindowSpan { start_s: w.start_s(rate), end_s: w.end_s(rate) }).collect();
        let parts = windows.par_iter().map(|w| self.run(1, &w.samples)).collect::<Result<Vec<_>, _>>()?;
        Ok((spans, TowerOutput::concat(self.dims(), parts)))
    }

    /// Runs the graph on `batch` windows, row-major, and applies the norms.
    pub(super) fn run(&self, batch: usize, samples: &[f32]) -> Result<TowerOutput, Error> {
        let mut outputs = self.graph.run(batch, &[Feed::F32(samples)])?.into_iter();
        let mut next = |space: &SpaceSpec| outputs.next().unwrap_or_else(|| Rows::empty(space.dim)).normed(space.norm);
        Ok(TowerOutput { pre_joint: next(&self.pre_joint), joint: next(&self.joint) })
    }

    fn pooled(&self, windows: &TowerOutput, pool: Aggregate) -> TowerOutput {
        let one = |rows: &Rows| match pool {
            Aggregate::Mean => rows.mean(),
            Aggregate::Max => rows.max(),
        };
        TowerOutput {
            pre_joint: one(&windows.pre_joint).normed(self.pre_joint.norm),
            joint: one(&windows.joint).normed(self.joint.norm),
        }
    }
}

impl Tower<[f32]> for AudioTower {
    fn dims(&self) -> Dims {
        Dims { pre_joint: self.pre_joint.dim, joint: self.joint.dim }
    }

    fn embed(&self, batch: &[&[f32]]) -> Result<TowerOutput, Error> {
        let clip = |clip: &&[f32]| self.hear(clip, false, None).map(|heard| heard.pooled);
        let parts = batch.par_iter().map(clip).collect::<Result<Vec<_>, _>>()?;
        Ok(TowerOutput::concat(self.dims(), parts))
    }
}
