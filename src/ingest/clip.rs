//! What becomes of one file: it is known already, known with other fields, heard, or refused.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::Labelling;
use super::fields::said;
use super::files::{self, Source};
use super::windows::{self, Kept};
use crate::audio::{AudioFile, Limits};
use crate::embedding::Modality;
use crate::encoder::{AudioTower, Manner};
use crate::store::{Collection, Item, NewItem, SpaceKey};

/// What all files of an ingest share.
pub(super) struct Job<'a> {
    pub collection: Collection,
    pub kept: Kept,
    pub tower: &'a AudioTower,
    pub limits: Limits,
    pub labelling: &'a Labelling,
    /// The ids of files that are stored under another than they would have; by that other.
    pub ids: BTreeMap<String, String>,
    pub pre_joint: SpaceKey,
    pub joint: SpaceKey,
}

pub(super) enum Taken {
    Known {
        /// With its new fields, if something else is said of it now; its windows too.
        relabelled: Option<Box<NewItem>>,
        windows: Vec<NewItem>,
    },
    Failed(String),
    New {
        item: Box<NewItem>,
        windows: Vec<NewItem>,
        /// Windows of what the file was before.
        gone: Vec<String>,
        duration_s: f64,
        warnings: Vec<String>,
    },
}

impl Taken {
    /// How many windows wait to be stored.
    pub fn windows(&self) -> usize {
        match self {
            Taken::Known { windows, .. } | Taken::New { windows, .. } => windows.len(),
            Taken::Failed(_) => 0,
        }
    }
}

impl Job<'_> {
    /// The id that a file's clip has in the collection.
    fn id<'s>(&'s self, source: &'s Source) -> &'s str {
        self.ids.get(&source.id).unwrap_or(&source.id)
    }

    /// None when the user stopped it midway.
    pub fn take(&self, source: &Source, others_wait: &dyn Fn() -> bool, stopped: &(dyn Fn() -> bool + Sync)) -> Option<Taken> {
        let manner = Manner {
            windows: self.kept.windows.is_some(),
            pool: self.kept.pool,
            others_wait: Some(others_wait),
            stopped: Some(stopped),
        };
        match self.embed(source, &manner) {
            Ok(taken) => Some(taken),
            Err(_) if stopped() => None,
            Err(reason) => Some(Taken::Failed(reason)),
        }
    }

    fn embed(&self, source: &Source, manner: &Manner) -> Result<Taken, String> {
        let file = AudioFile::read(&source.path).map_err(|e| e.to_string())?;
        let (id, spaces) = (self.id(source), [&self.joint, &self.pre_joint]);
        let found = self.collection.item_with(Modality::Audio, id, &spaces).map_err(|e| e.to_string())?;
        let (stored, embedded) = found.map_or((None, false), |(item, embedded)| (Some(item), embedded));
        let windows_before = stored.as_ref().and_then(windows::count);
        let keeping = manner.windows;
        if let Some(stored) = &stored {
            if stored.content_hash.as_deref() != Some(&*file.hash) {
                other_file(stored, &source.path)?;
            } else if embedded && self.has_windows(id, &file.hash, windows_before)? {
                return self.relabel(source, stored);
            }
        }
        let (heard, clip) = self.tower.hear_file(&file, &self.limits, manner).map_err(|e| e.to_string())?;
        let output = &heard.pooled;
        let (pre_joint, joint) = (output.pre_joint.row(0).to_vec(), output.joint.row(0).to_vec());
        let direction = |row: &[f32], space: &str| match row.iter().all(|&x| x == 0.0) {
            true => Err(format!("the model gives a vector of zeros in its {space} space: is the audio silent?")),
            false => Ok(()),
        };
        direction(&pre_joint, "pre-joint")?;
        direction(&joint, "joint")?;
        // What is stored of the clip comes along: its windows may be new.
        let said = said(self.labelling, source, stored.as_ref());
        let mut metadata = stored.map(|item| item.metadata).unwrap_or_default();
        metadata.extend(said);
        metadata.insert("path".into(), files::absolute(&source.path).into());
        metadata.insert("duration_s".into(), round(clip.duration_s()).into());
        metadata.insert("sample_rate_hz".into(), i64::from(clip.source.sample_rate_hz).into());
        metadata.insert("channels".into(), clip.source.channels.into());
        if keeping {
            metadata.insert(windows::COUNT.into(), heard.spans.len().into());
        }
        if let Some(pool) = self.kept.pool {
            metadata.insert(windows::POOL.into(), pool.name().into());
        }
        let item = NewItem {
            content_hash: Some(file.hash),
            metadata,
            vectors: vec![(self.pre_joint.clone(), pre_joint), (self.joint.clone(), joint)],
            ..NewItem::new(id, Modality::Audio)
        };
        let windows =
            if keeping { windows::items(&item, &heard, [&self.pre_joint, &self.joint], self.kept.storage) } else { Vec::new() };
        let gone = (heard.spans.len()..windows_before.unwrap_or(0)).map(|number| windows::id(id, number)).collect();
        Ok(Taken::New { item: Box::new(item), windows, gone, duration_s: clip.duration_s(), warnings: clip.warnings })
    }

    /// Whether a clip's windows are there with this model's vectors, or none are kept. A clip is stored after all of its
    /// windows; one will do.
    fn has_windows(&self, id: &str, hash: &str, count: Option<usize>) -> Result<bool, String> {
        let Some(windows) = &self.kept.windows else { return Ok(true) };
        for number in 0..count.unwrap_or(0) {
            if windows.has(&windows::id(id, number), Some(hash), &self.joint).map_err(|e| e.to_string())? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Vectors that are there stay; what the labelling says of the clip, or where its file is, may have changed.
    fn relabel(&self, source: &Source, stored: &Item) -> Result<Taken, String> {
        let mut fields = said(self.labelling, source, Some(stored));
        fields.insert("path".into(), files::absolute(&source.path).into());
        if fields.iter().all(|(name, value)| stored.metadata.get(name) == Some(value)) {
            return Ok(Taken::Known { relabelled: None, windows: Vec::new() });
        }
        let windows = match &self.kept.windows {
            Some(all) => windows::relabelled(all, stored, &fields).map_err(|e| e.to_string())?,
            None => Vec::new(),
        };
        let item = NewItem { metadata: fields, ..NewItem::new(stored.id.as_str(), Modality::Audio) };
        Ok(Taken::Known { relabelled: Some(Box::new(item)), windows })
    }
}

/// Refuses a file whose id is that of another file's clip. A file that is gone may have been replaced.
fn other_file(stored: &Item, path: &Path) -> Result<(), String> {
    let before: Option<PathBuf> = stored.metadata.get("path").and_then(|path| path.as_text()).map(files::from_text);
    match before.filter(|before| before.is_file() && !files::is_same(before, path)) {
        None => Ok(()),
        Some(before) => Err(format!(
            "`{}` is the clip of another file, `{}`: expected a `--collection` of its own, or the folder above both",
            stored.id,
            before.display()
        )),
    }
}

/// To a tenth of a millisecond.
fn round(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}
