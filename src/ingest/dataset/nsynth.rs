//! NSynth: four-second notes of instruments and synthesisers.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::table::Becomes::{Field, Label, List, Name, Nothing};
use super::table::{Column, column};
use super::{Dataset, Folder, Listing};
use crate::ingest::Error;
use crate::ingest::table::text;
use crate::value::Value;

const COLUMNS: &[Column] = &[
    column("note_str", Name),
    column("instrument_family_str", Label),
    column("instrument_source_str", Field("source")),
    column("instrument_str", Field("instrument")),
    column("pitch", Field("midi")),
    column("velocity", Field("velocity")),
    column("qualities_str", List("qualities")),
    column("note, instrument, instrument_family, instrument_source, qualities, sample_rate", Nothing),
];

pub const DATASET: Dataset = Dataset {
    name: "nsynth",
    title: "NSynth",
    about: "four-second notes of 1,006 instruments with family, source, pitch, velocity and qualities; `split` is the archive",
    clips: 305_979,
    layout: "\
nsynth-train/examples.json
nsynth-train/audio/bass_synthetic_068-049-025.wav
nsynth-valid/…
nsynth-test/…",
    columns: COLUMNS,
    licence: "CC BY 4.0",
    citation: "Engel, Resnick, Roberts, Dieleman, Eck, Simonyan, Norouzi: Neural audio synthesis of musical notes with WaveNet autoencoders, ICML 2017",
    source: "https://magenta.tensorflow.org/datasets/nsynth",
    read,
};

/// What is read of a note; more members may be there.
#[derive(Deserialize)]
struct Note {
    instrument_family_str: String,
    instrument_source_str: String,
    instrument_str: String,
    pitch: i64,
    velocity: i64,
    qualities_str: Vec<String>,
}

fn read(folder: &Folder, listing: &mut Listing) -> Result<(), Error> {
    for file in folder.tables("examples.json", |name| name == "examples.json")? {
        let fault =
            |e: serde_json::Error| Error::Read { path: file.path.clone(), reason: format!("it is not as NSynth has it: {e}") };
        let notes: BTreeMap<String, Note> = serde_json::from_str(&text(&file.path)?).map_err(fault)?;
        // `nsynth-train/examples.json` speaks of `nsynth-train/audio`.
        let (before, _) = file.id.rsplit_once('/').unwrap_or_default();
        let above = folder.root.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let name = before.rsplit('/').next().filter(|name| !name.is_empty()).unwrap_or(&above);
        let split = ["train", "valid", "test"].into_iter().find(|split| name.ends_with(split));
        for (key, note) in notes {
            let mut fields = BTreeMap::from([
                ("label".to_owned(), Value::from(note.instrument_family_str)),
                ("source".to_owned(), note.instrument_source_str.into()),
                ("instrument".to_owned(), note.instrument_str.into()),
                ("midi".to_owned(), note.pitch.into()),
                ("velocity".to_owned(), note.velocity.into()),
                ("qualities".to_owned(), Value::list(note.qualities_str)),
            ]);
            if let Some(split) = split {
                fields.insert("split".into(), split.into());
            }
            let path = if before.is_empty() { format!("audio/{key}.wav") } else { format!("{before}/audio/{key}.wav") };
            listing.push(folder, &path, fields, &format!("{}, note `{key}`", file.id));
        }
    }
    Ok(())
}
