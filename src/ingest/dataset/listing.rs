//! What a dataset says of its clips, and what is wrong with it.

use std::collections::{BTreeMap, BTreeSet};

use super::folder::Folder;
use crate::ingest::Failure;
use crate::ingest::files::Source;
use crate::value::{Fields, Value};

/// Clips with their fields, and the places where the dataset is not as it should be.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Listing {
    clips: BTreeMap<String, (Source, Fields)>,
    /// Where, and what is wrong there.
    pub faults: Vec<Failure>,
    pub warnings: Vec<(String, String)>,
}

impl Listing {
    /// Adds what is wrong at a place.
    pub fn fault(&mut self, place: impl Into<String>, reason: impl Into<String>) {
        self.faults.push(Failure { file: place.into(), reason: reason.into() });
    }

    /// Adds the audio file that `path` names with its fields. A clip that comes again brings more captions, or is a fault.
    pub fn push(&mut self, folder: &Folder, path: &str, fields: Fields, place: &str) {
        let Some(source) = folder.audio(path) else {
            let at = folder.root.display();
            return self.fault(place, format!("`{path}` is not below `{at}`"));
        };
        if let Some(other) = folder.rival(path, source) {
            let (a, b) = (&source.id, &other.id);
            return self.fault(place, format!("`{path}` may be `{a}` or `{b}`: expected a path that says which"));
        }
        match self.clips.get_mut(&source.id) {
            None => {
                self.clips.insert(source.id.clone(), (source.clone(), fields));
            }
            Some((_, kept)) => match (kept.get_mut("captions"), fields.get("captions")) {
                (Some(Value::List(captions)), Some(more @ Value::List(_))) => captions.extend(more.members().iter().cloned()),
                _ => self.fault(place, format!("`{path}` stands there for the second time: expected each clip once")),
            },
        }
    }

    /// The clips by id.
    pub fn clips(&self) -> impl Iterator<Item = (&Source, &Fields)> {
        self.clips.values().map(|(source, fields)| (source, fields))
    }

    /// How many clips there are.
    pub fn len(&self) -> usize {
        self.clips.len()
    }

    /// True when there is none.
    pub fn is_empty(&self) -> bool {
        self.clips.is_empty()
    }

    /// Tells of audio files that the dataset does not name.
    pub fn note_strangers(&mut self, folder: &Folder) {
        let named: BTreeSet<&str> = self.clips.keys().map(String::as_str).collect();
        let strangers: Vec<&Source> = folder.all_audio().filter(|source| !named.contains(source.id.as_str())).collect();
        if let Some(first) = strangers.first() {
            let n = strangers.len();
            let what = format!("{n} audio files are not named by the dataset and are left out, such as `{}`", first.id);
            self.warnings.push((folder.root.display().to_string(), what));
        }
    }

    /// The sources, and the fields by id, taken out.
    pub fn take_clips(&mut self) -> (Vec<Source>, BTreeMap<String, Fields>) {
        std::mem::take(&mut self.clips).into_iter().map(|(id, (source, fields))| (source, (id, fields))).unzip()
    }
}
