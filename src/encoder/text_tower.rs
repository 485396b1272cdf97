//! From texts to vectors: template, tokens, graph.
//!
//! ```text
//!   "violin" ─ template "{}" ─ tokenizer ─ cut to max_tokens ─ graph, texts of one length together ─ norm
//! ```
//!
//! Convention: the tokenizer file's own padding and truncation are switched off; the manifest's count. A text has the same bits
//! whatever it is read with, see [`Graph::keeps_rows_apart`]: so one that has nobody to go with goes twice. The tokenizer and
//! the graph are loaded when they are first used.

use std::path::PathBuf;
use std::sync::OnceLock;

use rayon::prelude::*;
use tokenizers::{PostProcessor, Tokenizer, TruncationParams};

use super::graph::{Contract, Element, Feed, Graph, Wanted};
use super::growth::{MOST, growth};
use super::guard::{guard, one_line};
use super::manifest::{Pad, SpaceSpec, TextSpec};
use super::rows::{Dims, Rows, TowerOutput};
use super::runtime::{Backend, Engine};
use super::{Error, Tower};

/// The largest tokenizer that is known has 250,000 tokens in 17 MB.
const MAX_BYTES: u64 = 256 << 20;
/// Texts that one task embeds one after the other: a further ONNX Runtime session costs about as much as so many.
const TEXTS_A_TASK: usize = 64;
/// Texts of one run: more are no faster (64 of seven tokens by ONNX Runtime: alone 8.9 ms each, 2 together 5.9, 16 3.0, 64 2.6).
const TOGETHER: usize = 16;
/// The tower that reads.
pub struct TextTower {
    spec: TextSpec,
    pre_joint: SpaceSpec,
    joint: SpaceSpec,
    graph: Graph,
    tokenizer_path: PathBuf,
    tokenizer: OnceLock<Result<Tokenizer, Error>>,
}

/// A text as the graph gets it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tokens {
    pub ids: Vec<i64>,
    /// Segment numbers, as many as ids.
    pub types: Vec<i64>,
    /// True when the text was longer than `max_tokens` and its end is not heard.
    pub truncated: bool,
}

impl TextTower {
    pub(super) fn new(dir: &std::path::Path, spec: TextSpec, spaces: [SpaceSpec; 2], engine: Option<Engine>) -> Self {
        let [pre_joint, joint] = spaces;
        let length = (spec.pad == Pad::Max).then_some(spec.max_tokens);
        let input = |key, name: &String| Wanted { key, name: name.clone(), element: Element::I64, length };
        let output =
            |key, space: &SpaceSpec| Wanted { key, name: space.output.clone(), element: Element::F32, length: Some(space.dim) };
        let mut inputs = vec![input("text.inputs.ids", &spec.inputs.ids)];
        inputs.extend(spec.inputs.mask.as_ref().map(|name| input("text.inputs.mask", name)));
        inputs.extend(spec.inputs.types.as_ref().map(|name| input("text.inputs.types", name)));
        let outputs = vec![output("spaces.text_pre_joint.output", &pre_joint), output("spaces.text_joint.output", &joint)];
        let graph = Graph::new(dir.join(&spec.graph), Contract { inputs, outputs }, engine);
        let tokenizer_path = dir.join(&spec.tokenizer);
        TextTower { spec, pre_joint, joint, graph, tokenizer_path, tokenizer: OnceLock::new() }
    }

    /// How the tower wants its text.
    pub fn spec(&self) -> &TextSpec {
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

    /// The tokens of `text` in the manifest's template, cut to `max_tokens`.
    ///
    /// # Errors
    /// When the tokenizer cannot be loaded, or finds no token at all.
    pub fn tokens(&self, text: &str) -> Result<Tokens, Error> {
        let tokenizer = self.tokenizer.get_or_init(|| self.load_tokenizer()).as_ref().map_err(Error::clone)?;
        let failed = |reason: String| Error::Tokenizer { path: self.tokenizer_path.clone(), reason };
        let filled = self.spec.template.replacen("{}", text, 1);
        let encoding = guard(|| tokenizer.encode(filled, true)).map_err(&failed)?;
        let encoding = encoding.map_err(|error| failed(one_line(&error.to_string())))?;
        if encoding.is_empty() {
            return Err(Error::NoTokens { text: text.to_owned() });
        }
        if encoding.len() > self.spec.max_tokens {
            let reason =
                format!("it gives {} tokens: expected at most {}, `text.max_tokens`", encoding.len(), self.spec.max_tokens);
            return Err(failed(reason));
        }
        Ok(Tokens {
            ids: encoding.get_ids().iter().map(|&id| i64::from(id)).collect(),
            types: encoding.get_type_ids().iter().map(|&id| i64::from(id)).collect(),
            truncated: !encoding.get_overflowing().is_empty(),
        })
    }

    /// Whether the end of a text is not read, since it has more than `max_tokens`.
    ///
    /// # Errors
    /// As [`TextTower::tokens`].
    pub fn cuts(&self, text: &str) -> Result<bool, Error> {
        // A token stands for a byte at least, but for a few that are added to each text.
        let bytes = self.spec.template.len() + text.len();
        Ok(bytes + 8 > self.spec.max_tokens && self.tokens(text)?.truncated)
    }

    fn load_tokenizer(&self) -> Result<Tokenizer, Error> {
        let failed = |reason: String| Error::Tokenizer { path: self.tokenizer_path.clone(), reason };
        let size = std::fs::metadata(&self.tokenizer_path).map_err(|error| failed(error.to_string()))?.len();
        if size > MAX_BYTES {
            return Err(failed(format!("expected at most {MAX_BYTES} bytes, found {size}")));
        }
        let bytes = std::fs::read(&self.tokenizer_path).map_err(|error| failed(error.to_string()))?;
        let tokenizer = guard(|| Tokenizer::from_bytes(&bytes)).map_err(&failed)?;
        let mut tokenizer = tokenizer.map_err(|error| failed(one_line(&error.to_string())))?;
        tokenizer.with_padding(None);
        let json = |part: Result<serde_json::Value, serde_json::Error>| part.map_err(|error| failed(error.to_string()));
        let normalizer = json(serde_json::to_value(tokenizer.get_normalizer()))?;
        let template = json(serde_json::to_value(tokenizer.get_post_processor()))?;
        for (key, part) in [("normalizer", normalizer), ("post_processor", template)] {
            let times = growth(&part);
            if times > MOST {
                return Err(failed(format!("`{key}` may make a text {times:.0} times longer: expected at most {MOST}")));
            }
        }
        // Its truncation subtracts the special tokens without asking whether there is room for them.
        let special = tokenizer.get_post_processor().map_or(0, |post| post.added_tokens(false));
        if special >= self.spec.max_tokens {
            return Err(failed(format!("it adds {special} tokens to each text: expected `text.max_tokens` to be larger")));
        }
        let cut = TruncationParams { max_length: self.spec.max_tokens, ..TruncationParams::default() };
        tokenizer.with_truncation(Some(cut)).map_err(|error| failed(one_line(&error.to_string())))?;
        Ok(tokenizer)
    }

    /// How many texts of one length are read together.
    fn together(&self) -> Result<usize, Error> {
        let most = if self.graph.keeps_rows_apart()? { TOGETHER } else { 1 };
        Ok(most.min(self.spec.max_batch.unwrap_or(most)))
    }

    /// How many tokens of a text the graph gets, by itself.
    fn length(&self, tokens: &Tokens) -> usize {
        if self.spec.pad == Pad::Max { self.spec.max_tokens } else { tokens.ids.len() }
    }

    /// Runs the graph on a batch of token rows, padded as the manifest says, and applies the norms.
    pub(super) fn run(&self, batch: &[&Tokens]) -> Result<TowerOutput, Error> {
        let length = batch.iter().map(|tokens| self.length(tokens)).max().unwrap_or(0);
        let rows = |row: &dyn Fn(&Tokens) -> Vec<i64>, filler: i64| -> Vec<i64> {
            let padded = |&tokens: &&Tokens| {
                let mut row = row(tokens);
                row.resize(length, filler);
                row
            };
            batch.iter().flat_map(padded).collect()
        };
        let ids = rows(&|tokens| tokens.ids.clone(), i64::from(self.spec.pad_id));
        let mask = rows(&|tokens| vec![1; tokens.ids.len()], 0);
        let types = rows(&|tokens| tokens.types.clone(), 0);
        let mut feeds = vec![Feed::I64(&ids)];
        feeds.extend(self.spec.inputs.mask.is_some().then_some(Feed::I64(&mask)));
        feeds.extend(self.spec.inputs.types.is_some().then_some(Feed::I64(&types)));
        let mut outputs = self.graph.run(batch.len(), &feeds)?.into_iter();
        let mut next = |space: &SpaceSpec| outputs.next().unwrap_or_else(|| Rows::empty(space.dim)).normed(space.norm);
        Ok(TowerOutput { pre_joint: next(&self.pre_joint), joint: next(&self.joint) })
    }
}

impl TextTower {
    /// As [`Tower::embed`]; before each run it asks `go_on`, with the number of texts that the run takes. Where it says no, what
    /// was not read is rows of zeros.
    ///
    /// # Errors
    /// As [`Tower::embed`].
    pub fn embed_while(&self, texts: &[&str], go_on: &(dyn Fn(usize) -> bool + Sync)) -> Result<TowerOutput, Error> {
        let tokens = texts.par_iter().with_min_len(TEXTS_A_TASK).map(|text| self.tokens(text));
        let tokens = tokens.collect::<Result<Vec<Tokens>, _>>()?;
        let mut output = TowerOutput::zeros(self.dims(), texts.len());
        if texts.is_empty() {
            return Ok(output);
        }
        let most = self.together()?;
        let mut order: Vec<usize> = (0..texts.len()).collect();
        let length = |&i: &usize| self.length(&tokens[i]);
        order.sort_by_key(length);
        let of_one_length = order.chunk_by(|a, b| length(a) == length(b));
        let batches: Vec<&[usize]> = of_one_length.flat_map(|group| group.chunks(most)).collect();
        let run = |batch: &&[usize]| {
            if !go_on(batch.len()) {
                return Ok(None);
            }
            let mut rows: Vec<&Tokens> = batch.iter().map(|&i| &tokens[i]).collect();
            if let ([one], 2..) = (rows.as_slice(), most) {
                rows = vec![one; 2];
            }
            self.run(&rows).map(Some)
        };
        let a_task = (batches.len() * TEXTS_A_TASK).div_ceil(texts.len());
        let read = batches.par_iter().with_min_len(a_task).map(run).collect::<Result<Vec<_>, Error>>()?;
        for (batch, read) in batches.iter().zip(&read) {
            for (&i, row) in batch.iter().zip(0..) {
                if let Some(read) = read {
                    output.set(i, read, row);
                }
            }
        }
        Ok(output)
    }
}

impl Tower<str> for TextTower {
    fn dims(&self) -> Dims {
        Dims { pre_joint: self.pre_joint.dim, joint: self.joint.dim }
    }

    fn embed(&self, batch: &[&str]) -> Result<TowerOutput, Error> {
        self.embed_while(batch, &|_| true)
    }
}
