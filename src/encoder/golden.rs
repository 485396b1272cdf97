//! The golden file: inputs of a model with the outputs that its first implementation gave.
//!
//! ```text
//!   audio.b2.waveform f32 [2, samples]     audio.b2.pre_joint, audio.b2.joint f32 [2, dim]
//!   text.b3.input_ids i64 [3, tokens]      text.b3.attention_mask, text.b3.token_type_ids i64; outputs as for audio
//!   metadata: text.b3.texts = ["…", "…", "…"] as JSON
//! ```
//!
//! Convention: safetensors, little-endian; `bN` is a batch of N rows. Written by `tools/export` and `tools/train`.

use std::path::{Path, PathBuf};

use safetensors::{Dtype, SafeTensors};

use super::Error;

/// A golden file is some seconds of audio; anything larger is another file.
const MAX_BYTES: u64 = 1 << 30;

/// A golden file in memory.
pub(super) struct Golden {
    path: PathBuf,
    bytes: Vec<u8>,
}

impl Golden {
    pub fn read(path: &Path) -> Result<Golden, Error> {
        let failed = |reason: String| Error::Golden { path: path.to_owned(), reason };
        let found = std::fs::metadata(path).map_err(|error| failed(error.to_string()))?;
        if !found.is_file() {
            return Err(failed("expected a file".to_owned()));
        }
        let size = found.len();
        if size > MAX_BYTES {
            return Err(failed(format!("expected at most {MAX_BYTES} bytes, found {size}")));
        }
        let golden = Golden { path: path.to_owned(), bytes: std::fs::read(path).map_err(|error| failed(error.to_string()))? };
        golden.tensors()?;
        Ok(golden)
    }

    /// The batches of one tower ("audio", "text") that the file holds.
    pub fn batches(&self, tower: &str) -> Result<Vec<usize>, Error> {
        let number = |name: &str| name.strip_prefix(tower)?.strip_prefix(".b")?.split('.').next()?.parse().ok();
        let mut batches: Vec<usize> = self.tensors()?.names().into_iter().filter_map(number).filter(|&b| b > 0).collect();
        batches.sort_unstable();
        batches.dedup();
        Ok(batches)
    }

    /// A tensor of f32 with `rows` rows.
    pub fn floats(&self, name: &str, rows: usize) -> Result<Vec<f32>, Error> {
        let read = |bytes: &[u8]| bytes.as_chunks::<4>().0.iter().map(|b| f32::from_le_bytes(*b)).collect();
        self.numbers(name, rows, Dtype::F32, read)
    }

    /// A tensor of i64 with `rows` rows.
    pub fn integers(&self, name: &str, rows: usize) -> Result<Vec<i64>, Error> {
        let read = |bytes: &[u8]| bytes.as_chunks::<8>().0.iter().map(|b| i64::from_le_bytes(*b)).collect();
        self.numbers(name, rows, Dtype::I64, read)
    }

    /// The texts of a batch.
    pub fn texts(&self, rows: usize) -> Result<Vec<String>, Error> {
        let key = format!("text.b{rows}.texts");
        let (_, header) = SafeTensors::read_metadata(&self.bytes).map_err(|error| self.failed(error.to_string()))?;
        let json = header.metadata().as_ref().and_then(|metadata| metadata.get(&key));
        let json = json.ok_or_else(|| self.failed(format!("expected `{key}` in its metadata")))?;
        let texts: Vec<String> = serde_json::from_str(json).map_err(|error| self.failed(format!("`{key}`: {error}")))?;
        match texts.len() == rows {
            true => Ok(texts),
            false => Err(self.failed(format!("`{key}` holds {} texts: expected {rows}", texts.len()))),
        }
    }

    fn numbers<T>(&self, name: &str, rows: usize, dtype: Dtype, read: impl Fn(&[u8]) -> Vec<T>) -> Result<Vec<T>, Error> {
        let tensors = self.tensors()?;
        let tensor = tensors.tensor(name).map_err(|_| self.failed(format!("expected a tensor `{name}`")))?;
        let fits = tensor.dtype() == dtype && tensor.shape().len() == 2 && tensor.shape().first() == Some(&rows);
        match fits {
            true => Ok(read(tensor.data())),
            false => Err(self.failed(format!(
                "`{name}` is {:?} of shape {:?}: expected {dtype:?} of {rows} rows",
                tensor.dtype(),
                tensor.shape()
            ))),
        }
    }

    fn tensors(&self) -> Result<SafeTensors<'_>, Error> {
        SafeTensors::deserialize(&self.bytes).map_err(|error| self.failed(error.to_string()))
    }

    pub fn failed(&self, reason: String) -> Error {
        Error::Golden { path: self.path.clone(), reason }
    }
}
