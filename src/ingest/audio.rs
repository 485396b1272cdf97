//! Files → vectors of both stages → a collection.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::batch::Batch;
use super::clip::{Job, Taken};
use super::files::{self, Found, Source};
use super::pipeline::in_order;
use super::places::Places;
use super::windows::{Keep, Kept};
use super::{Error, Labelling};
use crate::audio::Limits;
use crate::embedding::{Modality, Space, Stage};
use crate::encoder::AudioTower;
use crate::progress::Progress;
use crate::store::{Collection, SpaceKey};
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
    /// Files whose vectors were there already, and files that were named a second time.
    pub known: usize,
    /// Seconds of audio that were embedded.
    pub audio_s: f64,
    /// Embedded clips for which no label was found.
    pub unlabelled: usize,
    pub failures: Vec<Failure>,
    /// Oddities of files that were taken all the same: (file, sentence).
    pub warnings: Vec<(String, String)>,
    /// What is to be said of several files.
    pub notes: Vec<String>,
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
    let places = Places::of(sources);
    let ids = places.first_ids(&collection)?;
    let notes = places.notes(collection.name(), &ids);
    let once = places.sources();
    let mut summary = embed(collection, kept, model, tower, &options.labelling, options.limits, (&*once, ids), progress)?;
    summary.known += places.again();
    summary.notes = notes;
    summary.failures.splice(..0, failures.iter().cloned());
    summary.warnings.splice(..0, warnings.iter().cloned());
    summary.warnings.extend(options.labelling.strange(sources));
    Ok(summary)
}

/// Embeds the clips of a collection again from their files, after a change of the model. Their metadata stay.
///
/// The old vectors of the model are removed first; when the job is interrupted, the same call goes on where it was.
///
/// # Errors
/// As [`ingest`], and when most of the files are gone. A clip whose file is gone is among [`Summary::failures`], and is left
/// without vectors.
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
            sources.push(Source { id: item.id, path: files::from_text(path) });
        }
    }
    if sources.is_empty() {
        let name = collection.name();
        return Err(Error::Refused(format!(
            "no clip of `{name}` knows its file: imported vectors are renewed by another import"
        )));
    }
    // A folder that was moved would lose all of its vectors.
    let gone: Vec<&Source> = sources.iter().filter(|source| !source.path.is_file()).collect();
    if let Some(first) = gone.first().filter(|_| 2 * gone.len() > sources.len()) {
        let (n, all, first) = (gone.len(), sources.len(), first.path.display());
        return Err(Error::Refused(format!(
            "{n} of {all} files of `{}` are not where they were, such as `{first}`: expected them there, or a link to where they are",
            collection.name()
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
    let each_by_its_id = (sources.as_slice(), BTreeMap::new());
    let summary = embed(collection, kept, model, tower, &Labelling::None, limits, each_by_its_id, progress)?;
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
    (sources, ids): (&[Source], BTreeMap<String, String>),
    progress: &dyn Progress,
) -> Result<Summary, Error> {
    let mut summary = Summary { collection: collection.name().to_owned(), ..Default::default() };
    let job = Job {
        collection,
        kept,
        tower,
        limits,
        labelling,
        ids,
        pre_joint: SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::PreJoint), &model.hash),
        joint: SpaceKey::new(Space::new(&model.id, Modality::Audio, Stage::Joint), &model.hash),
    };
    // One version of a model a collection: found before the first file is embedded, not after it.
    job.collection.takes(&job.joint)?;
    progress.begin("embedding audio", Some(sources.len() as u64));
    let done = run(&job, sources, progress, &mut summary);
    progress.end();
    done.map(|()| summary)
}

/// Embeds the files on all threads, and stores and counts them in their order.
fn run(job: &Job<'_>, sources: &[Source], progress: &dyn Progress, summary: &mut Summary) -> Result<(), Error> {
    let work = |at: usize, others_wait: &dyn Fn() -> bool| {
        let stopped = || progress.cancelled();
        let source = sources.get(at).filter(|_| !stopped())?;
        let taken = job.take(source, others_wait, &stopped)?;
        progress.advance(1);
        Some(taken)
    };
    let weight = |taken: &Option<Taken>| 1 + taken.as_ref().map_or(0, Taken::windows) / WINDOWS_AS_ONE;
    let mut order = sources.iter();
    in_order(sources.len(), work, weight, |results| {
        // What is embedded already is worth keeping even when the user cancels.
        let cancelled = results.iter().any(Option::is_none);
        let mut batch = Batch::default();
        // The results lead: when they end, no source may have been drawn.
        for (taken, source) in results.into_iter().zip(order.by_ref()) {
            if let Some(taken) = taken {
                batch.add(source, taken, summary);
            }
        }
        batch.store(job, summary)?;
        if cancelled { Err(Error::Cancelled) } else { Ok(()) }
    })
}
