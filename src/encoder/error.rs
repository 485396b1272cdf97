//! What can go wrong between a model folder and a vector.
//!
//! `` `audio.sample_rate = 0` in `m/model.toml` is not usable: expected a rate from 1000 to 384000 Hz ``
//!
//! Convention: one sentence, the file and the key in backticks, what was expected, no final full stop. Causes that come from
//! other crates are kept as text, so that an error can be stored and given again.

use std::path::PathBuf;

/// Why a model could not be found, read, loaded or run.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum Error {
    /// A file that cannot be read at all.
    #[error("`{}` cannot be read: {reason}", .path.display())]
    Read { path: PathBuf, reason: String },
    /// A manifest that is not TOML, or has a wrong key, type or word; the sentence names line, key and value.
    #[error("`{}`, {complaint}", .file.display())]
    Manifest { file: PathBuf, complaint: String },
    /// A manifest value of the right type that cannot be followed.
    #[error("`{key} = {value}` in `{}` is not usable: expected {expected}", .file.display())]
    Value { file: PathBuf, key: String, value: String, expected: String },
    /// A table that another one calls for.
    #[error("`{}` has no table `[{table}]`, which {because}", .file.display())]
    MissingTable { file: PathBuf, table: String, because: String },
    /// A file that the manifest names and that is not there.
    #[error("`{key} = \"{name}\"` in `{}` names a file that is not there", .file.display())]
    MissingFile { file: PathBuf, key: String, name: String },
    /// No model folder has this id.
    #[error("no model is called `{id}`: expected {known}{}", hint(.near))]
    UnknownModel { id: String, known: String, near: Option<String> },
    /// The model has no tower for this modality.
    #[error("the model `{model}` has no {modality} tower: expected a model with a table `[{modality}]` in its manifest")]
    NoTower { model: String, modality: crate::embedding::Modality },
    /// The backend cannot make sense of a graph.
    #[error("`{}` cannot be loaded by {backend}: {reason}", .path.display())]
    Graph { path: PathBuf, backend: String, reason: String },
    /// A graph whose inputs or outputs are not what the manifest says.
    #[error("`{}` does not fit its manifest: {complaint}", .path.display())]
    Port { path: PathBuf, complaint: String },
    /// The backend failed while it ran.
    #[error("`{}` cannot be run by {backend}: {reason}", .path.display())]
    Run { path: PathBuf, backend: String, reason: String },
    /// An output that is no vector.
    #[error("`{}` gave NaN or an infinite number in output `{output}`", .path.display())]
    NotFinite { path: PathBuf, output: String },
    /// A tokenizer file that cannot be used.
    #[error("`{}` is not a usable tokenizer: {reason}", .path.display())]
    Tokenizer { path: PathBuf, reason: String },
    /// A text without tokens.
    #[error("the text `{text}` has no tokens: expected at least one that the tokenizer knows")]
    NoTokens { text: String },
    /// A backend that was asked for and cannot be had.
    #[error("the backend `{name}` cannot be used: {reason}")]
    Backend { name: String, reason: String },
    /// A golden file that does not hold what it should.
    #[error("`{}` is not a usable golden file: {reason}", .path.display())]
    Golden { path: PathBuf, reason: String },
    /// A number of a model that is not what its golden file says.
    #[error("`{tensor}` in `{}` is missed by {difference:.1e}: expected at most {allowed:.1e}, as `check.atol` allows", .path.display())]
    Parity { path: PathBuf, tensor: String, difference: f64, allowed: f64 },
    /// Token ids that are not those of the golden file.
    #[error("`{tensor}` in `{}` are other ids than the tokenizer gives, for {texts} of the texts", .path.display())]
    Ids { path: PathBuf, tensor: String, texts: usize },
    /// A model's place that another model has.
    #[error("the id `{id}` is taken by another model in `{}`: expected `--force`, or another `id` in its manifest", .dir.display())]
    Taken { id: String, dir: PathBuf },
    /// A folder of models that cannot be read or written.
    #[error("`{}`: {reason}", .folder.display())]
    Install { folder: PathBuf, reason: String },
    /// A clip that is empty or not finite.
    #[error(transparent)]
    Audio(#[from] crate::audio::Error),
}

fn hint(near: &Option<String>) -> String {
    near.as_ref().map_or_else(String::new, |near| format!("; did you mean `{near}`?"))
}
