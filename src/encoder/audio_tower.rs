//! From samples to vectors: windows, graph, aggregation.
//!
//! ```text
//!   clip (mono, the model's rate, quantised) ─ windows ─ graph, one window a run ─ norm ─ mean over windows ─ norm
//! ```
//!
//! Convention: clips come as `audio::load` prepares them for [`AudioTower::target`]. Each window is run alone. Batches of windows
//! are no faster on a CPU (measured on both backends) and change the last bits, so that a clip's vector would depend on its
//! neighbours. What happens between samples and vectors is in `ear`.

use rayon::prelude::*;

use super::ear::{Ear, Heard, Manner, WindowSpan};
use super::graph::{Contract, Element, Feed, Graph, Wanted};
use super::manifest::{AudioSpec, SpaceSpec};
use super::rows::{Dims, Rows, TowerOutput};
use super::runtime::{Backend, Engine};
use super::{Error, Tower};
use crate::audio::window::Aggregate;
use crate::audio::{self, AudioFile, Limits, Streamed, Target};

/// The tower that listens.
pub struct AudioTower {
    spec: AudioSpec,
    pre_joint: SpaceSpec,
    joint: SpaceSpec,
    graph: Graph,
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
        let heard = self.hear(clip, &Manner::default())?;
        Ok((heard.spans, heard.windows))
    }

    /// What is heard in `clip`, prepared as [`AudioTower::target`] says.
    ///
    /// # Errors
    /// As [`Tower::embed`].
    pub fn hear(&self, clip: &[f32], manner: &Manner) -> Result<Heard, Error> {
        let mut ear = Ear::new(self, manner, Some(clip.len()))?;
        ear.push(clip)?;
        ear.finish()
    }

    /// What is heard in a file, while it is decoded: memory does not grow with its length.
    ///
    /// # Errors
    /// As [`Tower::embed`], and the reason why the file gives no samples.
    pub fn hear_file(&self, file: &AudioFile, limits: &Limits, manner: &Manner) -> Result<(Heard, Streamed), Error> {
        let mut length = None;
        loop {
            let mut ear = Ear::new(self, manner, length)?;
            let mut fault = None;
            let streamed = file.stream(&self.target(), limits, &mut |piece| {
                ear.push(piece).map_err(|error| {
                    fault = Some(error);
                    audio::Error::Stopped
                })
            });
            let streamed = match fault {
                Some(error) => return Err(error),
                None => streamed?,
            };
            if !ear.needs_length() {
                return Ok((ear.finish()?, streamed));
            }
            length = Some(streamed.samples);
        }
    }

    /// Runs the graph on `batch` windows, row-major, and applies the norms.
    pub(super) fn run(&self, batch: usize, samples: &[f32]) -> Result<TowerOutput, Error> {
        let mut outputs = self.graph.run(batch, &[Feed::F32(samples)])?.into_iter();
        let mut next = |space: &SpaceSpec| outputs.next().unwrap_or_else(|| Rows::empty(space.dim)).normed(space.norm);
        Ok(TowerOutput { pre_joint: next(&self.pre_joint), joint: next(&self.joint) })
    }

    pub(super) fn pooled(&self, windows: &TowerOutput, pool: Aggregate) -> TowerOutput {
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
        let clip = |clip: &&[f32]| self.hear(clip, &Manner::default()).map(|heard| heard.pooled);
        let parts = batch.par_iter().map(clip).collect::<Result<Vec<_>, _>>()?;
        Ok(TowerOutput::concat(self.dims(), parts))
    }
}
