//! The rules that a manifest must keep beyond its types.
//!
//! `` `audio.sample_rate = 0` in `m/model.toml` is not usable: expected a rate from 1000 to 384000 Hz ``
//!
//! Convention: the first broken rule is reported, in the order of the manifest's tables.

use std::path::{Component, Path};

use super::Error;
use super::manifest::{Manifest, SCHEMA, SPACES, SpaceSpec, TowerName};
use crate::embedding::{Modality, Stage};

const MAX_DIM: usize = 65_536;
const MAX_TOKENS: usize = 32_768;

/// # Errors
/// [`Error::Value`] or [`Error::MissingTable`] for the first rule that is broken.
pub(super) fn validate(manifest: &Manifest, file: &Path) -> Result<(), Error> {
    let rule = |holds: bool, key: &str, value: &dyn std::fmt::Debug, expected: &str| match holds {
        true => Ok(()),
        false => Err(Error::Value {
            file: file.to_owned(),
            key: key.to_owned(),
            value: format!("{value:?}"),
            expected: expected.to_owned(),
        }),
    };
    let inside = "the name of a file in the model's folder";
    rule(manifest.schema == SCHEMA, "schema", &manifest.schema, "1, the schema that this version reads")?;
    rule(is_id(&manifest.id), "id", &manifest.id, "1 to 100 letters, digits, `.`, `_` or `-`, a letter or digit first")?;
    if let Some(source) = &manifest.source
        && let Some(sum) = &source.sha256
    {
        let hex = sum.len() == 64 && sum.bytes().all(|b| b.is_ascii_hexdigit());
        rule(hex, "source.sha256", sum, "64 hexadecimal digits")?;
    }
    if let Some(audio) = &manifest.audio {
        rule(stays_inside(&audio.graph), "audio.graph", &audio.graph, inside)?;
        rule(!audio.input.is_empty(), "audio.input", &audio.input, "the name of the graph's input")?;
        let rate = audio.sample_rate;
        rule((1_000..=384_000).contains(&rate), "audio.sample_rate", &rate, "a rate from 1000 to 384000 Hz")?;
        if let Err(crate::audio::Error::Policy { key, value, expected }) = audio.policy().check() {
            rule(false, &format!("audio.{key}"), &value, expected)?;
        }
        rule(audio.max_batch > 0, "audio.max_batch", &audio.max_batch, "at least 1")?;
    }
    if let Some(text) = &manifest.text {
        rule(stays_inside(&text.graph), "text.graph", &text.graph, inside)?;
        rule(stays_inside(&text.tokenizer), "text.tokenizer", &text.tokenizer, inside)?;
        let tokens = text.max_tokens;
        rule((1..=MAX_TOKENS).contains(&tokens), "text.max_tokens", &tokens, "1 to 32768 tokens")?;
        let once = text.template.matches("{}").count() == 1;
        rule(once, "text.template", &text.template, "`{}` once, where the text goes")?;
        rule(!text.inputs.ids.is_empty(), "text.inputs.ids", &text.inputs.ids, "the name of the graph's input")?;
        rule(text.max_batch != Some(0), "text.max_batch", &0, "at least 1")?;
    }
    for (name, modality, stage) in SPACES {
        let Some(space) = manifest.spaces.get(modality, stage) else {
            if manifest.has_tower(modality) {
                let because = format!("a model with `[{modality}]` must describe");
                return Err(Error::MissingTable { file: file.to_owned(), table: format!("spaces.{name}"), because });
            }
            continue;
        };
        let key = |key: &str| format!("spaces.{name}.{key}");
        let word = if space.tower == TowerName::Audio { "audio" } else { "text" };
        rule(space.tower == modality.into(), &key("tower"), &word, &format!("`{modality}`, as the table's name says"))?;
        rule(!space.output.is_empty(), &key("output"), &space.output, "the name of the graph's output")?;
        rule((1..=MAX_DIM).contains(&space.dim), &key("dim"), &space.dim, "1 to 65536 numbers")?;
    }
    let joint = |modality| manifest.spaces.get(modality, Stage::Joint).map(|space: &SpaceSpec| space.dim);
    if let (Some(audio), Some(text)) = (joint(Modality::Audio), joint(Modality::Text)) {
        rule(audio == text, "spaces.text_joint.dim", &text, &format!("{audio}, the dimension of `spaces.audio_joint`"))?;
    }
    if let Some(check) = &manifest.check {
        rule(stays_inside(&check.golden), "check.golden", &check.golden, inside)?;
        rule(check.atol.is_finite() && check.atol > 0.0, "check.atol", &check.atol, "a number above 0")?;
    }
    Ok(())
}

/// Whether `id` can be a model's id, and so a bare word of the language and a folder's name.
pub(super) fn is_id(id: &str) -> bool {
    let first = id.bytes().next().is_some_and(|b| b.is_ascii_alphanumeric());
    first && id.len() <= 100 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-".contains(&b))
}

fn stays_inside(name: &str) -> bool {
    !name.is_empty() && Path::new(name).components().all(|part| matches!(part, Component::Normal(_)))
}
