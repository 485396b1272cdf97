//! Files → vectors of both stages → a collection.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::files::{self, Found, Source};
use super::pipeline::in_order;
use super::windows::{self, Keep, Kept};
use super::{Error, Labelling};
use crate::audio::{AudioFile, Limits, Streamed};
use crate::embedding::{Modality, Space, Stage};
use crate::encoder::{AudioTower, Manner};
use crate::progress::Progress;
use crate::store::{Collection, Item, NewItem, SpaceKey};
use crate::value::Value;
use crate::workspace::{ModelRef, Workspace};

/// So many windows of a clip weigh as much as a clip, when it is counted how much waits to be stored.
const WINDOWS_AS_ONE: usize = 32;

/// What to ingest, and how.
pub struct Options {
    /// Files and folders.
    pub paths: Vec<PathBuf>,
    /// The collection, made if there is none.
    pub collection: String,
    pub labelling: Labelling,
    /// The longest audio that is taken.
    pub limits: Limits,
    /// Whether windows are kept, and how they become one vector.
    pub keep: Keep,
}

/// What an ingest did.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Summary {
    pub collection: String,
    /// Files that were embedded and stored.
    pub embedded: usize,
    /// Files whose vectors were there already.
    pub known: usize,
    /// Seconds of audio that were embedded.
    pub audio_s: f64,
    /// Embedded clips for which no label was found.
    pub unlabelled: usize,
    pub failures: Vec<Failure>,
    /// Oddities of files that were taken all the same: (file, sentence).
    pub warnings: Vec<(String, String)>,
}

/// A file that was not taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    pub file: String,
    pub reason: String,
}

/// Embeds the files and stores them; see the module.
///
/// # Errors
/// When a path can't be read, the model can't hear, the store fails, or the user cancels. A single bad file is no error: it
/// is among [`Summary::failures`].
pub fn ingest(workspace: &Workspace, model: &ModelRef, options: &Options, progress: &dyn Progress) -> Result<Summary, Error> {
    ingest_found(workspace, model, options, &files::find(&options.paths)?, progress)
}

/// As [`ingest`], of files that were found already, in place of the options' paths.
///
/// # Errors
/// When the model can't hear, the store fails, or the user cancels.
pub fn ingest_found(
    workspace: &Workspace,
    model: &ModelRef,
    options: &Options,
    found: &Found,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    workspace.store().writable()?;
    let tower = ready(workspace, model)?;
    let collection = workspace.store().open_or_create_as(&options.collection, options.keep.storage)?;
    let kept = Kept::of(workspace, &collection, tower.spec().aggregate, options.keep)?;
    let Found { sources, failures, warnings } = found;
    let mut summary = embed(collection, kept, model, tower, &options.labelling, options.limits, sources, progress)?;
    summary.failures.splice(..0, failures.iter().cloned());
    summary.warnings.splice(..0, warnings.iter().cloned());
    Ok(summary)
}

/// Embeds the clips of a collection again from their files, after a change of the model. Their metadata stay.
///
/// The old vectors of the model are removed first; when the job is interrupted, the same call goes on where it was.
///
/// # Errors
/// As [`ingest`]. A clip whose file is gone is among [`Summary::failures`], and is left without vectors.
pub fn reembed(
    workspace: &Workspace,
    model: &ModelRef,
    collection: Collection,
    limits: Limits,
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    workspace.store().writable()?;
    let tower = ready(workspace, model)?;
    let mut sources = Vec::new();
    for item in collection.items() {
        let item = item?;
        if let (Modality::Audio, Some(path)) = (item.modality, item.metadata.get("path").and_then(Value::as_text)) {
            sources.push(Source { id: item.id, path: PathBuf::from(path) });
        }
    }
    if sources.is_empty() {
        let name = collection.name();
        return Err(Error::Refused(format!(
            "no clip of `{name}` knows its file: imported vectors are renewed by another import"
        )));
    }
    let kept = Kept::of(workspace, &collection, tower.spec().aggregate, Keep::default())?;
    for collection in std::iter::once(&collection).chain(&kept.windows) {
        for info in collection.spaces()? {
            if info.key.space.model == model.id && info.key.model_hash != model.hash {
                collection.drop_space(&info.key)?;
            }
        }
    }
    let summary = embed(collection, kept, model, tower, &Labelling::None, limits, &sources, progress)?;
    // Labels are those that the clips have.
    Ok(Summary { unlabelled: 0, ..summary })
}

/// The audio tower with its graph loaded, so that a broken one is found before the first file.
fn ready<'a>(workspace: &Workspace, model: &'a ModelRef) -> Result<&'a AudioTower, Error> {
    let tower = workspace.audio_tower(model)?;
    tower.backend().map_err(crate::workspace::Error::from)?;
    Ok(tower)
}

#[allow(clippy::too_many_arguments)]
fn embed(
    collection: Collection,
    kept: Kept,
    model: &ModelRef,
    tower: &AudioTower,
    labelling: &Labelling,
    limits: Limits,
    sources: &[Source],
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    let mut summary = Summary { collection: collection.name().to_owned(), ..Default::default() };
    let job = Job {
        collection,
        kept,
        tower,
        limits,
        labelling,
        pre_joint: SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::PreJoint), &model.hash),
        joint: SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::Joint), &model.hash),
    };
    // One version of a model a collection: found before the first file is embedded, not after it.
    job.collection.takes(&job.joint)?;
    progress.begin("embedding audio", Some(sources.len() as u64));
    let mut order = sources.iter();
    let work = |at: usize, others_wait: &dyn Fn() -> bool| {
        let stopped = || progress.cancelled();
        let source = sources.get(at).filter(|_| !stopped())?;
        let taken = job.take(source, others_wait, &stopped)?;
        progress.advance(1);
        Some(taken)
    };
    let weight = |taken: &Option<Taken>| match taken {
        Some(Taken::New { windows, .. }) => 1 + windows.len() / WINDOWS_AS_ONE,
        _ => 1,
    };
    let done = in_order(sources.len(), work, weight, |results| {
        // What is embedded already is worth keeping even when the user cancels.
        let cancelled = results.iter().any(Option::is_none);
        let (mut batch, mut windows, mut gone) = (Vec::new(), Vec::new(), Vec::new());
        // The results lead: when they end, no source may have been drawn.
        for (taken, source) in results.into_iter().zip(order.by_ref()) {
            match taken {
                Some(Taken::Known { relabelled, windows: of_it }) => {
                    summary.known += 1;
                    batch.extend(relabelled.map(|item| *item));
                    windows.extend(of_it);
                }
                Some(Taken::Failed(reason)) => summary.failures.push(Failure { file: source.path.display().to_string(), reason }),
                Some(Taken::New { item, windows: of_it, gone: of_old, duration_s, warnings }) => {
                    windows.extend(of_it);
                    gone.extend(of_old);
                    summary.embedded += 1;
                    summary.audio_s += duration_s;
                    let said = |field: &str| item.metadata.get(field).is_some_and(|value| !value.is_null());
                    summary.unlabelled += usize::from(!["label", "labels", "captions"].into_iter().any(said));
                    summary.warnings.extend(warnings.into_iter().map(|w| (source.id.clone(), w)));
                    batch.push(*item);
                }
                None => {}
            }
        }
        if let Some(collection) = &job.kept.windows {
            windows::store(collection, windows, &gone)?;
        }
        for rejected in job.collection.commit_sound(batch)? {
            let path = sources.iter().find(|source| source.id == rejected.id).map(|source| source.path.display().to_string());
            summary.embedded = summary.embedded.saturating_sub(1);
            summary.failures.push(Failure { file: path.unwrap_or(rejected.id), reason: rejected.why.to_string() });
        }
        if cancelled { Err(Error::Cancelled) } else { Ok(()) }
    });
    progress.end();
    done.map(|()| summary)
}

struct Job<'a> {
    collection: Collection,
    kept: Kept,
    tower: &'a AudioTower,
    limits: Limits,
    labelling: &'a Labelling,
    pre_joint: SpaceKey,
    joint: SpaceKey,
}

enum Taken {
    Known {
        /// With its new fields, if the labelling now says something else of it; its windows too.
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

impl Job<'_> {
    /// None when the user stopped it midway.
    fn take(&self, source: &Source, others_wait: &dyn Fn() -> bool, stopped: &(dyn Fn() -> bool + Sync)) -> Option<Taken> {
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
        let known = |space| self.collection.has(&source.id, Some(&file.hash), space).map_err(|e| e.to_string());
        let stored = self.collection.item_by_id(Modality::Audio, &source.id).map_err(|e| e.to_string())?;
        let windows_before = stored.as_ref().and_then(windows::count);
        let keeping = manner.windows;
        if known(&self.joint)? && known(&self.pre_joint)? && self.has_windows(source, windows_before)? {
            return self.relabel(source, stored.as_ref());
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
        let mut metadata = self.metadata(source, &clip);
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
            ..NewItem::new(source.id.clone(), Modality::Audio)
        };
        let windows =
            if keeping { windows::items(&item, &heard, [&self.pre_joint, &self.joint], self.kept.storage) } else { Vec::new() };
        let gone = (heard.spans.len()..windows_before.unwrap_or(0)).map(|number| windows::id(&source.id, number)).collect();
        Ok(Taken::New { item: Box::new(item), windows, gone, duration_s: clip.duration_s(), warnings: clip.warnings })
    }

    /// Whether a clip's windows are there, or none are kept. A clip is stored after all of its windows; one will do.
    fn has_windows(&self, source: &Source, count: Option<usize>) -> Result<bool, String> {
        let Some(windows) = &self.kept.windows else { return Ok(true) };
        for number in 0..count.unwrap_or(0) {
            let id = windows::id(&source.id, number);
            if windows.item_by_id(Modality::Audio, &id).map_err(|e| e.to_string())?.is_some() {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Vectors that are there stay; what the labelling says of the clip may have changed.
    fn relabel(&self, source: &Source, stored: Option<&Item>) -> Result<Taken, String> {
        let mut fields = self.labelling.metadata(&source.id, &source.path);
        if fields.contains_key("label") || fields.contains_key("labels") {
            // One kind of truth takes the other's place.
            for other in ["label", "labels", "absent"] {
                let kept = stored.is_some_and(|item| item.metadata.get(other).is_some_and(|value| !value.is_null()));
                if kept && !fields.contains_key(other) {
                    fields.insert(other.into(), Value::Null);
                }
            }
        }
        let changed = stored.is_some_and(|item| fields.iter().any(|(name, value)| item.metadata.get(name) != Some(value)));
        let windows = stored.filter(|_| changed).and_then(windows::count).unwrap_or(0);
        let windows = windows::relabelled(&source.id, windows, &fields);
        let item = changed.then(|| Box::new(NewItem { metadata: fields, ..NewItem::new(source.id.clone(), Modality::Audio) }));
        Ok(Taken::Known { relabelled: item, windows })
    }

    fn metadata(&self, source: &Source, clip: &Streamed) -> BTreeMap<String, Value> {
        let mut fields = self.labelling.metadata(&source.id, &source.path);
        let own = &clip.source;
        // Absolute, so that the file is found again from anywhere.
        let path = std::path::absolute(&source.path).unwrap_or_else(|_| source.path.clone());
        fields.insert("path".into(), path.display().to_string().into());
        fields.insert("duration_s".into(), round(clip.duration_s()).into());
        fields.insert("sample_rate_hz".into(), i64::from(own.sample_rate_hz).into());
        fields.insert("channels".into(), own.channels.into());
        fields
    }
}

/// To a tenth of a millisecond.
fn round(seconds: f64) -> f64 {
    (seconds * 1e4).round() / 1e4
}
