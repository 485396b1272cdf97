//! `model.toml`, the file that makes a folder of graphs a model.
//!
//! ```toml
//! schema = 1
//! id = "musicnn-minilm"
//! licence = "MIT"
//! [audio]
//! graph = "audio.onnx"
//! …
//! ```
//!
//! Convention: one key a line, every key spelled out, an unknown key is an error. File names are relative to the folder and
//! stay in it. A model may lack `[audio]`, `[text]` or both; then its vectors are computed elsewhere and imported.
//! Reference: `docs/models.md`.

use std::path::Path;

use serde::{Deserialize, Serialize};

use super::{Error, wording};
use crate::audio::window::{Aggregate, ChannelMix, Long, Quantize, Short, Tail, WindowPolicy};
use crate::embedding::{Modality, Stage};

/// The name of the manifest in a model's folder.
pub const FILE: &str = "model.toml";
/// The manifest schema that this version reads.
pub const SCHEMA: u32 = 1;
/// A manifest is a page of text; anything longer is another file.
const MAX_BYTES: u64 = 1 << 20;

/// A model as its folder describes it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    pub schema: u32,
    /// Letters, digits, `.`, `_` and `-`; what `model=` takes.
    pub id: String,
    /// Shown by `describe`.
    pub licence: String,
    pub source: Option<Source>,
    pub audio: Option<AudioSpec>,
    pub text: Option<TextSpec>,
    #[serde(default)]
    pub spaces: Spaces,
    pub check: Option<CheckSpec>,
}

/// The checkpoint that the graphs were made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    pub file: String,
    /// 64 hexadecimal digits.
    pub sha256: Option<String>,
}

/// The audio tower: a graph `waveform f32 [batch, samples]` → pre-joint, joint, and how a clip becomes its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudioSpec {
    pub graph: String,
    /// The graph's input.
    pub input: String,
    /// In Hz, 1000 to 384000.
    pub sample_rate: u32,
    #[serde(default)]
    pub channels: ChannelMix,
    #[serde(default)]
    pub quantize: Quantize,
    /// Length of a window, in samples.
    pub samples: usize,
    pub short: Short,
    pub long: Long,
    /// From one chunk to the next, in samples.
    pub hop: usize,
    pub tail: Tail,
    #[serde(default)]
    pub aggregate: Aggregate,
    /// The largest batch in which the graph keeps items apart.
    pub max_batch: usize,
}

impl AudioSpec {
    /// How a clip is cut into windows.
    pub fn policy(&self) -> WindowPolicy {
        WindowPolicy { samples: self.samples, short: self.short, long: self.long, hop: self.hop, tail: self.tail }
    }
}

/// The text tower: a graph `ids i64 [batch, tokens] (+ mask, types)` → pre-joint, joint, and how a text becomes its input.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextSpec {
    pub graph: String,
    pub tokenizer: String,
    /// Longer texts are cut, special tokens counted.
    pub max_tokens: usize,
    pub pad: Pad,
    /// The token that fills a batch.
    pub pad_id: u32,
    /// Holds `{}` once, where the text goes.
    pub template: String,
    pub inputs: TextInputs,
    /// The largest batch in which the graph keeps items apart; any when absent.
    pub max_batch: Option<usize>,
}

/// Up to which length texts are padded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Pad {
    /// The longest text of the batch.
    Longest,
    /// Always `max_tokens`, for graphs of fixed length.
    Max,
}

/// The names of the text graph's inputs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TextInputs {
    /// Token ids.
    pub ids: String,
    /// One for a token, zero for padding.
    pub mask: Option<String>,
    /// Segment numbers, all zero for a single text.
    pub types: Option<String>,
}

/// The vectors that the model gives.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Spaces {
    pub audio_pre_joint: Option<SpaceSpec>,
    pub audio_joint: Option<SpaceSpec>,
    pub text_pre_joint: Option<SpaceSpec>,
    pub text_joint: Option<SpaceSpec>,
}

/// The four keys of `[spaces]` with the vectors that they stand for.
pub const SPACES: [(&str, Modality, Stage); 4] = [
    ("audio_pre_joint", Modality::Audio, Stage::PreJoint),
    ("audio_joint", Modality::Audio, Stage::Joint),
    ("text_pre_joint", Modality::Text, Stage::PreJoint),
    ("text_joint", Modality::Text, Stage::Joint),
];

impl Spaces {
    /// The space of one tower at one stage.
    pub fn get(&self, modality: Modality, stage: Stage) -> Option<&SpaceSpec> {
        match (modality, stage) {
            (Modality::Audio, Stage::PreJoint) => self.audio_pre_joint.as_ref(),
            (Modality::Audio, Stage::Joint) => self.audio_joint.as_ref(),
            (Modality::Text, Stage::PreJoint) => self.text_pre_joint.as_ref(),
            (Modality::Text, Stage::Joint) => self.text_joint.as_ref(),
        }
    }

    /// Sets or replaces a space.
    pub fn set(&mut self, modality: Modality, stage: Stage, spec: SpaceSpec) {
        let place = match (modality, stage) {
            (Modality::Audio, Stage::PreJoint) => &mut self.audio_pre_joint,
            (Modality::Audio, Stage::Joint) => &mut self.audio_joint,
            (Modality::Text, Stage::PreJoint) => &mut self.text_pre_joint,
            (Modality::Text, Stage::Joint) => &mut self.text_joint,
        };
        *place = Some(spec);
    }
}

/// One kind of vector.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SpaceSpec {
    pub tower: TowerName,
    /// The graph's output.
    pub output: String,
    /// Numbers in a vector, 1 to 65536.
    pub dim: usize,
    pub norm: Norm,
}

/// Which tower gives a space, in the manifest's words.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TowerName {
    Audio,
    Text,
}

impl From<Modality> for TowerName {
    fn from(modality: Modality) -> Self {
        match modality {
            Modality::Audio => TowerName::Audio,
            Modality::Text => TowerName::Text,
        }
    }
}

/// What is done to a vector after the graph.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Norm {
    /// Nothing.
    #[default]
    None,
    /// Unit length: each window, and once more after aggregation.
    L2,
}

/// What `check model` compares with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CheckSpec {
    pub golden: String,
    /// The largest absolute difference from a golden number.
    pub atol: f64,
}

impl Manifest {
    /// Reads and checks `dir/model.toml`.
    ///
    /// # Errors
    /// When the file cannot be read, is not TOML, has an unknown key, or a value that cannot be followed; the message names
    /// file, key, value and what is allowed.
    pub fn read(dir: &Path) -> Result<Manifest, Error> {
        let file = dir.join(FILE);
        let failed = |reason: String| Error::Read { path: file.clone(), reason };
        let found = std::fs::metadata(&file).map_err(|e| failed(e.to_string()))?;
        // Reading a pipe waits for whoever writes it.
        if !found.is_file() {
            return Err(failed("expected a file".to_owned()));
        }
        let size = found.len();
        if size > MAX_BYTES {
            return Err(failed(format!("expected at most {MAX_BYTES} bytes, found {size}")));
        }
        let text = std::fs::read_to_string(&file).map_err(|e| failed(e.to_string()))?;
        Manifest::parse(&text, &file)
    }

    /// Reads and checks a manifest's text; `file` is only named in errors.
    ///
    /// # Errors
    /// As [`Manifest::read`].
    pub fn parse(text: &str, file: &Path) -> Result<Manifest, Error> {
        let manifest: Manifest = toml::from_str(text)
            .map_err(|error| Error::Manifest { file: file.to_owned(), complaint: wording::complaint(text, &error) })?;
        super::validate::validate(&manifest, file)?;
        Ok(manifest)
    }

    /// Whether the model has a graph for `modality`.
    pub fn has_tower(&self, modality: Modality) -> bool {
        match modality {
            Modality::Audio => self.audio.is_some(),
            Modality::Text => self.text.is_some(),
        }
    }
}
